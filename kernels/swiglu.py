"""SwiGLU: silu(a) * b. Its parts are also the gates of the MLGRU."""

# mypy: ignore-errors
import allo

from tritstream.kernels.constants import INTERMEDIATE, SIGMOID_FRAC
from tritstream.kernels.sigmoid import sigmoid
from tritstream.kernels.types import Sigma, Vector, int32, int64

SIGMOID_HALF = 1 << (SIGMOID_FRAC - 1)


def times_sigma(value: int32, sigma: Sigma) -> int32:
    """value * sigma, rounded; sigma is in [0, 1]. With sigma of the value itself this is SiLU."""
    product: int64 = value * sigma
    result: int32 = (product + SIGMOID_HALF) >> SIGMOID_FRAC
    return result


def gated_product(a: int32, b: int32) -> Vector:
    """a * b of two gate-format values: int48 with 2 * gate_frac - 16 fraction bits."""
    product: int64 = a * b
    result: Vector = (product + 32768) >> 16
    return result


def swiglu(a: int32[INTERMEDIATE], b: int32[INTERMEDIATE], product: Vector[INTERMEDIATE]):
    """silu(a) * b over a whole vector."""
    for i in allo.grid(INTERMEDIATE, pipeline=True):
        sigma: Sigma = sigmoid(a[i])
        silu: int32 = times_sigma(a[i], sigma)
        product[i] = gated_product(silu, b[i])


INLINE = ("sigmoid", "times_sigma", "gated_product")


def schedule():
    """An element a cycle."""
    return allo.customize(swiglu)
