"""How fast an engine runs: figures, their comparison, and random images to take them from."""

from tritstream.bench.compare import Comparison, compare
from tritstream.bench.figures import Figures, Workload, measure, round_of
from tritstream.bench.synthetic import geometry_of, write_synthetic

__all__ = [
    "Comparison",
    "Figures",
    "Workload",
    "compare",
    "geometry_of",
    "measure",
    "round_of",
    "write_synthetic",
]
