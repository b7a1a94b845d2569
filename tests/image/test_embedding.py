"""The three embedding formats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tritstream.errors import ConfigurationError, ImageError
from tritstream.image.embedding import LEVELS, pack_digits, quantise_embedding, unpack_digits

TABLE = np.random.default_rng(4).normal(0, 0.4, (300, 37)).astype(np.float32)


@given(
    arrays(np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 33)), elements=st.integers(0, 10))
)
def test_digits_round_trip(digits: np.ndarray) -> None:
    packed = pack_digits(digits)
    assert packed.shape[1] == -(-7 * -(-digits.shape[1] // 2) // 8)
    assert np.array_equal(unpack_digits(packed, digits.shape[1]), digits)


def test_fp16_is_exact_for_fp16_values() -> None:
    values = TABLE.astype(np.float16).astype(np.float32)
    table = quantise_embedding(values, "fp16", 24)
    assert np.array_equal(table.real(np.arange(300)), values.astype(np.float64))
    assert np.array_equal(table.residual([7]), np.rint(values[[7]] * 2.0**24).astype(np.int64))


@pytest.mark.parametrize("kind", LEVELS)
def test_quantised_error_is_within_half_a_step(kind: str) -> None:
    table = quantise_embedding(TABLE, kind, 24)
    step = (TABLE.max(axis=0) - TABLE.min(axis=0)) / (LEVELS[kind] - 1)
    error = np.abs(table.real(np.arange(300)) - TABLE)
    assert np.all(error <= step / 2 + LEVELS[kind] * 2.0**-24)


@pytest.mark.parametrize("residual_frac", [20, 24, 28])
@pytest.mark.parametrize("kind", ["fp16", *LEVELS])
def test_residual_is_the_real_value_rounded(kind: str, residual_frac: int) -> None:
    table = quantise_embedding(TABLE, kind, residual_frac)
    ids = np.array([[0, 299], [5, 5]])
    real = table.real(ids) * 2.0**residual_frac
    assert np.all(np.abs(table.residual(ids) - real) <= 0.5)


def test_a_constant_column_survives() -> None:
    table = quantise_embedding(np.full((4, 3), 0.25, np.float32), "3.5bit", 24)
    assert np.allclose(table.real([0]), 0.25, atol=1e-6)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ImageError, match="float16"):
        quantise_embedding(np.full((2, 2), 1e6, np.float32), "fp16", 24)
    with pytest.raises(ImageError, match="fp16"):
        quantise_embedding(np.array([[1e6], [-1e6]], np.float32), "int8", 24)
    with pytest.raises(ConfigurationError, match="choose one of"):
        quantise_embedding(TABLE, "int5", 24)
