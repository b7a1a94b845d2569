"""What the compiler says when it cannot compile something."""

from tritstream.errors import TritstreamError


class UnsupportedError(TritstreamError):
    """A kernel contains what the RTL backend does not compile, or not at the asked rate."""
