"""The integer primitives against Python's unbounded integers."""

from math import isqrt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tritstream.numerics import integers as n

WIDE = st.integers(-(2**61), 2**61)
POSITIVE = st.integers(0, 2**62 - 1)
MANTISSA = st.integers(2**30, 2**31 - 1)
EXPONENT = st.integers(-200, 200)


def i64(value: int) -> np.ndarray:
    return np.asarray(value, np.int64)


@given(WIDE, st.integers(0, 62))
def test_shift_round_is_nearest_with_ties_up(value: int, shift: int) -> None:
    if abs(value) + (1 << shift) // 2 < 2**63:
        assert n.shift_round(i64(value), shift) == (2 * value + (1 << shift)) // (2 << shift)


@given(POSITIVE)
def test_bit_length(value: int) -> None:
    assert n.bit_length(i64(value)) == value.bit_length()


def test_bit_length_around_every_power_of_two() -> None:
    for k in range(62):
        for value in ((1 << k) - 1, 1 << k, (1 << k) + 1):
            assert n.bit_length(i64(value)) == value.bit_length()


@given(st.lists(st.integers(-(2**47), 2**47 - 1), min_size=1, max_size=8))
def test_magnitude_length_is_that_of_the_ones_complement(values: list[int]) -> None:
    expected = max((v if v >= 0 else ~v).bit_length() for v in values)
    assert n.magnitude_length(np.array(values, np.int64)) == expected


@given(POSITIVE, EXPONENT)
def test_normalise_keeps_31_bits(value: int, exponent: int) -> None:
    scalar = n.normalise(i64(value), exponent)
    if value == 0:
        assert scalar.mantissa == 0
        return
    shift = value.bit_length() - 31
    expected = value >> shift if shift > 0 else value << -shift
    assert (int(scalar.mantissa), int(scalar.exponent)) == (expected, exponent + shift)


@given(MANTISSA, EXPONENT, MANTISSA, EXPONENT)
def test_multiply(a: int, ea: int, b: int, eb: int) -> None:
    product = n.multiply(n.Scalar(i64(a), i64(ea)), n.Scalar(i64(b), i64(eb)))
    bits = (a * b).bit_length() - 31
    assert int(product.mantissa) == (a * b) >> bits
    assert int(product.exponent) == ea + eb + bits


@given(st.lists(st.tuples(st.one_of(st.just(0), MANTISSA), EXPONENT), min_size=3, max_size=3))
def test_add3_aligns_to_the_largest(terms: list[tuple[int, int]]) -> None:
    total = n.add3(*(n.Scalar(i64(m), i64(e)) for m, e in terms))
    present = [(m, e) for m, e in terms if m]
    if not present:
        assert total.mantissa == 0
        return
    top = max(e for _, e in present)
    value = sum(m >> (top - e) for m, e in present)
    bits = max(value.bit_length() - 31, 0)
    assert (int(total.mantissa), int(total.exponent)) == (value >> bits, top + bits)


@given(POSITIVE)
def test_square_root_is_floored(value: int) -> None:
    assert n.square_root(i64(value)) == isqrt(value)


def test_square_root_around_squares() -> None:
    for root in (1, 2, 3, 2**15, 2**26 + 1, 2**30 - 1, 2**31 - 1):
        for value in (root * root - 1, root * root, root * root + 1):
            assert n.square_root(i64(value)) == isqrt(value)
