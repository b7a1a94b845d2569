"""How close fixed point is to float: the hybrid mode, side-by-side walks and the report."""

from tritstream.accuracy.hybrid import EXCHANGEABLE, hybrid_operations
from tritstream.accuracy.walk import Walk, contributions, walk

__all__ = ["EXCHANGEABLE", "Walk", "contributions", "hybrid_operations", "walk"]
