"""The integer functions inside the specification against the exact ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tritstream.numerics import Profile
from tritstream.numerics.integers import Scalar
from tritstream.numerics.sigmoid import sigmoid_of_negative
from tritstream.spec.operations import absmax_codes, divide_by_root


@dataclass(frozen=True)
class FunctionErrors:
    """Largest errors over dense samples of the arguments' whole range; measured."""

    sigmoid_absolute: float
    """Of sigma(x), over |x| < 16."""
    sigmoid_relative: float
    """Of 1 - sigma(x), over 0 <= x < 12, where forget gates live."""
    reciprocal_codes: float
    """Distance of an unrounded code from 127 * u / max|u|, in codes."""
    root_relative: float
    """Of 1 / sqrt(x)."""


def function_errors(profile: Profile, samples: int = 200_000) -> FunctionErrors:
    """Measure one profile's functions."""
    rng = np.random.default_rng(0)
    t = np.arange(samples) * ((16 << profile.gate_frac) // samples)
    exact = 1 / (1 + np.exp(t / 2.0**profile.gate_frac))
    error = np.abs(sigmoid_of_negative(t, profile) / profile.one - exact)
    tail = t < 12 << profile.gate_frac

    u = rng.integers(-(2**30), 2**30, (256, 512))
    absmax = np.max(np.abs(u), axis=-1)
    codes = absmax_codes(u, absmax, profile)
    distance = np.abs(codes - 127 * u / absmax[:, None])

    mantissa = rng.integers(2**30, 2**31, samples)
    exponent = rng.integers(-40, 40, samples)
    one = Scalar(np.full(samples, 2**30), np.full(samples, -30))
    square = Scalar(mantissa, exponent)
    root = divide_by_root(one, square, profile.scale_bits)
    return FunctionErrors(
        sigmoid_absolute=float(error.max()),
        sigmoid_relative=float((error / exact)[tail].max()),
        reciprocal_codes=float(max(distance.max() - 0.5, 0.0)),
        root_relative=float(np.abs(root.real() * np.sqrt(square.real()) - 1).max()),
    )
