"""The residual: what every block adds its result to."""

# mypy: ignore-errors
from tritstream.kernels.types import Vector, int64


def residual_add(x: Vector, delta: Vector) -> Vector:
    """x + delta in the residual format, saturating at +-(2**47 - 1)."""
    limit: int64 = 1
    limit = (limit << 47) - 1
    total: int64 = x + delta
    high: int64 = limit if total > limit else total
    result: Vector = -limit if high < -limit else high
    return result
