"""Products without DSPs: every pair of small factors, extreme and random pairs of large ones."""

from __future__ import annotations

import random
from itertools import cycle, islice, product

import pytest

from support.rtl_text import kernel
from tritstream.rtl import (
    ZYNQ7_OPEN,
    Compiled,
    Options,
    Stalls,
    build,
    compile_function,
    integers,
    parse,
)

pytestmark = pytest.mark.usefixtures("what_rtl_needs")

WIDTHS = [(2, 2), (3, 4), (4, 3), (5, 4), (4, 5), (18, 17), (25, 18), (32, 32)]
"""Of the multiplicand and the multiplier, with their signs; the latter also of an odd number of
bits, and of so many that rows are left over in the last stage."""
PAIRS = 512


def multiplier(a: int, b: int, period: float) -> Compiled:
    """A kernel that reads PAIRS pairs from two streams and writes their products to a third."""
    types = [f"!allo.stream<i{width}, 4>" for width in (a, b, a + b)]
    get = '"allo.stream_get"(%s{n}) <{{indices = array<i64>}}> : ({type}) -> i{width}'
    body = f"""
    "affine.for"() <{{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes =
      array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> ({PAIRS})>}}> ({{
    ^bb0(%i: index):
      %a = {get.format(n=0, type=types[0], width=a)}
      %b = {get.format(n=1, type=types[1], width=b)}
      %wide_a = "arith.extsi"(%a) : (i{a}) -> i{a + b}
      %wide_b = "arith.extsi"(%b) : (i{b}) -> i{a + b}
      %p = "arith.muli"(%wide_a, %wide_b) : (i{a + b}, i{a + b}) -> i{a + b}
      "allo.stream_put"(%s2, %p) <{{indices = array<i64>}}> : ({types[2]}, i{a + b}) -> ()
      "affine.yield"() : () -> ()
    }}) {{loop_name = "i", op_name = "S_i_0", pipeline_ii = 1 : ui32}} : () -> ()
"""
    arguments = ", ".join(f"%s{n}: {type_}" for n, type_ in enumerate(types))
    text = kernel(arguments, body, ", ".join(types))
    options = Options(period, prefix=f"m{a}_{b}_{period:g}_", target=ZYNQ7_OPEN)
    return compile_function(parse(text, "f"), "f", options)


def pairs(a: int, b: int) -> list[tuple[int, int]]:
    """PAIRS pairs: all of them, again and again, or extreme ones and random ones."""
    all_a, all_b = (range(-(2 ** (w - 1)), 2 ** (w - 1)) for w in (a, b))
    if 2 ** (a + b) <= PAIRS:
        return list(islice(cycle(product(all_a, all_b)), PAIRS))
    ends_a, ends_b = ((w[0], w[1], -1, 0, 1, w[-1]) for w in (all_a, all_b))
    some = list(product(ends_a, ends_b))
    source = random.Random(a * 100 + b)
    while len(some) < PAIRS:
        a_or_end = source.choice((source.choice(all_a), source.choice(ends_a)))
        some.append((a_or_end, source.choice(all_b)))
    return some


def test_products() -> None:
    """With one row a stage (3 ns) and with several."""
    cases = [(a, b, period) for a, b in WIDTHS for period in (3.0, 10.0)]
    kernels = [multiplier(*case) for case in cases]
    simulation = build(kernels, optimise="-O0")
    for index, (a, b, _) in enumerate(cases):
        factors = pairs(a, b)
        streams = [[x for x, _ in factors], [y for _, y in factors], None]
        for stall in (0, 80):
            outcome = simulation.run(streams, index, Stalls(index + 1, stall), limit=50_000)
            assert integers(outcome.values[2], a + b) == [x * y for x, y in factors], (a, b, stall)
