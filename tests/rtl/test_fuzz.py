"""Random kernels: their RTL does what the interpreter does, whatever stalls."""

import pytest

from support import rtl_shapes
from support.rtl_compare import compare, one_sentence
from support.rtl_fuzz import generate
from tritstream.rtl.mlir import parse

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


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 2000, 100))
def test_1000_random_kernels(start: int) -> None:
    assert compare(list(range(start, start + 100)))["kernels"] >= 90


@pytest.mark.long
@pytest.mark.parametrize("start", range(2000, 3000, 100))
def test_1000_random_shapes(start: int) -> None:
    seeds = list(range(start, start + 100))
    assert compare(seeds, generate=rtl_shapes.generate)["kernels"] >= 90
