"""Golden vectors for the test benches: random inputs, and what the specification makes of them.

The format is told in tcl/bench/golden.hpp. The same configuration gives the same bytes every time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.geometry import Matrix
from tritstream.image.records import RecordLayout, element_words, header_words, port_words
from tritstream.kernels.arguments import BEAT_BYTES
from tritstream.kernels.descriptors import descriptor_table
from tritstream.kernels.memories import LOGITS, VECTOR, EngineMemories, Take, beside
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints, Scalar
from tritstream.packing.fold import fold_norm
from tritstream.reference.norms import FloatNorm
from tritstream.spec import (
    HeadWeights,
    LayerWeights,
    NormParameters,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)
from tritstream.spec import operations as op

Bytes = npt.NDArray[np.uint8]
Calls = list[dict[str, Bytes]]
"""Per call of a kernel: (elements, bytes of an element) by entry name; "name=" is expected."""

_SEED = 20240602
_NAME_BYTES = 32


def encode(calls: Calls) -> bytes:
    """The file that golden.hpp reads."""
    entries = [(f"{i}.{name}", a) for i, call in enumerate(calls) for name, a in call.items()]
    parts = [struct.pack("<Q", len(entries))]
    for name, array in entries:
        count, width = array.shape
        parts.append(struct.pack(f"<{_NAME_BYTES}sQQ", name.encode(), width, count))
        parts.append(array.tobytes())
    return b"".join(parts)


def integers(values: npt.ArrayLike, width: int = 8) -> Bytes:
    """Any shape of integers as little-endian two's complement of ``width`` bytes, 8 at most."""
    flat = np.ascontiguousarray(values, "<i8").reshape(-1)
    return np.ascontiguousarray(flat.view(np.uint8).reshape(-1, 8)[:, :width])


