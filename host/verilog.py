"""SystemVerilog as data: modules of ports and items, which write themselves, and expressions.

Every writer of Verilog uses it. An item knows its lines and nothing of where it stands; a module
indents them. Expressions are text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

TRUE, FALSE, ZERO = "1'b1", "1'b0", "'0"

# Expressions.


def literal(value: int, width: int) -> str:
    """A number of that width, in two's complement."""
    return f"{width}'h{value & ((1 << width) - 1):x}"


def vector(width: int | None) -> str:
    """The range of a vector, with a space behind it; None is a scalar, which has none."""
    return "" if width is None else f"[{width - 1}:0] "


def narrow(width: int) -> int | None:
    """The width of a signal that is a scalar where it has one bit."""
    return width if width > 1 else None


def extend(name: str, width: int, is_signed: bool, wanted: int) -> str:
    """A signal of ``width`` bits with more or fewer of them."""
    if wanted == width:
        return name
    if wanted < width:
        return f"{name}[{wanted - 1}:0]"
    more = wanted - width
    sign = f"{{{more}{{{name}[{width - 1}]}}}}" if is_signed else f"{more}'d0"
    return f"{{{sign}, {name}}}"


def any_of(terms: Iterable[str]) -> str:
    """OR of conditions."""
    found = list(dict.fromkeys(terms))
    return " | ".join(found) if found else FALSE


def all_of(terms: Iterable[str]) -> str:
    """AND of conditions, without those that always hold."""
    found = [t for t in dict.fromkeys(terms) if t != TRUE]
    return " & ".join(found) if found else TRUE


def select(choices: Sequence[tuple[str, str]], default: str = ZERO) -> str:
    """The value of the first condition that holds. The last choice needs no condition: where none
    holds, the value is not used."""
    if not choices:
        return default
    text = choices[-1][1]
    for condition, value in reversed(choices[:-1]):
        text = f"{condition} ? {value} : {text}"
    return text


# Items.


class Item(Protocol):
    """Something in a module."""

    def lines(self) -> list[str]:
        """Its text, not indented."""


@dataclass(frozen=True)
class Lines:
    """Text as it is."""

    text: tuple[str, ...]

    def lines(self) -> list[str]:
        return list(self.text)


@dataclass(frozen=True)
class Net:
    """A signal, or an array of ``depth`` of them."""

    name: str
    width: int | None
    depth: int = 0
    attribute: str = ""

    def lines(self) -> list[str]:
        attribute = f"(* {self.attribute} *) " if self.attribute else ""
        array = f" [0:{self.depth - 1}]" if self.depth else ""
        return [f"{attribute}logic {vector(self.width)}{self.name}{array};"]


@dataclass(frozen=True)
class Assign:
    """A continuous assignment."""

    target: str
    value: str

    def lines(self) -> list[str]:
        return [f"assign {self.target} = {self.value};"]


@dataclass(frozen=True)
class Clocked:
    """Statements at every rising edge of ``clk``; one statement stands on the same line."""

    statements: tuple[str, ...]

    def lines(self) -> list[str]:
        head = "always_ff @(posedge clk)"
        if len(self.statements) == 1:
            return [f"{head} {self.statements[0]}"]
        return [head, *(f"  {x}" for x in self.statements)]


class Layout(Enum):
    """How an instance is written. What is placed and routed depends on lines and columns of the
    text (they name cells), so that each writer keeps its own."""

    BLOCK = "a row a line, brackets on lines of their own"
    HANGING = "as block, the first row further in"
    ROWS = "a row a line behind the name"
    WRAPPED = "the name on a second line, then a row a line"
    LINE = "one line"


@dataclass(frozen=True)
class Instance:
    """``rows`` are pins, as pin() writes them, that stand on one line each."""

    module: str
    name: str
    rows: tuple[str, ...]
    parameters: str = ""
    layout: Layout = Layout.BLOCK

    def lines(self) -> list[str]:
        head = f"{self.module} #({self.parameters})" if self.parameters else self.module
        rows = [f"{row}," for row in self.rows[:-1]] + [self.rows[-1]]
        if self.layout is Layout.LINE:
            return [f"{head} {self.name} ({', '.join(self.rows)});"]
        if self.layout is Layout.WRAPPED:
            return [head, f"  {self.name} ({rows[0]}", *_closed(rows[1:])]
        if self.layout is Layout.ROWS:
            return [f"{head} {self.name} (", *_closed(rows)]
        first = "    " if self.layout is Layout.HANGING else "  "
        return [
            f"{head} {self.name} (",
            f"{first}{rows[0]}",
            *(f"  {row}" for row in rows[1:]),
            ");",
        ]


def _closed(rows: Sequence[str]) -> list[str]:
    return [*(f"  {row}" for row in rows[:-1]), f"  {rows[-1]});"]


def pin(name: str, signal: str = "") -> str:
    """A pin of an instance; without a signal it is open."""
    return f".{name}({signal})"


def pins(names: Iterable[str]) -> list[str]:
    """Pins that are connected to signals of their own names."""
    return [pin(name, name) for name in names]


# Modules.


@dataclass(frozen=True)
class Port:
    """A port: ``direction`` as SystemVerilog writes it; ``width`` None for a scalar. ``waiver``: a
    warning of Verilator's that its name causes."""

    direction: str
    name: str
    width: int | None = None
    waiver: str = ""


@dataclass
class Module:
    """A module. ``comment`` stands before it; ``aligned`` directions have one width."""

    name: str
    ports: Sequence[Port]
    items: list[Item] = field(default_factory=list)
    comment: str = ""
    aligned: bool = False

    def lines(self) -> list[str]:
        """The text by lines."""
        return [*self.header(), *self.body(), "endmodule"]

    def header(self) -> list[str]:
        """Comment, name and ports."""
        found = [f"// {self.comment}"] if self.comment else []
        if not self.ports:
            return [*found, f"module {self.name};"]
        found.append(f"module {self.name} (")
        for k, port in enumerate(self.ports):
            direction = f"{port.direction:6}" if self.aligned else port.direction
            comma = "," if k + 1 < len(self.ports) else ""
            line = f"  {direction} logic {vector(port.width)}{port.name}{comma}"
            waiver = f"/* verilator lint_{{}} {port.waiver} */"
            found += [waiver.format("off"), line, waiver.format("on")] if port.waiver else [line]
        return [*found, ");"]

    def body(self) -> list[str]:
        """The items, indented."""
        return [f"  {x}" if x else "" for item in self.items for x in item.lines()]

    def text(self) -> str:
        """The whole, with a line's end behind it."""
        return "\n".join([*self.lines(), ""])
