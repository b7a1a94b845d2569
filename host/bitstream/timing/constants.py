"""What the database does not say, with where each number comes from.

Everything else (pips, wires, pins, cells, multiplexers within a slice, clock buffers) is read from
the database; these are inferred, or allowances, and a report lists those that it used.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.board import margin

_REPORTS = (
    "timing reports of the vendor's tool for -1 parts of the family, as people have published them"
)


@dataclass(frozen=True)
class Constant:
    """``value`` in ns, but for a share of the period, which has no unit."""

    name: str
    value: float
    source: str
    inferred: bool = True


FF_HOLD = Constant(
    "hold of a flip-flop's D behind its multiplexer, fast corner",
    0.125,
    f"with the multiplexer and clock of the database it makes 0.121 ns from a LUT, as in {_REPORTS}"
    " (Hold_fdre_C_D); the database has 0.194 ns, of the slow corner",
)
FF_RESET = Constant(
    "set-up of a flip-flop's synchronous reset behind its multiplexer",
    0.552,
    f"makes 0.524 ns in a SLICEM, as in {_REPORTS} (Setup_fdre_C_R, 0.429 ns in a SLICEL); the "
    "database has recovery alone, 0.404 ns at most",
)
FF_CONTROL_HOLD = Constant(
    "hold of a flip-flop's enable and reset, fast corner",
    0.0,
    "the database has -0.009 ns for the enable and removal of -0.23 ns for the reset, slow corner",
)
BRAM_HOLD_ADDRESS = Constant(
    "hold of a block RAM's address, fast corner", 0.183, f"{_REPORTS} (Hold_ramb36e1_..._ADDR)"
)
BRAM_HOLD_DATA = Constant(
    "hold of a block RAM's data, fast corner", 0.296, f"{_REPORTS} (Hold_ramb36e1_..._DI)"
)
BRAM_HOLD_DATA_READ_FIRST = Constant(
    "hold of a block RAM's data where it reads first, fast corner",
    0.155,
    f"{_REPORTS} (the lesser Hold_ramb36e1_..._DI); the database has 0.405 ns against 0.667 ns in "
    "the other modes, slow corner",
)
BRAM_HOLD_CONTROL = Constant(
    "hold of a block RAM's enable, reset and write enable, fast corner",
    0.100,
    f"{_REPORTS} (Hold_ramb36e1_..._EN, _RST, _WE)",
)
INPUT_JITTER = Constant(
    "jitter of the processor's clock, as a share of the period",
    margin.INPUT_JITTER,
    "constraints that the vendor's processor IP writes (set_input_jitter, 0.3 ns at 100 MHz)",
    inferred=False,
)
SYSTEM_JITTER = Constant(
    "jitter of the system",
    margin.SYSTEM_JITTER_NS,
    "UG906, clock uncertainty: 50 ps at both ends of a path",
    inferred=False,
)
SKEW = Constant(
    "allowance for skew between two rows of the clock network",
    0.15,
    "the database gives the long wires of the clock network no delay; between clock regions of "
    f"this die {_REPORTS} have 0.05 to 0.3 ns of skew, of which the least and most of buffers, "
    "counted already, make up to 0.15",
)
ROW_SKEW = Constant(
    "allowance for skew within a row of the clock network",
    0.05,
    f"{_REPORTS} have 0.01 to 0.05 ns within a clock region",
)
HOLD_SKEW = Constant(
    "allowance for skew between two rows, fast corner",
    0.05,
    "that of the slow corner, in the ratio of a clock buffer's delays (0.043 to 0.132 ns)",
)
HOLD_ROW_SKEW = Constant(
    "allowance for skew within a row, fast corner",
    0.02,
    "that of the slow corner, in the same ratio",
)
CONSTANTS = (
    FF_HOLD,
    FF_RESET,
    FF_CONTROL_HOLD,
    BRAM_HOLD_ADDRESS,
    BRAM_HOLD_DATA,
    BRAM_HOLD_DATA_READ_FIRST,
    BRAM_HOLD_CONTROL,
    INPUT_JITTER,
    SYSTEM_JITTER,
    SKEW,
    ROW_SKEW,
    HOLD_SKEW,
    HOLD_ROW_SKEW,
)


ASYNCHRONOUS = frozenset(
    (
        "EMIOGPIO", "EMIOSDIO", "EMIOI2C", "EMIOUART", "EMIOSPI", "EMIOCAN", "EMIOTTC", "EMIOWDT",
        "EMIOUSB", "EMIOTRACECLK", "EMIOPJTAG", "EMIOSRAMINT", "EMIOENET", "EVENT", "FCLKCLKTRIGN",
        "FCLKRESETN", "FCLKCLK", "FPGAIDLEN", "IRQ", "DDRARB", "FTM", "DMA0RSTN", "DMA1RSTN",
        "DMA2RSTN", "DMA3RSTN", "SRSTB",
    )
)  # fmt: skip
"""Stems of the processor's pins that belong to none of the AXI ports' clocks. The database gives
most of them no relation to a clock, because the processor takes them through synchronisers or
drives them without one (UG585); where it gives one, it is used."""
