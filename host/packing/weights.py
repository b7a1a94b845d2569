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
from tritstream.packing.fold import fold_norm, fold_room
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
        layout, record = image.layer_layout, image.record(index)
        names = [m.name for m in g.layer_matrices]
        return LayerWeights(
            trits={n: layout.read_trits(record, n) for n in names},
            norms={n: layout.read_norm(record, n) for n in names},
            room=layout.read_room(record),
        )

    def head() -> HeadWeights:
        layout, record = image.head_layout, image.record(g.layers)
        return HeadWeights(layout.read_trits(record, "head"), layout.read_norm(record, "head"))

    return FixedWeights(g, image.header.layout.profile, image.embedding.residual, layer, head)


def folded_weights(weights: FloatWeights, profile: Profile) -> FixedWeights:
    """The integers that packing would make of a float model in ``profile``."""

    def embed(token_ids: npt.ArrayLike) -> Ints:
        return np.rint(np.ldexp(weights.embed(token_ids), profile.residual_frac)).astype(np.int64)

    def layer(index: int) -> LayerWeights:
        source = weights.layer(index)
        bound = source.lower_bound
        none = np.zeros(weights.geometry.hidden)
        return LayerWeights(
            source.trits,
            {n: fold_norm(n, norm, profile) for n, norm in source.norms.items()},
            fold_room(none if bound is None else bound, profile),
        )

    def head() -> HeadWeights:
        source = weights.head()
        return HeadWeights(source.trits, fold_norm("head", source.norm, profile))

    return FixedWeights(weights.geometry, profile, embed, layer, head)
