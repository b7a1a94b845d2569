"""The fixed-point specification, operation by operation: the one meaning of every execution.

Integers only. Vectors have shape (..., n), scalars of a vector have shape (...); everything is
int64 holding values of the width that the docstring states. Formats:
`tritstream.numerics.profiles`; the float math that each operation stands for is in the docstring
(source: the released `hgrn_bit` code, arXiv 2406.02528).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.numerics.integers import (
    VECTOR_MAX,
    Ints,
    Scalar,
    add3,
    bit_length,
    magnitude_length,
    multiply,
    normalise,
    saturate,
    shift_round,
    square_root,
)
from tritstream.numerics.profiles import (
    CODE_MAX,
    MANTISSA_BITS,
    PRODUCT_SHIFT,
    VECTOR_BITS,
    Profile,
)
from tritstream.numerics.sigmoid import sigmoid


@dataclass(frozen=True)
class NormParameters:
    """What a norm and the mat-vec behind it need beside the trits (see `tritstream.packing.fold`).

    ``gain`` (n,) folds the block norm's weight with the BitLinear's own, ``block`` (n,) is the
    block norm's weight alone; both are integer mantissas whose exponents are folded into the
    scalars:

    ``scale``            weight scale * sqrt(n) / 127 * 2**(fraction bits of the result), and every
                         constant exponent of the codes' path
    ``square_exponent``  constant exponent of the sum of squares of ``vector * block``
    ``eps_square``       eps of the BitLinear's norm times the constant exponent of the plain sum of
                         squares; zero where there is no block norm
    ``eps``              n times what is left of both eps under the root
    """

    gain: Ints
    block: Ints
    scale: Scalar
    square_exponent: int
    eps_square: Scalar
    eps: Scalar


@dataclass(frozen=True)
class Codes:
    """Quantised activations: int8 ``codes`` (..., n); ``scale`` (...) turns sums into values."""

    codes: Ints
    scale: Scalar


def sum_of_squares(vector: Ints, profile: Profile) -> Scalar:
    """Sum of v**2, in units of the vector's own: (..., n) int48 -> (...)."""
    length = magnitude_length(vector)
    top = _normalised(vector, length, profile.square_bits)
    lost = length + 1 - profile.square_bits
    return normalise(np.sum(top * top, axis=-1), 2 * lost)


def norm_codes(vector: Ints, parameters: NormParameters, plain: Scalar, profile: Profile) -> Codes:
    """RMS norm, BitLinear norm and absmax quantisation in one: (..., n) int48 -> int8 codes.

    With ``u = v * w1 * w2`` (block norm weight w1, BitLinear norm weight w2) the codes are
    ``round(127 * u / max|u|)``, which no rms enters; the rms enters the one scalar
    ``max|u| / 127 / sqrt(ms(v * w1) + eps2 * (ms(v0) + eps1))``, ms the mean square, times the
    weight scale. ``plain`` is the sum of squares of v0: of the vector itself, or, for the gate
    norm (whose norm is on g alone), of g.
    """
    length = magnitude_length(vector)
    z = _normalised(vector, length, profile.vector_bits)
    lost = length + 1

    p = shift_round(
        z * parameters.block, profile.vector_bits + profile.block_bits - profile.square_bits - 1
    )
    squares = normalise(np.sum(p * p, axis=-1), parameters.square_exponent + 2 * lost)
    mean_square = add3(squares, multiply(parameters.eps_square, plain), parameters.eps)

    u = (z * parameters.gain) >> (profile.vector_bits + profile.gain_bits - 1 - MANTISSA_BITS)
    absmax = np.maximum(np.max(np.abs(u), axis=-1), 1)
    scale = divide_by_root(
        multiply(normalise(absmax, lost), parameters.scale), mean_square, profile.scale_bits
    )
    return Codes(absmax_codes(u, absmax, profile), scale)


