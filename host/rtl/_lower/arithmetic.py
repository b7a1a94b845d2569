"""Arithmetic: the operations of MLIR's `arith`, and Allo's slices of a word."""

from __future__ import annotations

from collections.abc import Callable

from tritstream.rtl._ir.graph import Graph, linear
from tritstream.rtl._ir.operations import And, Const, Node, Or, Wrap, Xor
from tritstream.rtl._ir.program import Loop
from tritstream.rtl._ir.storage import Variable
from tritstream.rtl._lower.state import Handler, Lowering
from tritstream.rtl._mlir import IntType, Op, Type
from tritstream.rtl._unsupported import UnsupportedError

BinaryRule = Callable[[Graph, Node, Node, int], Node]
"""The exact result for two operands of that width."""


def _smaller(g: Graph, a: Node, b: Node, w: int) -> Node:
    a, b = g.wrapu(a, w), g.wrapu(b, w)
    return g.mux(g.less(a, b), a, b)


def _larger(g: Graph, a: Node, b: Node, w: int) -> Node:
    a, b = g.wrapu(a, w), g.wrapu(b, w)
    return g.mux(g.less(a, b), b, a)


def _bit_as_sign(g: Graph, a: Node, w: int) -> Node:
    """A signed bit is 0 or -1, where it is 0 or 1 elsewhere."""
    return a if w > 1 else g.sub(g.const(0), a)


BINARY: dict[str, BinaryRule] = {
    "addi": lambda g, a, b, w: g.add(a, b),
    "subi": lambda g, a, b, w: g.sub(a, b),
    "muli": lambda g, a, b, w: g.mul(a, b),
    "andi": lambda g, a, b, w: g.bitwise(And, a, b),
    "ori": lambda g, a, b, w: g.bitwise(Or, a, b),
    "xori": lambda g, a, b, w: g.bitwise(Xor, a, b),
    "shli": lambda g, a, b, w: g.shl(a, g.wrapu(b, w), w),
    "shrsi": lambda g, a, b, w: g.shr(_bit_as_sign(g, a, w), g.wrapu(b, w)),
    "shrui": lambda g, a, b, w: g.shr(g.wrapu(a, w), g.wrapu(b, w)),
    "minsi": lambda g, a, b, w: g.mux(g.less(a, b), a, b),
    "maxsi": lambda g, a, b, w: g.mux(g.less(a, b), b, a),
    "minui": _smaller,
    "maxui": _larger,
}
UNARY: dict[str, Callable[[Graph, Node, int], Node]] = {
    "extsi": _bit_as_sign,
    "extui": lambda g, a, w: g.wrapu(a, w),
    "trunci": lambda g, a, w: a,
    "index_cast": lambda g, a, w: a,
    "index_castui": lambda g, a, w: g.wrapu(a, w),
}
DIVISIONS = ("divui", "remui", "divsi", "remsi", "floordivsi", "ceildivsi")


def _width(t: Type) -> int:
    assert isinstance(t, IntType)
    return t.width


def constant(lowering: Lowering, op: Op) -> None:
    """`arith.constant`."""
    g, width = lowering.graph, _width(op.results[0].type)
    lowering.bind(op.results[0], g.wraps(g.const(op.integer("value")), width))


def select(lowering: Lowering, op: Op) -> None:
    """`arith.select`."""
    condition, a, b = (lowering.node(o) for o in op.operands)
    lowering.bind(op.results[0], lowering.graph.mux(condition, a, b))


def compare(lowering: Lowering, op: Op) -> None:
    """`arith.cmpi`."""
    width = _width(op.operands[0].type)
    a, b = (lowering.node(o) for o in op.operands)
    predicate = op.integer("predicate")
    lowering.bind(op.results[0], _comparison(lowering.graph, predicate, a, b, width))


