"""The layout of a record: what one decoder layer, or the LM head, looks like in memory.

    record = parameter block | weight stream of port 0 | port 1 | ...     (each on a 4 KiB page)

A record is laid out in the order in which the engine consumes it, in the sizes that the layout pads
the model to (`Layout.padded`): rows, columns and elements beyond the model's are zero. The rows of
`gate` are two halves, each padded by itself. Per phase, the parameter block has

    header    8 int32: NormParameters' scalars (see HEADER_FIELDS)
    elements  n little-endian integers of element_bits: the gain in the low gain_bits, the block
              weight in the block_bits above it, two's complement
    room      phase f only: n int32, 1 - lower bound

each a multiple of 16 bytes. A weight stream holds, per matrix, row group after row group,
cols / lanes words each; port p has the byte lanes [p * w, (p + 1) * w) of every word, w = lanes /
ports.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Layout, round_up
from tritstream.geometry import Geometry, Matrix
from tritstream.image.trits import pack_rows, unpack_rows
from tritstream.numerics import Profile
from tritstream.numerics.integers import Ints, Scalar
from tritstream.spec.model import HeadWeights, LayerWeights
from tritstream.spec.operations import NormParameters

PAGE = 4096
HEADER_FIELDS = (
    "scale_mantissa",
    "scale_exponent",
    "square_exponent",
    "eps_square_mantissa",
    "eps_square_exponent",
    "eps_mantissa",
    "eps_exponent",
    "reserved",
)
_HEADER_BYTES = 4 * len(HEADER_FIELDS)


def header_words(norm: NormParameters) -> list[int]:
    """The integers of a phase's header, as HEADER_FIELDS names them."""
    scalars = (norm.scale, norm.eps_square, norm.eps)
    scale, eps_square, eps = ((int(s.mantissa), int(s.exponent)) for s in scalars)
    return [*scale, norm.square_exponent, *eps_square, *eps, 0]


def element_words(norm: NormParameters, profile: Profile) -> npt.NDArray[Any]:
    """(n,) unsigned little-endian words of element_bits: the gain, the block weight above it."""
    gain = norm.gain & ((1 << profile.gain_bits) - 1)
    block = norm.block & ((1 << profile.block_bits) - 1)
    return (gain | (block << profile.gain_bits)).astype(_element_type(profile))


def port_words(trits: npt.NDArray[np.int8], layout: Layout) -> npt.NDArray[np.uint8]:
    """(words, ports, port_bytes) of a ternary matrix whose columns fill whole words."""
    packed = pack_rows(trits, layout.packing)
    return packed.reshape(-1, layout.ports, layout.port_bytes)


def _element_type(profile: Profile) -> str:
    return f"<u{profile.element_bits // 8}"


@dataclass(frozen=True)
class PhaseLayout:
    """Where one phase lives: byte offsets into the parameter block and into each weight stream."""

    matrix: Matrix
    """As the model has it."""
    padded: Matrix
    """As the engine has it."""
    header: int
    elements: int
    room: int | None
    weights: int
    groups: int
    words_per_group: int

    @property
    def words(self) -> int:
        """Weight words of the phase: cycles that its mat-vec takes at least."""
        return self.groups * self.words_per_group


