"""The memory of a simulated board: DDR as bytes, and the contiguous-memory allocator above it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PAGE = 4096
FRESH, FREED = 0x5A, 0xA5
"""What memory holds that nobody has written, and that was given back: neither is zero by chance."""

Bytes = npt.NDArray[np.uint8]


class AxiError(Exception):
    """An access of the engine that no buffer answers."""


class RefusedError(AxiError):
    """A start that the engine's shell ends, having read so many descriptors."""

    def __init__(self, message: str, descriptors: int) -> None:
        super().__init__(message)
        self.descriptors = descriptors


class OutsideError(AxiError):
    """An access of the engine outside of the memory that the host has named: it is not made."""


class Memory:
    """``size`` bytes of DDR from physical address ``base``, all of it contiguous memory (CMA)."""

    def __init__(self, base: int, size: int, data: Bytes | None = None) -> None:
        """``data`` (size,) uint8 is what it consists of; by default memory of its own."""
        self.base, self.size = base, size
        self.live: dict[int, int] = {}
        """Sizes of the buffers that are allocated, by address."""
        self.window: tuple[int, int] | None = None
        """First and last page that the engine may touch; None where nothing limits it."""
        self._data = np.zeros(size, np.uint8) if data is None else data
        self._free = [(base, size)]

    @property
    def free(self) -> int:
        """Bytes that are not allocated."""
        return self.size - sum(self.live.values())

    def allocate(self, count: int) -> int:
        """The address of ``count`` bytes, whole pages, first fit. Raises MemoryError."""
        count = -(-max(count, 1) // PAGE) * PAGE
        for index, (start, length) in enumerate(self._free):
            if length >= count:
                rest = [(start + count, length - count)] if length > count else []
                self._free[index : index + 1] = rest
                self.live[start] = count
                self._span(start, count)[:] = FRESH
                return start
        raise MemoryError(f"no {count} bytes in one piece are free")

    def release(self, start: int) -> None:
        """Give a buffer back; its contents are overwritten, so that a use after it shows."""
        count = self.live.pop(start)
        self._span(start, count)[:] = FREED
        merged: list[tuple[int, int]] = []
        for begin, length in sorted([*self._free, (start, count)]):
            if merged and sum(merged[-1]) == begin:
                merged[-1] = (merged[-1][0], merged[-1][1] + length)
            else:
                merged.append((begin, length))
        self._free = merged

    def view(self, address: int, count: int) -> Bytes:
        """Bytes inside one live buffer and the window. Raises AxiError for any others."""
        pages = address // PAGE, (address + max(count, 1) - 1) // PAGE
        if self.window is not None and not self.window[0] <= pages[0] <= pages[1] <= self.window[1]:
            raise OutsideError(f"access to {count} bytes at {address:#x}, outside of the window")
        for start, length in self.live.items():
            if start <= address and address + count <= start + length:
                return self._span(address, count)
        raise AxiError(f"access to {count} bytes at {address:#x}, which no buffer holds")

    def behind(self, address: int) -> Bytes:
        """Everything from an address on: what a pointer can reach. Check with `view` first."""
        return self._span(address, self.base + self.size - address)

    def _span(self, start: int, count: int) -> Bytes:
        return self._data[start - self.base : start - self.base + count]
