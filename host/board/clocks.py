"""The fabric's clock: what the processor's dividers give, and setting it through pynq.

The processing system multiplies its oscillator by a PLL and divides the result twice, by 1 to 63
each (UG585 chapter 25, UG1085 chapter 37). A hardware hand-off names divisors, which are right only
for the PLL that its author assumed, and pynq assumes an oscillator that not every board has. So the
clock is looked at, and set, after loading.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from tritstream.board.errors import OverlayError
from tritstream.boards import Board

DIVISORS = range(1, 64)
TOLERANCE = 1e-3
"""Relative; an oscillator is ten times better, a divisor of 63 ten times coarser."""
_PYNQ_OSCILLATOR_HZ = {"zynq7": 50e6, "zynqmp": 33.333e6}
"""What pynq takes every board of a family to have: DEFAULT_SRC_CLK_MHZ in pynq/ps.py."""
_STEPS = 20
"""How many lower clocks are asked for, each a percent below, where the nearest is too high."""


@dataclass(frozen=True)
class FabricClock:
    """Rates in Hz by the dividers' registers: ``found_hz`` after loading, ``hz`` since then."""

    found_hz: float
    hz: float


def divisors(pll_hz: float, clock_hz: float) -> tuple[int, int]:
    """The two divisors that bring a PLL nearest to a clock; the second as small as can be."""
    pairs = [(a, b) for a in DIVISORS for b in DIVISORS]
    return min(pairs, key=lambda p: (abs(pll_hz / (p[0] * p[1]) - clock_hz), p[1], p[0]))


def reached_hz(board: Board, clock_hz: float) -> float:
    """The clock in Hz that a board's dividers give for the one asked for."""
    first, second = divisors(board.io_pll_hz, clock_hz)
    return board.io_pll_hz / (first * second)


def set_fabric_clock(clocks: Any, board: Board, wanted_hz: float) -> FabricClock:
    """Make the fabric's clock what an overlay's manifest says; never higher.

    ``clocks`` is ``pynq.Clocks`` after an overlay was loaded. Raises OverlayError where the clock
    cannot be read, or stays higher than ``wanted_hz``.
    """
    scale = board.ps_clock_hz / _PYNQ_OSCILLATOR_HZ[board.ps_type]
    try:
        found = now = 1e6 * scale * clocks.fclk0_mhz
        ask = wanted_hz
        for _ in range(_STEPS):
            if abs(now / wanted_hz - 1) <= TOLERANCE or (ask < wanted_hz and now < wanted_hz):
                break
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that only a near clock can be had: see below
                clocks.fclk0_mhz = ask / 1e6 / scale
            now = 1e6 * scale * clocks.fclk0_mhz
            if now <= wanted_hz * (1 + TOLERANCE):
                break
            ask -= wanted_hz / 100
    except Exception as error:
        raise OverlayError(
            f"pynq cannot read or set the fabric's clock on {board.title} ({error}): the overlay "
            f"needs {wanted_hz / 1e6:.3f} MHz or less, so nothing is started"
        ) from error
    if now > wanted_hz * (1 + TOLERANCE):
        raise OverlayError(
            f"the fabric's clock is {now / 1e6:.3f} MHz and could not be set to the "
            f"{wanted_hz / 1e6:.3f} MHz that the overlay is made for, so nothing is started: "
            f"restart the board, or build the overlay for a higher clock"
        )
    return FabricClock(found, now)
