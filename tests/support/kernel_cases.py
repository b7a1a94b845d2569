"""Inputs for kernels: random over every magnitude, and the extremes that break arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tritstream.configurations import Configuration
from tritstream.geometry import Geometry
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints, Scalar
from tritstream.numerics.profiles import Profile
from tritstream.packing.fold import fold_norm
from tritstream.reference.norms import FloatNorm
from tritstream.spec import HeadWeights, LayerWeights
from tritstream.spec.operations import NormParameters

Rng = np.random.Generator


def signed(rng: Rng, n: int, limit: int) -> Ints:
    """Values of one random magnitude, up to the limit."""
    top = min(int(2.0 ** rng.uniform(0, limit.bit_length())), limit)
    return rng.integers(-top, top, n, endpoint=True)


def extremes(n: int, limit: int) -> Iterator[Ints]:
    """Vectors at the edges: zero, all largest, all smallest, alternating, one alone, ones."""
    signs = np.where(np.arange(n) % 2 == 0, 1, -1)
    one = np.zeros(n, np.int64)
    one[n // 2] = limit
    yield np.zeros(n, np.int64)
    yield np.full(n, limit)
    yield np.full(n, -limit)
    yield limit * signs
    yield one
    yield -one
    yield np.ones(n, np.int64)
    yield -np.ones(n, np.int64)
    yield signs * (limit - np.arange(n) % 3)


def vectors(rng: Rng, n: int, limit: int, count: int) -> Iterator[Ints]:
    """``count`` random vectors, then the extremes."""
    for _ in range(count):
        yield signed(rng, n, limit)
    yield from extremes(n, limit)


def trits(rng: Rng, rows: int, cols: int) -> np.ndarray:
    """A matrix with a random share of zeros."""
    zeros = rng.uniform(0, 0.9)
    return rng.choice(
        np.array([-1, 0, 1], np.int8), (rows, cols), p=[(1 - zeros) / 2, zeros, (1 - zeros) / 2]
    )


def norm_parameters(rng: Rng, matrix: str, n: int, profile: Profile) -> NormParameters:
    """Parameters as packing makes them, of weights around one."""
    own = rng.normal(1.0, 0.4, n)
    block = None if matrix == "down" else rng.normal(1.0, 0.4, n)
    scale = float(2.0 ** rng.uniform(-9, -3))
    return fold_norm(matrix, FloatNorm(block, own, 1e-6, scale), profile)


def random_norm(rng: Rng, n: int, profile: Profile) -> NormParameters:
    """Parameters of every magnitude, zeros among them: more than packing would make."""
    gain, block = (
        rng.integers(-(1 << (bits - 1)) + 1, 1 << (bits - 1), n)
        for bits in (profile.gain_bits, profile.block_bits)
    )

    def scalar(low: int, high: int) -> Scalar:
        mantissa = 0 if rng.uniform() < 0.1 else int(rng.integers(1 << 30, 1 << 31))
        return Scalar(np.int64(mantissa), np.int64(0 if mantissa == 0 else rng.integers(low, high)))  # type: ignore[arg-type]

    return NormParameters(
        gain=gain,
        block=block,
        scale=scalar(-60, -20),
        square_exponent=int(rng.integers(-100, -40)),
        eps_square=scalar(-120, -40),
        eps=scalar(-80, -20),
    )


def layer_weights(
    rng: Rng, configuration: Configuration, geometry: Geometry | None = None
) -> LayerWeights:
    """A random decoder layer of a geometry, or of the configuration's sample."""
    g, p = geometry or configuration.sample, configuration.profile
    room = np.rint((1 - rng.uniform(0, 1, g.hidden)) * p.one).astype(np.int64)
    return LayerWeights(
        trits={m.name: trits(rng, m.rows, m.cols) for m in g.layer_matrices},
        norms={m.name: norm_parameters(rng, m.name, m.cols, p) for m in g.layer_matrices},
        room=room,
    )


def head_weights(
    rng: Rng, configuration: Configuration, geometry: Geometry | None = None
) -> HeadWeights:
    """A random LM head of a geometry, or of the configuration's sample."""
    g, p = geometry or configuration.sample, configuration.profile
    m = g.head_matrix
    return HeadWeights(trits(rng, m.rows, m.cols), norm_parameters(rng, "head", m.cols, p))


RESIDUALS: dict[str, Callable[[Rng, int], Ints]] = {
    "ordinary": lambda rng, n: rng.normal(0, 1 << 24, n).astype(np.int64),
    "tiny": lambda rng, n: rng.integers(-2, 3, n),
    "zero": lambda rng, n: np.zeros(n, np.int64),
    "largest": lambda rng, n: np.full(n, VECTOR_MAX),
    "smallest": lambda rng, n: np.full(n, -VECTOR_MAX),
    "saturating": lambda rng, n: np.where(rng.uniform(size=n) < 0.5, VECTOR_MAX, -VECTOR_MAX),
    "one alone": lambda rng, n: np.where(np.arange(n) == 3, VECTOR_MAX, 0),
}
STATES: dict[str, Callable[[Rng, int], Ints]] = {
    "ordinary": lambda rng, n: rng.normal(0, 1 << 22, n).astype(np.int64),
    "zero": lambda rng, n: np.zeros(n, np.int64),
    "largest": lambda rng, n: np.full(n, GATE_MAX),
    "smallest": lambda rng, n: np.full(n, -GATE_MAX),
    "alternating": lambda rng, n: np.where(np.arange(n) % 2 == 0, GATE_MAX, -GATE_MAX),
}
