"""Quantising, under the name that packing has for it; the float reference quantises alike."""

from tritstream.reference.quantise import lower_bounds, ternary

__all__ = ["lower_bounds", "ternary"]
