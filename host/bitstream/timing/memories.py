"""The timing of a half of a block RAM: from its clock to its outputs, and what its inputs keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.memories import PORTS
from tritstream.bitstream.timing.constants import (
    BRAM_HOLD_ADDRESS,
    BRAM_HOLD_CONTROL,
    BRAM_HOLD_DATA,
    BRAM_HOLD_DATA_READ_FIRST,
)
from tritstream.bitstream.timing.sdf import Cell, Delay

Cells = Mapping[tuple[str, str], Cell]
_SITE = "RAMBFIFO36E1"
_MODES = {"WRITE_FIRST": "WF", "READ_FIRST": "RF", "NO_CHANGE": "NC"}


@dataclass(frozen=True)
class MemoryEnd:
    """An input pin that must keep still around the edge of a clock pin."""

    pin: str
    clock: str
    setup: float
    hold: float


def output_delay(cells: Cells, own: set[str], pin: str, name: str) -> tuple[str, Delay]:
    """The clock pin behind an output pin such as DOADO3, and the delay from it, with the output
    register where it is on. Raises BitstreamError for what the database does not have."""
    match = re.match(r"DO(P?)([AB])", pin)
    if match is None:
        raise BitstreamError(f"{name} is read at {pin}, which is not supported here")
    side = match[2]
    clock = "CLKARDCLK" if side == "A" else "CLKBWRCLK"
    register = int(f"DO{side}_REG" in own)
    kind = f"{_SITE}RAM_MODE_U_RAMB18TDP_U_DO{side}_REG_U_{register}_EN_ECC_READ_FALSE"
    cell = cells.get((_SITE, kind), Cell())
    stem = f"DOP{side}DOPU" if match[1] else f"DO{side}DOU"
    delay = cell.arcs.get((f"{clock}U", stem))
    if delay is None:
        raise BitstreamError(f"the database has no delay of a block RAM's {stem}")
    return clock, delay


def ends_of(
    cells: Cells, own: set[str], level: Callable[[str], int | None], name: str
) -> Iterator[MemoryEnd]:
    """The input pins of a half's ports that are in use. ``level`` gives that of a constant pin.

    Raises BitstreamError for what the database does not have.
    """
    for side, clock, enable, reset, write, address, data, parity in PORTS:
        found = level(enable)
        if found is not None and found ^ (f"ZINV_{enable}" not in own) == 0:
            continue  # never enabled
        mode = next((m for f, m in _MODES.items() if f"WRITE_MODE_{side}_{f}" in own), "WF")
        writing = (
            f"{_SITE}RAM_MODE_RAMB18TDP_U_WRITE_MODE_U_{mode}_EN_ECC_READ_FALSE_EN_ECC_WRITE_FALSE"
        )
        held = (BRAM_HOLD_DATA_READ_FIRST if mode == "RF" else BRAM_HOLD_DATA).value
        control, hold = f"{_SITE}_ISFIFO_FALSE", BRAM_HOLD_CONTROL.value
        rows = (
            ((enable,), control, f"{enable}U", hold),
            ((reset,), control, f"RSTRAM{side}U", hold),
            (_pins(write, 4), _SITE, f"WE{side}U", hold),
            (_pins(address, 14), _SITE, f"ADDR{side}U", BRAM_HOLD_ADDRESS.value),
            (_pins(data, 16), writing, f"DI{side}DIU", held),
            (_pins(parity, 2), writing, f"DIP{side}DIPU", held),
        )
        for pins, kind, check, least in rows:
            setup = cells.get((_SITE, kind), Cell()).checks.get(("SETUP", check))
            if setup is None:
                raise BitstreamError(f"the database has no set-up of a block RAM's {check}: {name}")
            for pin in pins:
                yield MemoryEnd(pin, clock, setup[1], least)


def _pins(stem: str, count: int) -> tuple[str, ...]:
    return tuple(f"{stem}{k}" for k in range(count))
