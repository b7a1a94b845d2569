"""The processor's clock registers on a simulated board, as its boot loader leaves them.

Zynq-7000: UG585 appendix B, slcr. Zynq UltraScale+: UG1087, CRL_APB and CRF_APB.
"""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.boards import Board

_SLCR, _CRL, _CRF = 0xF800_0000, 0xFF5E_0000, 0xFD1A_0000
_BOOT_HZ = 100e6
"""The fabric's clock before any overlay is loaded."""
ARCHITECTURES = {"zynq7": "armv7l", "zynqmp": "aarch64"}
"""What `uname -m` says on a board of a family."""


def clock_registers(board: Board) -> dict[int, int]:
    """Addresses and contents: PLLs that the oscillator of the board is multiplied by, dividers."""
    ratio = board.io_pll_hz / board.ps_clock_hz
    divide = round(board.io_pll_hz / _BOOT_HZ)
    if board.ps_type == "zynq7":
        plls = {_SLCR + offset: round(ratio) << 12 for offset in (0x100, 0x104, 0x108)}
        dividers = {_SLCR + 0x170 + 16 * n: divide << 8 | 1 << 20 for n in range(4)}
    else:
        pll = round(2 * ratio) << 8 | 1 << 16  # and divided by two
        plls = {_CRL + 0x20: pll, _CRL + 0x30: pll, _CRF + 0x20: pll, _CRF + 0x2C: pll}
        dividers = {_CRL + 0xC0 + 4 * n: divide << 8 | 1 << 16 | 1 << 24 for n in range(4)}
    return plls | dividers


def fabric_hz(board: Board, registers: Mapping[int, int]) -> float:
    """What the fabric's clock really is, in Hz, from the board's own oscillator."""
    if board.ps_type == "zynq7":
        pll = board.ps_clock_hz * (registers[_SLCR + 0x108] >> 12 & 127)
        control = registers[_SLCR + 0x170]
        return pll / ((control >> 8 & 63) * (control >> 20 & 63))
    pll = board.ps_clock_hz * (registers[_CRL + 0x20] >> 8 & 127) / 2
    control = registers[_CRL + 0xC0]
    return pll / ((control >> 8 & 63) * (control >> 16 & 63))
