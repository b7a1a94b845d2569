"""The dataflow graph of straight-line code: it makes operations, and simplifies as it does.

Every node is an exact integer with a known interval, so that widths need no bookkeeping: an
extension is nothing, an addition cannot overflow, and only `wraps`/`wrapu` (two's complement wrap
to signed or unsigned) lose bits. They vanish where the interval shows that nothing is lost, which
is what narrows Allo's 33- to 98-bit index arithmetic to the few bits that it needs. Equal nodes are
one node.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, TypeVar

from tritstream.rtl._ir.operations import (
    Add,
    And,
    BitwiseKind,
    Const,
    Equal,
    Insert,
    Less,
    LoadedWord,
    Mul,
    Mux,
    Node,
    Not,
    Or,
    ReadVariable,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    StreamWord,
    Sub,
    TableWord,
    UnitResult,
    Wrap,
    WrapSigned,
    WrapUnsigned,
    Xor,
)
from tritstream.rtl._ir.storage import Channel, Memory, Table, Variable, bits_of
from tritstream.rtl._mlir import Origin

if TYPE_CHECKING:
    from tritstream.rtl._ir.program import Unit

N = TypeVar("N", bound=Node)


def _signed(width: int) -> tuple[int, int]:
    """The interval of a signed number; one bit is 0 or 1."""
    return (0, 1) if width == 1 else (-(1 << (width - 1)), (1 << (width - 1)) - 1)


def _signed_width(node: Node) -> int:
    return bits_of(min(node.low, -1), node.high)


def trailing_zeros(node: Node, depth: int = 6) -> int:
    """A number of low bits that are surely zero."""
    if isinstance(node, Const):
        return 200 if node.value == 0 else (node.value & -node.value).bit_length() - 1
    if depth == 0:
        return 0
    if isinstance(node, ShiftLeftBy):
        return node.amount + trailing_zeros(node.args[0], depth - 1)
    if isinstance(node, Add | Sub | Or):
        return min(trailing_zeros(a, depth - 1) for a in node.args)
    if isinstance(node, Mul):
        return sum(trailing_zeros(a, depth - 1) for a in node.args)
    return 0


DSP_BITS = 25, 18
"""Operands, with sign, that one DSP multiplies; wider products are sums of such."""


class Graph:
    """Makes nodes: folds constants, simplifies, and finds an equal node if there is one."""

    def __init__(self, logic_products: bool = False) -> None:
        self.logic_products = logic_products
        """Products are not of DSPs: whole, and by a constant sums of shifted numbers."""
        self.nodes: list[Node] = []
        self._known: dict[Hashable, Node] = {}
        self.origin: Origin | None = None
        """What new nodes are blamed on in messages."""

    def unique(self, node: Node) -> Node:
        """The node, or the equal one that the graph has; a constant where it can be nothing else.

        A word of a stream is taken whether or not its value is known.
        """
        if node.low == node.high and not isinstance(node, StreamWord):
            return self.const(node.low)
        return self._known_or(node)

    def _known_or(self, node: N) -> N:
        key = (type(node), tuple(a.id for a in node.args), node.fields)
        known = self._known.get(key)
        if known is None:
            node.id = len(self.nodes)
            self.nodes.append(node)
            self._known[key] = node
            return node
        assert isinstance(known, type(node))
        return known

    def const(self, value: int) -> Const:
        """A number."""
        return self._known_or(Const((), value, value))

    def variable(self, variable: Variable) -> Node:
        """What a register holds."""
        return self.made(ReadVariable((), variable.low, variable.high, variable))

    def made(self, node: Node) -> Node:
        """As `unique`, of a node that is blamed on the present operation."""
        node.origin = self.origin
        return self.unique(node)

    def load(
        self, memory: Memory, bank: int, address: Node, version: int, shared: bool = False
    ) -> Node:
        """A word of a memory."""
        return self.made(
            LoadedWord((address,), *_signed(memory.width), memory, bank, version, shared)
        )

    def entry(self, table: Table, index: Node) -> Node:
        """A number of a constant table."""
        return self.made(TableWord((index,), min(table.values), max(table.values), table))

    def word(self, channel: Channel, order: int) -> Node:
        """A word of a stream."""
        return self.made(StreamWord((), *_signed(channel.width), channel, order))

    def result(self, unit: Unit, inputs: tuple[Node, ...], output: int) -> Node:
        """A result of a call of a unit."""
        variable = unit.outputs[output]
        return self.made(UnitResult(inputs, variable.low, variable.high, unit, output))

    def add(self, a: Node, b: Node) -> Node:
        """a + b."""
        if isinstance(a, Const) and isinstance(b, Const):
            return self.const(a.value + b.value)
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(b, Const):
            if b.value == 0:
                return a
            if isinstance(a, Add) and isinstance(c := a.args[1], Const):
                return self.add(a.args[0], self.const(c.value + b.value))
        elif a.id > b.id:
            a, b = b, a
        return self.made(Add((a, b), a.low + b.low, a.high + b.high))

    def sub(self, a: Node, b: Node) -> Node:
        """a - b."""
        if isinstance(b, Const):
            return self.add(a, self.const(-b.value))
        if a is b:
            return self.const(0)
        return self.made(Sub((a, b), a.low - b.high, a.high - b.low))

    def mul(self, a: Node, b: Node) -> Node:
        """a * b; wider than a DSP multiplies, as a sum of products that are not."""
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(b, Const):
            if isinstance(a, Const):
                return self.const(a.value * b.value)
            if b.value == 0:
                return b
            if b.value == 1:
                return a
            if b.value > 0 and b.value & (b.value - 1) == 0:
                return self.shlc(a, b.value.bit_length() - 1)
        elif a.id > b.id:
            a, b = b, a
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = 0 if a is b else min(ends), max(ends)
        if a.width < b.width:
            a, b = b, a
        if self.logic_products:
            if isinstance(b, Const):
                return self.scaled(a, b.value, low, high)
            if isinstance(a, Const):
                return self.scaled(b, a.value, low, high)
            return self.made(Mul((a, b), low, high))
        for wide, other, part in ((b, a, DSP_BITS[1] - 1), (a, b, DSP_BITS[0] - 1)):
            if not isinstance(wide, Const) and _signed_width(wide) > part + 1:
                top = self.mul(other, self.shrc(wide, part))
                bottom = self.mul(other, self.wrapu(wide, part))
                total = self.add(self.shlc(top, part), bottom)
                return self._within(total, low, high)
        return self.made(Mul((a, b), low, high))

    def scaled(self, a: Node, factor: int, low: int, high: int) -> Node:
        """a * factor as a sum of shifted a, by the digits -1, 0, 1 of the factor."""
        total: Node | None = None
        rest, at = abs(factor), 0
        few = rest.bit_count() <= 3
        while rest:
            if rest & 1:
                # Of two digits side by side the lower is -1, so that runs of ones become two
                # digits; few ones stay, as a plain sum keeps its interval.
                digit = 1 if few else 2 - (rest & 3)
                rest -= digit
                term = self.shlc(a, at)
                if total is None:
                    total = term if digit > 0 else self.sub(self.const(0), term)
                else:
                    total = self.add(total, term) if digit > 0 else self.sub(total, term)
            rest, at = rest >> 1, at + 1
        assert total is not None
        if factor < 0:
            total = self.sub(self.const(0), total)
        return self._within(total, low, high)

    def _within(self, total: Node, low: int, high: int) -> Node:
        """A sum whose interval is wider than that of its values: say what that is, in bits."""
        if low < 0:
            # A bit by itself is 0 or 1, so that -1 and 0 take two.
            return self.wraps(total, max(bits_of(low, high), 2))
        return self.wrapu(total, bits_of(low, high))

    def bitwise(self, kind: BitwiseKind, a: Node, b: Node) -> Node:
        """Bit by bit, in two's complement."""
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(a, Const) and isinstance(b, Const):
            x, y = a.value, b.value
            return self.const(x & y if kind is And else x | y if kind is Or else x ^ y)
        if isinstance(b, Const):
            c = b.value
            if kind is And:
                if c == 0:
                    return b
                if c == -1:
                    return a
                if c > 0 and c & (c + 1) == 0:
                    return self.wrapu(a, c.bit_length())
            elif c == 0:
                return a
            if kind is Or and c == -1:
                return b
            if kind is Or and (a.low, a.high) == (0, 1) and c == 1:
                return b
            if kind is Xor and c == 1 and (a.low, a.high) == (0, 1):
                return self.invert(a)
        elif a is b:
            return self.const(0) if kind is Xor else a
        elif a.id > b.id:
            a, b = b, a
        if kind is And and (a.low >= 0 or b.low >= 0):
            return self.made(kind((a, b), 0, min(x.high for x in (a, b) if x.low >= 0)))
        width = max(bits_of(min(x.low, -1), x.high) for x in (a, b))
        if a.low >= 0 and b.low >= 0:
            return self.made(kind((a, b), 0, (1 << (width - 1)) - 1))
        return self.made(kind((a, b), -(1 << (width - 1)), (1 << (width - 1)) - 1))

    def both(self, a: Node, b: Node) -> Node:
        """a AND b of conditions (0 or 1)."""
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Const):
                return y if x.value else x
        return self.bitwise(And, a, b)

    def either(self, a: Node, b: Node) -> Node:
        """a OR b of conditions (0 or 1)."""
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Const):
                return x if x.value else y
        return self.bitwise(Or, a, b)

    def invert(self, a: Node) -> Node:
        """NOT of a condition (0 or 1)."""
        if isinstance(a, Const):
            return self.const(1 - a.value)
        if isinstance(a, Not):
            return a.args[0]
        return self.made(Not((a,), 0, 1))

    def shlc(self, a: Node, k: int) -> Node:
        """a << k."""
        if k == 0:
            return a
        if isinstance(a, Const):
            return self.const(a.value << k)
        if isinstance(a, ShiftLeftBy):
            return self.shlc(a.args[0], a.amount + k)
        return self.made(ShiftLeftBy((a,), a.low << k, a.high << k, k))

    def shrc(self, a: Node, k: int) -> Node:
        """a >> k, rounded down."""
        if k == 0:
            return a
        if isinstance(a, Const):
            return self.const(a.value >> k)
        if isinstance(a, ShiftRightBy):
            return self.shrc(a.args[0], a.amount + k)
        if isinstance(a, ShiftLeftBy):
            j = a.amount
            return self.shlc(a.args[0], j - k) if j >= k else self.shrc(a.args[0], k - j)
        if isinstance(a, Add):
            for x, c in (a.args, a.args[::-1]):
                if trailing_zeros(x) >= k and c.low >= 0 and c.high < 1 << k:
                    return self.shrc(x, k)
        return self.made(ShiftRightBy((a,), a.low >> k, a.high >> k, k))

    def shl(self, a: Node, amount: Node, width: int) -> Node:
        """a << amount; everything is gone when the amount, a number >= 0, reaches ``width``."""
        if isinstance(amount, Const):
            return self.const(0) if amount.value >= width else self.shlc(a, amount.value)
        most = min(amount.high, width - 1)
        low = min(a.low << most, a.low << amount.low if amount.low < width else 0, 0)
        high = max(a.high << most, a.high << amount.low if amount.low < width else 0, 0)
        return self.made(ShiftLeft((a, amount), low, high, width))

    def shr(self, a: Node, amount: Node) -> Node:
        """a >> amount, floored; the amount is >= 0."""
        if isinstance(amount, Const):
            return self.shrc(a, amount.value)
        ends = [
            a.low >> amount.low,
            a.low >> amount.high,
            a.high >> amount.low,
            a.high >> amount.high,
        ]
        return self.made(ShiftRight((a, amount), min(ends), max(ends)))

    def wraps(self, a: Node, width: int) -> Node:
        """The low bits as a signed number; one bit is 0 or 1."""
        if width == 1:
            return self.wrapu(a, 1)
        half = 1 << (width - 1)
        if a.low >= -half and a.high < half:
            return a
        if isinstance(a, Const):
            return self.const(((a.value + half) & (2 * half - 1)) - half)
        if isinstance(a, Wrap) and a.bits >= width:
            return self.wraps(a.args[0], width)
        return self.made(WrapSigned((a,), -half, half - 1, width))

    def wrapu(self, a: Node, width: int) -> Node:
        """The low bits as an unsigned number."""
        top = (1 << width) - 1
        if a.low >= 0 and a.high <= top:
            return a
        if isinstance(a, Const):
            return self.const(a.value & top)
        if isinstance(a, Wrap) and a.bits >= width:
            return self.wrapu(a.args[0], width)
        if isinstance(a, Add):
            for x, c in (a.args, a.args[::-1]):
                if trailing_zeros(x) >= width:
                    return self.wrapu(c, width)
        if trailing_zeros(a) >= width:
            return self.const(0)
        return self.made(WrapUnsigned((a,), 0, top, width))

    def less(self, a: Node, b: Node) -> Node:
        """a < b."""
        if a.high < b.low:
            return self.const(1)
        if a.low >= b.high:
            return self.const(0)
        if a is b:
            return self.const(0)
        return self.made(Less((a, b), 0, 1))

    def equal(self, a: Node, b: Node) -> Node:
        """a == b."""
        if a is b:
            return self.const(1)
        if a.high < b.low or b.high < a.low:
            return self.const(0)
        if isinstance(a, Const):
            a, b = b, a
        if isinstance(a, Const):
            return self.const(int(a.low == b.low))
        if isinstance(b, Const) and (a.low, a.high) == (0, 1):
            return a if b.value == 1 else self.invert(a)
        if self.logic_products and isinstance(b, Const):
            # Which bank of several an index means: a bit or two of it, not a sum's comparison.
            if isinstance(a, Add) and isinstance(c := a.args[1], Const):
                return self.equal(a.args[0], self.const(b.low - c.value))
            if isinstance(a, ShiftLeftBy):
                if b.value & ((1 << a.amount) - 1):
                    return self.const(0)
                return self.equal(a.args[0], self.const(b.value >> a.amount))
        if not isinstance(b, Const) and a.id > b.id:
            a, b = b, a
        return self.made(Equal((a, b), 0, 1))

    def mux(self, c: Node, a: Node, b: Node) -> Node:
        """a if c else b."""
        if isinstance(c, Const):
            return a if c.value else b
        if a is b:
            return a
        if isinstance(c, Not):
            return self.mux(c.args[0], b, a)
        if isinstance(a, Const) and isinstance(b, Const) and (a.value, b.value) == (1, 0):
            return c
        if isinstance(a, Const) and isinstance(b, Const) and (a.value, b.value) == (0, 1):
            return self.invert(c)
        return self.made(Mux((c, a, b), min(a.low, b.low), max(a.high, b.high)))

    def insert(self, word: Node, value: Node, low: int, count: int, width: int) -> Node:
        """``word`` of ``width`` bits, bits [low, low + count) replaced by those of ``value``."""
        if isinstance(word, Const) and isinstance(value, Const):
            mask = (1 << count) - 1
            new = (word.value & ~(mask << low)) | ((value.value & mask) << low)
            return self.wraps(self.const(new), width)
        half = 1 << (width - 1)
        low_end, high_end = (0, 1) if width == 1 else (-half, half - 1)
        return self.made(Insert((word, value), low_end, high_end, low, count, width))

    def divide(self, a: Node, b: Node) -> tuple[Node, Node]:
        """Quotient and remainder of a >= 0 by b > 0: a row of subtractions, one per bit of a."""
        quotient: Node = self.const(0)
        remainder = quotient
        # The remainder stays below b, which no interval can show: the wrap says so.
        width = bits_of(0, b.high)
        for k in reversed(range(bits_of(0, a.high))):
            bit = self.wrapu(self.shrc(a, k), 1)
            trial = self.add(self.shlc(remainder, 1), bit)
            fits = self.invert(self.less(trial, b))
            rest = self.wrapu(self.sub(trial, b), width)
            remainder = self.mux(fits, rest, self.wrapu(trial, width))
            quotient = self.add(quotient, self.shlc(fits, k))
        return quotient, remainder


