"""Random kernels: their RTL does what the interpreter does, whatever stalls."""

import pytest

from support import rtl_shapes
from support.rtl_compare import compare, one_sentence
from support.rtl_fuzz import generate
from tritstream.rtl import ZYNQ7_OPEN, Options, Stalls, build, compile_function, integers, parse

pytestmark = pytest.mark.usefixtures("what_rtl_needs")
BATCH, SHAPES = 30, 18
FOUND = [1202, 1686]
"""Kernels that once went wrong: a write that shared a port overtook another one; an optimisation of
Verilator's that is switched off since."""


def test_the_generator_is_deterministic() -> None:
    assert generate(3).text == generate(3).text != generate(4).text


def test_generated_kernels_parse() -> None:
    for seed in range(12):
        for kernel in (generate(seed), rtl_shapes.generate(seed)):
            assert kernel.top in parse(kernel.text).functions


def test_one_sentence() -> None:
    assert one_sentence("a thing (line 3) is not supported")
    assert not one_sentence("A thing. And another")
    assert not one_sentence("a\nb")


def test_random_kernels() -> None:
    counts = compare([*range(BATCH), *FOUND])
    assert counts["kernels"] >= 0.9 * BATCH
    assert counts["pipelined"] > counts["kernels"]


def test_random_shapes() -> None:
    """Kernels in the shapes of the real ones, dataflow regions among them."""
    counts = compare(list(range(SHAPES)), generate=rtl_shapes.generate)
    assert counts["kernels"] >= 0.9 * SHAPES
    assert counts["pipelined"] > counts["kernels"]


STREAM = "!allo.stream<i32, 4>"
LOOP = """
    "affine.for"() <{{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes =
      array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> (100)>}}> ({{
    ^bb0(%i{k}: index):
      %x{k} = "arith.index_cast"(%i{k}) : (index) -> i32
      %y{k} = "arith.{op}"(%x{k}, {other}) : (i32, i32) -> i32
      "allo.stream_put"(%s, %y{k}) <{{indices = array<i64>}}> : ({stream}, i32) -> ()
      "affine.yield"() : () -> ()
    }}) {{loop_name = "i", op_name = "S_i_{k}", pipeline_ii = 1 : ui32}} : () -> ()
"""


def test_a_write_that_waits_is_counted_once() -> None:
    """Two loops write one stream, one in its first stage, one far behind it with room reserved:
    with the target that reserves room, words were lost once, and the end did not come."""
    loops = [
        LOOP.format(k=k, op=op, other=other, stream=STREAM)
        for k, (op, other) in enumerate((("muli", "%a"), ("andi", "%x1"), ("muli", "%a")))
    ]
    text = (
        f'"builtin.module"() ({{\n"func.func"() <{{function_type = (i32, {STREAM}) -> (), '
        f'sym_name = "f"}}> ({{\n^bb0(%a: i32, %s: {STREAM}):\n{"".join(loops)}'
        f'"func.return"() : () -> ()\n}}) : () -> ()\n}}) : () -> ()\n'
    )
    compiled = compile_function(parse(text, "f"), "f", Options(8.0, target=ZYNQ7_OPEN))
    simulation = build([compiled], optimise="-O0")
    expected = [7 * n for n in range(100)]
    for stall in (0, 100, 200):
        outcome = simulation.run([7, None], 0, Stalls(3, stall), limit=20_000)
        assert integers(outcome.values[1], 32) == [*expected, *range(100), *expected]


def test_random_shapes_without_dsps() -> None:
    """The last one once went wrong: minus a bit was taken for the bit."""
    seeds = [*range(100, 106), 4227]
    counts = compare(seeds, generate=rtl_shapes.generate, target=ZYNQ7_OPEN)
    assert counts["kernels"] >= 6


@pytest.mark.long
@pytest.mark.parametrize("start", range(4000, 4400, 100))
def test_400_random_shapes_without_dsps(start: int) -> None:
    """The target of LUTs, carry chains and instantiated memories."""
    seeds = list(range(start, start + 100))
    assert compare(seeds, generate=rtl_shapes.generate, target=ZYNQ7_OPEN)["kernels"] >= 80


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_1000_random_kernels(start: int) -> None:
    assert compare(list(range(start, start + 100)))["kernels"] >= 90


@pytest.mark.long
@pytest.mark.parametrize("start", range(2000, 3000, 100))
def test_1000_random_shapes(start: int) -> None:
    seeds = list(range(start, start + 100))
    assert compare(seeds, generate=rtl_shapes.generate)["kernels"] >= 90
