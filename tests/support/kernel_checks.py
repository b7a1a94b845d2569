"""Each kernel against the specification: 200 random cases and every extreme.

The tests of an execution import these; its fixture `kernel` gives the kernel to be called.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from support import kernel_cases as cases
from support.kernel_inputs import first_codes, matvec_beats, norm_inputs
from tritstream.configurations import Configuration, configuration_named
from tritstream.kernels.memories import beside
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Scalar
from tritstream.numerics.profiles import CODE_MAX
from tritstream.spec import operations as op

CONFIGURATIONS = ("tiny", "z7020")
RANDOM = 200


def matvec_inputs(c: Configuration) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    d = c.sample.hidden
    random = [(cases.trits(rng, d, d), cases.signed(rng, d, CODE_MAX)) for _ in range(RANDOM)]
    constant = [np.full((d, d), t, np.int8) for t in (-1, 0, 1)]
    return random + [(t, v) for t in constant for v in cases.extremes(d, CODE_MAX)]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_ternary_matvec(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    run = kernel(name, "ternary_matvec")
    sums = np.zeros(c.tokens * c.sample.hidden, np.int32)
    for trits, codes in matvec_inputs(c):
        # The vectors that share the pass are turned by some places.
        vectors = np.stack([np.roll(codes, 7 * t) for t in range(c.tokens)])
        padded = np.zeros((c.tokens, max(c.hidden, c.intermediate)), np.int8)
        padded[:, : len(codes)] = vectors
        sums[:] = -1
        run(*matvec_beats(trits, c), beside(padded, c.lanes), sums)
        assert np.array_equal(sums, beside(op.ternary_matvec(trits, vectors), 1))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rmsnorm(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    run = kernel(name, "rmsnorm")
    g, p = c.sample, c.profile
    assert g is not None
    rng = np.random.default_rng(2)
    for number, vector in enumerate(cases.vectors(rng, g.hidden, VECTOR_MAX, RANDOM)):
        folded = number % 2 == 0
        norm = (
            cases.norm_parameters(rng, "i", g.hidden, p)
            if folded
            else cases.random_norm(rng, g.hidden, p)
        )
        given = number % 3 == 0
        plain = op.sum_of_squares(vector, p)
        if given:
            mantissa, exponent = int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-40, 40))
            plain = Scalar(np.int64(mantissa), np.int64(exponent))  # type: ignore[arg-type]
        sent = (int(plain.mantissa), int(plain.exponent)) if given else None
        inputs = norm_inputs(vector, norm, sent, c)
        codes, scale = np.zeros(len(inputs[0]), np.int8), np.zeros(2, np.int32)
        run(*inputs, codes, scale)
        expected = op.norm_codes(vector, norm, plain, p)
        assert np.array_equal(first_codes(codes, c)[: g.hidden], expected.codes), number
        assert scale.tolist() == [expected.scale.mantissa, expected.scale.exponent], number


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_dequantise(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    run = kernel(name, "dequantise", "dequantise_gates")
    d = c.sample.hidden
    rng = np.random.default_rng(3)
    limit = CODE_MAX * max(d, c.sample.intermediate)
    gates = np.zeros(d, np.int32)
    for sums in cases.vectors(rng, d, limit, RANDOM):
        mantissa = int(rng.integers(0, 1 << c.profile.scale_bits))
        exponent = int(rng.integers(-70, 6))
        scale = Scalar(np.int64(mantissa), np.int64(exponent))  # type: ignore[arg-type]
        run(sums.astype(np.int32), np.array([mantissa, exponent], np.int32), gates)
        assert np.array_equal(gates, op.dequantise(sums, scale, GATE_MAX)), (mantissa, exponent)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_mlgru(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    run = kernel(name, "mlgru")
    p = c.profile
    d = c.sample.hidden
    rng = np.random.default_rng(4)
    gates = [list(cases.vectors(rng, d, GATE_MAX, RANDOM)) for _ in range(4)]
    # Every extreme of one input meets another extreme of the next.
    gates = [g[:RANDOM] + g[RANDOM + k :] + g[RANDOM : RANDOM + k] for k, g in enumerate(gates)]
    for i, f, g, state in zip(*gates, strict=True):
        room = rng.integers(0, p.one, d, endpoint=True)
        after, gated = np.zeros(d, np.int32), np.zeros(d, np.int64)
        run(*(v.astype(np.int32) for v in (i, f, g, room, state)), after, gated)
        expected = op.state_update(state, op.silu(i, p), op.forget(f, room, p), p)
        assert np.array_equal(after, expected)
        assert np.array_equal(gated, op.gated_product(g, op.silu(expected, p)))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_swiglu(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    run = kernel(name, "swiglu")
    n = c.sample.intermediate
    rng = np.random.default_rng(5)
    firsts = list(cases.vectors(rng, n, GATE_MAX, RANDOM))
    seconds = list(cases.vectors(rng, n, GATE_MAX, RANDOM))
    seconds = seconds[:RANDOM] + seconds[RANDOM + 2 :] + seconds[RANDOM : RANDOM + 2]
    for a, b in zip(firsts, seconds, strict=True):
        product = np.zeros(n, np.int64)
        run(a.astype(np.int32), b.astype(np.int32), product)
        assert np.array_equal(product, op.gated_product(op.silu(a, c.profile), b))


def test_the_whole_sigmoid_table(kernel: Callable) -> None:
    """Every cell, at its ends and in between, through the SwiGLU of b = 1."""
    c = configuration_named("tiny")
    run = kernel("tiny", "swiglu")
    n = c.sample.intermediate
    step = 1 << (c.profile.gate_frac - c.profile.sigmoid_cells_log2)
    starts = np.arange(-1, 513) * step
    points = np.concatenate(
        [s * (starts + o) for s in (1, -1) for o in (0, 1, step // 3, step - 1)]
    )
    points = np.resize(points, (-(-len(points) // n), n))
    b = np.full(n, 1 << c.profile.gate_frac)
    for a in points:
        product = np.zeros(n, np.int64)
        run(a.astype(np.int32), b.astype(np.int32), product)
        assert np.array_equal(product, op.gated_product(op.silu(a, c.profile), b))
