"""The MLGRU: a gated recurrence without matrix products on its state.

f = lb + (1 - lb) * sigma(pre_f)      h' = f * h + (1 - f) * silu(pre_i)      o = g * silu(h')
"""

# mypy: ignore-errors
import allo

from tritstream.kernels.constants import HIDDEN, SIGMOID_FRAC, SIGMOID_ONE
from tritstream.kernels.sigmoid import sigmoid
from tritstream.kernels.swiglu import gated_product, times_sigma
from tritstream.kernels.types import Sigma, Vector, int32, int64

MIX_HALF = 1 << (SIGMOID_FRAC - 1)


def state_update(state: int32, candidate: int32, fresh: Sigma) -> int32:
    """f * state + (1 - f) * candidate; ``fresh`` is 1 - f. A convex mix: it cannot saturate."""
    keep: Sigma = SIGMOID_ONE - fresh
    old: int64 = state * keep
    new_part: int64 = candidate * fresh
    mixed: int32 = (old + new_part + MIX_HALF) >> SIGMOID_FRAC
    return mixed


def mlgru(
    pre_i: int32[HIDDEN],
    pre_f: int32[HIDDEN],
    pre_g: int32[HIDDEN],
    room: int32[HIDDEN],
    state_in: int32[HIDDEN],
    state_out: int32[HIDDEN],
    gated: Vector[HIDDEN],
):
    """One step of a whole vector. ``room`` is 1 - lb; 1 - f = (1 - lb) * sigma(-pre_f)."""
    for i in allo.grid(HIDDEN, pipeline=True):
        sigma_i: Sigma = sigmoid(pre_i[i])
        candidate: int32 = times_sigma(pre_i[i], sigma_i)
        negated: int32 = -pre_f[i]
        sigma_f: Sigma = sigmoid(negated)
        fresh: Sigma = times_sigma(room[i], sigma_f)
        state: int32 = state_update(state_in[i], candidate, fresh)
        state_out[i] = state
        sigma_h: Sigma = sigmoid(state)
        silu: int32 = times_sigma(state, sigma_h)
        gated[i] = gated_product(pre_g[i], silu)


INLINE = ("sigmoid", "times_sigma", "state_update", "gated_product")


def schedule():
    """An element a cycle."""
    return allo.customize(mlgru)
