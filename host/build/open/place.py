"""Place and route with nextpnr-xilinx, and what its log says of size and speed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tritstream.build.errors import ReportError
from tritstream.build.open.synthesis import NETLIST

FASM = "design.fasm"
PLACED = "placed.json"
"""The netlist with the place of each cell, which names what the timing analysis finds."""
TARGET_MHZ = 100.0
"""What nextpnr-xilinx works towards; that it is missed does not stop it."""
_ROWS = {"SLICE_FFX": "ff", "RAMB36E1": "bram36", "DSP48E1": "dsp", "SLICE_LUTX": "lut sites"}
_LUT = re.compile(rb"^(\S+\.SLICE[LM]_X\d\.[A-D]LUT)\.INIT", re.MULTILINE)


@dataclass(frozen=True)
class Placement:
    """A placed and routed design. ``mhz`` is nextpnr-xilinx's estimate, an optimistic one."""

    mhz: float
    used: dict[str, float]
    available: dict[str, float]


def command(
    nextpnr: tuple[str, ...], chipdb: Path, seed: int, options: tuple[str, ...]
) -> list[str]:
    return [
        *nextpnr,
        *("--chipdb", str(chipdb), "--xdc", "design.xdc"),
        *("--json", NETLIST, "--fasm", FASM, "--write", PLACED),
        *("--freq", f"{TARGET_MHZ:g}", "--timing-allow-fail", "--seed", str(seed)),
        *options,
    ]


def check(folder: Path, log: Path) -> None:
    """Raises BuildError or ReportError where the step left no whole result."""
    read_placement(folder, log)


def read_placement(folder: Path, log: Path) -> Placement:
    """Read the log's tables, and count LUTs in the FASM. Raises ReportError.

    The log counts half LUTs (LUT5 and LUT6 share one); a LUT with contents is a line of FASM.
    """
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
        luts = len(set(_LUT.findall((folder / FASM).read_bytes())))
    except OSError as error:
        raise ReportError(
            f"cannot read {error.filename}: {error.strerror}; run the step again"
        ) from error
    reached = re.findall(r"Max frequency for clock\s+'[^']*':\s*([\d.]+) MHz", text)
    rows = dict.fromkeys(_ROWS.values(), (0.0, 0.0))
    table = re.findall(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)", text, re.MULTILINE)
    for name, used, available in table:
        if name in _ROWS:
            rows[_ROWS[name]] = float(used), float(available)
    if not reached or not rows["ff"][1] or not luts:
        raise ReportError(
            f"{log} has no {'utilisation' if reached else 'frequency'}: run the step again"
        )
    # Four LUTs of a slice have two sites each.
    rows["lut"] = float(luts), rows["lut sites"][1] / 2
    return Placement(
        mhz=float(reached[-1]),
        used={name: used for name, (used, _) in rows.items() if name != "lut sites"},
        available={name: have for name, (_, have) in rows.items() if name != "lut sites"},
    )
