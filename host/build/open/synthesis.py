"""Synthesis with Yosys, kept to what the open tools are known to build right."""

from __future__ import annotations

import json
from pathlib import Path

from tritstream.build.errors import BuildError, ReportError
from tritstream.shell.zynq7 import DESIGN

NETLIST, STATISTICS = "design.json", "synth.json"
WIRE_PS = 900
"""A net's delay, in picoseconds, for mapping logic to tables. Yosys's own 300 are for other
routers: with them paths come out that have more tables than these routes allow."""
SAFE = frozenset(
    {
        *(f"LUT{n}" for n in range(1, 7)),
        *("INV", "MUXF7", "MUXF8", "CARRY4", "FDRE", "FDSE", "FDCE", "FDPE"),
        *("BUFG", "PS7", "RAMB36E1", "GND", "VCC"),
    }
)
"""Cells that a design may have: no DSP48, shift register, LUT RAM, latch or clock manager."""


def script() -> str:
    """The commands of Yosys; they read design.sv and leave a netlist and its statistics.

    Block RAM is instantiated by the design in the one mode that is trusted, so none is inferred.
    """
    return f"""\
read_verilog -sv -D SYNTHESIS design.sv
# A look-up table's output with its route; and no multiplexers that tie tables together, which \
are hard to
# place.
scratchpad -set synth_xilinx.abc9.W {WIRE_PS}
synth_xilinx -family xc7 -top {DESIGN} -flatten -nodsp -nosrl -nolutram -nobram -nowidelut -noiopad
# nextpnr-xilinx does not know the cells that Yosys notes the hierarchy in.
delete t:$scopeinfo
tee -o {STATISTICS} stat -json
write_json {NETLIST}
"""


def command(yosys: tuple[str, ...]) -> list[str]:
    return [*yosys, "synth.ys"]


def read_cells(folder: Path) -> dict[str, int]:
    """Cells of the netlist by type. Raises ReportError."""
    path = folder / STATISTICS
    try:
        cells = json.loads(path.read_bytes())["design"]["num_cells_by_type"]
        return {str(name): int(count) for name, count in cells.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"cannot read Yosys's statistics {path} ({error!r}): run the step again"
        ) from error


def check(folder: Path, log: Path) -> None:
    """Raises BuildError for cells outside of the safe set, or where no netlist was left."""
    unsafe = sorted(set(read_cells(folder)) - SAFE)
    if unsafe:
        raise BuildError(
            f"step synth: the netlist has cells that the open tools are not trusted with: "
            f"{', '.join(unsafe)}; log: {log}"
        )
    if not (folder / NETLIST).is_file():
        raise BuildError(f"step synth: {folder / NETLIST} was not written; log: {log}")