def beats(values: npt.ArrayLike, kind: str, width: int = BEAT_BYTES) -> Bytes:
    """Integers packed into words of ``width`` bytes, the last one filled up with zeros."""
    raw = np.ascontiguousarray(values, kind).reshape(-1).view(np.uint8)
    padded = np.zeros(-(-len(raw) // width) * width, np.uint8)
    padded[: len(raw)] = raw
    return padded.reshape(-1, width)


def kernel_vectors(configuration: Configuration) -> Mapping[str, Callable[[], Calls]]:
    """What makes the calls of each kernel, by the name of its source file."""
    return {
        "ternary_matvec": lambda: _ternary_matvec(configuration),
        "rmsnorm": lambda: _rmsnorm(configuration),
        "mlgru": lambda: _mlgru(configuration),
        "swiglu": lambda: _swiglu(configuration),
        "dequantise": lambda: _dequantise(configuration),
        "engine": lambda: _engine(configuration),
    }


def _gates(c: Configuration, rng: np.random.Generator, n: int) -> Ints:
    """Values of the gate format: most of them moderate, some anywhere, the extremes."""
    values = np.rint(rng.normal(0, 3, n) * 2.0**c.profile.gate_frac).astype(np.int64)
    values[::7] = rng.integers(-GATE_MAX, GATE_MAX + 1, len(values[::7]))
    values[:5] = 0, 1, -1, GATE_MAX, -GATE_MAX
    return values


def _ternary_matvec(c: Configuration) -> Calls:
    rng = np.random.default_rng(_SEED)
    n = c.sample.hidden
    calls: Calls = []
    for density in (2 / 3, 0.05, 1.0):
        trits = np.where(rng.random((n, n)) < density, rng.choice([-1, 1], (n, n)), 0)
        trits = trits.astype(np.int8)
        codes = rng.integers(-127, 128, (c.tokens, n))
        words = port_words(trits, c.layout)
        sums = op.ternary_matvec(trits, codes)
        call = {
            "codes": integers(beside(codes, c.lanes), 1),
            "sums=": integers(beside(sums, 1), 4),
        }
        call |= {f"weights_{port}": words[:, port] for port in range(c.ports)}
        calls.append(call)
    return calls


def _rmsnorm(c: Configuration) -> Calls:
    rng = np.random.default_rng(_SEED + 1)
    p = c.profile
    layout = RecordLayout(c.layout, c.sample, "layer")
    n = layout.geometry.hidden
    vectors = [np.zeros(n, np.int64), np.full(n, VECTOR_MAX), np.eye(1, n, 9, np.int64)[0]]
    vectors += [np.rint(rng.normal(0, 2.0**k, n)).astype(np.int64) for k in (3, 22, 30, 41)]
    calls: Calls = []

    def of_first(vector: Ints) -> Ints:
        """The vector and, where a start takes more, zeros."""
        return np.concatenate([vector[None], np.zeros((c.tokens - 1, n), np.int64)])

    for matrix in ("i", "o", "down"):
        block = None if matrix == "down" else rng.normal(1, 0.3, n)
        norm = fold_norm(matrix, FloatNorm(block, rng.normal(1, 0.3, n), 1e-6, 0.02), p)
        for x in vectors:
            given = op.sum_of_squares(x, p) if matrix == "i" else None
            plain = given or Scalar(
                np.asarray(rng.integers(1 << 30, 1 << 31)), np.asarray(rng.integers(-60, 0))
            )
            found = op.norm_codes(x, norm, plain, p)
            use = [0 if given else 1, int(plain.mantissa), int(plain.exponent), 0]
            calls.append(
                {
                    "values": integers(beside(of_first(x), c.element_lanes)),
                    "parameters": _elements(c, norm),
                    "header": integers(header_words(norm), 4),
                    "plain_in": integers(use, 4),
                    "codes=": integers(beside(of_first(found.codes), c.lanes), 1),
                    "scale=": integers([int(found.scale.mantissa), int(found.scale.exponent)], 4),
                }
            )
    return calls


def _elements(c: Configuration, norm: NormParameters) -> Bytes:
    """Parameter words of a norm, as a record holds them."""
    words = element_words(norm, c.profile)
    return beats(words, words.dtype.str, c.element_lanes * words.itemsize)


def _mlgru(c: Configuration) -> Calls:
    rng = np.random.default_rng(_SEED + 2)
    p, n = c.profile, c.sample.hidden
    calls: Calls = []
    state = np.zeros(n, np.int64)
    for _ in range(3):
        i, f, g = (_gates(c, rng, n) for _ in range(3))
        room = rng.integers(0, p.one + 1, n)
        room[:3] = 0, p.one, p.one // 2
        new = op.state_update(state, op.silu(i, p), op.forget(f, room, p), p)
        calls.append(
            {
                "pre_i": integers(i, 4),
                "pre_f": integers(f, 4),
                "pre_g": integers(g, 4),
                "room": integers(room, 4),
                "state_in": integers(state, 4),
                "state_out=": integers(new, 4),
                "gated=": integers(op.gated_product(g, op.silu(new, p))),
            }
        )
        state = new
    return calls


def _swiglu(c: Configuration) -> Calls:
    rng = np.random.default_rng(_SEED + 3)
    p, n = c.profile, c.sample.intermediate
    a, b = _gates(c, rng, n), _gates(c, rng, n)[::-1]
    product = op.gated_product(op.silu(a, p), b)
    return [{"a": integers(a, 4), "b": integers(b, 4), "product=": integers(product)}]


def _dequantise(c: Configuration) -> Calls:
    rng = np.random.default_rng(_SEED + 4)
    g, bits = c.sample, c.profile.scale_bits
    largest = 127 * max(g.hidden, g.intermediate)
    calls: Calls = []
    for exponent in (-66, -40, -24, -8, 0, 3):
        sums = rng.integers(-largest, largest + 1, g.hidden)
        sums[:3] = 0, largest, -largest
        mantissa = int(rng.integers(1 << (bits - 1), 1 << bits))
        scale = Scalar(np.asarray(mantissa), np.asarray(exponent))
        calls.append(
            {
                "sums": integers(sums, 4),
                "scale": integers([mantissa, exponent], 4),
                "gates=": integers(op.dequantise(sums, scale, GATE_MAX), 4),
            }
        )
    return calls


def _engine(c: Configuration) -> Calls:
    """One decoder layer, then the LM head, as a token's last two records."""
    rng = np.random.default_rng(_SEED + 5)
    ops, profile = fixed_operations(c.profile), c.profile
    layouts = {kind: RecordLayout(c.layout, c.sample, kind) for kind in ("layer", "head")}
    g = layouts["layer"].geometry

    def norm(m: Matrix) -> NormParameters:
        block = None if m.name == "down" else rng.normal(1, 0.2, m.cols)
        own = rng.normal(1, 0.2, m.cols)
        return fold_norm(m.name, FloatNorm(block, own, 1e-6, 1 / np.sqrt(m.cols)), profile)

    trits = {
        m.name: rng.integers(-1, 2, (m.rows, m.cols)).astype(np.int8)
        for m in (*g.layer_matrices, g.head_matrix)
    }
    norms = {m.name: norm(m) for m in (*g.layer_matrices, g.head_matrix)}
    room = rng.integers(0, profile.one + 1, g.hidden)
    layer = LayerWeights({m.name: trits[m.name] for m in g.layer_matrices}, norms, room)
    output = HeadWeights(trits["head"], norms["head"])
    memory = [layouts["layer"].write(layer), layouts["head"].write(output)]
    records = np.concatenate(memory)
    table = descriptor_table(
        layouts["layer"], layouts["head"], [0, len(memory[0])], c.element_lanes
    )

    # A text's next tokens, as many as a start takes.
    shape = (c.tokens, g.hidden)
    x = np.rint(rng.normal(0, 1, shape) * 2.0**profile.residual_frac).astype(np.int64)
    state = np.rint(rng.normal(0, 1, g.hidden) * 2.0**profile.gate_frac).astype(np.int64)
    new_x, new_state = decoder_layer(x, state, layer, ops, profile, Saturations())
    logits = head(new_x, output, ops)

    memories = EngineMemories(c.layout, replace(c.sample, layers=1), c.tokens)
    takes = [Take(None if n else 0) for n in range(c.tokens)]

    def vectors(rows: Ints) -> Bytes:
        array = memories.allocate()[VECTOR]
        memories.plan(array, takes)
        memories.vectors(array)[:] = rows
        return beats(array, "<i8")

    found = memories.allocate()[LOGITS]
    scales = np.stack([logits.scale.mantissa, logits.scale.exponent], axis=1)
    memories.write_logits(found, logits.codes, scales)

    shared: dict[str, Bytes] = {
        f"weights_{port}": records.reshape(-1, c.port_bytes) for port in range(c.ports)
    }
    shared |= {"parameters": records.reshape(-1, BEAT_BYTES), "descriptors": beats(table, "<i4")}
    return [
        {
            **shared,
            "first": integers([0], 4),
            "last": integers([0], 4),
            "vector_in": vectors(x),
            "state_in": beats(state, "<i4"),
            # On a board this is the memory of vector_in, whose first beats stay as they are.
            "vector_out": vectors(x),
            "vector_out=": vectors(new_x),
            "state_out=": beats(new_state, "<i4"),
        },
        {
            "first": integers([1], 4),
            "last": integers([1], 4),
            "vector_in": vectors(new_x),
            "logits=": beats(found, "<i4"),
        },
    ]
