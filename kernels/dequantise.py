"""Sums of a mat-vec to values: times the scale of their vector and matrix, rounded."""

# mypy: ignore-errors
import allo

from tritstream.kernels.constants import HIDDEN
from tritstream.kernels.types import Mantissa, Sum, Vector, int32, int64


def dequantise(total: Sum, scale: int32[2]) -> Vector:
    """total * mantissa * 2**exponent, rounded to nearest, ties upwards.

    The product is below 2**44 (20 by 24 bits), so the result never leaves int48, and a shift by 47
    gives zero as any longer one does; an exponent above zero counts as zero.
    """
    mantissa: Mantissa = scale[0]
    product: int64 = total * mantissa
    right: int32 = -scale[1]
    most: int32 = 47 if right > 47 else right
    shift: int32 = 0 if most < 0 else most
    half: int64 = 1
    half = (half << shift) >> 1
    value: Vector = (product + half) >> shift
    return value


def saturate_gate(value: Vector) -> int32:
    """Clip to the gate format: int32, symmetric."""
    low: Vector = -2147483647 if value < -2147483647 else value
    high: int32 = 2147483647 if low > 2147483647 else low
    return high


def dequantise_gates(sums: int32[HIDDEN], scale: int32[2], gates: int32[HIDDEN]):
    """A whole vector of sums to the gate format."""
    for i in allo.grid(HIDDEN, pipeline=True):
        total: Sum = sums[i]
        value: Vector = dequantise(total, scale)
        gates[i] = saturate_gate(value)


INLINE = ("dequantise", "saturate_gate")


def schedule():
    """An element a cycle."""
    return allo.customize(dequantise_gates)
