"""LUTs, DSPs and block RAM that an engine takes, from its structure. An estimate before synthesis.

The assumptions stand in ASSUMPTIONS and are printed with the figures; nothing here has been
compared with a vendor tool's report yet.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.estimate.work import Buffer, buffers
from tritstream.kernels.arguments import BEAT_BITS
from tritstream.kernels.constants import ultra_ram
from tritstream.numerics.profiles import MANTISSA_BITS

ASSUMPTIONS = (
    "a ternary product and its share of the adder tree: 20 LUT, for every token of a start",
    "a base-3 byte decodes in 70 LUT, a 2-bit byte in 4",
    "an element lane of the norm: 600 LUT beside its multipliers",
    "core control, dividers, square root and epilogue: 6,000 LUT",
    "an AXI master with its SmartConnect: 2,500 LUT; AXI-Lite, reset and interrupt: 1,500 LUT",
    "codes are in LUT RAM, one LUT for 64 bits; every larger buffer is in block RAM, by banks, or "
    "(with several tokens a start) in UltraRAM where the part has it",
    "a multiplier tiles 26 x 17 bit DSPs (24 x 17 on Zynq-7000)",
    "a design routes up to 75% of the LUTs and 90% of everything else",
)
ROUTABLE = {"lut": 0.75, "dsp": 0.9, "bram36": 0.9, "uram": 0.9}

_PRODUCT_LUTS, _LANE_LUTS, _CORE_LUTS, _MASTER_LUTS, _CONTROL_LUTS = 20, 600, 6000, 2500, 1500
_DECODE_LUTS = {"base3": 70, "2bit": 4}
_SUM_BITS = 21
_LUT_RAM = ("codes", "results")
_BANKED = ("values", "scaled")


@dataclass(frozen=True)
class Resources:
    """Estimated use; ``misfits`` names what is over its routable share of the board."""

    lut: int
    dsp: int
    bram36: float
    misfits: tuple[str, ...]
    uram: int = 0

    @property
    def fits(self) -> bool:
        return not self.misfits


def resources(configuration: Configuration, board: Board) -> Resources:
    """What ``configuration`` takes on ``board``."""
    used = {
        "lut": _luts(configuration),
        "dsp": _dsps(configuration, board),
        "bram36": _bram18(configuration, board) / 2,
        "uram": _uram(configuration, board),
    }
    have = {"lut": board.luts, "dsp": board.dsps, "bram36": board.bram36, "uram": board.uram}
    misfits = tuple(name for name, share in ROUTABLE.items() if used[name] > share * have[name])
    return Resources(int(used["lut"]), int(used["dsp"]), used["bram36"], misfits, int(used["uram"]))


def _luts(c: Configuration) -> int:
    code_words = max(c.hidden, c.intermediate) // c.lanes
    return (
        c.tokens * c.lanes * c.rows_per_byte * _PRODUCT_LUTS
        + c.lanes * _DECODE_LUTS[c.packing]
        + c.tokens * c.lanes * 8 * -(-code_words // 64)
        + c.element_lanes * _LANE_LUTS
        + _CORE_LUTS
        + (c.ports + 1) * _MASTER_LUTS
        + _CONTROL_LUTS
    )


def _dsps(c: Configuration, board: Board) -> int:
    p = c.profile

    def multiplier(a: int, b: int) -> int:
        """DSPs of a signed a x b product; both ways round are tried."""
        wide = 24 if board.ps_type == "zynq7" else 26

        def tiles(x: int, y: int) -> int:
            return -(-(x - 1) // wide) * -(-(y - 1) // 17)

        return min(tiles(a, b), tiles(b, a))

    square = multiplier(p.square_bits, p.square_bits)
    lane = (
        multiplier(p.vector_bits, p.block_bits)
        + multiplier(p.vector_bits, p.gain_bits)
        + 2 * square
        + multiplier(p.code_bits + 1, p.code_bits + 1)
    )
    # One of each on the drain: the phases that need it take turns.
    sigmoid = p.sigmoid_frac + 1
    epilogue = (
        multiplier(_SUM_BITS, p.scale_bits + 1)  # dequantise
        + 2 * multiplier(sigmoid, p.gate_frac - p.sigmoid_cells_log2)  # quadratic cell of the table
        + multiplier(32, sigmoid)  # SiLU, or the room under the lower bound
        + (2 if c.tokens == 1 else 4) * multiplier(32, sigmoid)  # state update, there and in a scan
        + multiplier(32, 32)  # gated product
        + multiplier(_SUM_BITS, _SUM_BITS)  # the gate norm's sum of squares
    )
    scalars = 2 * multiplier(MANTISSA_BITS + 1, MANTISSA_BITS + 1)
    return c.element_lanes * lane + epilogue + scalars


def _uram(c: Configuration, board: Board) -> int:
    """Blocks of 4096 x 72, a bank for each lane."""
    there = [b for b in buffers(c) if b.name in ultra_ram(c, board)]
    return sum(_blocks(b, c.element_lanes, 72, 4096) for b in there)


def _bram18(c: Configuration, board: Board) -> int:
    elsewhere = (*_LUT_RAM, *ultra_ram(c, board))
    blocks = sum(_blocks(b, c.element_lanes) for b in buffers(c) if b.name not in elsewhere)
    # Read and write buffers of the AXI masters, 256 words each.
    return blocks + c.ports * -(-8 * c.port_bytes // 36) + 2 * -(-BEAT_BITS // 36)


def _blocks(buffer: Buffer, lanes: int, bits: int = 36, entries: int = 512) -> int:
    """18 Kbit blocks, 512 x 36 with one read and one write port; a bank for each lane."""
    banks = lanes if buffer.name in _BANKED else 1
    return banks * -(-(buffer.bits // banks) // bits) * -(-buffer.entries // entries)
