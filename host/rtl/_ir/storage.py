"""What holds values between operations: registers, memories, tables, streams and buses."""

from __future__ import annotations

from dataclasses import dataclass


def bits_of(low: int, high: int) -> int:
    """Bits that hold every integer of the interval; two's complement where it goes below zero."""
    if low < 0:
        return max(high.bit_length(), (~low).bit_length()) + 1
    return max(high.bit_length(), 1)


def address_bits(depth: int) -> int:
    """Bits of an address of one of ``depth`` words, one at least."""
    return max((depth - 1).bit_length(), 1)


@dataclass(eq=False)
class Variable:
    """A register of the module: a scalar, an element of a partitioned array or a loop counter."""

    name: str
    low: int
    high: int

    @property
    def width(self) -> int:
        """Bits."""
        return bits_of(self.low, self.high)


def integer_variable(name: str, width: int) -> Variable:
    """A register for a signed integer of that width; one bit is 0 or 1."""
    if width == 1:
        return Variable(name, 0, 1)
    return Variable(name, -(1 << (width - 1)), (1 << (width - 1)) - 1)


@dataclass(eq=False)
class Memory:
    """An array in banks of ``depth`` words. ``port``: it belongs to the caller, with ports a bank.

    ``independent``: no iteration of a loop reads what an earlier one wrote, by declaration.
    """

    name: str
    width: int
    banks: int
    depth: int
    port: bool = False
    independent: bool = False


@dataclass(eq=False)
class Table:
    """A constant table of signed numbers."""

    name: str
    width: int
    values: tuple[int, ...]


@dataclass(eq=False)
class Channel:
    """A ready/valid stream of ``width``-bit words: a FIFO argument, or one side of a master."""

    name: str
    width: int


@dataclass(eq=False)
class Master:
    """An array argument behind a bus: requests of (address, count) and a channel each way."""

    name: str
    width: int
    size: int
    read: Channel
    write: Channel
    reads: bool = False
    writes: bool = False
