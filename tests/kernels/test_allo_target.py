"""The kernels on Allo's own CPU target, where Allo is: a second compiler for the same sources.

`multiply_word` stands for the mat-vec, whose region needs a thread per process there.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest

from support import kernel_cases as cases
from support.kernel_inputs import matvec_beats, norm_inputs
from tritstream.configurations import configuration_named
from tritstream.kernels.build import allo_available
from tritstream.kernels.constants import configure
from tritstream.kernels.memories import beside
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Scalar
from tritstream.spec import operations as op

pytestmark = pytest.mark.skipif(
    not allo_available(), reason="Allo's CPU target needs Allo, which this Python does not have"
)
CONFIGURATION = configuration_named("tiny")
CASES = 20


@pytest.fixture(scope="module")
def built() -> Callable:
    """built(kernel, top): the top compiled by Allo for its CPU target."""
    configure(CONFIGURATION)

    def make(kernel: str, top: str | None = None) -> Callable:
        import allo

        from tritstream.kernels.locations import source_locations
        from tritstream.kernels.sources import load_kernel

        module = load_kernel(kernel, CONFIGURATION.ports)
        with source_locations(CONFIGURATION.ports):
            if top is None:
                return module.schedule().build()
            return allo.customize(getattr(module, top)).build()

    return make


def beats(array: np.ndarray, bits: int) -> np.ndarray:
    """Bytes as the array of wide words that Allo takes."""
    words = importlib.import_module("allo.utils").get_np_struct_type(bits)
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1, bits // 8).view(words).reshape(-1)


@pytest.mark.filterwarnings("ignore:.*")
def test_mlgru(built: Callable) -> None:
    run, p, g = built("mlgru"), CONFIGURATION.profile, CONFIGURATION.sample
    assert g is not None
    rng = np.random.default_rng(0)
    for _ in range(CASES):
        i, f, o, state = (cases.signed(rng, g.hidden, GATE_MAX) for _ in range(4))
        room = rng.integers(0, p.one, g.hidden, endpoint=True)
        after, gated = np.zeros(g.hidden, np.int32), np.zeros(g.hidden, np.int64)
        run(*(v.astype(np.int32) for v in (i, f, o, room, state)), after, gated)
        expected = op.state_update(state, op.silu(i, p), op.forget(f, room, p), p)
        assert np.array_equal(after, expected)
        assert np.array_equal(gated, op.gated_product(o, op.silu(expected, p)))


@pytest.mark.filterwarnings("ignore:.*")
def test_swiglu(built: Callable) -> None:
    run, p, g = built("swiglu"), CONFIGURATION.profile, CONFIGURATION.sample
    assert g is not None
    rng = np.random.default_rng(1)
    for _ in range(CASES):
        a, b = (cases.signed(rng, g.intermediate, GATE_MAX) for _ in range(2))
        product = np.zeros(g.intermediate, np.int64)
        run(a.astype(np.int32), b.astype(np.int32), product)
        assert np.array_equal(product, op.gated_product(op.silu(a, p), b))


@pytest.mark.filterwarnings("ignore:.*")
def test_dequantise(built: Callable) -> None:
    run, g = built("dequantise"), CONFIGURATION.sample
    assert g is not None
    rng = np.random.default_rng(2)
    gates = np.zeros(g.hidden, np.int32)
    for _ in range(CASES):
        sums = cases.signed(rng, g.hidden, 127 * g.intermediate)
        scale = int(rng.integers(0, 1 << 24)), int(rng.integers(-60, 4))
        run(sums.astype(np.int32), np.array(scale, np.int32), gates)
        exact = Scalar(np.int64(scale[0]), np.int64(scale[1]))  # type: ignore[arg-type]
        assert np.array_equal(gates, op.dequantise(sums, exact, GATE_MAX))


@pytest.mark.filterwarnings("ignore:.*")
def test_rmsnorm(built: Callable) -> None:
    run, c = built("rmsnorm"), CONFIGURATION
    rng = np.random.default_rng(3)
    for _ in range(CASES):
        vector = cases.signed(rng, c.sample.hidden, VECTOR_MAX)
        norm = cases.norm_parameters(rng, "i", c.sample.hidden, c.profile)
        values, elements, header, plain = norm_inputs(vector, norm, None, c)
        groups = c.lanes // c.element_lanes
        codes = np.zeros(
            (len(values) // c.tokens // c.lanes, c.tokens, groups, c.element_lanes), np.int8
        )
        scale = np.zeros(2, np.int32)
        word = c.element_lanes * c.profile.element_bits
        run(values.reshape(-1, c.element_lanes), beats(elements, word), header, plain, codes, scale)
        expected = op.norm_codes(vector, norm, op.sum_of_squares(vector, c.profile), c.profile)
        first = codes.reshape(-1, c.tokens, c.lanes)[:, 0]
        assert np.array_equal(first.reshape(-1)[: len(vector)], expected.codes)
        assert scale.tolist() == [expected.scale.mantissa, expected.scale.exponent]


@pytest.mark.filterwarnings("ignore:.*")
def test_multiply_word(built: Callable) -> None:
    run, c = built("ternary_matvec", "multiply_word"), CONFIGURATION
    rng = np.random.default_rng(4)
    columns = max(c.sample.hidden, c.sample.intermediate) // c.lanes
    for _ in range(CASES):
        trits = cases.trits(rng, c.rows_per_byte, columns * c.lanes)
        codes = np.stack([cases.signed(rng, columns * c.lanes, 127) for _ in range(c.tokens)])
        ports = matvec_beats(trits, c)
        shaped = beside(codes.astype(np.int8), c.lanes).reshape(
            columns, c.tokens, -1, c.element_lanes
        )
        sums = np.full((c.rows_per_byte, c.tokens), 99, np.int16)
        for column in range(columns):
            word = beats(np.stack([p[column] for p in ports]), 128)
            run(word, shaped, column, sums)
        assert np.array_equal(sums.T, op.ternary_matvec(trits, codes))
