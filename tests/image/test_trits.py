"""Packing of trits into bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tritstream.image.trits import pack_rows, unpack_rows, valid_bytes

PACKINGS = ("base3", "2bit")


@given(
    arrays(np.int8, st.tuples(st.integers(1, 23), st.integers(1, 9)), elements=st.integers(-1, 1)),
    st.sampled_from(PACKINGS),
)
def test_round_trip(trits: np.ndarray, packing: str) -> None:
    packed = pack_rows(trits, packing)
    assert packed.shape == (-(-len(trits) // {"base3": 5, "2bit": 4}[packing]), trits.shape[1])
    assert np.array_equal(unpack_rows(packed, packing, len(trits)), trits)


def test_base3_convention() -> None:
    # Row 0 is the most significant digit, a digit is trit + 1, the byte ceil(256 * x / 243).
    column = np.array([[1], [-1], [0], [1], [0]], np.int8)
    x = 2 * 81 + 0 * 27 + 1 * 9 + 2 * 3 + 1
    assert pack_rows(column, "base3")[0, 0] == -(-256 * x // 243)


def test_2bit_convention() -> None:
    column = np.array([[1], [-1], [0], [1]], np.int8)
    assert pack_rows(column, "2bit")[0, 0] == 0b01_00_11_01


@pytest.mark.parametrize("packing", PACKINGS)
def test_every_valid_byte_decodes_to_what_packs_to_it(packing: str) -> None:
    good = np.flatnonzero(valid_bytes(packing)).astype(np.uint8)
    assert len(good) == {"base3": 243, "2bit": 81}[packing]
    rows = {"base3": 5, "2bit": 4}[packing]
    trits = unpack_rows(good[None, :], packing, rows)
    assert set(np.unique(trits)) == {-1, 0, 1}
    assert np.array_equal(pack_rows(trits, packing)[0], good)


@pytest.mark.parametrize("packing", PACKINGS)
def test_missing_rows_are_zero_trits(packing: str) -> None:
    packed = pack_rows(np.ones((1, 3), np.int8), packing)
    rows = {"base3": 5, "2bit": 4}[packing]
    assert not unpack_rows(packed, packing, rows)[1:].any()
