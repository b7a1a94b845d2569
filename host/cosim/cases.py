"""Random and extreme inputs of the small kernels, and what the specification makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.errors import EngineError
from tritstream.image.records import element_words, header_words, port_words
from tritstream.kernels.memories import beside
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints, normalise
from tritstream.numerics.profiles import CODE_MAX
from tritstream.spec import operations as op


@dataclass(frozen=True)
class Case:
    """One call. ``expected`` maps argument positions to what they hold afterwards (a prefix of it);
    ``ideal`` is the number of cycles that no implementation of this width can beat."""

    label: str
    arguments: list[Any]
    expected: dict[int, npt.NDArray[Any]]
    ideal: int


def cases_of(configuration: Configuration, kernel: str, count: int, seed: int) -> Iterator[Case]:
    """``count`` random cases, then the extremes. Raises EngineError for an unknown kernel."""
    if kernel not in _KERNELS:
        raise EngineError(
            f"there is no kernel '{kernel}': choose one of {', '.join(_KERNELS)}, or engine"
        )
    yield from _KERNELS[kernel](configuration, count, np.random.default_rng(seed))


KernelCases = Callable[[Configuration, int, np.random.Generator], Iterator[Case]]


def _vectors(
    rng: np.random.Generator, n: int, limit: int, count: int
) -> Iterator[tuple[str, Ints]]:
    """Vectors of every magnitude up to ``limit``, then constant and alternating ones at it."""
    for k in range(count):
        bound = 1 << int(rng.integers(1, limit.bit_length() + 1))
        yield f"random {k}", np.clip(rng.integers(-bound, bound, n), -limit, limit)
    for value in (0, 1, -1, limit, -limit):
        yield f"all {value}", np.full(n, value, np.int64)
    yield "alternating", np.where(np.arange(n) % 2 == 0, limit, -limit).astype(np.int64)


def _matvec(c: Configuration, count: int, rng: np.random.Generator) -> Iterator[Case]:
    g = c.sample
    d = g.hidden
    words = -(-d // c.rows_per_byte) * -(-d // c.lanes)
    for label, codes in _vectors(rng, d, CODE_MAX, count):
        trits = rng.integers(-1, 2, (d, d)).astype(np.int8)
        packed = port_words(trits, c.layout)
        beats = [np.ascontiguousarray(packed[:, p]) for p in range(c.ports)]
        # The other vectors that share the pass are turned by some places.
        vectors = np.zeros((c.tokens, max(c.hidden, c.intermediate)), np.int8)
        vectors[:, :d] = [np.roll(codes, 7 * t) for t in range(c.tokens)]
        sums = op.ternary_matvec(trits, vectors[:, :d].astype(np.int64))
        yield Case(
            label,
            [*beats, beside(vectors, c.lanes), np.full(c.tokens * d, -1, np.int32)],
            {c.ports + 1: beside(sums, 1)},
            words,
        )


def _rmsnorm(c: Configuration, count: int, rng: np.random.Generator) -> Iterator[Case]:
    g, p = c.sample, c.profile
    longest = max(c.hidden, c.intermediate)
    for label, vector in _vectors(rng, g.hidden, VECTOR_MAX, count):
        gain = rng.integers(-(1 << (p.gain_bits - 1)), 1 << (p.gain_bits - 1), g.hidden)
        block = rng.integers(-(1 << (p.block_bits - 1)), 1 << (p.block_bits - 1), g.hidden)
        scalars = [
            normalise(rng.integers(1, 1 << 31, ()), int(rng.integers(-60, 10))) for _ in range(3)
        ]
        norm = op.NormParameters(gain, block, scalars[0], -40, scalars[1], scalars[2])
        values = np.zeros((c.tokens, longest), np.int64)
        values[0, : g.hidden] = vector
        elements = np.zeros(longest, f"<u{p.element_bits // 8}")
        elements[: g.hidden] = element_words(norm, p)
        expected = op.norm_codes(vector, norm, op.sum_of_squares(vector, p), p)
        codes = np.zeros((c.tokens, g.hidden), np.int64)
        codes[0] = expected.codes
        yield Case(
            label,
            [
                beside(values, c.element_lanes),
                elements,
                np.array(header_words(norm), np.int32),
                np.zeros(4, np.int32),
                np.zeros(c.tokens * longest, np.int8),
                np.zeros(2, np.int32),
            ],
            {4: beside(codes, c.lanes), 5: np.array(expected.scale)},
            2 * g.hidden // c.element_lanes,
        )


def _mlgru(c: Configuration, count: int, rng: np.random.Generator) -> Iterator[Case]:
    g, p = c.sample, c.profile
    d = g.hidden
    inputs = [list(_vectors(rng, d, GATE_MAX, count)) for _ in range(4)]
    for (label, i), (_, f), (_, gate), (_, state) in zip(*inputs, strict=True):
        room = rng.integers(0, p.one + 1, d)
        after = op.state_update(state, op.silu(i, p), op.forget(f, room, p), p)
        yield Case(
            label,
            [
                *(v.astype(np.int32) for v in (i, f, gate, room, state)),
                np.zeros(d, np.int32),
                np.zeros(d, np.int64),
            ],
            {5: after, 6: op.gated_product(gate, op.silu(after, p))},
            d,
        )


def _swiglu(c: Configuration, count: int, rng: np.random.Generator) -> Iterator[Case]:
    n = c.sample.intermediate
    inputs = [list(_vectors(rng, n, GATE_MAX, count)) for _ in range(2)]
    for (label, a), (_, b) in zip(*inputs, strict=True):
        yield Case(
            label,
            [a.astype(np.int32), b.astype(np.int32), np.zeros(n, np.int64)],
            {2: op.gated_product(op.silu(a, c.profile), b)},
            n,
        )


_KERNELS: dict[str, KernelCases] = {
    "ternary_matvec": _matvec,
    "rmsnorm": _rmsnorm,
    "mlgru": _mlgru,
    "swiglu": _swiglu,
}
KERNELS = tuple(_KERNELS)
"""Kernels that there are cases for."""
