"""Random kernels: their RTL does what the interpreter does, whatever stalls."""

import pytest

from support.rtl_compare import compare, one_sentence
from support.rtl_fuzz import generate
from tritstream.rtl.mlir import parse

pytestmark = pytest.mark.usefixtures("what_rtl_needs")
BATCH = 40
FOUND = [1202, 1686]
"""Kernels that once went wrong: a write that shared a port overtook another one; an optimisation of
Verilator's that is switched off since."""


def test_the_generator_is_deterministic() -> None:
    assert generate(3).text == generate(3).text != generate(4).text


def test_generated_kernels_parse() -> None:
    for seed in range(20):
        kernel = generate(seed)
        assert kernel.top in parse(kernel.text).functions


def test_one_sentence() -> None:
    assert one_sentence("a thing (line 3) is not supported")
    assert not one_sentence("A thing. And another")
    assert not one_sentence("a\nb")


def test_random_kernels() -> None:
    counts = compare([*range(BATCH), *FOUND])
    assert counts["kernels"] >= 0.9 * BATCH
    assert counts["pipelined"] > counts["kernels"]


@pytest.mark.long
@pytest.mark.parametrize("start", range(1000, 3000, 100))
def test_2000_random_kernels(start: int) -> None:
    counts = compare(list(range(start, start + 100)))
    assert counts["kernels"] >= 90
