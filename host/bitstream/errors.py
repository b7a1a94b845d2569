"""What is raised where a bitstream cannot be read, or what it is checked with is missing."""

from tritstream.errors import TritstreamError


class BitstreamError(TritstreamError):
    """A .bit that is none, or device data or a tool that is not there."""
