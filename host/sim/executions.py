"""What the simulated engine computes with: the specification, the emitted C++, or nothing.

An execution gets the board's memory and the engine's registers by argument name, as hardware does,
and finds everything else in memory: descriptors, parameters, weight streams, vectors and state.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.errors import ConfigurationError
from tritstream.geometry import Geometry
from tritstream.image import RecordLayout
from tritstream.kernels.arguments import BEAT_BYTES, TOP, argument_table
from tritstream.kernels.checks import descriptor_refused, registers_refused, sizes_refused
from tritstream.kernels.descriptors import (
    DESCRIPTOR_WORDS,
    GEOMETRY_WORDS,
    HEAD,
    LAYER,
    READ_TEST,
    VOCABULARY_WORD,
    geometry_of,
    geometry_words,
    refusal,
)
from tritstream.kernels.memories import LOGITS, VECTOR, EngineMemories, Saturated, Take, takes_in
from tritstream.kernels.registers import Counters, joined_checksum, weights_checksum
from tritstream.sim.memory import AxiError, Memory, RefusedError
from tritstream.spec import (
    HeadWeights,
    LayerWeights,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)


@dataclass(frozen=True)
class Outcome:
    """What hardware itself says of a start: further bits of the control register, descriptors that
    it read, and counters."""

    control: int
    descriptors: int
    counters: Counters


Execution = Callable[[Memory, Mapping[str, int]], Outcome | None]

_KEEP_WEIGHTS = 64 << 20
"""Unpacked ternary weights that are kept between starts; each takes four bytes."""


@dataclass(frozen=True)
class Record:
    """Addresses of one record's parts, as its descriptor and the base registers say."""

    layout: RecordLayout
    parameters: int
    weights: tuple[int, ...]
    state_in: int
    state_out: int


