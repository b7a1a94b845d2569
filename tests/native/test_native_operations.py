"""Every operation of every level against the specification, over the whole range of its inputs."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from ctypes import POINTER, c_char_p, c_int, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from support.native import HERE
from tritstream.engines.native import describe_profile
from tritstream.image.records import element_words
from tritstream.image.trits import pack_rows
from tritstream.native import built, choose_level, load_core
from tritstream.native import library as native
from tritstream.numerics import PROFILES, Profile
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Scalar
from tritstream.spec import operations as op
from tritstream.spec.operations import NormParameters

pytestmark = pytest.mark.skipif(built() is None, reason="the native core was not compiled here")

SIZES = (1, 15, 16, 127, 128, 129, 1030)


class CodesStruct(ctypes.Structure):
    _fields_ = (
        ("codes", c_void_p),
        ("code_sums", c_void_p),
        ("scales", c_void_p),
        ("stride", c_int64),
    )


P, S = POINTER(native.Profile), native.Scalar
FIELDS = (
    ("name", c_char_p),
    ("supported", ctypes.CFUNCTYPE(c_int)),
    ("sum_of_squares", ctypes.CFUNCTYPE(S, c_void_p, c_int64, P)),
    (
        "norm_codes",
        ctypes.CFUNCTYPE(
            None, c_void_p, POINTER(native.Matrix), S, P, c_void_p, POINTER(CodesStruct), c_int64
        ),
    ),
    (
        "ternary_matvec",
        ctypes.CFUNCTYPE(
            None,
            POINTER(native.Matrix),
            POINTER(CodesStruct),
            c_int64,
            c_int64,
            c_int64,
            c_void_p,
            c_int64,
        ),
    ),
    ("dequantise", ctypes.CFUNCTYPE(c_int64, c_void_p, S, c_void_p, c_int64)),
    ("silu", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_int64, P)),
    ("forget", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int64, P)),
    ("state_update", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int64, P)),
    ("gated_product", ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_int64)),
    ("add_projected", ctypes.CFUNCTYPE(c_int64, c_void_p, c_void_p, S, c_int64)),
    ("sum_of_sum_squares", ctypes.CFUNCTYPE(c_int64, c_void_p, c_int64)),
    ("read_all", ctypes.CFUNCTYPE(c_uint64, c_void_p, c_int64)),
)


class OperationsStruct(ctypes.Structure):
    _fields_ = FIELDS


@dataclass
class Ops:
    """A level's operations, a profile, and what keeps its tables alive."""

    table: Any
    profile: Profile
    described: native.Profile
    alive: list[Any]


@pytest.fixture(params=[(level, p) for level in HERE for p in PROFILES], ids="-".join)
def ops(request: pytest.FixtureRequest) -> Ops:
    core, (name, profile) = load_core(), request.param
    table = OperationsStruct.from_address(
        core.tritstream_operations(choose_level(core, name).index)
    )
    assert table.name.decode() == name
    alive: list[Any] = []
    return Ops(table, PROFILES[profile], describe_profile(PROFILES[profile], alive), alive)


def spread(rng: np.random.Generator, n: int, limit: int) -> np.ndarray:
    """Numbers of every magnitude up to a limit, their ends and zero among them."""
    bits = rng.integers(0, limit.bit_length() + 1, n)
    values = rng.integers(-limit, limit, n, endpoint=True) >> (limit.bit_length() - bits)
    ends = [limit, -limit, 0, 1, -1]
    values[: len(ends)] = ends[:n]
    return rng.permutation(values)


def cases() -> Iterator[tuple[np.random.Generator, int]]:
    for seed, n in enumerate(SIZES):
        yield np.random.default_rng(seed), n


def ints(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.int32)


def test_sum_of_squares(ops: Ops) -> None:
    for rng, n in cases():
        for limit in (VECTOR_MAX, 1 << 30, 3, 0):
            vector = spread(rng, n, limit) if limit else np.zeros(n, np.int64)
            found = ops.table.sum_of_squares(vector.ctypes.data, n, ops.described)
            expected = op.sum_of_squares(vector, ops.profile)
            assert (found.mantissa, found.exponent) == tuple(int(v) for v in expected)


def test_the_most_negative_vector(ops: Ops) -> None:
    vector = np.full(40, -(1 << 47), np.int64)
    found = ops.table.sum_of_squares(vector.ctypes.data, 40, ops.described)
    assert (found.mantissa, found.exponent) == tuple(
        int(v) for v in op.sum_of_squares(vector, ops.profile)
    )


