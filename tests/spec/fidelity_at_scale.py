"""Fidelity at the released sizes: fixed point, float16 and float32 against float64.

    python tests/spec/fidelity_at_scale.py --geometry 370m --seeds 3

Random weights in the released layout are drawn layer by layer and walked through all executions at
once, so that even the 2.7B geometry needs no checkpoint on disk and one layer in memory.
"""

import argparse
import json

import numpy as np

from tritstream.accuracy.walk import relative_error
from tritstream.geometry import GEOMETRIES, Geometry, Matrix
from tritstream.numerics import PROFILES
from tritstream.packing.weights import folded_weights
from tritstream.reference import PRECISIONS, FloatWeights
from tritstream.reference import model as reference
from tritstream.reference.norms import FloatNorm
from tritstream.reference.quantise import lower_bounds, ternary
from tritstream.reference.weights import FloatHead, FloatLayer
from tritstream.spec import Saturations, decoder_layer, fixed_operations, head

EPS = 1e-6


def random_weights(geometry: Geometry, seed: int) -> FloatWeights:
    """N(0, 0.02) weights, norm weights N(1, 0.2) in bfloat16, embedding rows N(0, 1)."""
    g = geometry

    def bfloat16(values: np.ndarray) -> np.ndarray:
        bits = values.astype(np.float32).view(np.uint32)
        return ((bits + 0x8000) & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)

    def norm(rng: np.random.Generator, cols: int) -> np.ndarray:
        return bfloat16(rng.normal(1, 0.2, cols))

    def matrix(rng: np.random.Generator, m: Matrix) -> tuple[np.ndarray, float]:
        return ternary(rng.standard_normal((m.rows, m.cols), np.float32) * np.float32(0.02))

    raw = np.random.default_rng((seed, 1)).normal(0, 1, (g.layers, g.hidden))
    bounds = lower_bounds(raw.astype(np.float32))

    def layer(index: int) -> FloatLayer:
        rng = np.random.default_rng((seed, 2, index))
        trits, norms = {}, {}
        attention = norm(rng, g.hidden)
        for m in g.layer_matrices:
            trits[m.name], scale = matrix(rng, m)
            own = norm(rng, m.cols)
            # i, f and g share the attention norm; nothing but the BitLinear's is in front of down.
            block = attention if m.name in "ifg" else norm(rng, m.cols)
            norms[m.name] = FloatNorm(None if m.name == "down" else block, own, EPS, scale)
        return FloatLayer(trits, norms, bounds[index] if index else None)

    def lm_head() -> FloatHead:
        rng = np.random.default_rng((seed, 3))
        trits, scale = matrix(rng, g.head_matrix)
        return FloatHead(trits, FloatNorm(norm(rng, g.hidden), norm(rng, g.hidden), EPS, scale))

    def embed(ids: np.ndarray) -> np.ndarray:
        rows = [np.random.default_rng((seed, 4, int(i))).normal(0, 1, g.hidden) for i in ids]
        return bfloat16(np.stack(rows))

    return FloatWeights(g, embed, layer, lm_head)


def errors(geometry: Geometry, seed: int, tokens: int) -> dict[str, float]:
    """Relative L2 error of the logits by execution, mean over tokens; measured."""
    weights = random_weights(geometry, seed)
    ids = np.random.default_rng(seed).integers(0, geometry.vocabulary, tokens)
    floats = {n: weights.embed(ids).astype(p.compute) for n, p in PRECISIONS.items()}
    fixed = {n: folded_weights(weights, p).embed(ids) for n, p in PROFILES.items()}
    saturations = Saturations()
    for index in range(geometry.layers):
        layer = weights.layer(index)
        once = FloatWeights(geometry, weights.embed, lambda _, layer=layer: layer, weights.head)
        for name, precision in PRECISIONS.items():
            state = np.zeros(geometry.hidden, precision.compute)
            floats[name], _ = reference.decoder_layer(floats[name], state, layer, precision)
        for name, profile in PROFILES.items():
            fixed[name], _ = decoder_layer(
                fixed[name],
                np.zeros(geometry.hidden, np.int64),
                folded_weights(once, profile).layer(index),
                fixed_operations(profile),
                profile,
                saturations,
            )
    last = weights.head()
    once = FloatWeights(geometry, weights.embed, weights.layer, lambda: last)
    exact = reference.head(floats["float64"], last, PRECISIONS["float64"])
    found = {
        n: reference.head(floats[n], last, PRECISIONS[n]) for n in PRECISIONS if n != "float64"
    }
    for name, profile in PROFILES.items():
        result = head(fixed[name], folded_weights(once, profile).head(), fixed_operations(profile))
        found[name] = result.codes * result.scale.real()[:, None]
    assert not saturations.counts, saturations.counts
    return {n: relative_error(v.astype(np.float64), exact) for n, v in found.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--geometry", choices=GEOMETRIES, default="370m")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=64)
    options = parser.parse_args()
    for seed in range(options.seeds):
        measured = errors(GEOMETRIES[options.geometry], seed, options.tokens)
        print(json.dumps({"geometry": options.geometry, "seed": seed, **measured}), flush=True)
