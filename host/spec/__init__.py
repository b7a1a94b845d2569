"""The fixed-point specification: integers only, from the embedding row to the logits' one scale."""

from tritstream.spec.model import (
    HeadWeights,
    LayerWeights,
    Operations,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)
from tritstream.spec.operations import Codes, NormParameters

__all__ = [
    "Codes",
    "HeadWeights",
    "LayerWeights",
    "NormParameters",
    "Operations",
    "Saturations",
    "decoder_layer",
    "fixed_operations",
    "head",
]
