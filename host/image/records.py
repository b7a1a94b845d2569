"""The layout of a record: what one decoder layer, or the LM head, looks like in memory.

    record = parameter block | weight stream of port 0 | port 1 | ...     (each on a 4 KiB page)

A record is laid out in the order in which the engine consumes it. The parameter block is a stream
of words of ``element_lanes`` elements; per phase:

    header    8 int32: NormParameters' scalars (see HEADER_FIELDS), padded to whole words
    elements  n little-endian integers of element_bits: the gain in the low gain_bits, the block
              weight in the block_bits above it, two's complement; zeros pad to whole words
    room      phase f only: n int32, 1 - lower bound, padded to whole words

A weight stream holds, per matrix, row group after row group, ceil(cols / lanes) words each; port p
has the byte lanes [p * 16, (p + 1) * 16) of every word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tritstream.configurations import PORT_BYTES, Configuration
from tritstream.errors import ConfigurationError
from tritstream.geometry import Geometry, Matrix
from tritstream.image.trits import pack_rows, unpack_rows
from tritstream.numerics.integers import Ints, Scalar
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


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step


@dataclass(frozen=True)
class PhaseLayout:
    """Where one phase lives: byte offsets into the parameter block and into each weight stream."""

    matrix: Matrix
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
    """Offsets of one kind of record (``layer`` or ``head``) of a configuration."""

    configuration: Configuration
    kind: str

    @property
    def geometry(self) -> Geometry:
        if self.configuration.geometry is None:
            raise ConfigurationError(
                f"configuration '{self.configuration.name}' has no geometry: bind one first"
            )
        return self.configuration.geometry

    @property
    def parameter_word_bytes(self) -> int:
        c = self.configuration
        return c.element_lanes * c.profile.element_bits // 8

    @cached_property
    def phases(self) -> tuple[PhaseLayout, ...]:
        """The phases of the record in order."""
        c, g = self.configuration, self.geometry
        word = self.parameter_word_bytes
        matrices = g.layer_matrices if self.kind == "layer" else (g.head_matrix,)
        at = weights = 0
        phases = []
        for m in matrices:
            header, elements = at, at + round_up(_HEADER_BYTES, word)
            at = elements + round_up(m.cols, c.element_lanes) // c.element_lanes * word
            room = None
            if m.name == "f":
                room, at = at, at + round_up(4 * m.rows, word)
            groups = -(-m.rows // c.rows_per_byte)
            phase = PhaseLayout(m, header, elements, room, weights, groups, -(-m.cols // c.lanes))
            weights += phase.words * PORT_BYTES
            phases.append(phase)
        return tuple(phases)

    @cached_property
    def parameter_bytes(self) -> int:
        """Length of the parameter block, without the padding to a page."""
        last = self.phases[-1]
        lanes, word = self.configuration.element_lanes, self.parameter_word_bytes
        return last.elements + round_up(last.matrix.cols, lanes) // lanes * word

    @property
    def stream_bytes(self) -> int:
        """Length of one port's weight stream, without the padding to a page."""
        return sum(p.words for p in self.phases) * PORT_BYTES

    def stream_offset(self, port: int) -> int:
        return round_up(self.parameter_bytes, PAGE) + port * round_up(self.stream_bytes, PAGE)

    @property
    def record_bytes(self) -> int:
        return self.stream_offset(self.configuration.ports)

    def phase(self, name: str) -> PhaseLayout:
        return next(p for p in self.phases if p.matrix.name == name)

    # Writing and reading one phase. ``record`` is the record's bytes, uint8 (record_bytes,).

    def write_norm(
        self, record: npt.NDArray[np.uint8], name: str, norm: NormParameters, room: Ints | None
    ) -> None:
        """Store a phase's parameters; ``room`` is needed for phase f alone."""
        phase = self.phase(name)
        header = (
            int(norm.scale.mantissa),
            int(norm.scale.exponent),
            norm.square_exponent,
            int(norm.eps_square.mantissa),
            int(norm.eps_square.exponent),
            int(norm.eps.mantissa),
            int(norm.eps.exponent),
            0,
        )
        _at(record, phase.header, "<i4", len(header))[:] = header
        profile = self.configuration.profile
        gain = norm.gain & ((1 << profile.gain_bits) - 1)
        block = norm.block & ((1 << profile.block_bits) - 1)
        elements = _at(record, phase.elements, self._element_type, phase.matrix.cols)
        elements[:] = gain | (block << profile.gain_bits)
        if phase.room is not None and room is not None:
            _at(record, phase.room, "<i4", phase.matrix.rows)[:] = room

    def read_norm(self, record: npt.NDArray[np.uint8], name: str) -> NormParameters:
        """A phase's parameters, as stored."""
        phase = self.phase(name)
        h = [int(v) for v in _at(record, phase.header, "<i4", len(HEADER_FIELDS))]
        elements = _at(record, phase.elements, self._element_type, phase.matrix.cols)
        profile = self.configuration.profile
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
        c, phase = self.configuration, self.phase(name)
        cols = phase.words_per_group * c.lanes
        # Padding columns hold zero trits, which at base 3 is not the byte 0: pad before packing.
        padded = np.zeros((trits.shape[0], cols), np.int8)
        padded[:, : trits.shape[1]] = trits
        words = pack_rows(padded, c.packing).reshape(phase.words, c.ports, PORT_BYTES)
        for port in range(c.ports):
            self._stream(record, phase, port)[:] = words[:, port]

    def read_trits(self, record: npt.NDArray[np.uint8], name: str) -> npt.NDArray[np.int8]:
        """A phase's ternary matrix, (rows, cols) int8."""
        c, phase = self.configuration, self.phase(name)
        ports = [self._stream(record, phase, port) for port in range(c.ports)]
        packed = np.stack(ports, axis=1).reshape(phase.groups, phase.words_per_group * c.lanes)
        return unpack_rows(packed, c.packing, phase.matrix.rows)[:, : phase.matrix.cols]

    def _stream(
        self, record: npt.NDArray[np.uint8], phase: PhaseLayout, port: int
    ) -> npt.NDArray[np.uint8]:
        start = self.stream_offset(port) + phase.weights
        return record[start : start + phase.words * PORT_BYTES].reshape(phase.words, PORT_BYTES)

    @property
    def _element_type(self) -> str:
        return f"<u{self.configuration.profile.element_bits // 8}"


def _at(
    record: npt.NDArray[np.uint8], offset: int, dtype: str, count: int
) -> npt.NDArray[np.int32]:
    return record[offset : offset + count * np.dtype(dtype).itemsize].view(dtype)


def _signed(words: Ints, low: int, bits: int) -> Ints:
    """Bits [low, low + bits) of every word as a two's complement number."""
    return (words << (64 - low - bits)) >> (64 - bits)


def _scalar(mantissa: int, exponent: int) -> Scalar:
    return Scalar(np.asarray(mantissa, np.int64), np.asarray(exponent, np.int64))
