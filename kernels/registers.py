"""The registers that the project's own shell has beside those of Vitis HLS, and what they say.

An engine that Vitis HLS packaged has none of them: `IDENTITY` then reads something else, as the
slave of HLS repeats its lowest registers or gives zero. Bits of the control register from 16 on are
reserved in the map of HLS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IDENTITY, IDENTITY_VALUE = 0x100, 0x7473_0002
"""Where the shell says that it is one, and its version."""
DESCRIPTORS_READ = 0x104
"""How many descriptors the engine has read in the latest run: the last of them is the one that a
refusal is about."""
COUNTERS = 0x108
"""Cycles of the latest run, then for each weight port `PORT_COUNTERS`."""
PORT_COUNTERS = ("words", "starved", "checksum")
FIRST_PAGE, LAST_PAGE = 0x1F0, 0x1F4
"""The memory that a run may touch, both ends included, in pages."""
PAGE_BYTES, PAGE_BITS = 4096, 28
"""Addresses have 40 bits: those of a Zynq UltraScale+."""
WHOLE_WINDOW = 0, (1 << PAGE_BITS) - 1
ADDRESS_BITS = 9
"""Of the AXI4-Lite slave."""

READ_ERROR, WRITE_ERROR, DECODE_ERROR = 1 << 16, 1 << 17, 1 << 18
STOPPED, NOT_ARMED, OUTSIDE, REFUSED = 1 << 19, 1 << 20, 1 << 21, 1 << 22
"""Bits of the control register beside done: what ended the latest run early."""
FAULTS = READ_ERROR | WRITE_ERROR | DECODE_ERROR | STOPPED | NOT_ARMED | OUTSIDE | REFUSED
STOP = STOPPED
"""Written to the control register: end the run that is under way."""


@dataclass(frozen=True)
class Counters:
    """What a run did: clock cycles, and for each weight port the words that the core took, the
    cycles in which it was ready for a word and had none, and the checksum of the words."""

    cycles: int
    words: tuple[int, ...]
    starved: tuple[int, ...]
    checksums: tuple[int, ...]


@dataclass(frozen=True)
class Budget:
    """Where the clock cycles of a start went: those in which the core took a word of weights, those
    in which it was ready for one and had none, and all others (norms, drains, the ends)."""

    cycles: int
    weights: int
    waiting: int

    @property
    def other(self) -> int:
        return self.cycles - self.weights - self.waiting

    def __str__(self) -> str:
        weights, waiting, other = (
            f"{part / self.cycles:.1%}" for part in (self.weights, self.waiting, self.other)
        )
        return (
            f"{self.cycles:,} cycles: {weights} with a weight word, {waiting} waiting for memory, "
            f"{other} else (counted by the engine)"
        )


def budget_of(counters: Counters) -> Budget | None:
    """None where nothing counts cycles. The core takes a word of every port at once, so the port
    that it waited for longest is the one that counts."""
    if not counters.cycles:
        return None
    return Budget(counters.cycles, max(counters.words), max(counters.starved))


def counter_offsets(ports: int) -> list[int]:
    """Byte offsets of the counters of an engine with so many weight ports."""
    return [COUNTERS + 4 * k for k in range(1 + len(PORT_COUNTERS) * ports)]


def counters_of(values: Iterable[int]) -> Counters:
    """The registers at `counter_offsets`, named."""
    cycles, *rest = values
    words, starved, sums = (tuple(rest[k :: len(PORT_COUNTERS)]) for k in range(3))
    return Counters(cycles, words, starved, sums)


def weights_checksum(words: npt.NDArray[np.uint32]) -> int:
    """What the shell's checksum is after the words (n, parts) uint32 of a port, the low part first.

    For every word, in order, the sum is turned left by a bit and gets the exclusive or of the
    word's parts, from zero on.
    """
    # The last word is not turned; words 32 apart are turned alike. Zeros in front change nothing.
    folded = np.zeros(-(-len(words) // 32) * 32, np.uint32)
    for column in words.T:
        folded[len(folded) - len(words) :] ^= column
    alike = np.bitwise_xor.reduce(folded.reshape(-1, 32), axis=0)
    total = 0
    for part in alike.tolist():
        total = joined_checksum(total, part, 1)
    return total


def joined_checksum(first: int, second: int, words: int) -> int:
    """The checksum of words with checksum ``first`` and then ``words`` others with ``second``."""
    turn = words % 32
    return ((first << turn | first >> (32 - turn)) & 0xFFFF_FFFF) ^ second


def window(spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """First and last page of memory given as (address, bytes). Raises ValueError for none."""
    spans = [(base, base + size - 1) for base, size in spans if size]
    return min(a for a, _ in spans) // PAGE_BYTES, max(b for _, b in spans) // PAGE_BYTES


def window_writes(pages: tuple[int, int]) -> list[tuple[int, int]]:
    """(offset, word) of the registers that limit a run to these pages."""
    return list(zip((FIRST_PAGE, LAST_PAGE), pages, strict=True))


def fault_sentence(control: int, descriptors: int = 0) -> str:
    """What the control register says of a run that ended early, in words; empty if nothing.

    ``descriptors`` have been read by then (`DESCRIPTORS_READ`).
    """
    said = []
    kinds = ((READ_ERROR, "a read"), (WRITE_ERROR, "a write"))
    met = " and ".join(name for bit, name in kinds if control & bit)
    if met:
        code = "DECERR, there is no memory at that address" if control & DECODE_ERROR else "SLVERR"
        said.append(f"{met} was answered with {code}")
    if control & OUTSIDE:
        said.append("a burst would have left the memory that was allocated for the engine")
    if control & REFUSED:
        said.append(
            f"the {_ordinal(descriptors)} descriptor of the start cannot be"
            if descriptors
            else "its record numbers, a base address, or the sizes in front of the descriptors "
            "cannot be"
        )
    if control & NOT_ARMED:
        said.append("it was started before all its base addresses were written")
    if control & STOPPED:
        said.append("the host stopped it")
    return f"{'; '.join(said)}; CTRL={control:#x}" if said else ""


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if 10 < number % 100 < 14 else ending}"
