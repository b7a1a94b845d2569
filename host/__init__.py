"""MatMul-free language models with ternary weights, on PYNQ boards and on PCs."""

from tritstream.version import __version__

__all__ = ["__version__"]
