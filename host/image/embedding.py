"""The embedding table, which stays with the host: fp16, int8, or 3.5 bits an entry.

``int8`` and ``3.5bit`` quantise each feature (column) to an affine grid of 256 or 11 levels over
its range; two base-11 digits share seven bits (11**2 = 121 <= 2**7). A row becomes the residual by
integers alone, ``offset + digit * step`` with per-column int32 ``offset`` and ``step`` of 24
fraction bits. The error is at most half a step a feature, plus the rounding of the offset and of
up to 10 (255) steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.errors import ConfigurationError, ImageError
from tritstream.numerics.integers import VECTOR_MAX, Ints, saturate, shift_round

LEVELS = {"int8": 256, "3.5bit": 11}
EMBEDDINGS = ("fp16", *LEVELS)
GRID_FRAC = 24
"""Fraction bits of the columns' offsets and steps: values up to 128."""
_CHUNK_ROWS = 256
"""Rows that are widened at a time: packing holds no second copy of the table."""


def row_bytes(kind: str, hidden: int) -> int:
    """Bytes of one packed row."""
    if kind == "fp16":
        return 2 * hidden
    if kind == "int8":
        return hidden
    if kind == "3.5bit":
        return -(-7 * -(-hidden // 2) // 8)
    known = ", ".join(EMBEDDINGS)
    raise ConfigurationError(f"unknown embedding '{kind}': choose one of {known}")


@dataclass(frozen=True)
class Embedding:
    """``rows`` (V, row_bytes) uint8; unless fp16, ``columns`` (2, D) int32: offsets and steps."""

    kind: str
    hidden: int
    residual_frac: int
    rows: npt.NDArray[np.uint8]
    columns: npt.NDArray[np.int32] | None

    def residual(self, token_ids: npt.ArrayLike) -> Ints:
        """Token ids (...,) -> the residual's start (..., D) int48, Q.residual_frac."""
        digits = self._digits(self._select(token_ids))
        if self.columns is None:
            scaled = np.rint(np.ldexp(digits.astype(np.float64), self.residual_frac))
            return saturate(scaled.astype(np.int64), VECTOR_MAX)
        left = max(self.residual_frac - GRID_FRAC, 0)
        return shift_round(self._grid(digits) << left, max(GRID_FRAC - self.residual_frac, 0))

    def real(self, token_ids: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Token ids (...,) -> the values that the table stands for, (..., D) float64."""
        digits = self._digits(self._select(token_ids))
        if self.columns is None:
            return digits.astype(np.float64)
        return np.ldexp(self._grid(digits).astype(np.float64), -GRID_FRAC)

    def _select(self, token_ids: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        return self.rows[np.asarray(token_ids, np.int64)]

    def _grid(self, digits: npt.NDArray[np.float16 | np.uint8]) -> Ints:
        assert self.columns is not None
        offset, step = self.columns.astype(np.int64)
        return offset + digits.astype(np.int64) * step

    def _digits(self, packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16 | np.uint8]:
        if self.kind == "fp16":
            return np.ascontiguousarray(packed).view("<f2")
        if self.kind == "int8":
            return packed
        return unpack_digits(packed, self.hidden)


def quantise_embedding(values: npt.NDArray[np.float32], kind: str, residual_frac: int) -> Embedding:
    """(V, D) float32 -> the packed table. Raises ImageError where fp16 cannot hold a value."""
    vocabulary, hidden = values.shape
    rows = np.empty((vocabulary, row_bytes(kind, hidden)), np.uint8)
    if kind == "fp16":
        if max(float(values.max()), -float(values.min())) > 65504:
            raise ImageError(
                "model.embeddings.weight has values beyond float16's range: pack with "
                "--embedding int8"
            )
        rows[:] = values.astype("<f2").view(np.uint8)
        return Embedding(kind, hidden, residual_frac, rows, None)

    offset, step = _columns(values, LEVELS[kind])
    for start in range(0, vocabulary, _CHUNK_ROWS):
        part = values[start : start + _CHUNK_ROWS]
        digits = _nearest(part, offset, step, LEVELS[kind])
        rows[start : start + _CHUNK_ROWS] = digits if kind == "int8" else pack_digits(digits)
    columns = np.stack([offset, step]).astype(np.int32)
    return Embedding(kind, hidden, residual_frac, rows, columns)


def quantised_grid(values: npt.NDArray[np.float32], levels: int) -> npt.NDArray[np.float64]:
    """What (V, D) values become on an affine grid of ``levels`` (at most 256) a column."""
    offset, step = _columns(values, levels)
    digits = _nearest(values, offset, step, levels)
    return np.ldexp(offset + digits * step, -GRID_FRAC)


def _columns(
    values: npt.NDArray[np.float32], levels: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Offset and step of every column's grid, integers of GRID_FRAC fraction bits."""
    low, high = values.min(axis=0).astype(np.float64), values.max(axis=0).astype(np.float64)
    offset = np.rint(np.ldexp(low, GRID_FRAC))
    step = np.maximum(np.rint(np.ldexp(high - low, GRID_FRAC) / (levels - 1)), 1)
    if max(np.max(np.abs(offset)), np.max(step)) >= 1 << 31:
        raise ImageError(
            "model.embeddings.weight has values beyond the range of the quantised embedding: pack "
            "with --embedding fp16"
        )
    return offset, step


def _nearest(
    values: npt.NDArray[np.float32],
    offset: npt.NDArray[np.float64],
    step: npt.NDArray[np.float64],
    levels: int,
) -> npt.NDArray[np.uint8]:
    exact = (np.ldexp(values.astype(np.float64), GRID_FRAC) - offset) / step
    return np.clip(np.rint(exact), 0, levels - 1).astype(np.uint8)


def pack_digits(digits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(..., n) base-11 digits -> bytes: 7 bits a pair, first digit most significant, LSB first."""
    odd = digits.shape[-1] % 2
    pairs = np.pad(digits, [(0, 0)] * (digits.ndim - 1) + [(0, odd)])
    codes = pairs[..., 0::2] * np.uint8(11) + pairs[..., 1::2]
    bits = (codes[..., None] >> np.arange(7, dtype=np.uint8)) & 1
    return np.packbits(bits.reshape(*codes.shape[:-1], -1), axis=-1, bitorder="little")


def unpack_digits(packed: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.uint8]:
    """The inverse of `pack_digits`: (..., bytes) -> (..., count) digits in [0, 10]."""
    pairs = -(-count // 2)
    bits = np.unpackbits(packed, axis=-1, bitorder="little")[..., : 7 * pairs]
    weights = np.uint8(1) << np.arange(7, dtype=np.uint8)
    codes = (bits.reshape(*packed.shape[:-1], pairs, 7) * weights).sum(axis=-1, dtype=np.uint8)
    digits = np.stack([codes // 11, codes % 11], axis=-1)
    return digits.reshape(*packed.shape[:-1], 2 * pairs)[..., :count]
