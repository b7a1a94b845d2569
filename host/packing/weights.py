"""The specification's weights: of a packed image, or of floats folded on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.numerics import Profile
from tritstream.numerics.integers import Ints
from tritstream.packing.fold import fold_head, fold_layer
from tritstream.reference.weights import FloatWeights
from tritstream.spec.model import HeadWeights, LayerWeights


@dataclass(frozen=True)
class FixedWeights:
    """A model for the specification; layers are read when asked for, one at a time."""

    geometry: Geometry
    profile: Profile
    embed: Callable[[npt.ArrayLike], Ints]
    """Token ids (...,) -> the residual's start (..., D) int48."""
    layer: Callable[[int], LayerWeights]
    head: Callable[[], HeadWeights]


def weights_of_image(image: Image) -> FixedWeights:
    """The integers that an image's records hold."""
    g = image.geometry

    def layer(index: int) -> LayerWeights:
        return image.layer_layout.read_layer(image.record(index))

    def head() -> HeadWeights:
        return image.head_layout.read_head(image.record(g.layers))

    return FixedWeights(g, image.header.layout.profile, image.embedding.residual, layer, head)


def folded_weights(weights: FloatWeights, profile: Profile) -> FixedWeights:
    """The integers that packing would make of a float model in ``profile``."""

    def embed(token_ids: npt.ArrayLike) -> Ints:
        return np.rint(np.ldexp(weights.embed(token_ids), profile.residual_frac)).astype(np.int64)

    return FixedWeights(
        weights.geometry,
        profile,
        embed,
        lambda index: fold_layer(weights.layer(index), profile),
        lambda: fold_head(weights.head(), profile),
    )
