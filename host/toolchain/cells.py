"""What the cells of a Xilinx netlist take of a device."""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.boards import Board

LUTRAM_LUTS = {"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X1D": 2,
               "RAM64X1D": 2, "RAM128X1D": 4, "RAM32X2S": 2, "RAM64X1S": 1, "RAM256X1S": 4,
               "SRL16E": 1, "SRLC32E": 1}  # fmt: skip
"""Look-up tables that memories and shift registers in LUTs take."""


@dataclass(frozen=True)
class Resources:
    """Counts of a synthesised design (estimated). ``bram36`` counts a half block as 0.5.

    ``inverters`` are cells of their own, not in ``luts``: Vivado draws them into other tables,
    nextpnr-xilinx gives each a table.
    """

    luts: int
    inverters: int
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


def count(cells: dict[str, int]) -> Resources:
    """Resources of cells by type."""

    def total(*prefixes: str) -> int:
        return sum(n for cell, n in cells.items() if cell.startswith(prefixes))

    luts = sum(n for cell, n in cells.items() if cell in {f"LUT{k}" for k in range(1, 7)})
    luts += sum(LUTRAM_LUTS.get(cell, 0) * n for cell, n in cells.items())
    return Resources(
        luts=luts,
        inverters=cells.get("INV", 0),
        flip_flops=total("FDRE", "FDSE", "FDCE", "FDPE"),
        bram36=total("RAMB36") + 0.5 * total("RAMB18"),
        uram=total("URAM288"),
        dsps=total("DSP48"),
        cells=dict(cells),
    )
