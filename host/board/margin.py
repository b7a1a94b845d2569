"""What a clock must leave over an analysed path: its jitter, and a margin."""

from __future__ import annotations

import math
from collections.abc import Iterable

INPUT_JITTER = 0.03
"""Of the processor's clock, as a share of the period: what the constraints have that the vendor's
processor IP writes (set_input_jitter, 0.3 ns at 100 MHz)."""
SYSTEM_JITTER_NS = 0.071
"""UG906: 50 ps at both ends of a path."""
MARGIN = 0.10
"""What a period leaves over the worst path with its allowances, as a share of that path: no board
has confirmed the model yet."""


def uncertainty(period: float) -> float:
    """What jitter takes off a period, in ns (UG906): half of the root of its squares' sum."""
    return math.hypot(SYSTEM_JITTER_NS, INPUT_JITTER * period) / 2


def least_period(need: float, period: float) -> float:
    """The shortest period in ns that a path allows, by its need before jitter, for a clock whose
    jitter is that of ``period``."""
    return (1 + MARGIN) * (need + uncertainty(period))


def allowed(need: float, clock_hz: float) -> bool:
    """Whether a clock leaves the margin over the worst path, whose need before jitter is in ns."""
    period = 1e9 / clock_hz
    return period >= least_period(need, period)


def highest(need: float, clocks_hz: Iterable[float]) -> float | None:
    """The highest of some clocks in Hz that a need in ns allows; None where none is."""
    return max((hz for hz in clocks_hz if allowed(need, hz)), default=None)