def _comparison(g: Graph, predicate: int, a: Node, b: Node, width: int) -> Node:
    if predicate >= 6:
        a, b = g.wrapu(a, width), g.wrapu(b, width)
        predicate -= 4
    elif width == 1 and predicate >= 2:
        a, b = b, a
    if predicate == 0:
        return g.equal(a, b)
    if predicate == 1:
        return g.invert(g.equal(a, b))
    if predicate == 2:
        return g.less(a, b)
    if predicate == 3:
        return g.invert(g.less(b, a))
    if predicate == 4:
        return g.less(b, a)
    return g.invert(g.less(a, b))


def _binary(lowering: Lowering, op: Op) -> None:
    a, b = (lowering.node(o) for o in op.operands)
    rule = BINARY[op.name.removeprefix("arith.")]
    made = rule(lowering.graph, a, b, _width(op.operands[0].type))
    lowering.bind(op.results[0], lowering.graph.wraps(made, _width(op.results[0].type)))


def _unary(lowering: Lowering, op: Op) -> None:
    a = lowering.node(op.operands[0])
    rule = UNARY[op.name.removeprefix("arith.")]
    made = rule(lowering.graph, a, _width(op.operands[0].type))
    lowering.bind(op.results[0], lowering.graph.wraps(made, _width(op.results[0].type)))


def division(lowering: Lowering, op: Op) -> None:
    """The divisions and remainders of `arith`."""
    a, b = (lowering.node(o) for o in op.operands)
    made = _quotient_or_rest(lowering, op, a, b)
    lowering.bind(op.results[0], lowering.graph.wraps(made, _width(op.results[0].type)))


def _quotient_or_rest(lowering: Lowering, op: Op, a: Node, b: Node) -> Node:
    g, name = lowering.graph, op.name.removeprefix("arith.")
    width = _width(op.operands[0].type)
    if name in ("divui", "remui"):
        a, b = g.wrapu(a, width), g.wrapu(b, width)
    power = isinstance(b, Const) and b.value > 0 and b.value & (b.value - 1) == 0
    if name in ("floordivsi", "divsi") and power and a.low >= 0:
        return g.shrc(a, b.low.bit_length() - 1)
    if name in ("floordivsi", "ceildivsi") and (a.low < 0 or b.low < 0):
        # The emitted C++ divides towards zero there, MLIR does not.
        raise UnsupportedError(
            f"{op}: an operand may be negative, where C++ and MLIR round differently; "
            f"make it a shift, or give operands that cannot be negative"
        )
    negative_a, negative_b = g.less(a, g.const(0)), g.less(b, g.const(0))
    magnitude_a = g.mux(negative_a, g.sub(g.const(0), a), a)
    magnitude_b = g.mux(negative_b, g.sub(g.const(0), b), b)
    # Each arm of a mux keeps the other sign in its interval; a magnitude has none.
    magnitude_a = _not_negative(g, magnitude_a, a)
    magnitude_b = _not_negative(g, magnitude_b, b)
    flip, flip_rest = g.bitwise(Xor, negative_a, negative_b), negative_a
    if lowering.straight_line or lowering.predicate:
        quotient, remainder = g.divide(magnitude_a, magnitude_b)
    else:
        quotient, remainder, flip, flip_rest = _divide_in_a_loop(
            lowering, op, magnitude_a, magnitude_b, flip, flip_rest
        )
        g = lowering.graph
    if name == "ceildivsi":
        return g.add(quotient, g.invert(g.equal(remainder, g.const(0))))
    if name in ("remui", "remsi"):
        return g.mux(flip_rest, g.sub(g.const(0), remainder), remainder)
    return g.mux(flip, g.sub(g.const(0), quotient), quotient)


def _not_negative(g: Graph, node: Node, signed: Node) -> Node:
    largest = max(abs(signed.low), abs(signed.high))
    return g.wrapu(node, max(largest.bit_length(), 1))


