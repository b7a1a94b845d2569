"""Every operation of the specification against unbounded integers, and against real numbers."""

from math import isqrt

import numpy as np
import pytest

from tritstream.numerics import PROFILES, Profile
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Scalar, normalise
from tritstream.packing.fold import fold_norm
from tritstream.reference.norms import FloatNorm
from tritstream.spec import operations as op

RNG = np.random.default_rng(20260219)
MATRICES = ("i", "o", "gate", "down", "head")


@pytest.fixture(params=sorted(PROFILES))
def profile(request: pytest.FixtureRequest) -> Profile:
    return PROFILES[request.param]


def parameters(matrix: str, n: int, profile: Profile, spread: float = 0.3) -> op.NormParameters:
    block = None if matrix == "down" else RNG.normal(1.0, spread, n)
    return fold_norm(matrix, FloatNorm(block, RNG.normal(1.0, spread, n), 1e-6, 0.02), profile)


def vectors(n: int) -> dict[str, np.ndarray]:
    """int48 vectors, random and extreme."""
    wide = RNG.integers(-VECTOR_MAX, VECTOR_MAX + 1, n)
    spike = np.zeros(n, np.int64)
    spike[n // 2] = -1
    return {
        "zero": np.zeros(n, np.int64),
        "one spike of -1": spike,
        "all 1": np.ones(n, np.int64),
        "all -1": -np.ones(n, np.int64),
        "largest": np.full(n, VECTOR_MAX),
        "smallest": np.full(n, -VECTOR_MAX),
        "alternating": np.where(np.arange(n) % 2, VECTOR_MAX, -VECTOR_MAX),
        "wide": wide,
        "outlier": np.where(np.arange(n) == 3, VECTOR_MAX, wide >> 30),
        **{f"normal {k}": np.rint(RNG.normal(0, 2.0**k, n)).astype(np.int64) for k in (2, 20, 40)},
    }


# The same operations on Python integers, which cannot overflow: written apart from the module.


def big_normalise(value: int, exponent: int) -> tuple[int, int]:
    if value == 0:
        return 0, 0
    shift = value.bit_length() - 31
    return (value >> shift if shift > 0 else value << -shift), exponent + shift


def big_norm(
    v: list[int], p: op.NormParameters, plain: tuple[int, int], f: Profile
) -> tuple[list[int], int, int]:
    length = max((a if a >= 0 else ~a).bit_length() for a in v)
    z = [(a << (47 - length)) >> (48 - f.vector_bits) for a in v]
    k = f.vector_bits + f.block_bits - f.square_bits - 1
    squares = sum(
        ((a * int(b) + (1 << (k - 1))) >> k) ** 2 for a, b in zip(z, p.block, strict=True)
    )
    terms = [
        big_normalise(squares, p.square_exponent + 2 * (length + 1)),
        big_normalise(int(p.eps_square.mantissa) * plain[0], int(p.eps_square.exponent) + plain[1]),
        (int(p.eps.mantissa), int(p.eps.exponent)),
    ]
    top = max(e for m, e in terms if m)
    m, e = big_normalise(sum(a >> (top - b) for a, b in terms if a), top)
    u = [(a * int(b)) >> (f.vector_bits + f.gain_bits - 32) for a, b in zip(z, p.gain, strict=True)]
    absmax = max(1, max(abs(a) for a in u))
    left = 31 - absmax.bit_length()
    cut = 31 - f.code_bits
    shift = 2 * f.code_bits - 8
    reciprocal = (127 << shift) // ((absmax << left) >> cut)
    codes = [((((a << left) >> cut) * reciprocal) + (1 << (shift - 1))) >> shift for a in u]
    am, ae = big_normalise(absmax, length + 1)
    nm, ne = big_normalise(am * int(p.scale.mantissa), ae + int(p.scale.exponent))
    odd = e & 1
    root = isqrt((m << odd) << 30)
    quotient = (nm << 24) // root
    drop = quotient.bit_length() - f.scale_bits
    return codes, quotient >> drop, ne - (e - odd - 30) // 2 - 24 + drop


@pytest.mark.parametrize("matrix", MATRICES)
def test_norm_codes_equal_unbounded_integers(matrix: str, profile: Profile) -> None:
    n = 96
    for label, v in vectors(n).items():
        p = parameters(matrix, n, profile)
        plain = op.sum_of_squares(v, profile)
        found = op.norm_codes(v, p, plain, profile)
        codes, mantissa, exponent = big_norm(
            v.tolist(), p, (int(plain.mantissa), int(plain.exponent)), profile
        )
        assert found.codes.tolist() == codes, label
        assert (int(found.scale.mantissa), int(found.scale.exponent)) == (mantissa, exponent), label
        assert max(abs(c) for c in codes) <= 127


@pytest.mark.parametrize("matrix", MATRICES)
def test_norm_codes_are_those_of_the_real_numbers(matrix: str, profile: Profile) -> None:
    n = 256
    block = None if matrix == "down" else RNG.normal(1.0, 0.3, n)
    norm = FloatNorm(block, RNG.normal(1.0, 0.3, n), 1e-6, 0.02)
    p = fold_norm(matrix, norm, profile)
    frac = 2 * profile.gate_frac - 16 if matrix in ("o", "down") else profile.residual_frac
    v = np.rint(np.ldexp(RNG.normal(0, 0.7, n), frac)).astype(np.int64)
    real = np.ldexp(v.astype(float), -frac)
    if matrix == "o":
        g = RNG.normal(0, 0.5, n)
        g_int = np.rint(np.ldexp(g, profile.gate_frac)).astype(np.int64)
        plain = op.sum_of_squares(g_int, profile)
    else:
        g, plain = real, op.sum_of_squares(v, profile)
    found = op.norm_codes(v, p, plain, profile)

    w1 = np.ones(n) if block is None else block
    u = real * w1 * norm.own
    exact_codes = 127 * u / np.abs(u).max()
    assert np.abs(found.codes - exact_codes).max() < 0.5 + 2e-3
    under = np.mean((real * w1) ** 2) + 1e-6 * (0 if block is None else np.mean(g * g) + 1e-6)
    under += 1e-6 if block is None else 0
    exact_scale = np.abs(u).max() / 127 / np.sqrt(under) * norm.weight_scale
    out = {"i": profile.gate_frac, "gate": profile.gate_frac, "head": 0}.get(
        matrix, profile.residual_frac
    )
    bound = 2e-6 if profile.name == "default" else 1e-4
    assert np.ldexp(found.scale.real(), -out) == pytest.approx(exact_scale, rel=bound)


def test_a_largest_element_is_127_and_signs_survive(profile: Profile) -> None:
    for absmax in (1, 2, 3, 126, 127, 128, 2**30 - 1, 2**30):
        u = np.array([absmax, -absmax, 0, absmax // 2])
        codes = op.absmax_codes(u, np.asarray(absmax), profile)
        assert codes[0] == 127 and codes[1] == -127 and codes[2] == 0


@pytest.mark.parametrize("limit", [GATE_MAX, VECTOR_MAX])
def test_dequantise_rounds_and_saturates(limit: int, profile: Profile) -> None:
    sums = np.array([0, 1, -1, 5, -5, 2**20 - 1, 1 - 2**20])
    for exponent in (-70, -62, -40, -25, -20, -1, 0, 5):
        mantissa = (1 << profile.scale_bits) - 1
        scale = Scalar(np.asarray(mantissa), np.asarray(exponent))
        found = op.dequantise(sums, scale, limit)
        shift = min(max(-exponent, 0), 62)
        for s, value in zip(sums.tolist(), found.tolist(), strict=True):
            exact = (s * mantissa + ((1 << shift) >> 1)) >> shift
            assert value == max(-limit, min(limit, exact))


def test_gates_are_those_of_the_real_numbers(profile: Profile) -> None:
    one = 2.0**profile.gate_frac
    x = np.rint(RNG.normal(0, 4, 2000) * one).astype(np.int64)
    real = x / one
    s = 1 / (1 + np.exp(-real))
    tolerance = 1e-6 if profile.name == "default" else 4e-5
    np.testing.assert_allclose(op.silu(x, profile) / one, real * s, atol=tolerance)
    lower = RNG.uniform(0, 1, 2000)
    room = np.rint((1 - lower) * profile.one).astype(np.int64)
    fresh = op.forget(x, room, profile) / profile.one
    np.testing.assert_allclose(fresh, 1 - (lower + (1 - lower) * s), atol=tolerance)


def test_state_stays_between_state_and_candidate(profile: Profile) -> None:
    extremes = np.array([GATE_MAX, -GATE_MAX, 0, 1, -1])
    for fresh in (0, 1, profile.one // 2, profile.one - 1, profile.one):
        h, c = (a.ravel() for a in np.meshgrid(extremes, extremes))
        mixed = op.state_update(h, c, np.full(h.shape, fresh), profile)
        assert np.all(mixed >= np.minimum(h, c)) and np.all(mixed <= np.maximum(h, c))
    assert op.state_update(extremes, extremes[::-1], np.full(5, 0), profile).tolist() == (
        extremes.tolist()
    )


def test_products_and_residual_at_their_limits() -> None:
    big = np.array([GATE_MAX, -GATE_MAX])
    assert op.gated_product(big, big).tolist() == [((GATE_MAX**2) + 32768) >> 16] * 2
    assert np.abs(op.gated_product(big, -big)).max() <= VECTOR_MAX
    x = np.array([VECTOR_MAX, -VECTOR_MAX, 5])
    assert op.residual_add(x, x).tolist() == [VECTOR_MAX, -VECTOR_MAX, 10]
    assert op.saturated(op.residual_add(x, x), VECTOR_MAX) == 2


def test_matvec_is_exact_at_its_largest() -> None:
    codes = np.full((2, 6912), 127)
    codes[1] = -127
    trits = np.ones((3, 6912), np.int8)
    trits[1] = -1
    trits[2, ::2] = 0
    expected = codes @ trits.T.astype(np.int64)
    assert np.array_equal(op.ternary_matvec(trits, codes), expected)


def test_a_batch_of_vectors_equals_each_alone(profile: Profile) -> None:
    p = parameters("i", 64, profile)
    batch = np.stack([v for v in vectors(64).values()])
    together = op.norm_codes(batch, p, op.sum_of_squares(batch, profile), profile)
    for row, v in enumerate(batch):
        alone = op.norm_codes(v, p, op.sum_of_squares(v, profile), profile)
        assert np.array_equal(together.codes[row], alone.codes)
        assert together.scale.mantissa[row] == alone.scale.mantissa
        assert together.scale.exponent[row] == alone.scale.exponent


def test_zero_vector_gives_zero_codes(profile: Profile) -> None:
    zero = np.zeros(64, np.int64)
    p = parameters("down", 64, profile)
    found = op.norm_codes(zero, p, normalise(np.asarray(0), 0), profile)
    assert not found.codes.any()
