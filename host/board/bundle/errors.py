"""What can stop the making of a bundle."""

from tritstream.errors import TritstreamError


class BundleError(TritstreamError):
    """A compiler, a package or the network is missing, or the folder cannot be written."""
