"""The operations of the dataflow graph, a class each.

An operation denotes an integer, not a bit vector: it is exact, and known to be in [low, high]. Only
the two wraps lose bits. ``args`` are its operands in order; what else it needs is a field. Equal
operations of a graph are one object, found by class, operands and `fields`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from inspect import get_annotations
from typing import TYPE_CHECKING, ClassVar

from tritstream.rtl._ir.storage import Channel, Memory, Table, Variable, bits_of
from tritstream.rtl._mlir import Origin

if TYPE_CHECKING:
    from tritstream.rtl._ir.program import Unit


@dataclass(eq=False, repr=False)
class Node:
    """An integer in [low, high]."""

    args: tuple[Node, ...]
    low: int
    high: int
    id: int = field(default=-1, kw_only=True)
    """Its place in the graph, which gives it."""
    hint: str = field(default="", kw_only=True)
    """What the kernel calls the value."""
    origin: Origin | None = field(default=None, kw_only=True)

    mnemonic: ClassVar[str] = "?"
    _own: ClassVar[tuple[str, ...]] = ()
    """Names of the fields that an operation has and others have not."""

    def __init_subclass__(cls) -> None:
        cls._own = tuple(get_annotations(cls))

    @property
    def width(self) -> int:
        """Bits that hold every value of the interval."""
        return bits_of(self.low, self.high)

    @property
    def fields(self) -> tuple[Hashable, ...]:
        """What tells two operations of one class and with the same operands apart: its own."""
        return tuple(getattr(self, name) for name in self._own)

    def __repr__(self) -> str:
        words = [self.mnemonic, *(f"%{a.id}" for a in self.args)]
        words += [text for f in self.fields if (text := _text(f))]
        return f"%{self.id} = {' '.join(words)} : [{self.low}, {self.high}]"


def _text(value: Hashable) -> str:
    return str(getattr(value, "name", value))


# Sources of values.


@dataclass(eq=False, repr=False)
class Const(Node):
    """A number."""

    mnemonic = "const"

    @property
    def value(self) -> int:
        """The number."""
        return self.low

    @property
    def fields(self) -> tuple[Hashable, ...]:
        return (self.low,)


@dataclass(eq=False, repr=False)
class ReadVariable(Node):
    """What a register holds at the start of the block, or of the iteration."""

    variable: Variable
    mnemonic = "variable"


@dataclass(eq=False, repr=False)
class LoadedWord(Node):
    """A word of a memory's bank; the operand is its address. ``version`` counts the writes before
    it; a ``shared`` one stands for several reads, and its version is the first one's order."""

    memory: Memory
    bank: int
    version: int
    shared: bool = False
    mnemonic = "load"


@dataclass(eq=False, repr=False)
class TableWord(Node):
    """An entry of a constant table; the operand is its index."""

    table: Table
    mnemonic = "table"


@dataclass(eq=False, repr=False)
class StreamWord(Node):
    """A word taken from a stream; ``order`` tells one from the next."""

    channel: Channel
    order: int
    mnemonic = "get"


@dataclass(eq=False, repr=False)
class UnitResult(Node):
    """The result number ``output`` of a call of a unit, of which the operands are the inputs."""

    unit: Unit
    output: int
    mnemonic = "call"

    @property
    def call(self) -> tuple[Unit, tuple[Node, ...]]:
        """Which call it is a result of."""
        return self.unit, self.args


# Arithmetic.


class Add(Node):
    """The sum of two operands."""

    mnemonic = "add"


class Sub(Node):
    """The difference of two operands."""

    mnemonic = "sub"


class Mul(Node):
    """The product of two operands."""

    mnemonic = "mul"


class And(Node):
    """Bitwise, in two's complement."""

    mnemonic = "and"


class Or(Node):
    """Bitwise, in two's complement."""

    mnemonic = "or"


class Xor(Node):
    """Bitwise, in two's complement."""

    mnemonic = "xor"


class Not(Node):
    """NOT of a condition, 0 or 1."""

    mnemonic = "not"


@dataclass(eq=False, repr=False)
class ShiftLeft(Node):
    """The first operand, shifted by the second; zero from an amount of ``limit`` on."""

    limit: int
    mnemonic = "shl"


class ShiftRight(Node):
    """The first operand by two to the power of the second, rounded down."""

    mnemonic = "shr"


@dataclass(eq=False, repr=False)
class ShiftLeftBy(Node):
    """The operand times 2**amount."""

    amount: int
    mnemonic = "shlc"


@dataclass(eq=False, repr=False)
class ShiftRightBy(Node):
    """The operand by 2**amount, rounded down."""

    amount: int
    mnemonic = "shrc"


class Less(Node):
    """1 where the first operand is less than the second, else 0."""

    mnemonic = "lt"


class Equal(Node):
    """1 where the operands are equal, else 0."""

    mnemonic = "eq"


class Mux(Node):
    """The second operand where the first is 1, else the third."""

    mnemonic = "mux"


@dataclass(eq=False, repr=False)
class Insert(Node):
    """The first operand, a word of ``word_bits`` bits, with ``count`` bits from ``lowest`` on
    replaced by those of the second."""

    lowest: int
    count: int
    word_bits: int
    mnemonic = "insert"


@dataclass(eq=False, repr=False)
class WrapSigned(Node):
    """The low ``bits`` bits of the operand, as a signed number."""

    bits: int
    mnemonic = "wraps"


@dataclass(eq=False, repr=False)
class WrapUnsigned(Node):
    """The low ``bits`` bits of the operand, as an unsigned number."""

    bits: int
    mnemonic = "wrapu"


BitwiseKind = type[And] | type[Or] | type[Xor]
Wrap = WrapSigned | WrapUnsigned
