"""What a model would cost on a board, before anything is built. Every figure here is derived."""

from tritstream.estimate.candidates import Candidate, best_candidate, candidates
from tritstream.estimate.limits import EFFICIENCY, Limits, Memory, limits, memory
from tritstream.estimate.rates import Rates, rates
from tritstream.estimate.resources import ASSUMPTIONS, Resources, resources

__all__ = [
    "ASSUMPTIONS",
    "EFFICIENCY",
    "Candidate",
    "Limits",
    "Memory",
    "Rates",
    "Resources",
    "best_candidate",
    "candidates",
    "limits",
    "memory",
    "rates",
    "resources",
]
