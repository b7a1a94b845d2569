"""Contiguous memory (CMA): how much there is, and buffers that are given back together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.board.errors import MemoryShortError

MORE_CMA = (
    "to raise it, add for instance cma=512M to the kernel's command line (bootargs in "
    "/boot/uEnv.txt or the boot script of the image) and reboot; if another notebook holds a "
    "model, shut it down"
)


@dataclass(frozen=True)
class Cma:
    """Contiguous memory in bytes."""

    total: int
    free: int


def cma_of(device: Any, meminfo: Path = Path("/proc/meminfo")) -> Cma:
    """The CMA of a device: of a simulated one what it says, of a board what the kernel says."""
    simulated = getattr(device, "cma", None)
    if isinstance(simulated, Cma):
        return simulated
    found = {}
    for line in meminfo.read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("CmaTotal", "CmaFree"):
            found[name] = int(rest.split()[0]) << 10
    return Cma(found.get("CmaTotal", 0), found.get("CmaFree", 0))


def megabytes(count: int) -> str:
    value = count / 1e6
    return f"{value:.3g} MB" if value < 100 else f"{value:.0f} MB"


class Buffers:
    """Cacheable buffers of one device, freed together; explicit syncs are the owner's job."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._held: list[Any] = []

    def __enter__(self) -> Buffers:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    def new(
        self, shape: int | tuple[int, ...], dtype: npt.DTypeLike, cacheable: bool = True
    ) -> Any:
        """A pynq buffer. Raises MemoryShortError where the board has no memory left for it."""
        import pynq

        try:
            buffer = pynq.allocate(
                shape, dtype=dtype, target=self._device, cacheable=int(cacheable)
            )
        except (RuntimeError, MemoryError, OSError) as error:
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            cma = cma_of(self._device)
            raise MemoryShortError(
                f"the board gave no contiguous memory for {megabytes(size)} ({error}); CMA has "
                f"{megabytes(cma.free)} free of {megabytes(cma.total)} (measured), perhaps in "
                f"pieces: {MORE_CMA}"
            ) from error
        self._held.append(buffer)
        return buffer

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Physical address and bytes of every buffer."""
        return [(int(b.device_address), int(b.nbytes)) for b in self._held]

    def free(self) -> None:
        """Give everything back. Views of the buffers must not be touched afterwards."""
        while self._held:
            self._held.pop().freebuffer()
