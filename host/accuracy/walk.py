"""Walking a prompt through float and fixed side by side: where the error comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tritstream.accuracy.hybrid import EXCHANGEABLE, hybrid_operations
from tritstream.engines.base import check_tokens
from tritstream.engines.float import FloatEngine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image
from tritstream.numerics.integers import Ints
from tritstream.reference import PRECISIONS, weights_of_image
from tritstream.reference.model import Array
from tritstream.reference.model import decoder_layer as float_layer
from tritstream.spec import Operations, decoder_layer, fixed_operations

NONE = "(none)"
"""In a table of operations in float: all of them fixed."""


@dataclass(frozen=True)
class Walk:
    """Errors of the fixed engine against float64 over one prompt; all measured.

    ``errors`` is a list over layers of relative L2 errors by operation, mean over tokens: what has
    accumulated up to the operation's result. ``code_flips`` likewise has the share of int8 codes
    that differ. ``saturations`` counts by operation.
    """

    tokens: int
    errors: list[dict[str, float]]
    code_flips: list[dict[str, float]]
    logits_error: float
    saturations: dict[str, int]


def relative_error(found: Array, expected: Array) -> float:
    """|found - expected| / |expected|, L2 over the last axis, mean over the others."""
    norm = np.linalg.norm(expected, axis=-1)
    error = np.linalg.norm(found - expected, axis=-1)
    return float(np.mean(error / np.where(norm > 0, norm, 1.0)))


def walk(image: Image, token_ids: Sequence[int], operations: Operations | None = None) -> Walk:
    """Run a prompt through float64 and the specification, layer by layer.

    ``operations`` may be a hybrid table. Raises EngineError for tokens outside the vocabulary.
    """
    ids = check_tokens(token_ids, image.geometry.vocabulary)
    fixed = SpecEngine(image, operations)
    exact = FloatEngine(weights_of_image(image))
    precision = PRECISIONS["float64"]
    x_fixed = image.embedding.residual(ids)
    x_float: Array = exact.weights.embed(ids)
    errors, flips = [], []
    for index in range(image.geometry.layers):
        real: dict[str, Array] = {}
        integer: dict[str, Array] = {}

        def keep_real(name: str, values: Array, into: dict[str, Array] = real) -> None:
            into[name] = values

        def keep_integer(
            name: str, values: Ints, one: float, into: dict[str, Array] = integer
        ) -> None:
            into[name] = values / one

        x_fixed, _ = decoder_layer(
            x_fixed,
            fixed.state[index],
            fixed.layer(index),
            fixed.operations,
            fixed.profile,
            fixed.saturations,
            keep_integer,
        )
        x_float, _ = float_layer(
            x_float, exact.state[index], exact.weights.layer(index), precision, keep_real
        )
        named = [n for n in integer if n in real]
        codes = [n for n in named if n.startswith("codes_")]
        errors.append({n: relative_error(integer[n], real[n]) for n in named if n not in codes})
        flips.append({n[6:]: float(np.mean(integer[n] != real[n])) for n in codes})
    return Walk(
        len(ids),
        errors,
        flips,
        logits_error(fixed, exact, ids.tolist()),
        fixed.saturations.counts,
    )


def logits_error(fixed: SpecEngine, exact: FloatEngine, ids: Sequence[int]) -> float:
    """Relative L2 error of the logits of a fixed (or hybrid) engine, mean over tokens."""
    return relative_error(fixed.logits(ids).astype(np.float64), exact.exact_logits(ids))


def contributions(image: Image, token_ids: Sequence[int]) -> dict[str, float]:
    """Logits error with each operation in float in turn; `(none)` and `(all)` are the ends."""
    ids = check_tokens(token_ids, image.geometry.vocabulary).tolist()
    profile = image.header.layout.profile
    exact = FloatEngine(weights_of_image(image))
    tables = {NONE: fixed_operations(profile)}
    tables |= {name: hybrid_operations(profile, [name]) for name in EXCHANGEABLE}
    tables["(all)"] = hybrid_operations(profile, EXCHANGEABLE)
    return {n: logits_error(SpecEngine(image, ops), exact, ids) for n, ops in tables.items()}
