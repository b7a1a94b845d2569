"""The sigmoid: a table of quadratic cells, as `tritstream.numerics.sigmoid` defines it.

sigma(-t) = a - b * d + c * d**2,   t = (cell + d) / cells_per_unit,   0 <= d < 1
"""

# mypy: ignore-errors
from tritstream.kernels.constants import (
    SIGMOID_A,
    SIGMOID_B,
    SIGMOID_C,
    SIGMOID_CELL_FRAC,
    SIGMOID_CELLS,
    SIGMOID_LAST,
    SIGMOID_ONE,
)
from tritstream.kernels.types import Int, Sigma, int32

CELL_MASK = (1 << SIGMOID_CELL_FRAC) - 1
CELL_HALF = 1 << (SIGMOID_CELL_FRAC - 1)


CellA = Int(int(SIGMOID_A.max()).bit_length() + 1)
CellB = Int(int(SIGMOID_B.max()).bit_length() + 1)
CellC = Int(int(SIGMOID_C.max()).bit_length() + 1)
Fraction = Int(SIGMOID_CELL_FRAC + 1)


def sigmoid(x: int32) -> Sigma:
    """sigma(x) in Q1.sigmoid_frac of x in the gate format, |x| < 2**31."""
    table_a: int32[SIGMOID_CELLS] = SIGMOID_A
    table_b: int32[SIGMOID_CELLS] = SIGMOID_B
    table_c: int32[SIGMOID_CELLS] = SIGMOID_C
    size: int32 = -x if x < 0 else x
    t: int32 = SIGMOID_LAST if size > SIGMOID_LAST else size
    cell: int32 = t >> SIGMOID_CELL_FRAC
    d: Fraction = t & CELL_MASK
    a: CellA = table_a[cell]
    b: CellB = table_b[cell]
    c: CellC = table_c[cell]
    slope: CellB = b - ((c * d) >> SIGMOID_CELL_FRAC)
    small: Sigma = a - ((slope * d + CELL_HALF) >> SIGMOID_CELL_FRAC)
    result: Sigma = small if x < 0 else SIGMOID_ONE - small
    return result
