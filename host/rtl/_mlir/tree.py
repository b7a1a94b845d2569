"""The operation tree: MLIR's functions, blocks and operations as plain classes.

No operation is interpreted here beyond its attributes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from tritstream.rtl._unsupported import UnsupportedError

INDEX_BITS = 32
"""Width of `index`: the emitted C++ holds it in an int."""

# Affine maps.


@dataclass(frozen=True)
class Argument:
    """An operand of the map, dimensions before symbols."""

    position: int


@dataclass(frozen=True)
class Constant:
    """A number in an affine expression."""

    value: int


AffineKind = Literal["+", "*", "mod", "floordiv", "ceildiv"]


@dataclass(frozen=True)
class Binary:
    """An operation on two affine expressions."""

    kind: AffineKind
    left: AffineExpression
    right: AffineExpression


AffineExpression = Argument | Constant | Binary


@dataclass(frozen=True)
class AffineMap:
    """From dimensions and symbols to one number a result."""

    results: tuple[AffineExpression, ...]

    def __call__(self, operands: Sequence[int]) -> list[int]:
        """The results for these operands, dimensions before symbols."""
        return [affine_value(result, operands) for result in self.results]


def affine_value(expression: AffineExpression, operands: Sequence[int]) -> int:
    """The value of one expression."""
    if isinstance(expression, Argument):
        return operands[expression.position]
    if isinstance(expression, Constant):
        return expression.value
    a, b = affine_value(expression.left, operands), affine_value(expression.right, operands)
    if expression.kind == "+":
        return a + b
    if expression.kind == "*":
        return a * b
    if expression.kind == "mod":
        return a % b
    return a // b if expression.kind == "floordiv" else -(-a // b)


# Types.


@dataclass(frozen=True)
class IntType:
    """An integer; ``index`` is one of INDEX_BITS."""

    width: int


@dataclass(frozen=True)
class MemRefType:
    """An array, rank 0 being a scalar variable.

    ``layout`` is Allo's partitioning: as many bank coordinates as there are dimensions, then the
    coordinates inside a bank.
    """

    shape: tuple[int, ...]
    width: int
    layout: AffineMap | None = None

    @property
    def size(self) -> int:
        """Elements."""
        return prod(self.shape)

    @property
    def partition(self) -> AffineMap | None:
        """The layout, where it is one of banks."""
        if self.layout is None or len(self.layout.results) != 2 * len(self.shape):
            return None
        return self.layout


@dataclass(frozen=True)
class StreamType:
    """A FIFO of ``width``-bit words."""

    width: int
    depth: int


Type = IntType | MemRefType | StreamType

# Operations.

Attribute = int | str | AffineMap | tuple[int, ...]
"""A unit attribute is 1."""


@dataclass(eq=False)
class Value:
    """One SSA value."""

    type: Type
    name: str = ""


@dataclass(frozen=True)
class Origin:
    """Where an operation stands: ``place`` is file and line of the kernel's source, where the MLIR
    has locations, ``line`` that of the MLIR, ``label`` what the kernel calls it."""

    operation: str
    label: str
    place: str
    line: int
    function: str

    def __str__(self) -> str:
        where = f"{self.place}, " if self.place else ""
        return (
            f"{self.operation}{self.label} ({where}line {self.line} of the MLIR, function "
            f"{self.function})"
        )


@dataclass(eq=False)
class Op:
    """One operation."""

    name: str
    operands: list[Value]
    results: list[Value]
    attributes: dict[str, Attribute]
    regions: list[Block]
    origin: Origin

    def __str__(self) -> str:
        return str(self.origin)

    def integer(self, key: str) -> int:
        """An attribute that the operation always has, an integer."""
        value = self.attributes[key]
        assert isinstance(value, int), (self, key)
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """An attribute that the operation always has, an array of integers."""
        value = self.attributes[key]
        assert isinstance(value, tuple), (self, key)
        return value

    def text(self, key: str) -> str:
        """An attribute as text; empty where it is missing."""
        value = self.attributes.get(key, "")
        return value if isinstance(value, str) else ""

    def map(self, key: str) -> AffineMap | None:
        """An affine map, where there is one."""
        value = self.attributes.get(key)
        return value if isinstance(value, AffineMap) else None

    @property
    def callee(self) -> str:
        """The name of the function that a call calls."""
        return self.text("callee")


@dataclass(eq=False)
class Block:
    """The arguments and operations of a region; an empty region is an empty block."""

    arguments: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)

    def walk(self) -> Iterator[Op]:
        """Every operation, outermost first."""
        for op in self.ops:
            yield op
            for region in op.regions:
                yield from region.walk()


@dataclass(eq=False)
class Function:
    """A function; the arguments' names come from Allo where it gives them."""

    name: str
    body: Block
    results: list[Type]
    line: int
    is_dataflow: bool = False

    @property
    def arguments(self) -> list[Value]:
        """The values of the arguments, in their order."""
        return self.body.arguments

    @property
    def where(self) -> str:
        """What messages call it."""
        return f"function {self.name} (line {self.line} of the MLIR)"


@dataclass(eq=False)
class Module:
    """Functions and constant tables (flat tuples of signed integers) by name."""

    functions: dict[str, Function]
    tables: dict[str, tuple[MemRefType, tuple[int, ...]]]
    source: str

    def function(self, name: str) -> Function:
        """The function of that name. Raises UnsupportedError naming those there are."""
        try:
            return self.functions[name]
        except KeyError:
            known = ", ".join(sorted(self.functions))
            raise UnsupportedError(
                f"{self.source} has no function '{name}': it has {known}"
            ) from None