@dataclass(frozen=True)
class ReadTest:
    """Addresses from which the weight ports read so many bytes, and nobody takes them; by port,
    those that take no part with none."""

    weights: tuple[int, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Start:
    """What a start finds in front of the descriptors, and the records that it names."""

    geometry: Geometry
    """Padded, as the engine works with it; of one layer."""
    memories: EngineMemories
    takes: tuple[Take, ...]
    """What is done with its tokens."""
    records: Iterator[Record | ReadTest]


class Walk:
    """The records that a start names, found in memory through their descriptors."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> Start:
        """Raises RefusedError as `tritstream.kernels.checks` says, AxiError where the descriptor
        table is not in memory, or is of another model than the memory holds."""
        c = self.configuration
        bases = [arguments[a.name] for a in argument_table(c) if a.kind == "memory"]
        if registers_refused(arguments["first"], arguments["last"], bases):
            raise RefusedError("record numbers or base addresses that cannot be", 0)
        words = _at(memory, arguments["descriptors"], GEOMETRY_WORDS, "<i4")
        if sizes_refused(c, words):
            raise RefusedError("sizes in front of the descriptors that cannot be", 0)
        try:
            geometry = geometry_of(words, layers=1)
        except ConfigurationError as error:
            raise AxiError(f"no sizes of a model in front of the descriptors: {error}") from None
        layouts = {
            kind: RecordLayout(c.layout, geometry, name)
            for kind, name in ((LAYER, "layer"), (HEAD, "head"))
        }
        wanted = geometry_words(layouts[LAYER], layouts[HEAD], c.element_lanes)
        if refusal(c, geometry) or not np.array_equal(words, wanted):
            raise AxiError(f"sizes in front of the descriptors that '{c.name}' cannot work with")
        memories = EngineMemories(c.layout, geometry, c.tokens)
        takes = takes_in(_at(memory, arguments["vector_in"], 4 * c.tokens, "<i4"), c.tokens)
        return Start(geometry, memories, takes, self._records(memory, arguments, layouts))

    def _records(
        self, memory: Memory, arguments: Mapping[str, int], layouts: Mapping[int, RecordLayout]
    ) -> Iterator[Record | ReadTest]:
        table = arguments["descriptors"] + 4 * GEOMETRY_WORDS
        first = arguments["first"]
        for row in range(first, arguments["last"] + 1):
            at = table + row * 4 * DESCRIPTOR_WORDS
            words = _at(memory, at, DESCRIPTOR_WORDS, "<i4")
            if descriptor_refused(words):
                raise RefusedError(f"descriptor {row} cannot be", row - first + 1)
            kind, *offsets, state, _ = words.tolist()
            ports = range(self.configuration.ports)
            weights = tuple(
                arguments[f"weights_{port}"] + offsets[1 + port] * BEAT_BYTES for port in ports
            )
            if kind == READ_TEST:
                size = offsets[0] * self.configuration.port_bytes
                yield ReadTest(weights, tuple(size * (state >> port & 1) for port in ports))
                continue
            yield Record(
                layouts[kind],
                arguments["parameters"] + offsets[0] * BEAT_BYTES,
                weights,
                arguments["state_in"] + state * BEAT_BYTES,
                arguments["state_out"] + state * BEAT_BYTES,
            )


def counters_of_start(
    configuration: Configuration, memory: Memory, arguments: Mapping[str, int]
) -> Counters:
    """What the shell counts in a start, as far as memory tells: words and checksums; no cycles.

    Raises AxiError as `Walk`.
    """
    ports = range(configuration.ports)
    words, sums = [0 for _ in ports], [0 for _ in ports]
    for record in Walk(configuration)(memory, arguments).records:
        for port in ports:
            part = _words(configuration, memory, record, port)
            words[port] += len(part)
            sums[port] = joined_checksum(sums[port], weights_checksum(part), len(part))
    return Counters(0, tuple(words), tuple(0 for _ in ports), tuple(sums))


def _words(
    configuration: Configuration, memory: Memory, record: Record | ReadTest, port: int
) -> npt.NDArray[np.uint32]:
    """(words, parts) uint32 that a port reads."""
    if isinstance(record, Record):
        layout = record.layout
        return layout.words(memory.view(record.weights[port], layout.stream_bytes))
    data = memory.view(record.weights[port], record.sizes[port])
    return data.view(np.uint32).reshape(-1, configuration.port_bytes // 4)


class SpecExecution:
    """The fixed-point specification, working on what the memory holds at the time."""

    def __init__(self, configuration: Configuration) -> None:
        self._walk = Walk(configuration)
        self._profile = configuration.profile
        self._operations = fixed_operations(self._profile)
        self._kept: OrderedDict[bytes, LayerWeights | HeadWeights] = OrderedDict()

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> None:
        """Process records first..last. Raises AxiError as soon as an access fails."""
        start = self._walk(memory, arguments)
        hidden, weighs = start.geometry.hidden, start.geometry.ternary_weights
        shape = start.memories
        size = shape.sizes()[VECTOR] // 8
        vectors = shape.vectors(_at(memory, arguments["vector_in"], size, "<i8"))
        x = vectors[: len(start.takes)].astype(np.int64)
        saturations = Saturations()
        for record in start.records:
            if isinstance(record, ReadTest):
                continue
            weights = self._weights(memory, record, _KEEP_WEIGHTS // weighs)
            if isinstance(weights, HeadWeights):
                wanted = [not take.silent for take in start.takes]
                self._head(memory, arguments["logits"], x[wanted], weights, shape)
                continue
            after: npt.NDArray[np.int64] | None = None
            made = []
            for row, take in zip(x, start.takes, strict=True):
                if take.origin is not None:
                    at = record.state_in + take.origin * BEAT_BYTES
                    after = _at(memory, at, hidden, "<i4").astype(np.int64)
                assert after is not None
                new, after = decoder_layer(
                    row[None], after, weights, self._operations, self._profile, saturations
                )
                made.append((new, after))
            for take, (_, state) in zip(start.takes, made, strict=True):
                _at(memory, record.state_out + take.target * BEAT_BYTES, hidden, "<i4")[:] = state
            x = np.concatenate([new for new, _ in made])
        left = _at(memory, arguments["vector_out"], size, "<i8")
        shape.vectors(left)[: len(x)] = x
        shape.write_saturated(left, len(x), Saturated.of(saturations.counts))

    def _head(
        self,
        memory: Memory,
        logits: int,
        x: npt.NDArray[np.int64],
        weights: HeadWeights,
        memories: EngineMemories,
    ) -> None:
        result = head(x, weights, self._operations)
        memories.write_logits(
            _at(memory, logits, memories.sizes()[LOGITS] // 4, "<i4"),
            result.codes,
            np.stack([result.scale.mantissa, result.scale.exponent], axis=1),
        )

    def _weights(self, memory: Memory, at: Record, keep: int) -> LayerWeights | HeadWeights:
        """A record put together from where its parts are, and unpacked."""
        layout = at.layout
        record = np.zeros(layout.record_bytes, np.uint8)
        record[: layout.parameter_bytes] = memory.view(at.parameters, layout.parameter_bytes)
        for port, address in enumerate(at.weights):
            layout.stream(record, port)[:] = memory.view(address, layout.stream_bytes)
        # Unpacking is slow and weights rarely change: it is done once for the same contents.
        key = hashlib.blake2b(record, salt=layout.kind.encode()).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        weights = self._kept[key] = _unpacked(layout, record)
        while len(self._kept) > max(keep, 1):
            self._kept.popitem(last=False)
        return weights


def _unpacked(layout: RecordLayout, record: npt.NDArray[np.uint8]) -> LayerWeights | HeadWeights:
    # float32 is the mat-vec's exact form (see `ternary_matvec`), converted once.
    if layout.kind == "head":
        head = layout.read_head(record)
        return replace(head, trits=head.trits.astype(np.float32))
    layer = layout.read_layer(record)
    return replace(layer, trits={n: t.astype(np.float32) for n, t in layer.trits.items()})


class CsimExecution:
    """The emitted HLS C++, compiled, working on the simulated memory in place.

    Raises as `tritstream.kernels.csim.compiled_kernel`.
    """

    def __init__(self, configuration: Configuration) -> None:
        from tritstream.kernels.csim import call, compiled_kernel

        self._call = call
        self._function = getattr(compiled_kernel(configuration, TOP), TOP)
        self._walk = Walk(configuration)
        self._table = argument_table(configuration)

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> None:
        """Process records first..last. Raises AxiError before anything runs if an access would
        fail."""
        start = self._walk(memory, arguments)
        sizes = start.memories.sizes()
        wanted = sum(not take.silent for take in start.takes)
        for name in ("vector_in", "vector_out"):
            memory.view(arguments[name], sizes[VECTOR])
        for record in start.records:
            if isinstance(record, ReadTest):
                for address, size in zip(record.weights, record.sizes, strict=True):
                    memory.view(address, size)
                continue
            layout = record.layout
            if layout.kind == "head":
                size = sizes[LOGITS] // self._walk.configuration.tokens * wanted
                memory.view(arguments["logits"], size)
            memory.view(record.parameters, layout.parameter_bytes)
            for address in record.weights:
                memory.view(address, layout.stream_bytes)
            if layout.kind == "layer":
                for take in start.takes:
                    if take.origin is not None:
                        at = record.state_in + take.origin * BEAT_BYTES
                        memory.view(at, 4 * start.geometry.hidden)
                    at = record.state_out + take.target * BEAT_BYTES
                    memory.view(at, 4 * start.geometry.hidden)
        self._call(
            self._function,
            *(
                arguments[a.name] if a.kind == "register" else memory.behind(arguments[a.name])
                for a in self._table
            ),
        )


class NoExecution:
    """An engine that takes no time: it only writes a scale, so that the logits are zeros.

    For measuring what the host costs. Nothing that it returns means anything.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._scale = 1 << (configuration.profile.scale_bits - 1), -30

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> None:
        rows = _at(memory, arguments["descriptors"] + 4 * VOCABULARY_WORD, 1, "<i4")[0]
        _at(memory, arguments["logits"] + 4 * int(rows), 2, "<i4")[:] = self._scale


def _at(memory: Memory, address: int, count: int, dtype: str) -> npt.NDArray[np.int32]:
    """``count`` values in memory, as a view that may be written."""
    return memory.view(address, count * np.dtype(dtype).itemsize).view(dtype)
