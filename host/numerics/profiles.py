"""Named precision profiles: every number format of the fixed-point engine in one table.

``Qi.f`` is a two's complement number with ``f`` fraction bits. Constants that do not differ between
the profiles stand at the end of the file. FORMATS.md beside this file gives the reasons and the
measurements.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from tritstream.errors import ConfigurationError


@dataclass(frozen=True)
class Profile:
    """A whole table of number formats, fixed when hardware is built and an image is packed."""

    name: str
    residual_frac: int
    """Residual x: int48, fraction bits. Saturating. Lives only in parameters, not in hardware."""
    gate_frac: int
    """Pre-activations i, f, g, a, b, state h, SiLU results: int32, fraction bits. Saturating."""
    sigmoid_frac: int
    """Sigmoid, forget gate and lower bound: unsigned Q1.f."""
    sigmoid_cells_log2: int
    """Cells of the sigmoid table per unit of its argument, log2; the table covers [0, 16)."""
    vector_bits: int
    """Signed width of a vector normalised by a power of two, as it enters a norm."""
    gain_bits: int
    """Signed width of the folded norm weights, mantissas under one exponent per vector."""
    block_bits: int
    """Signed width of the block norm weight, which enters the sum of squares only."""
    square_bits: int
    """Signed width of the operands of the sums of squares."""
    code_bits: int
    """Unsigned width of the magnitude and of the reciprocal that give the int8 codes."""
    scale_bits: int
    """Unsigned width of the mantissa that turns an accumulator into a value."""
    element_bits: int
    """Width of one element's parameters in a record, 32 or 64: gain in the low bits, then block."""

    @property
    def one(self) -> int:
        """1.0 in the sigmoid format."""
        return 1 << self.sigmoid_frac

    def table(self) -> dict[str, int | str]:
        """The profile as the image header stores it."""
        return asdict(self)


# fmt: off
PROFILES = {
    p.name: p
    for p in (
        Profile(
            name="default", residual_frac=24, gate_frac=24, sigmoid_frac=28, sigmoid_cells_log2=5,
            vector_bits=32, gain_bits=24, block_bits=18, square_bits=24, code_bits=25,
            scale_bits=24, element_bits=64,
        ),
        Profile(
            name="small", residual_frac=20, gate_frac=22, sigmoid_frac=20, sigmoid_cells_log2=4,
            vector_bits=25, gain_bits=18, block_bits=14, square_bits=18, code_bits=24,
            scale_bits=18, element_bits=32,
        ),
    )
}
# fmt: on


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises ConfigurationError naming the known ones."""
    try:
        return PROFILES[name]
    except KeyError:
        known = ", ".join(sorted(PROFILES))
        raise ConfigurationError(f"unknown profile '{name}': choose one of {known}") from None


VECTOR_BITS = 48
"""Vectors that enter a norm, the residual among them: int48."""
PRODUCT_SHIFT = 16
"""Bits dropped from a product of gate-format values: 2 * gate_frac - 16 fraction bits are left."""
MANTISSA_BITS = 31
"""Unsigned mantissas of scalars: normalised to [2**30, 2**31)."""
SIGMOID_RANGE_LOG2 = 4
"""The sigmoid saturates at |x| = 2**4, where 1 - sigmoid is 1.1e-7."""
CODE_MAX = 127
"""Activation codes are int8 in [-127, 127]."""
