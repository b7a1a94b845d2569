"""Stage 2: from a function of MLIR to blocks of dataflow graphs."""

from tritstream.rtl._lower.function import HANDLERS, lower
from tritstream.rtl._lower.layout import places

__all__ = ["HANDLERS", "lower", "places"]
