"""Folding of norm weights, weight scales and eps into the integers of `NormParameters`.

The two norms in front of a mat-vec, with block weight w1, eps1 and BitLinear weight w2, eps2, give

    v * w1 * w2 / sqrt(ms(v * w1) + eps2 * (ms(v) + eps1)),      ms the mean square over n

so the weights fold element by element and one root is left. Behind no block norm, w1 = 1 and the
term with ms(v) is absent. Exponents that do not depend on the token are folded into the scalars
here.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tritstream.numerics import Profile
from tritstream.numerics.integers import Ints, Scalar
from tritstream.numerics.profiles import CODE_MAX, MANTISSA_BITS, PRODUCT_SHIFT
from tritstream.reference.norms import BITLINEAR_EPS, FloatNorm
from tritstream.reference.weights import FloatHead, FloatLayer
from tritstream.spec.model import HeadWeights, LayerWeights
from tritstream.spec.operations import NormParameters

Floats = npt.NDArray[np.float64]


def input_frac(matrix: str, profile: Profile) -> int:
    """Fraction bits of the vector that enters a matrix's norm."""
    if matrix in ("o", "down"):
        return 2 * profile.gate_frac - PRODUCT_SHIFT
    return profile.residual_frac


def output_frac(matrix: str, profile: Profile) -> int:
    """Fraction bits of what the mat-vec's sums are turned into; the head's scale is plain."""
    if matrix in ("o", "down"):
        return profile.residual_frac
    return 0 if matrix == "head" else profile.gate_frac


def fold_norm(matrix: str, norm: FloatNorm, profile: Profile) -> NormParameters:
    """Integer parameters of the norm in front of ``matrix`` (i f g o gate down head)."""
    n = len(norm.own)
    block_weight = np.ones(n) if norm.block is None else norm.block
    gain, gain_frac = _mantissas(block_weight * norm.own, profile.gain_bits)
    block, block_frac = _mantissas(block_weight, profile.block_bits)

    # u = (z * gain) >> dropped, z = v * 2**(vector_bits - length - 1): see norm_codes.
    from_vector = -profile.vector_bits - input_frac(matrix, profile)
    dropped = profile.vector_bits + profile.gain_bits - 1 - MANTISSA_BITS
    scale = norm.weight_scale * math.sqrt(n) / CODE_MAX
    scale_exponent = output_frac(matrix, profile) + from_vector + dropped - gain_frac
    # p = (z * block) >> square_dropped.
    square_dropped = profile.vector_bits + profile.block_bits - profile.square_bits - 1
    square_exponent = 2 * (from_vector + square_dropped - block_frac)
    # The plain sum of squares is over g (gate format) for the gate norm, else over the vector.
    plain_frac = profile.gate_frac if matrix == "o" else input_frac(matrix, profile)
    if norm.block is None:
        eps_square, eps = 0.0, n * BITLINEAR_EPS
    else:
        eps_square, eps = BITLINEAR_EPS, n * BITLINEAR_EPS * norm.eps
    return NormParameters(
        gain=gain,
        block=block,
        scale=scalar(scale, scale_exponent),
        square_exponent=square_exponent,
        eps_square=scalar(eps_square, -2 * plain_frac),
        eps=scalar(eps),
    )


def fold_layer(weights: FloatLayer, profile: Profile) -> LayerWeights:
    """The integers of a decoder layer. Without a lower bound there is all the room."""
    norms = {name: fold_norm(name, norm, profile) for name, norm in weights.norms.items()}
    bound = weights.lower_bound
    if bound is None:
        bound = np.zeros(len(weights.trits["f"]))
    return LayerWeights(weights.trits, norms, fold_room(bound, profile))


def fold_head(weights: FloatHead, profile: Profile) -> HeadWeights:
    """The integers of the LM head."""
    return HeadWeights(weights.trits, fold_norm("head", weights.norm, profile))


def fold_room(lower_bound: Floats, profile: Profile) -> Ints:
    """(D,) lower bound -> 1 - lower bound, Q1.sigmoid_frac."""
    return np.rint((1.0 - lower_bound) * profile.one).astype(np.int64)


def scalar(value: float, exponent: int = 0) -> Scalar:
    """A non-negative float times 2**exponent as a Scalar, rounded to its 31-bit mantissa."""
    fraction, power = math.frexp(value)
    mantissa = round(math.ldexp(fraction, MANTISSA_BITS))
    if mantissa == 0:
        return Scalar(np.int64(0), np.int64(0))  # type: ignore[arg-type]
    if mantissa == 1 << MANTISSA_BITS:
        mantissa, power = mantissa >> 1, power + 1
    return Scalar(np.asarray(mantissa), np.asarray(power - MANTISSA_BITS + exponent))


def _mantissas(weights: Floats, bits: int) -> tuple[Ints, int]:
    """Signed mantissas of ``bits`` bits under one exponent, as many as the largest allows."""
    largest = float(np.max(np.abs(weights)))
    if largest == 0.0:
        return np.zeros(len(weights), np.int64), 0
    frac = bits - 1 - math.frexp(largest)[1]
    limit = (1 << (bits - 1)) - 1
    if round(math.ldexp(largest, frac)) > limit:
        frac -= 1
    return np.rint(np.ldexp(weights, frac)).astype(np.int64), frac