@dataclass(frozen=True)
class RecordLayout:
    """Offsets of one kind of record (``layer`` or ``head``) of a model in a layout."""

    layout: Layout
    geometry: Geometry
    kind: str

    @cached_property
    def padded(self) -> Geometry:
        """The sizes that the engine works with."""
        return self.layout.padded(self.geometry)

    @cached_property
    def phases(self) -> tuple[PhaseLayout, ...]:
        """The phases of the record in order."""
        layout = self.layout
        word, element_bytes = layout.parameter_word, layout.profile.element_bits // 8
        matrices, padded = (
            g.layer_matrices if self.kind == "layer" else (g.head_matrix,)
            for g in (self.geometry, self.padded)
        )
        at = weights = 0
        phases = []
        for m, p in zip(matrices, padded, strict=True):
            header, elements = at, at + round_up(_HEADER_BYTES, word)
            at = elements + round_up(p.cols * element_bytes, word)
            room = None
            if m.name == "f":
                room, at = at, at + round_up(4 * p.rows, word)
            groups, words = -(-p.rows // layout.rows_per_byte), -(-p.cols // layout.lanes)
            phase = PhaseLayout(m, p, header, elements, room, weights, groups, words)
            weights += phase.words * layout.port_bytes
            phases.append(phase)
        return tuple(phases)

    @cached_property
    def parameter_bytes(self) -> int:
        """Length of the parameter block, without the padding to a page."""
        last, layout = self.phases[-1], self.layout
        elements = last.padded.cols * layout.profile.element_bits // 8
        return last.elements + round_up(elements, layout.parameter_word)

    @property
    def stream_bytes(self) -> int:
        """Length of one port's weight stream, without the padding to a page."""
        return sum(p.words for p in self.phases) * self.layout.port_bytes

    def stream_offset(self, port: int) -> int:
        return round_up(self.parameter_bytes, PAGE) + port * round_up(self.stream_bytes, PAGE)

    def stream(self, record: npt.NDArray[np.uint8], port: int) -> npt.NDArray[np.uint8]:
        """The weight stream of one port, a view of the record's bytes: uint8 (stream_bytes,)."""
        start = self.stream_offset(port)
        return record[start : start + self.stream_bytes]

    def words(self, stream: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
        """A stream as the words of its port, each in 32-bit parts, the low part first: a view,
        uint32 (words, port_bytes / 4)."""
        return stream.view("<u4").reshape(-1, self.layout.port_bytes // 4)

    @property
    def record_bytes(self) -> int:
        return self.stream_offset(self.layout.ports)

    def phase(self, name: str) -> PhaseLayout:
        return next(p for p in self.phases if p.matrix.name == name)

    # Writing and reading. ``record`` is the record's bytes, uint8 (record_bytes,).

    def write(self, weights: LayerWeights | HeadWeights) -> npt.NDArray[np.uint8]:
        """The record of a decoder layer, or of the LM head."""
        record = np.zeros(self.record_bytes, np.uint8)
        if isinstance(weights, HeadWeights):
            self.write_norm(record, "head", weights.norm, None)
            self.write_trits(record, "head", weights.trits)
        else:
            for name, trits in weights.trits.items():
                self.write_norm(record, name, weights.norms[name], weights.room)
                self.write_trits(record, name, trits)
        return record

    def read_layer(self, record: npt.NDArray[np.uint8]) -> LayerWeights:
        """What the record of a decoder layer holds."""
        names = [phase.matrix.name for phase in self.phases]
        return LayerWeights(
            trits={name: self.read_trits(record, name) for name in names},
            norms={name: self.read_norm(record, name) for name in names},
            room=self.read_room(record),
        )

    def read_head(self, record: npt.NDArray[np.uint8]) -> HeadWeights:
        """What the record of the LM head holds."""
        return HeadWeights(self.read_trits(record, "head"), self.read_norm(record, "head"))

    def write_norm(
        self, record: npt.NDArray[np.uint8], name: str, norm: NormParameters, room: Ints | None
    ) -> None:
        """Store a phase's parameters; ``room`` is needed for phase f alone."""
        phase, profile = self.phase(name), self.layout.profile
        _at(record, phase.header, "<i4", len(HEADER_FIELDS))[:] = header_words(norm)
        elements = _at(record, phase.elements, _element_type(profile), phase.matrix.cols)
        elements[:] = element_words(norm, profile)
        if phase.room is not None and room is not None:
            _at(record, phase.room, "<i4", phase.matrix.rows)[:] = room

    def read_norm(self, record: npt.NDArray[np.uint8], name: str) -> NormParameters:
        """A phase's parameters, as stored."""
        phase = self.phase(name)
        h = [int(v) for v in _at(record, phase.header, "<i4", len(HEADER_FIELDS))]
        profile = self.layout.profile
        elements = _at(record, phase.elements, _element_type(profile), phase.matrix.cols)
        return NormParameters(
            gain=_signed(elements.astype(np.int64), 0, profile.gain_bits),
            block=_signed(elements.astype(np.int64), profile.gain_bits, profile.block_bits),
            scale=_scalar(h[0], h[1]),
            square_exponent=h[2],
            eps_square=_scalar(h[3], h[4]),
            eps=_scalar(h[5], h[6]),
        )

    def read_room(self, record: npt.NDArray[np.uint8]) -> Ints:
        """(hidden,) 1 - lower bound, Q1.sigmoid_frac."""
        phase = self.phase("f")
        assert phase.room is not None
        return _at(record, phase.room, "<i4", phase.matrix.rows).astype(np.int64)

    def write_trits(
        self, record: npt.NDArray[np.uint8], name: str, trits: npt.NDArray[np.int8]
    ) -> None:
        """Store a phase's ternary matrix, (rows, cols) in {-1, 0, 1}."""
        layout, phase = self.layout, self.phase(name)
        cols = phase.words_per_group * layout.lanes
        # Padding holds zero trits, which at base 3 is not the byte 0: pad before packing.
        padded = np.zeros((phase.padded.rows, cols), np.int8)
        for mine, there in self._halves(phase):
            padded[there, : trits.shape[1]] = trits[mine]
        words = port_words(padded, layout)
        for port in range(layout.ports):
            self.phase_stream(record, phase, port)[:] = words[:, port]

    def read_trits(self, record: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.int8]:
        """A phase's ternary matrix, (rows, cols) int8."""
        layout, phase = self.layout, self.phase(name)
        ports = [self.phase_stream(record, phase, port) for port in range(layout.ports)]
        packed = np.stack(ports, axis=1).reshape(phase.groups, phase.words_per_group * layout.lanes)
        padded = unpack_rows(packed, layout.packing, phase.padded.rows)[:, : phase.matrix.cols]
        halves = [padded[there] for _, there in self._halves(phase)]
        return halves[0] if len(halves) == 1 else np.concatenate(halves)

    def _halves(self, phase: PhaseLayout) -> list[tuple[slice, slice]]:
        """Rows of the model's matrix, and where they are in the padded one."""
        rows, padded = phase.matrix.rows, phase.padded.rows
        if phase.matrix.name != "gate" or rows == padded:
            return [(slice(0, rows), slice(0, rows))]
        half, at = rows // 2, padded // 2
        return [(slice(0, half), slice(0, half)), (slice(half, rows), slice(at, at + half))]

    def phase_stream(
        self, record: npt.NDArray[np.uint8], phase: PhaseLayout, port: int
    ) -> npt.NDArray[np.uint8]:
        """A phase's part of a port's stream: a view, uint8 (words, port_bytes)."""
        width = self.layout.port_bytes
        stream = self.stream(record, port)[phase.weights :][: phase.words * width]
        return stream.reshape(phase.words, width)


def _at(
    record: npt.NDArray[np.uint8], offset: int, dtype: str, count: int
) -> npt.NDArray[np.int32]:
    return record[offset : offset + count * np.dtype(dtype).itemsize].view(dtype)


def _signed(words: Ints, low: int, bits: int) -> Ints:
    """Bits [low, low + bits) of every word as a two's complement number."""
    return (words << (64 - low - bits)) >> (64 - bits)


def _scalar(mantissa: int, exponent: int) -> Scalar:
    return Scalar(np.asarray(mantissa, np.int64), np.asarray(exponent, np.int64))