def _divide_in_a_loop(
    lowering: Lowering, op: Op, a: Node, b: Node, flip: Node, flip_rest: Node
) -> tuple[Node, Node, Node, Node]:
    """One bit of the quotient a cycle: a pipelined loop of its own, outside of any pipeline."""
    unique = lowering.names.unique
    count = a.width
    numerator = Variable(unique("numerator"), 0, (1 << count) - 1)
    divisor = Variable(unique("divisor"), 0, b.high)
    rest = Variable(unique("remainder"), 0, b.high)
    flips = [Variable(unique("negative"), 0, 1) for _ in range(2)]
    for variable, node in zip(
        (numerator, divisor, rest, *flips),
        (a, b, lowering.graph.const(0), flip, flip_rest),
        strict=True,
    ):
        lowering.env[variable] = node
    lowering.end_block("divide")
    g, block = lowering.graph, lowering.block
    g.origin = op.origin
    n, d, r = (g.variable(v) for v in (numerator, divisor, rest))
    trial = g.add(g.shlc(r, 1), g.shrc(n, count - 1))
    fits = g.invert(g.less(trial, d))
    width = divisor.width
    block.nexts[rest] = g.mux(fits, g.wrapu(g.sub(trial, d), width), g.wrapu(trial, width))
    block.nexts[numerator] = g.add(g.shlc(g.wrapu(n, count - 1), 1), fits)
    counter = Variable(unique("step"), 0, count)
    block.loop = Loop(counter, 0, count, 1, "division", op.origin)
    block.nexts[counter] = g.add(g.variable(counter), g.const(1))
    lowering.sequence.append(block)
    lowering.open_block()
    g = lowering.graph
    return g.variable(numerator), g.variable(rest), g.variable(flips[0]), g.variable(flips[1])


# Slices


def _slice_bounds(lowering: Lowering, op: Op) -> tuple[Node, Node, int]:
    """The word, the lowest bit, and the distance from there to the highest one."""
    word, high, low = (lowering.node(o) for o in op.operands[:3])
    terms, distance = linear(lowering.graph.sub(high, low))
    if terms:
        terms, distance = _difference(high, low)
    if terms:
        raise UnsupportedError(f"{op}: the width of the slice is not constant")
    return word, low, distance


def get_slice(lowering: Lowering, op: Op) -> None:
    """`allo.get_slice`: bits of a word."""
    g, width = lowering.graph, _width(op.results[0].type)
    word, low, distance = _slice_bounds(lowering, op)
    if distance + 1 != width:
        raise UnsupportedError(
            f"{op}: a slice of {distance + 1} bits is read as {width} bits, which C++ "
            f"and MLIR extend differently; assign it to a variable of its own width first"
        )
    lowering.bind(op.results[0], g.wraps(g.shr(word, g.wrapu(low, 32)), width))


def set_slice(lowering: Lowering, op: Op) -> None:
    """`allo.set_slice`: a word with some bits replaced."""
    g, width = lowering.graph, _width(op.results[0].type)
    word, low, distance = _slice_bounds(lowering, op)
    if not isinstance(low, Const):
        raise UnsupportedError(f"{op}: writing a slice at a position that is not constant")
    lowest = low.value
    if distance < 0 or lowest < 0 or lowest + distance >= width:
        raise UnsupportedError(f"{op}: bits {lowest + distance}:{lowest} of {width}")
    value = lowering.node(op.operands[3])
    lowering.bind(op.results[0], g.insert(word, value, lowest, distance + 1, width))


def _difference(a: Node, b: Node) -> tuple[dict[Node, int], int]:
    """linear(a) - linear(b), looking through wraps that both share."""
    while isinstance(a, Wrap) and type(a) is type(b) and a.fields == b.fields:
        a, b = a.args[0], b.args[0]
    x, c = linear(a)
    y, d = linear(b)
    terms = dict(x)
    for atom, k in y.items():
        terms[atom] = terms.get(atom, 0) - k
    return {k: v for k, v in terms.items() if v}, c - d


HANDLERS: dict[str, Handler] = {
    "arith.constant": constant,
    "arith.select": select,
    "arith.cmpi": compare,
    **{f"arith.{name}": _binary for name in BINARY},
    **{f"arith.{name}": _unary for name in UNARY},
    **{f"arith.{name}": division for name in DIVISIONS},
    "allo.get_slice": get_slice,
    "allo.set_slice": set_slice,
}
