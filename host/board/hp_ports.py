"""The width of Zynq-7000's HP ports, as the boot loader has set it.

An overlay's masters are 64 bits wide there. A port that was left at 32 bits gives them every other
word, without an error; pynq does not set it. Register: UG585 appendix B, axi_hp, AFI_RDCHAN_CTRL.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

RDCHAN_CTRL = {f"HP{n}": 0xF800_8000 + 0x1000 * n for n in range(4)}
_WRCHAN_OFFSET = 0x14
_NARROW = 1


def widths(memory: Path = Path("/dev/mem")) -> dict[str, int] | None:
    """Bits of each port, reading and writing alike; None where the registers cannot be read.

    A port counts as narrow where either of its channels is. Only for a Zynq-7000.
    """
    found = {}
    try:
        descriptor = os.open(memory, os.O_RDONLY | os.O_SYNC)
        try:
            for name, address in RDCHAN_CTRL.items():
                with mmap.mmap(
                    descriptor, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=address
                ) as page:
                    read, write = (
                        struct.unpack_from("<I", page, at)[0] for at in (0, _WRCHAN_OFFSET)
                    )
                found[name] = 32 if (read | write) & _NARROW else 64
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return None
    return found
