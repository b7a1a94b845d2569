"""Where the float engine's weights come from: a checkpoint folder, or a packed image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.checkpoint import Checkpoint
from tritstream.checkpoint.layout import LAYER_TENSORS, LOWER_BOUNDS, matrix_tensors
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.reference.norms import FloatNorm
from tritstream.reference.quantise import lower_bounds, ternary

Trits = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FloatLayer:
    """One decoder layer in float64 and trits, by matrix name (i f g o gate down)."""

    trits: dict[str, Trits]
    norms: dict[str, FloatNorm]
    lower_bound: Floats | None
    """(D,), or None where the forget gate has none."""


@dataclass(frozen=True)
class FloatHead:
    """The LM head in float64 and trits."""

    trits: Trits
    norm: FloatNorm


@dataclass(frozen=True)
class FloatWeights:
    """A model for the float engine; layers are read when asked for, one at a time."""

    geometry: Geometry
    embed: Callable[[npt.ArrayLike], Floats]
    """Token ids (...,) -> (..., D) float64."""
    layer: Callable[[int], FloatLayer]
    head: Callable[[], FloatHead]


def _assemble(
    geometry: Geometry,
    embed: Callable[[npt.ArrayLike], Floats],
    vector: Callable[[str], npt.NDArray[np.float32]],
    matrix: Callable[[int, str], tuple[Trits, float]],
    use_lower_bound: bool,
    eps: float,
) -> FloatWeights:
    bounds = None
    if use_lower_bound:
        raw = vector(LOWER_BOUNDS).reshape(geometry.layers, geometry.hidden)
        bounds = lower_bounds(raw)

    def norm(index: int, name: str, scale: float) -> FloatNorm:
        _, own, block = matrix_tensors(index, name)
        wide = None if block is None else vector(block).astype(np.float64)
        return FloatNorm(wide, vector(own).astype(np.float64), eps, scale)

    def layer(index: int) -> FloatLayer:
        trits, norms = {}, {}
        for name in LAYER_TENSORS:
            trits[name], scale = matrix(index, name)
            norms[name] = norm(index, name, scale)
        bound = None if bounds is None or index == 0 else bounds[index]
        return FloatLayer(trits, norms, bound)

    def head() -> FloatHead:
        trits, scale = matrix(geometry.layers, "head")
        return FloatHead(trits, norm(geometry.layers, "head", scale))

    return FloatWeights(geometry, embed, layer, head)


def weights_of_image(image: Image) -> FloatWeights:
    """The float model an image carries: its trits, scales, float norms and stored embedding."""

    def matrix(index: int, name: str) -> tuple[Trits, float]:
        trits = image.layout(index).read_trits(image.record(index), name)
        key = name if name == "head" else f"{index}.{name}"
        return trits, image.header.weight_scales[key]

    return _assemble(
        image.geometry,
        image.embedding.real,
        image.float_vectors.__getitem__,
        matrix,
        image.header.use_lower_bound,
        image.header.rms_norm_eps,
    )


def weights_of_checkpoint(checkpoint: Checkpoint) -> FloatWeights:
    """The float model of a checkpoint folder, embedding in full precision."""
    c = checkpoint.config
    embedding = checkpoint.embedding()

    def matrix(index: int, name: str) -> tuple[Trits, float]:
        return ternary(checkpoint.tensor(matrix_tensors(index, name).weight))

    return _assemble(
        Geometry(c.hidden_size, c.intermediate_size, c.num_hidden_layers, c.vocab_size),
        lambda ids: embedding[np.asarray(ids, np.int64)].astype(np.float64),
        checkpoint.tensor,
        matrix,
        c.use_lower_bound,
        c.rms_norm_eps,
    )
