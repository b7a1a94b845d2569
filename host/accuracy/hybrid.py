"""The hybrid mode: any operation of the specification in float, the rest fixed.

Each float operation takes the same integers, computes in float64 and rounds once into the format of
its result. What an operation's own arithmetic costs is the error that goes away with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tritstream.errors import OptionError
from tritstream.numerics import Profile
from tritstream.numerics.integers import VECTOR_MAX, Ints, Scalar, saturate
from tritstream.numerics.profiles import CODE_MAX, MANTISSA_BITS, PRODUCT_SHIFT
from tritstream.reference.model import Array, sigmoid
from tritstream.spec import Codes, NormParameters, Operations, fixed_operations

EXCHANGEABLE = tuple(name for name in Operations._fields if name != "ternary_matvec")
"""The operations that may run in float; the ternary mat-vec is exact as it is."""


def hybrid_operations(profile: Profile, in_float: Iterable[str]) -> Operations:
    """The specification's operations with those named in ``in_float`` exchanged.

    Raises OptionError for a name that is not in EXCHANGEABLE.
    """
    exchanged: dict[str, Callable[..., Any]] = {}
    available = _float_operations(profile)
    for name in in_float:
        if name not in available:
            raise OptionError(
                f"there is no operation '{name}' to run in float: choose from "
                + ", ".join(EXCHANGEABLE)
            )
        exchanged[name] = available[name]
    return fixed_operations(profile)._replace(**exchanged)


def _float_operations(profile: Profile) -> dict[str, Callable[..., Any]]:
    gate_one, sigmoid_one = 2.0**profile.gate_frac, float(profile.one)

    def norm_codes(vector: Ints, parameters: NormParameters, plain: Scalar) -> Codes:
        p, v = parameters, vector.astype(np.float64)
        u = v * p.gain
        absmax = np.maximum(np.max(np.abs(u), axis=-1), 1e-300)
        # The exponents that the integers collect on their way; see norm_codes and fold_norm.
        dropped = profile.vector_bits + profile.block_bits - profile.square_bits - 1
        squares = np.sum((v * p.block) ** 2, axis=-1) * 2.0 ** (
            2 * (profile.vector_bits - dropped) + p.square_exponent
        )
        under = squares + p.eps_square.real() * plain.real() + p.eps.real()
        numerator = absmax * 2.0 ** (MANTISSA_BITS + 1 - profile.gain_bits) * p.scale.real()
        codes = np.rint(CODE_MAX * u / absmax[..., None]).astype(np.int64)
        return Codes(codes, _scalar(numerator / np.sqrt(under)))

    def sum_of_squares(vector: Ints) -> Scalar:
        return _scalar(np.sum(vector.astype(np.float64) ** 2, axis=-1))

    def dequantise(sums: Ints, scale: Scalar, limit: int) -> Ints:
        return saturate(_rounded(sums * scale.real()[..., None]), limit)

    def silu(x: Ints) -> Ints:
        return _rounded(x * sigmoid(x / gate_one))

    def forget(pre: Ints, room: Ints) -> Ints:
        return _rounded(sigmoid(-pre / gate_one) * (room / sigmoid_one) * sigmoid_one)

    def state_update(state: Ints, candidate: Ints, fresh: Ints) -> Ints:
        share = fresh / sigmoid_one
        return _rounded(np.add(state * (1 - share), candidate * share, dtype=np.float64))

    def gated_product(a: Ints, b: Ints) -> Ints:
        return _rounded(a.astype(np.float64) * b / 2.0**PRODUCT_SHIFT)

    def residual_add(x: Ints, delta: Ints) -> Ints:
        return saturate(_rounded(x.astype(np.float64) + delta), VECTOR_MAX)

    return {
        "norm_codes": norm_codes,
        "sum_of_squares": sum_of_squares,
        "dequantise": dequantise,
        "silu": silu,
        "forget": forget,
        "state_update": state_update,
        "gated_product": gated_product,
        "residual_add": residual_add,
    }


def _rounded(values: Array) -> Ints:
    # Values beyond int64 have saturated long before; clip only keeps the conversion defined.
    return np.rint(np.clip(values, -(2.0**62), 2.0**62)).astype(np.int64)


def _scalar(values: Array) -> Scalar:
    """Positive floats as scalars with a full mantissa."""
    fraction, exponent = np.frexp(values)
    mantissa = np.minimum(np.rint(np.ldexp(fraction, MANTISSA_BITS)), 2.0**MANTISSA_BITS - 1)
    return Scalar(mantissa.astype(np.int64), (exponent - MANTISSA_BITS).astype(np.int64))