def absmax_codes(u: Ints, absmax: Ints, profile: Profile) -> Ints:
    """round(127 * u / absmax), ties towards plus infinity, for |u| <= absmax < 2**31.

    One reciprocal a vector: u and absmax are cut to ``code_bits`` by the same shift, so that the
    largest element gives 127 exactly (127 * 2**k - a < a * floor(127 * 2**k / a) <= 127 * 2**k).
    """
    left = (MANTISSA_BITS - bit_length(absmax))[..., None]
    cut = MANTISSA_BITS - profile.code_bits
    shift = 2 * profile.code_bits - 8
    reciprocal = (np.int64(CODE_MAX) << shift) // ((absmax[..., None] << left) >> cut)
    return shift_round(((u << left) >> cut) * reciprocal, shift)


def ternary_matvec(trits: npt.NDArray[np.int8], codes: Ints) -> Ints:
    """Exact sums: (rows, n) trits, (..., n) codes -> (..., rows) int32, below 2**20."""
    # float32 adds integers below 2**24 exactly in any order, and has a fast matrix product.
    sums = codes.astype(np.float32) @ np.asarray(trits, np.float32).T
    return sums.astype(np.int64)


def dequantise(sums: Ints, scale: Scalar, limit: int) -> Ints:
    """sums * scale, rounded and saturated to [-limit, limit]; the exponent holds the format.

    The limit is GATE_MAX (int32) or VECTOR_MAX (int48). A scale's exponent above zero, with which
    one unit of a sum would be 2**17 units of the result or more, saturates to zero.
    """
    product = sums * scale.mantissa[..., None]
    return saturate(shift_round(product, np.clip(-scale.exponent, 0, 62)[..., None]), limit)


def silu(x: Ints, profile: Profile) -> Ints:
    """x * sigma(x), gate format in and out."""
    return shift_round(x * sigmoid(x, profile), profile.sigmoid_frac)


def forget(pre: Ints, room: Ints, profile: Profile) -> Ints:
    """1 - f with f = lb + (1 - lb) * sigma(pre): ``room`` (n,) is 1 - lb; Q1.sigmoid_frac.

    1 - f = (1 - lb) * sigma(-pre), so that its relative accuracy survives near f = 1.
    """
    return shift_round(sigmoid(-pre, profile) * room, profile.sigmoid_frac)


def state_update(state: Ints, candidate: Ints, fresh: Ints, profile: Profile) -> Ints:
    """h = f * h + (1 - f) * c, gate format; ``fresh`` is 1 - f. A convex mix cannot saturate."""
    keep = profile.one - fresh
    return shift_round(state * keep + candidate * fresh, profile.sigmoid_frac)


def gated_product(a: Ints, b: Ints) -> Ints:
    """a * b of two gate-format vectors: int48 with 2 * gate_frac - 16 fraction bits."""
    return shift_round(a * b, PRODUCT_SHIFT)


def residual_add(x: Ints, delta: Ints) -> Ints:
    """x + delta, int48 in the residual format, saturating."""
    return saturate(x + delta, VECTOR_MAX)


def saturated(values: Ints, limit: int) -> int:
    """How many elements stand at the limit of their format."""
    return int(np.count_nonzero(np.abs(values) == limit))


def _normalised(vector: Ints, length: Ints, bits: int) -> Ints:
    """``vector * 2**(bits - 1 - length)``, floored: the longest element fills ``bits`` bits."""
    left = (VECTOR_BITS - 1 - length)[..., None]
    return (vector << left) >> (VECTOR_BITS - bits)


def divide_by_root(numerator: Scalar, square: Scalar, bits: int) -> Scalar:
    """numerator / sqrt(square); the mantissa has ``bits`` bits, truncated."""
    odd = square.exponent & 1
    # sqrt(m * 2**e) = sqrt(m * 2**30) * 2**((e - 30) / 2), e even; a zero square counts as 2**30.
    widened = np.where(square.mantissa > 0, square.mantissa << odd, 1 << 30) << (MANTISSA_BITS - 1)
    root = square_root(widened)
    root_exponent = (square.exponent - odd - (MANTISSA_BITS - 1)) // 2
    quotient = (numerator.mantissa << 24) // root
    exponent = numerator.exponent - root_exponent - 24
    # Both mantissas are in [2**30, 2**31): the quotient is in (2**23, 2**25).
    big = quotient >> 24
    drop = big + (24 - bits)
    return Scalar(quotient >> drop, exponent + drop)
