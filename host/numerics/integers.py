"""Integer primitives of the specification: rounding shift, saturation, bit length, scalars.

All arrays are int64 and hold values of the stated width; every function works element by element
and broadcasts. No intermediate result leaves int64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tritstream.numerics.profiles import MANTISSA_BITS, VECTOR_BITS

Ints = npt.NDArray[np.int64]

GATE_MAX = (1 << 31) - 1
"""Largest magnitude in the gate format, which is int32."""
VECTOR_MAX = (1 << (VECTOR_BITS - 1)) - 1
"""Largest magnitude of a vector that enters a norm, the residual among them."""


def shift_round(value: Ints, shift: Ints | int) -> Ints:
    """``value / 2**shift`` rounded to nearest, ties towards plus infinity; shift in [0, 62]."""
    half = (np.int64(1) << np.asarray(shift, np.int64)) >> 1
    return (value + half) >> shift


def saturate(value: Ints, limit: int) -> Ints:
    """Clip to [-limit, limit]: symmetric, so that every magnitude fits the format as well."""
    return np.clip(value, -limit, limit)


def bit_length(value: Ints) -> Ints:
    """Bits of a non-negative integer below 2**62: 0 for 0, else floor(log2) + 1."""
    # A float64 holds 53 bits: halves of 31 bits convert exactly, and frexp gives their length.
    value = np.asarray(value, np.int64)
    high = value >> 31
    low = value & GATE_MAX
    wide = high > 0
    return (
        np.frexp(np.where(wide, high, low).astype(np.float64))[1] + np.where(wide, 31, 0)
    ).astype(np.int64)


def magnitude_length(vector: Ints) -> Ints:
    """Bit length of the longest element of each vector (last axis), as one's complement.

    An OR over ``v ^ (v >> 63)`` is what hardware does: no comparisons, and -2**k needs k bits.
    """
    ones = vector ^ (vector >> 63)
    return bit_length(np.bitwise_or.reduce(ones, axis=-1))


class Scalar(NamedTuple):
    """``mantissa * 2**exponent``; the mantissa is 0 or in [2**30, 2**31)."""

    mantissa: Ints
    exponent: Ints

    def real(self) -> npt.NDArray[np.float64]:
        """The value as float64 (exact: 31 bits)."""
        return np.ldexp(np.asarray(self.mantissa, np.float64), np.asarray(self.exponent, np.int32))


def normalise(value: Ints, exponent: Ints | int) -> Scalar:
    """``value * 2**exponent``, 0 <= value < 2**62, as a Scalar; bits below 2**30 are dropped."""
    value = np.asarray(value, np.int64)
    shift = bit_length(value) - MANTISSA_BITS
    mantissa = np.where(shift > 0, value >> np.maximum(shift, 0), value << np.maximum(-shift, 0))
    zero = value == 0
    return Scalar(np.where(zero, 0, mantissa), np.where(zero, 0, exponent + shift))


def multiply(a: Scalar, b: Scalar) -> Scalar:
    """The product; its mantissa is truncated."""
    return normalise(a.mantissa * b.mantissa, a.exponent + b.exponent)


def add3(a: Scalar, b: Scalar, c: Scalar) -> Scalar:
    """The sum of three, each aligned to the largest exponent by a truncating shift."""
    terms = (a, b, c)
    # A zero has no exponent of its own and must not decide the alignment.
    lowest = np.int64(-(1 << 20))
    tops = [np.where(t.mantissa > 0, t.exponent, lowest) for t in terms]
    top = np.maximum(np.maximum(tops[0], tops[1]), tops[2])
    total = sum(
        (t.mantissa >> np.minimum(top - e, 62) for t, e in zip(terms, tops, strict=True)),
        start=np.zeros_like(top),
    )
    return normalise(total, top)


def square_root(value: Ints) -> Ints:
    """floor(sqrt(value)) of a non-negative integer below 2**62."""
    value = np.asarray(value, np.int64)
    # float64 is off by one at most here; two comparisons make it exact.
    root = np.sqrt(value.astype(np.float64)).astype(np.int64)
    root = np.where(root * root > value, root - 1, root)
    return np.where((root + 1) * (root + 1) <= value, root + 1, root)
