"""The dataflow graph: simplification keeps values, and intervals hold them."""

from __future__ import annotations

import random
from operator import add, and_, mul, or_, sub, xor

import pytest

from tritstream.rtl._interpret import signed, unsigned
from tritstream.rtl._ir import operations as ir
from tritstream.rtl._ir.graph import Graph, linear, live_nodes
from tritstream.rtl._ir.operations import Mul, Node
from tritstream.rtl._ir.storage import Variable, integer_variable

BINARY = {ir.Add: add, ir.Sub: sub, ir.Mul: mul, ir.And: and_, ir.Or: or_, ir.Xor: xor}


def meaning(n: Node, a: list[int], variables: dict[Variable, int]) -> int:
    """What an operation makes of its operands."""
    match n:
        case ir.Const():
            return n.value
        case ir.ReadVariable():
            return variables[n.variable]
        case ir.Not():
            return 1 - a[0]
        case ir.ShiftLeftBy():
            return a[0] << n.amount
        case ir.ShiftRightBy():
            return a[0] >> n.amount
        case ir.ShiftLeft():
            return 0 if a[1] >= n.limit else a[0] << a[1]
        case ir.ShiftRight():
            return a[0] >> a[1]
        case ir.WrapSigned():
            return signed(a[0], n.bits)
        case ir.WrapUnsigned():
            return unsigned(a[0], n.bits)
        case ir.Less():
            return int(a[0] < a[1])
        case ir.Equal():
            return int(a[0] == a[1])
        case ir.Mux():
            return a[1] if a[0] else a[2]
    return BINARY[type(n)](a[0], a[1])


def value_of(node: Node, variables: dict[Variable, int]) -> int:
    """What a node denotes, straight from the meaning of its operation."""
    values: dict[Node, int] = {}
    for n in live_nodes([node]):
        v = meaning(n, [values[x] for x in n.args], variables)
        assert n.low <= v <= n.high, (n, v, n.low, n.high)
        values[n] = v
    return values[node]


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_keep_their_values(seed: int) -> None:
    """Every node is checked against integers that were calculated beside it."""
    rng = random.Random(seed)
    g = Graph()
    variables = {integer_variable(f"v{k}", rng.choice((1, 3, 8, 17, 33, 64))): 0 for k in range(5)}
    for v in variables:
        variables[v] = rng.choice((v.low, v.high, rng.randint(v.low, v.high)))
    pool = [(g.variable(v), x) for v, x in variables.items()]
    pool += [(g.const(c), c) for c in (0, 1, -1, 5, 8, -127, 255, 1 << 30)]
    for _ in range(150):
        (a, x), (b, y), (c, z) = (rng.choice(pool) for _ in range(3))
        if max(a.width, b.width) > 200:
            continue
        k, w = rng.randrange(12), rng.choice((1, 5, 8, 16, 32, 40, 65))
        bit, amount = g.wrapu(c, 1), g.wrapu(b, 5)
        # All of them are made; one goes on.
        choices = [
            (g.add(a, b), x + y),
            (g.sub(a, b), x - y),
            (g.mul(a, b), x * y),
            (g.mul(a, a), x * x),
            (g.bitwise(ir.And, a, b), x & y),
            (g.bitwise(ir.Or, a, b), x | y),
            (g.bitwise(ir.Xor, a, b), x ^ y),
            (g.shlc(a, k), x << k),
            (g.shrc(a, k), x >> k),
            (g.shl(a, amount, 20), 0 if y % 32 >= 20 else x << (y % 32)),
            (g.shr(a, amount), x >> (y % 32)),
            (g.wraps(a, w), signed(x, w)),
            (g.wrapu(a, w), unsigned(x, w)),
            (g.less(a, b), int(x < y)),
            (g.equal(a, b), int(x == y)),
            (g.invert(bit), 1 - (z & 1)),
            (g.mux(bit, a, b), x if z & 1 else y),
        ]
        made = rng.choice(choices)
        assert made[0].low <= made[1] <= made[0].high
        assert value_of(made[0], variables) == made[1]
        pool.append(made)


@pytest.mark.parametrize("seed", range(20))
def test_division(seed: int) -> None:
    rng = random.Random(seed)
    g = Graph()
    n, d = Variable("n", 0, (1 << 20) - 1), Variable("d", 1, (1 << rng.randrange(1, 20)) - 1)
    quotient, remainder = g.divide(g.variable(n), g.variable(d))
    for _ in range(20):
        values = {n: rng.randint(0, n.high), d: rng.randint(1, d.high)}
        assert value_of(quotient, values) == values[n] // values[d]
        assert value_of(remainder, values) == values[n] % values[d]


def test_index_arithmetic_gets_narrow() -> None:
    """8 * (4 * i + j) + 7 of counters below 4, as Allo types it: i65, i97, i98, back to index."""
    g = Graph()
    i, j = (g.variable(Variable(name, 0, 3)) for name in "ij")
    at = g.wraps(g.add(g.wraps(g.mul(i, g.const(4)), 65), j), 97)
    high = g.wraps(g.add(g.wraps(g.mul(at, g.const(8)), 97), g.const(7)), 98)
    assert (high.low, high.high, high.width) == (7, 127, 7)
    assert g.wrapu(g.add(g.shlc(i, 2), j), 2) is j
    assert g.shrc(g.add(g.shlc(i, 2), j), 2) is i


def test_equal_nodes_are_one_node() -> None:
    g = Graph()
    a, b = (g.variable(integer_variable(n, 32)) for n in "ab")
    assert g.add(a, b) is g.add(b, a)
    assert g.sub(a, a) is g.const(0)
    assert linear(g.sub(g.add(a, g.const(3)), g.shlc(b, 2))) == ({a: 1, b: -4}, 3)


@pytest.mark.parametrize("logic", [False, True])
@pytest.mark.parametrize("ends", [(0, 1), (-1, 0), (0, 3), (-4, 3), (-3, 17)])
def test_products_with_constants(logic: bool, ends: tuple[int, int]) -> None:
    g = Graph(logic_products=logic)
    variable = Variable("a", *ends)
    a = g.variable(variable)
    for factor in range(-70, 71):
        product = g.mul(a, g.const(factor))
        for x in range(ends[0], ends[1] + 1):
            assert value_of(product, {variable: x}) == factor * x
            assert product.low <= factor * x <= product.high


def test_wide_products_are_sums_of_dsp_sized_ones() -> None:
    g = Graph()
    a, b = (integer_variable(n, 64) for n in "ab")
    product = g.mul(g.variable(a), g.variable(b))
    for node in live_nodes([product]):
        if isinstance(node, Mul):
            assert sorted(x.width for x in node.args)[0] <= 18
            assert max(x.width for x in node.args) <= 25
    for x, y in (
        (-(1 << 63), -(1 << 63)),
        ((1 << 63) - 1, -(1 << 63)),
        (12345678901, -98765432109),
    ):
        assert value_of(product, {a: x, b: y}) == x * y


def test_an_operation_is_readable() -> None:
    g = Graph()
    a = g.variable(Variable("a", 0, 9))
    word = g.insert(g.variable(integer_variable("w", 16)), g.shlc(a, 1), 4, 6, 16)
    assert repr(a) == "%0 = variable a : [0, 9]"
    assert repr(word) == "%3 = insert %1 %2 4 6 16 : [-32768, 32767]"
