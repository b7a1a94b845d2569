"""Where a node becomes Verilog: the expression of every operation that is logic.

`items_of` is the table. Values of memories, tables, streams, units and products in logic come from
elsewhere: `block` connects them.
"""

from __future__ import annotations

from typing import Protocol

from tritstream.rtl._emit.scope import Scope
from tritstream.rtl._ir.operations import (
    Add,
    And,
    Equal,
    Insert,
    Less,
    Mul,
    Mux,
    Node,
    Not,
    Or,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    Sub,
    WrapSigned,
    WrapUnsigned,
    Xor,
)
from tritstream.rtl._ir.storage import bits_of
from tritstream.rtl._schedule.widths import operand_width
from tritstream.verilog import Assign, Item, Lines, extend, literal


class Bits(Protocol):
    """Text for bits [low, low + width) of what a node denotes, in the stage of the result."""

    def __call__(self, node: Node, low: int, width: int) -> str: ...


def items_of(node: Node, name: str, width: int, bits: Bits, scope: Scope) -> list[Item]:
    """What drives signal ``name``, the low ``width`` bits of the node."""
    match node:
        case Mul():
            # Operands keep their own widths, so that tools see the multiplier that is meant.
            a, b = (f"$signed({bits(x, 0, operand_width(x, width))})" for x in node.args)
            return [
                Lines(("/* verilator lint_off WIDTH */",)),
                Assign(name, f"{a} * {b}"),
                Lines(("/* verilator lint_on WIDTH */",)),
            ]
        case ShiftRight():
            common = max(width, node.args[0].width)
            scope.declare(f"{name}_full", common)
            return [
                Assign(f"{name}_full", _shifted_right(node, bits, common)),
                Assign(name, extend(f"{name}_full", common, False, width)),
            ]
    return [Assign(name, expression(node, width, bits))]


def expression(node: Node, width: int, bits: Bits) -> str:
    """The low ``width`` bits of the node."""
    args = node.args

    def arg(k: int, count: int = width) -> str:
        return bits(args[k], 0, count)

    match node:
        case Add():
            return f"{arg(0)} + {arg(1)}"
        case Sub():
            return f"{arg(0)} - {arg(1)}"
        case And():
            return f"{arg(0)} & {arg(1)}"
        case Or():
            return f"{arg(0)} | {arg(1)}"
        case Xor():
            return f"{arg(0)} ^ {arg(1)}"
        case Not():
            return f"~{arg(0, 1)}"
        case WrapSigned() | WrapUnsigned():
            return arg(0)
        case ShiftLeftBy() if node.amount >= width:
            return "'0"
        case ShiftLeftBy():
            return f"{{{arg(0, width - node.amount)}, {node.amount}'d0}}"
        case ShiftRightBy():
            return bits(args[0], node.amount, width)
        case ShiftLeft():
            return _shifted_left(node, width, bits)
        case Mux():
            return f"{arg(0, 1)} ? {arg(1)} : {arg(2)}"
        case Equal():
            common = _common(args)
            return f"{arg(0, common)} == {arg(1, common)}"
        case Less():
            common = _common(args)
            if all(a.low >= 0 for a in args):
                return f"{arg(0, common)} < {arg(1, common)}"
            return f"$signed({arg(0, common)}) < $signed({arg(1, common)})"
        case Insert():
            return _inserted(node, width, bits)
    raise AssertionError(node)


def _common(args: tuple[Node, ...]) -> int:
    """A width that holds all, with the same signedness."""
    return bits_of(min(a.low for a in args), max(a.high for a in args))


def _shifted_left(node: ShiftLeft, width: int, bits: Bits) -> str:
    word, amount = node.args
    count = amount.width
    shifted = f"{bits(word, 0, width)} << {bits(amount, 0, count)}"
    if amount.high >= node.limit:
        return f"({bits(amount, 0, count)} < {literal(node.limit, count)}) ? ({shifted}) : '0"
    return shifted


def _shifted_right(node: ShiftRight, bits: Bits, common: int) -> str:
    word, amount = bits(node.args[0], 0, common), bits(node.args[1], 0, node.args[1].width)
    return f"$signed({word}) >>> {amount}" if node.args[0].low < 0 else f"{word} >> {amount}"


def _inserted(node: Insert, width: int, bits: Bits) -> str:
    (word, value), low, count = node.args, node.lowest, node.count
    pieces = []
    if width > low + count:
        pieces.append(bits(word, low + count, width - low - count))
    if width > low:
        pieces.append(bits(value, 0, min(count, width - low)))
    if low:
        pieces.append(bits(word, 0, min(low, width)))
    return f"{{{', '.join(pieces)}}}"