@pytest.mark.parametrize("shift", range(-63, 3))
def test_dequantise_and_residual_add(ops: Ops, shift: int) -> None:
    for rng, n in cases():
        sums = ints(spread(rng, n, (1 << 20) - 1))
        mantissa = int(rng.integers(0, 1 << ops.profile.scale_bits))
        scale, fixed = native.Scalar(mantissa, shift), scalar(mantissa, shift)
        out = np.empty(n, np.int32)
        cut = ops.table.dequantise(sums.ctypes.data, scale, out.ctypes.data, n)
        expected = op.dequantise(sums.astype(np.int64), fixed, GATE_MAX)
        np.testing.assert_array_equal(out, expected)
        assert cut == op.saturated(expected, GATE_MAX)

        x = spread(rng, n, VECTOR_MAX)
        delta = op.dequantise(sums.astype(np.int64), fixed, VECTOR_MAX)
        added = op.residual_add(x, delta)
        cut = ops.table.add_projected(x.ctypes.data, sums.ctypes.data, scale, n)
        np.testing.assert_array_equal(x, added)
        assert cut == op.saturated(added, VECTOR_MAX)


def test_silu_and_forget(ops: Ops) -> None:
    for rng, n in cases():
        x = ints(spread(rng, n, GATE_MAX))
        near = ints(rng.integers(-(1 << 29), 1 << 29, n))
        room = ints(rng.integers(0, ops.profile.one, n, endpoint=True))
        for values in (x, near):
            out, wide = np.empty(n, np.int32), values.astype(np.int64)
            ops.table.silu(values.ctypes.data, out.ctypes.data, n, ops.described)
            np.testing.assert_array_equal(out, op.silu(wide, ops.profile))
            ops.table.forget(
                values.ctypes.data, room.ctypes.data, out.ctypes.data, n, ops.described
            )
            expected = op.forget(wide, room.astype(np.int64), ops.profile)
            np.testing.assert_array_equal(out, expected)


def test_every_cell_of_the_sigmoid(ops: Ops) -> None:
    width = ops.profile.gate_frac - ops.profile.sigmoid_cells_log2
    starts = np.arange((16 << ops.profile.sigmoid_cells_log2) + 2, dtype=np.int64) << width
    x = np.concatenate([starts - 1, starts, starts + 1])
    x = ints(np.concatenate([x, -x]))
    out = np.empty(len(x), np.int32)
    ops.table.silu(x.ctypes.data, out.ctypes.data, len(x), ops.described)
    np.testing.assert_array_equal(out, op.silu(x.astype(np.int64), ops.profile))


def test_state_update_and_gated_product(ops: Ops) -> None:
    for rng, n in cases():
        state, candidate = ints(spread(rng, n, GATE_MAX)), ints(spread(rng, n, GATE_MAX))
        fresh = ints(rng.integers(0, ops.profile.one, n, endpoint=True))
        product = np.empty(n, np.int64)
        a, b, f = (v.astype(np.int64) for v in (state, candidate, fresh))
        ops.table.gated_product(state.ctypes.data, candidate.ctypes.data, product.ctypes.data, n)
        np.testing.assert_array_equal(product, op.gated_product(a, b))
        ops.table.state_update(
            state.ctypes.data, candidate.ctypes.data, fresh.ctypes.data, n, ops.described
        )
        np.testing.assert_array_equal(state, op.state_update(a, b, f, ops.profile))


def test_norm_codes(ops: Ops) -> None:
    p = ops.profile
    for rng, n in cases():
        for limit in (VECTOR_MAX, 1 << 33, 200, 1, 0):
            vector = spread(rng, n, limit) if limit else np.zeros(n, np.int64)
            norm = NormParameters(
                gain=spread(rng, n, (1 << (p.gain_bits - 1)) - 1),
                block=spread(rng, n, (1 << (p.block_bits - 1)) - 1),
                scale=scalar(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-90, 10))),
                square_exponent=int(rng.integers(-160, 0)),
                eps_square=scalar(int(rng.integers(1 << 30, 1 << 31)), -90),
                eps=scalar(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-90, 0))),
            )
            plain = scalar(int(rng.integers(1 << 30, 1 << 31)), int(rng.integers(-90, 60)))
            expected = op.norm_codes(vector, norm, plain, p)
            codes, found = norm_codes(ops, vector, norm, plain)
            np.testing.assert_array_equal(codes, expected.codes)
            assert found == tuple(int(v) for v in expected.scale)


