"""The float reference: one layer and the LM head exactly as the released code computes them.

Pieces and names follow arXiv 2406.02528 and the released `hgrn_bit` code (where they differ, the
code: the gate norm is on g and the swish on h). Vectors are (T, n).

A precision says in which type an operation computes and in which its result is kept. `float16`
keeps what the released half-precision inference keeps in half precision, and computes each
operation in float32, so it is a favourable emulation of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.reference.norms import BITLINEAR_EPS, FloatNorm
from tritstream.reference.weights import FloatHead, FloatLayer

Array = npt.NDArray[np.floating]
FloatTrace = Callable[[str, Array], None]


@dataclass(frozen=True)
class Precision:
    """``compute`` is the type of arithmetic, ``store`` the one in which results are kept."""

    name: str
    compute: type[np.floating]
    store: type[np.floating]

    def keep(self, values: Array) -> Array:
        """Round a result to the stored type; it goes on in the computing one."""
        return values.astype(self.store).astype(self.compute)


PRECISIONS = {
    p.name: p
    for p in (
        Precision("float64", np.float64, np.float64),
        Precision("float32", np.float32, np.float32),
        Precision("float16", np.float32, np.float16),
    )
}


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, np.ones_like(small)) / (1 + small)


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def rms(v: Array, weight: npt.NDArray[np.float64], eps: float) -> Array:
    """v / sqrt(mean(v**2) + eps) * weight over the last axis, in v's own type."""
    mean_square = np.mean(v * v, axis=-1, keepdims=True)
    return v / np.sqrt(mean_square + v.dtype.type(eps)) * weight.astype(v.dtype)


def bit_linear(
    v: Array, trits: npt.NDArray[np.int8], norm: FloatNorm, precision: Precision
) -> tuple[Array, Array]:
    """ternary(W) @ quant8(rms(v; w, 1e-6)): (T, n) -> (T, rows), and the int8 codes (T, n)."""
    keep = precision.keep
    n = keep(rms(v, norm.own, BITLINEAR_EPS))
    step = np.maximum(np.max(np.abs(n), axis=-1, keepdims=True), n.dtype.type(1e-5)) / 127
    codes = np.clip(np.rint(n / step), -128, 127)
    # Sums of codes are integers below 2**24: exact in float32 in any order.
    sums = (codes.astype(np.float32) @ trits.T.astype(np.float32)).astype(n.dtype)
    return keep(sums * (step * n.dtype.type(norm.weight_scale))), codes


def decoder_layer(
    x: Array,
    state: Array,
    layer: FloatLayer,
    precision: Precision,
    trace: FloatTrace = lambda name, values: None,
) -> tuple[Array, Array]:
    """One layer over T tokens: x (T, D) and state (D,) -> the new residual and state.

    ``trace`` gets the same names as the specification's, values in real units.
    """
    keep = precision.keep

    def projected(name: str, v: Array) -> Array:
        result, codes = bit_linear(v, layer.trits[name], layer.norms[name], precision)
        trace(f"codes_{name}", codes)
        trace(name, result)
        return result

    def block_norm(name: str, v: Array) -> Array:
        norm = layer.norms[name]
        assert norm.block is not None
        return keep(rms(v, norm.block, norm.eps))

    n = block_norm("i", x)
    candidate = keep(silu(projected("i", n)))
    trace("candidate", candidate)
    pre = projected("f", n)
    if layer.lower_bound is None:
        fresh = sigmoid(-pre)
    else:
        fresh = (1 - layer.lower_bound).astype(x.dtype) * sigmoid(-pre)
    trace("fresh", fresh)
    states = np.empty_like(candidate)
    for t in range(len(x)):
        # The released kernel keeps the recurrence itself in float32, whatever the model runs in.
        state = (1 - fresh[t]) * state + candidate[t] * fresh[t]
        states[t] = state
    trace("state", states)
    kept = keep(states)
    g = projected("g", n)
    trace("gated", g * silu(kept))
    o = keep(block_norm("o", g) * silu(kept))
    x = keep(x + projected("o", o))
    trace("residual_o", x)

    a, b = np.split(projected("gate", block_norm("gate", x)), 2, axis=-1)
    product = keep(silu(a) * b)
    trace("product", product)
    x = keep(x + projected("down", product))
    trace("residual_down", x)
    return x, state


def head(x: Array, weights: FloatHead, precision: Precision) -> Array:
    """BitLinear_lm_head(rms(x; model.norm)): (T, D) -> logits (T, V)."""
    norm = weights.norm
    assert norm.block is not None
    n = precision.keep(rms(x, norm.block, norm.eps))
    return bit_linear(n, weights.trits, norm, precision)[0]
