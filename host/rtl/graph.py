"""The dataflow graph of straight-line code: nodes that denote integers, not bit vectors.

Every node is an exact integer with a known interval, so that widths need no bookkeeping: an
extension is nothing, an addition cannot overflow, and only `wraps`/`wrapu` (two's complement wrap
to signed or unsigned) lose bits. They vanish where the interval shows that nothing is lost, which
is what narrows Allo's 33- to 98-bit index arithmetic to the few bits that it needs. Equal nodes are
one node.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


def bits_of(low: int, high: int) -> int:
    """Bits that hold every integer of the interval; two's complement where it goes below zero."""
    if low < 0:
        return max(high.bit_length(), (~low).bit_length()) + 1
    return max(high.bit_length(), 1)


@dataclass(eq=False)
class Variable:
    """A register of the module: a scalar, an element of a partitioned array or a loop counter."""

    name: str
    low: int
    high: int

    @property
    def width(self) -> int:
        return bits_of(self.low, self.high)


def integer_variable(name: str, width: int) -> Variable:
    """A register for a signed integer of that width; one bit is 0 or 1."""
    if width == 1:
        return Variable(name, 0, 1)
    return Variable(name, -(1 << (width - 1)), (1 << (width - 1)) - 1)


@dataclass(eq=False)
class Node:
    """``op`` of ``args``; ``data`` is what else the operation needs. The value is in [low, high].

    Operations: const variable load table get add sub mul and or xor shlc shrc shl shr wraps wrapu
    lt eq not mux insert.
    """

    id: int
    op: str
    args: tuple[Node, ...]
    data: Any
    low: int
    high: int
    hint: str = ""
    where: str = ""

    @property
    def width(self) -> int:
        return bits_of(self.low, self.high)

    @property
    def constant(self) -> int | None:
        return self.data if self.op == "const" else None

    def __repr__(self) -> str:
        return f"{self.op}#{self.id}"


def _signed_width(node: Node) -> int:
    return bits_of(min(node.low, -1), node.high)