def live_nodes(roots: Iterable[Node]) -> list[Node]:
    """Every node that the roots need, arguments first."""
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in roots]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        if node.id in seen:
            continue
        seen.add(node.id)
        stack.append((node, True))
        stack.extend((a, False) for a in node.args)
    return order


def linear(node: Node, modulo: int = 0) -> tuple[dict[Node, int], int]:
    """The node as a sum of coefficient * atom and a constant.

    With ``modulo`` the sum equals the node only modulo 2**modulo, and wraps to that many bits or
    more are looked through. That is enough for addresses, which are inside their array.
    """
    if isinstance(node, Const):
        return {}, node.value
    if modulo and isinstance(node, Wrap) and node.bits >= modulo:
        return linear(node.args[0], modulo)
    if isinstance(node, Add | Sub):
        a, x = linear(node.args[0], modulo)
        b, y = linear(node.args[1], modulo)
        sign = 1 if isinstance(node, Add) else -1
        terms = dict(a)
        for atom, c in b.items():
            terms[atom] = terms.get(atom, 0) + sign * c
        return {k: v for k, v in terms.items() if v}, x + sign * y
    if isinstance(node, ShiftLeftBy):
        a, x = linear(node.args[0], modulo)
        return {k: v << node.amount for k, v in a.items()}, x << node.amount
    if isinstance(node, Mul) and isinstance(node.args[1], Const):
        a, x = linear(node.args[0], modulo)
        factor = node.args[1].low
        return {k: v * factor for k, v in a.items()}, x * factor
    return {node: 1}, 0
