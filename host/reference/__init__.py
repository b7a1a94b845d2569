"""The float reference: what the released checkpoints compute, in NumPy."""

from tritstream.reference.model import PRECISIONS, Precision
from tritstream.reference.weights import FloatWeights, weights_of_checkpoint, weights_of_image

__all__ = [
    "PRECISIONS",
    "FloatWeights",
    "Precision",
    "weights_of_checkpoint",
    "weights_of_image",
]
