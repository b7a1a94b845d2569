"""Packing of ternary matrices into bytes, and back.

A byte holds the trits of consecutive rows of one column: 5 rows in base 3, or 4 rows at 2 bits.
Base 3: a digit is trit + 1 and row 0 is the most significant one; the byte is ceil(256 * x / 243),
so that digits come out by multiplication: of m = 3 * byte, m >> 8 is the first digit, and m & 255
plays the byte for the next. 2 bit: two's complement, row 0 in the low bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tritstream.configurations import ROWS_PER_BYTE

Trits = npt.NDArray[np.int8]
Bytes = npt.NDArray[np.uint8]


def _decoding_table(packing: str) -> Trits:
    """(256, rows) trits of every byte; bytes that no packer produces decode to something."""
    byte = np.arange(256)
    rows = []
    for row in range(ROWS_PER_BYTE[packing]):
        if packing == "base3":
            byte = 3 * byte
            rows.append((byte >> 8) - 1)
            byte = byte & 255
        else:
            rows.append((((byte >> (2 * row)) & 3) ^ 2) - 2)
    return np.stack(rows, axis=1).astype(np.int8)


_TABLES = {packing: _decoding_table(packing) for packing in ROWS_PER_BYTE}


def pack_rows(trits: Trits, packing: str) -> Bytes:
    """(rows, cols) trits -> (ceil(rows / rows_per_byte), cols) bytes; padded with zero trits."""
    per_byte = ROWS_PER_BYTE[packing]
    rows, cols = trits.shape
    groups = -(-rows // per_byte)
    padded = np.zeros((groups * per_byte, cols), np.int8)
    padded[:rows] = trits
    grouped = padded.reshape(groups, per_byte, cols)
    value = np.zeros((groups, cols), np.uint16)
    for row in range(per_byte):
        if packing == "base3":
            value = value * np.uint16(3) + (grouped[:, row] + 1).astype(np.uint16)
        else:
            value |= (grouped[:, row] & 3).astype(np.uint16) << np.uint16(2 * row)
    if packing == "base3":
        value = ((value.astype(np.uint32) * 256 + 242) // 243).astype(np.uint16)
    return value.astype(np.uint8)


def unpack_rows(packed: Bytes, packing: str, rows: int) -> Trits:
    """The inverse of `pack_rows`: (groups, cols) bytes -> (rows, cols) int8 trits."""
    digits = _TABLES[packing][packed]
    return np.ascontiguousarray(digits.transpose(0, 2, 1).reshape(-1, packed.shape[1])[:rows])


def valid_bytes(packing: str) -> npt.NDArray[np.bool_]:
    """(256,) which byte values a packer can produce: what a damaged record is recognised by."""
    if packing == "base3":
        good = (np.arange(243) * 256 + 242) // 243
        return np.isin(np.arange(256), good)
    return (_TABLES[packing] != -2).all(axis=1)
