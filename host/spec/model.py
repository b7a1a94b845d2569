"""A decoder layer and the LM head, composed from the specification's operations.

The composition is written once and takes its operations as a table, so that the hybrid mode can
exchange one of them for its float counterpart. A sequence of T tokens is walked at once: only the
state update runs token by token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tritstream.numerics import Profile
from tritstream.numerics.integers import (
    GATE_MAX,
    VECTOR_MAX,
    Ints,
    Scalar,
    multiply,
    normalise,
)
from tritstream.numerics.profiles import PRODUCT_SHIFT
from tritstream.spec import operations as op
from tritstream.spec.operations import Codes, NormParameters

Trits = npt.NDArray[np.int8]
Trace = Callable[[str, Ints, float], None]
"""Called with an operation's name, its result, and the value of 1.0 in that result's units."""


class Operations(NamedTuple):
    """The engine's operations, each as in `tritstream.spec.operations` with the profile bound."""

    norm_codes: Callable[[Ints, NormParameters, Scalar], Codes]
    sum_of_squares: Callable[[Ints], Scalar]
    ternary_matvec: Callable[[Trits, Ints], Ints]
    dequantise: Callable[[Ints, Scalar, int], Ints]
    silu: Callable[[Ints], Ints]
    forget: Callable[[Ints, Ints], Ints]
    state_update: Callable[[Ints, Ints, Ints], Ints]
    gated_product: Callable[[Ints, Ints], Ints]
    residual_add: Callable[[Ints, Ints], Ints]


def fixed_operations(profile: Profile) -> Operations:
    """The specification's operations in a profile."""
    return Operations(
        norm_codes=partial(op.norm_codes, profile=profile),
        sum_of_squares=partial(op.sum_of_squares, profile=profile),
        ternary_matvec=op.ternary_matvec,
        dequantise=op.dequantise,
        silu=partial(op.silu, profile=profile),
        forget=partial(op.forget, profile=profile),
        state_update=partial(op.state_update, profile=profile),
        gated_product=op.gated_product,
        residual_add=op.residual_add,
    )


@dataclass(frozen=True)
class LayerWeights:
    """One decoder layer: trits and norm parameters by matrix name (i f g o gate down)."""

    trits: Mapping[str, Trits]
    norms: Mapping[str, NormParameters]
    room: Ints
    """(D,) 1 - lower bound, Q1.sigmoid_frac."""


@dataclass(frozen=True)
class HeadWeights:
    """The LM head."""

    trits: Trits
    norm: NormParameters


@dataclass
class Saturations:
    """How often a value was cut to its format's range, by operation; grows as layers are walked."""

    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, values: Ints, limit: int) -> None:
        self._add(name, op.saturated(values, limit))

    def count_scale(self, name: str, scale: Scalar) -> None:
        """Scales too large for the result's format, which `dequantise` cuts."""
        self._add(f"{name} scale", int(np.count_nonzero(np.asarray(scale.exponent) > 0)))

    def _add(self, name: str, found: int) -> None:
        if found:
            self.counts[name] = self.counts.get(name, 0) + found


def _ignore(name: str, values: Ints, one: float) -> None:
    pass


def decoder_layer(
    x: Ints,
    state: Ints,
    weights: LayerWeights,
    ops: Operations,
    profile: Profile,
    saturations: Saturations,
    trace: Trace = _ignore,
) -> tuple[Ints, Ints]:
    """One layer over T tokens: x (T, D), state (D,) -> the new residual (T, D) and state (D,)."""
    one = float(1 << profile.gate_frac)
    residual_one = float(1 << profile.residual_frac)
    product_one = float(1 << (2 * profile.gate_frac - PRODUCT_SHIFT))

    def project(name: str, vector: Ints, plain: Scalar) -> tuple[Ints, Codes]:
        quantised = ops.norm_codes(vector, weights.norms[name], plain)
        trace(f"codes_{name}", quantised.codes, 1.0)
        saturations.count_scale(name, quantised.scale)
        return ops.ternary_matvec(weights.trits[name], quantised.codes), quantised

    def gates(name: str, vector: Ints, plain: Scalar) -> Ints:
        sums, quantised = project(name, vector, plain)
        return gate_values(name, sums, quantised.scale)

    def gate_values(name: str, sums: Ints, scale: Scalar) -> Ints:
        values = ops.dequantise(sums, scale, GATE_MAX)
        saturations.count(name, values, GATE_MAX)
        trace(name, values, one)
        return values

    def add_projected(x: Ints, name: str, vector: Ints, plain: Scalar) -> Ints:
        sums, quantised = project(name, vector, plain)
        delta = ops.dequantise(sums, quantised.scale, VECTOR_MAX)
        trace(name, delta, residual_one)
        x = ops.residual_add(x, delta)
        saturations.count("residual", x, VECTOR_MAX)
        trace(f"residual_{name}", x, residual_one)
        return x

    plain = ops.sum_of_squares(x)
    candidate = ops.silu(gates("i", x, plain))
    trace("candidate", candidate, one)
    fresh = ops.forget(gates("f", x, plain), weights.room)
    trace("fresh", fresh, float(profile.one))
    states = np.empty_like(candidate)
    for t in range(len(x)):
        state = ops.state_update(state, candidate[t], fresh[t])
        states[t] = state
    trace("state", states, one)

    sums, quantised = project("g", x, plain)
    g = gate_values("g", sums, quantised.scale)
    gated = ops.gated_product(g, ops.silu(states))
    trace("gated", gated, product_one)
    x = add_projected(x, "o", gated, sum_of_gate_squares(sums, quantised.scale))

    a, b = np.split(gates("gate", x, ops.sum_of_squares(x)), 2, axis=-1)
    product = ops.gated_product(ops.silu(a), b)
    trace("product", product, product_one)
    return add_projected(x, "down", product, _ZERO), state


def head(x: Ints, weights: HeadWeights, ops: Operations, trace: Trace = _ignore) -> Codes:
    """The LM head over T tokens: (T, D) -> int32 logits (T, V) and their one scale (T,).

    The result is a Codes whose `codes` are the sums; logit = sum * scale.
    """
    quantised = ops.norm_codes(x, weights.norm, ops.sum_of_squares(x))
    trace("codes_head", quantised.codes, 1.0)
    return Codes(ops.ternary_matvec(weights.trits, quantised.codes), quantised.scale)


def sum_of_gate_squares(sums: Ints, scale: Scalar) -> Scalar:
    """The sum of squares of g, from its exact sums: (..., n) int32 -> (...), 2**-2*gate_frac units.

    A sum is below 2**20 and a vector shorter than 2**13, so the sum of squares is below 2**53.
    """
    unit = normalise(scale.mantissa, scale.exponent)
    return multiply(normalise(np.sum(sums * sums, axis=-1), 0), multiply(unit, unit))


_ZERO = Scalar(np.zeros((), np.int64), np.zeros((), np.int64))