def norm_codes(
    ops: Ops, vector: np.ndarray, norm: NormParameters, plain: Scalar
) -> tuple[np.ndarray, tuple[int, int]]:
    """The level's codes and its scale."""
    n, p = len(vector), ops.profile
    elements = element_words(norm, p)
    stride = -(-n // 64) * 64
    codes = np.full(stride + 64, 99, np.int8)
    start = -codes.ctypes.data % 64
    matrix = native.Matrix(
        rows=1,
        cols=n,
        norm=native.Norm(
            elements=elements.ctypes.data,
            scale=struct(norm.scale),
            eps_square=struct(norm.eps_square),
            eps=struct(norm.eps),
            square_exponent=norm.square_exponent,
        ),
    )
    sums, scale, scratch = np.zeros(1, np.int32), native.Scalar(), np.zeros(n + 16, np.int32)
    out = CodesStruct(codes.ctypes.data + start, sums.ctypes.data, ctypes.addressof(scale), stride)
    ops.table.norm_codes(
        vector.ctypes.data,
        matrix,
        struct(plain),
        ops.described,
        scratch.ctypes.data,
        out,
        0,
    )
    found = codes[start : start + stride].astype(np.int64)
    assert not found[n:].any(), "what pads the codes must be zero"
    assert sums[0] == found.sum()
    return found[:n], (scale.mantissa, scale.exponent)


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("packing", ["base3", "2bit"])
@pytest.mark.parametrize("tokens", [1, 3, 4, 7])
def test_matvec_of_extremes(level: str, packing: str, tokens: int) -> None:
    """Sums are kept in 16 bits where that is exact: the largest codes and trits, in long rows."""
    core = load_core()
    ops = OperationsStruct.from_address(core.tritstream_operations(choose_level(core, level).index))
    rng = np.random.default_rng(tokens)
    rows, cols = 71, 2816 + 48
    for kind in ("most", "least", "alternating", "random"):
        trits, codes = extremes(kind, rng, rows, cols, tokens)
        stream = pack_rows(trits, packing)
        matrix = native.Matrix(
            streams=(c_void_p * native.MAX_PORTS)(stream.ctypes.data),
            rows=rows,
            cols=cols,
            groups=len(stream),
            piece=cols,
            ports=1,
            port_bytes=16,
            packing=native.PACKINGS[packing],
        )
        model = native.Model(layers=0, matrices=ctypes.pointer(matrix))
        weights = core.tritstream_weights_create(model, 2)
        matrix.blocks = core.tritstream_weights_memory(weights)
        stride = -(-cols // 64) * 64
        memory = np.zeros(tokens * stride + 64, np.int8)
        start = -memory.ctypes.data % 64
        laid = memory[start : start + tokens * stride].reshape(tokens, stride)
        laid[:, :cols] = codes
        code_sums = ints(codes.sum(axis=1, dtype=np.int64))
        out = np.full((tokens, rows), 7, np.int32)
        given = CodesStruct(laid.ctypes.data, code_sums.ctypes.data, None, stride)
        ops.ternary_matvec(matrix, given, tokens, 0, 2, out.ctypes.data, rows)
        core.tritstream_weights_destroy(weights)
        np.testing.assert_array_equal(out, codes.astype(np.int64) @ trits.T.astype(np.int64))


def extremes(
    kind: str, rng: np.random.Generator, rows: int, cols: int, tokens: int
) -> tuple[np.ndarray, np.ndarray]:
    """Trits (rows, cols) and codes (tokens, cols), int8, as large as they come."""
    if kind == "random":
        return (
            rng.integers(-1, 2, (rows, cols), np.int8),
            rng.integers(-127, 128, (tokens, cols), np.int8),
        )
    signs = np.where(np.arange(cols) % 2, -1, 1) if kind == "alternating" else np.ones(cols)
    trit = -1 if kind == "least" else 1
    trits = np.broadcast_to(trit * signs, (rows, cols)).astype(np.int8)
    return trits, np.broadcast_to(127 * signs, (tokens, cols)).astype(np.int8)


def test_sum_of_squares_of_sums(ops: Ops) -> None:
    for rng, n in cases():
        sums = ints(spread(rng, n, (1 << 20) - 1))
        expected = int(np.sum(sums.astype(np.int64) ** 2))
        assert ops.table.sum_of_sum_squares(sums.ctypes.data, n) == expected


def test_the_read_loop_reads_everything(ops: Ops) -> None:
    for rng, n in cases():
        words = rng.integers(0, 1 << 64, n, np.uint64)
        assert ops.table.read_all(words.ctypes.data, n) == int(np.sum(words))


def test_integer_square_roots_are_exact(ops: Ops) -> None:
    """Through over_root: squares, and their neighbours, at the ends of its range."""
    profile = ops.profile
    for mantissa in (1 << 30, (1 << 31) - 1, 3 << 29, 1_518_500_249, 1_518_500_250):
        for exponent in (-61, -60, 0, 1):
            norm = NormParameters(
                gain=np.full(1, 1 << (profile.gain_bits - 2), np.int64),
                block=np.zeros(1, np.int64),
                scale=scalar((1 << 31) - 1, -40),
                square_exponent=0,
                eps_square=scalar(0, 0),
                eps=scalar(mantissa, exponent),
            )
            vector = np.full(1, 12345, np.int64)
            expected = op.norm_codes(vector, norm, scalar(0, 0), profile)
            _, found = norm_codes(ops, vector, norm, scalar(0, 0))
            assert found == tuple(int(v) for v in expected.scale)


def scalar(mantissa: int, exponent: int) -> Scalar:
    return Scalar(np.asarray(mantissa, np.int64), np.asarray(exponent, np.int64))


def struct(value: Scalar) -> native.Scalar:
    return native.Scalar(int(value.mantissa), int(value.exponent))