def trailing_zeros(node: Node, depth: int = 6) -> int:
    """A number of low bits that are surely zero."""
    if node.op == "const":
        return 200 if node.data == 0 else (node.data & -node.data).bit_length() - 1
    if depth == 0:
        return 0
    if node.op == "shlc":
        return int(node.data) + trailing_zeros(node.args[0], depth - 1)
    if node.op in ("add", "sub", "or"):
        return min(trailing_zeros(a, depth - 1) for a in node.args)
    if node.op == "mul":
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
        self._known: dict[Any, Node] = {}
        self.where = ""
        """What new nodes are blamed on in a refusal."""

    def make(self, op: str, args: tuple[Node, ...], data: Any, low: int, high: int) -> Node:
        if low == high and op not in ("const", "get"):
            return self.const(low)
        key = (op, tuple(a.id for a in args), data)
        node = self._known.get(key)
        if node is None:
            node = Node(len(self.nodes), op, args, data, low, high, where=self.where)
            self.nodes.append(node)
            self._known[key] = node
        return node

    def const(self, value: int) -> Node:
        key = ("const", (), value)
        node = self._known.get(key)
        if node is None:
            node = Node(len(self.nodes), "const", (), value, value, value)
            self.nodes.append(node)
            self._known[key] = node
        return node

    def variable(self, variable: Variable) -> Node:
        return self.make("variable", (), variable, variable.low, variable.high)

    def source(self, op: str, args: tuple[Node, ...], data: Any, width: int) -> Node:
        """A value of unknown content, signed ``width`` bits (one bit: 0 or 1)."""
        if width == 1:
            return self.make(op, args, data, 0, 1)
        return self.make(op, args, data, -(1 << (width - 1)), (1 << (width - 1)) - 1)

    def add(self, a: Node, b: Node) -> Node:
        if a.op == "const" and b.op == "const":
            return self.const(a.data + b.data)
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            if b.data == 0:
                return a
            if a.op == "add" and a.args[1].op == "const":
                return self.add(a.args[0], self.const(a.args[1].data + b.data))
        elif a.id > b.id:
            a, b = b, a
        return self.make("add", (a, b), None, a.low + b.low, a.high + b.high)

    def sub(self, a: Node, b: Node) -> Node:
        if b.op == "const":
            return self.add(a, self.const(-b.data))
        if a is b:
            return self.const(0)
        return self.make("sub", (a, b), None, a.low - b.high, a.high - b.low)

    def mul(self, a: Node, b: Node) -> Node:
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            if a.op == "const":
                return self.const(a.data * b.data)
            if b.data == 0:
                return b
            if b.data == 1:
                return a
            if b.data > 0 and b.data & (b.data - 1) == 0:
                return self.shlc(a, b.data.bit_length() - 1)
        elif a.id > b.id:
            a, b = b, a
        ends = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
        low, high = 0 if a is b else min(ends), max(ends)
        if a.width < b.width:
            a, b = b, a
        if self.logic_products:
            if b.op == "const" or a.op == "const":
                return self.scaled(*((a, b.data) if b.op == "const" else (b, a.data)), low, high)
            return self.make("mul", (a, b), None, low, high)
        for wide, other, part in ((b, a, DSP_BITS[1] - 1), (a, b, DSP_BITS[0] - 1)):
            if wide.op != "const" and _signed_width(wide) > part + 1:
                top = self.mul(other, self.shrc(wide, part))
                bottom = self.mul(other, self.wrapu(wide, part))
                total = self.add(self.shlc(top, part), bottom)
                return self._within(total, low, high)
        return self.make("mul", (a, b), None, low, high)

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

    def bitwise(self, op: str, a: Node, b: Node) -> Node:
        if a.op == "const":
            a, b = b, a
        if a.op == "const" and b.op == "const":
            x, y = a.data, b.data
            return self.const(x & y if op == "and" else x | y if op == "or" else x ^ y)
        if b.op == "const":
            c = b.data
            if op == "and":
                if c == 0:
                    return b
                if c == -1:
                    return a
                if c > 0 and c & (c + 1) == 0:
                    return self.wrapu(a, c.bit_length())
            elif c == 0:
                return a
            if op == "or" and c == -1:
                return b
            if op == "or" and (a.low, a.high) == (0, 1) and c == 1:
                return b
            if op == "xor" and c == 1 and (a.low, a.high) == (0, 1):
                return self.invert(a)
        elif a is b:
            return self.const(0) if op == "xor" else a
        elif a.id > b.id:
            a, b = b, a
        if op == "and" and (a.low >= 0 or b.low >= 0):
            return self.make(op, (a, b), None, 0, min(x.high for x in (a, b) if x.low >= 0))
        width = max(bits_of(min(x.low, -1), x.high) for x in (a, b))
        if a.low >= 0 and b.low >= 0:
            return self.make(op, (a, b), None, 0, (1 << (width - 1)) - 1)
        return self.make(op, (a, b), None, -(1 << (width - 1)), (1 << (width - 1)) - 1)

    def both(self, a: Node, b: Node) -> Node:
        """a AND b of conditions (0 or 1)."""
        for x, y in ((a, b), (b, a)):
            if x.op == "const":
                return y if x.data else x
        return self.bitwise("and", a, b)

    def either(self, a: Node, b: Node) -> Node:
        """a OR b of conditions (0 or 1)."""
        for x, y in ((a, b), (b, a)):
            if x.op == "const":
                return x if x.data else y
        return self.bitwise("or", a, b)

    def invert(self, a: Node) -> Node:
        """NOT of a condition (0 or 1)."""
        if a.op == "const":
            return self.const(1 - a.data)
        if a.op == "not":
            return a.args[0]
        return self.make("not", (a,), None, 0, 1)

    def shlc(self, a: Node, k: int) -> Node:
        if k == 0:
            return a
        if a.op == "const":
            return self.const(a.data << k)
        if a.op == "shlc":
            return self.shlc(a.args[0], a.data + k)
        return self.make("shlc", (a,), k, a.low << k, a.high << k)

    def shrc(self, a: Node, k: int) -> Node:
        if k == 0:
            return a
        if a.op == "const":
            return self.const(a.data >> k)
        if a.op == "shrc":
            return self.shrc(a.args[0], a.data + k)
        if a.op == "shlc":
            j = a.data
            return self.shlc(a.args[0], j - k) if j >= k else self.shrc(a.args[0], k - j)
        if a.op == "add":
            for x, c in (a.args, a.args[::-1]):
                if trailing_zeros(x) >= k and c.low >= 0 and c.high < 1 << k:
                    return self.shrc(x, k)
        return self.make("shrc", (a,), k, a.low >> k, a.high >> k)

    def shl(self, a: Node, amount: Node, width: int) -> Node:
        """a << amount; everything is gone when the amount, a number >= 0, reaches ``width``."""
        if amount.op == "const":
            return self.const(0) if amount.data >= width else self.shlc(a, amount.data)
        most = min(amount.high, width - 1)
        low = min(a.low << most, a.low << amount.low if amount.low < width else 0, 0)
        high = max(a.high << most, a.high << amount.low if amount.low < width else 0, 0)
        return self.make("shl", (a, amount), width, low, high)

    def shr(self, a: Node, amount: Node) -> Node:
        """a >> amount, floored; the amount is >= 0."""
        if amount.op == "const":
            return self.shrc(a, amount.data)
        ends = [
            a.low >> amount.low,
            a.low >> amount.high,
            a.high >> amount.low,
            a.high >> amount.high,
        ]
        return self.make("shr", (a, amount), None, min(ends), max(ends))

    def wraps(self, a: Node, width: int) -> Node:
        """The low bits as a signed number; one bit is 0 or 1."""
        if width == 1:
            return self.wrapu(a, 1)
        half = 1 << (width - 1)
        if a.low >= -half and a.high < half:
            return a
        if a.op == "const":
            return self.const(((a.data + half) & (2 * half - 1)) - half)
        if a.op in ("wraps", "wrapu") and a.data >= width:
            return self.wraps(a.args[0], width)
        return self.make("wraps", (a,), width, -half, half - 1)

    def wrapu(self, a: Node, width: int) -> Node:
        """The low bits as an unsigned number."""
        top = (1 << width) - 1
        if a.low >= 0 and a.high <= top:
            return a
        if a.op == "const":
            return self.const(a.data & top)
        if a.op in ("wraps", "wrapu") and a.data >= width:
            return self.wrapu(a.args[0], width)
        if a.op == "add":
            for x, c in (a.args, a.args[::-1]):
                if trailing_zeros(x) >= width:
                    return self.wrapu(c, width)
        if trailing_zeros(a) >= width:
            return self.const(0)
        return self.make("wrapu", (a,), width, 0, top)

    def less(self, a: Node, b: Node) -> Node:
        if a.high < b.low:
            return self.const(1)
        if a.low >= b.high:
            return self.const(0)
        if a is b:
            return self.const(0)
        return self.make("lt", (a, b), None, 0, 1)

    def equal(self, a: Node, b: Node) -> Node:
        if a is b:
            return self.const(1)
        if a.high < b.low or b.high < a.low:
            return self.const(0)
        if a.op == "const":
            a, b = b, a
        if a.op == "const":
            return self.const(int(a.data == b.data))
        if b.op == "const" and (a.low, a.high) == (0, 1):
            return a if b.data == 1 else self.invert(a)
        if self.logic_products and b.op == "const":
            # Which bank of several an index means: a bit or two of it, not a sum's comparison.
            if a.op == "add" and a.args[1].op == "const":
                return self.equal(a.args[0], self.const(b.data - a.args[1].data))
            if a.op == "shlc":
                if b.data & ((1 << a.data) - 1):
                    return self.const(0)
                return self.equal(a.args[0], self.const(b.data >> a.data))
        if b.op != "const" and a.id > b.id:
            a, b = b, a
        return self.make("eq", (a, b), None, 0, 1)

    def mux(self, c: Node, a: Node, b: Node) -> Node:
        """a if c else b."""
        if c.op == "const":
            return a if c.data else b
        if a is b:
            return a
        if c.op == "not":
            return self.mux(c.args[0], b, a)
        if a.op == "const" and b.op == "const" and (a.data, b.data) == (1, 0):
            return c
        if a.op == "const" and b.op == "const" and (a.data, b.data) == (0, 1):
            return self.invert(c)
        return self.make("mux", (c, a, b), None, min(a.low, b.low), max(a.high, b.high))

    def insert(self, word: Node, value: Node, low: int, count: int, width: int) -> Node:
        """``word`` of ``width`` bits, bits [low, low + count) replaced by those of ``value``."""
        if word.op == "const" and value.op == "const":
            mask = (1 << count) - 1
            new = (word.data & ~(mask << low)) | ((value.data & mask) << low)
            return self.wraps(self.const(new), width)
        half = 1 << (width - 1)
        low_end, high_end = (0, 1) if width == 1 else (-half, half - 1)
        return self.make("insert", (word, value), (low, count, width), low_end, high_end)

    def divide(self, a: Node, b: Node) -> tuple[Node, Node]:
        """Quotient and remainder of a >= 0 by b > 0: a row of subtractions, one per bit of a."""
        quotient = remainder = self.const(0)
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
    if node.op == "const":
        return {}, node.data
    if modulo and node.op in ("wraps", "wrapu") and node.data >= modulo:
        return linear(node.args[0], modulo)
    if node.op in ("add", "sub"):
        a, x = linear(node.args[0], modulo)
        b, y = linear(node.args[1], modulo)
        sign = 1 if node.op == "add" else -1
        terms = dict(a)
        for atom, c in b.items():
            terms[atom] = terms.get(atom, 0) + sign * c
        return {k: v for k, v in terms.items() if v}, x + sign * y
    if node.op == "shlc":
        a, x = linear(node.args[0], modulo)
        return {k: v << node.data for k, v in a.items()}, x << node.data
    if node.op == "mul" and node.args[1].op == "const":
        a, x = linear(node.args[0], modulo)
        factor = node.args[1].data
        return {k: v * factor for k, v in a.items()}, x * factor
    return {node: 1}, 0
