"""The kernels' integer types: the formats of the profile at their exact widths."""

# mypy: ignore-errors
from __future__ import annotations

from allo.ir.types import Int, UInt, index, int8, int16, int32, int64

from tritstream.kernels.constants import (
    BLOCK_BITS,
    CODE_BITS,
    ELEMENT_WORD_BITS,
    GAIN_BITS,
    NORMAL_BITS,
    PORT_BITS,
    SCALE_BITS,
    SIGMOID_FRAC,
    SQUARE_BITS,
    SUM_BITS,
    VECTOR_BITS,
)

Vector = Int(VECTOR_BITS)
"""An element of a vector that enters a norm: int48."""
Normal = Int(NORMAL_BITS)
"""The same, normalised by a power of two."""
Gain = Int(GAIN_BITS)
Block = Int(BLOCK_BITS)
Square = Int(SQUARE_BITS)
"""An operand of a sum of squares."""
Magnitude = Int(CODE_BITS + 1)
"""A signed magnitude, or the reciprocal, that gives the codes."""
Sum = Int(SUM_BITS)
"""A sum of a mat-vec."""
Mantissa = Int(SCALE_BITS + 1)
"""The scale's mantissa."""
Sigma = Int(SIGMOID_FRAC + 2)
"""A sigmoid, in [0, 1]."""
Rest = Int(36)
"""What is left in a division of mantissas."""
Beat = UInt(128)
PortWord = UInt(PORT_BITS)
"""What one weight port brings of a weight word."""
ElementWord = UInt(ELEMENT_WORD_BITS)

__all__ = [
    "Beat",
    "Block",
    "ElementWord",
    "Gain",
    "Int",
    "Magnitude",
    "Mantissa",
    "Normal",
    "PortWord",
    "Rest",
    "Sigma",
    "Square",
    "Sum",
    "UInt",
    "Vector",
    "index",
    "int8",
    "int16",
    "int32",
    "int64",
]
