"""The descriptor table: a model's sizes, and where in memory the engine finds each record.

Little-endian int32, all of it. First the sizes that the engine works with (`Layout.padded`): four
int32, a beat, for each phase i f g o gate down head,

    [weight words, words of a row group + 65536 * words of the norm, rows,
     beats of room + 4096 * row groups]

and one beat for the whole model, [beats of a vector, beats of the logits without their scale,
weight words of a layer, weight words of the head]. Then a row of eight, two beats, per record:

    [kind, parameters, weights of port 0..3, state, 0]

``kind`` is 0 for a decoder layer and 1 for the LM head; the rest are offsets in beats from the base
addresses of the arguments ``parameters``, ``weights_<port>`` and ``state_in``/``state_out``. Kind 2
is a read test: the ports of a mask, in place of the state, read so many words, in place of the
parameters, which nobody takes. It says what memory gives, without an engine that may be slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.errors import ConfigurationError
from tritstream.geometry import Geometry
from tritstream.image.records import RecordLayout
from tritstream.kernels.arguments import (
    BEAT_BYTES,
    GEOMETRY_BEATS,
    MAX_LAYERS,
    MAX_RECORD_BYTES,
    MAX_VOCABULARY,
)

LAYER, HEAD, READ_TEST = range(3)
DESCRIPTOR_WORDS = 8
GEOMETRY_WORDS = GEOMETRY_BEATS * BEAT_BYTES // 4
_GATE, _HEAD, _MODEL = 4, 6, 7
"""Places in the sizes."""
VOCABULARY_WORD = 4 * _HEAD + 2
"""The place of the head's rows in the sizes."""

Descriptors = npt.NDArray[np.int32]


def descriptor(layout: RecordLayout, record_offset: int, layer: int) -> Descriptors:
    """(8,) int32: the record at byte ``record_offset`` of the record memory.

    ``layer`` picks its state.
    Raises ConfigurationError where an offset is no whole beat, or too far for the engine.
    """
    if record_offset % BEAT_BYTES or record_offset + layout.record_bytes > MAX_RECORD_BYTES:
        raise ConfigurationError(
            f"a record at byte {record_offset} of the record memory: offsets must be multiples of "
            f"{BEAT_BYTES}, and the record must end within {MAX_RECORD_BYTES} bytes"
        )
    row = np.zeros(DESCRIPTOR_WORDS, np.int32)
    row[0] = HEAD if layout.kind == "head" else LAYER
    row[1] = record_offset // BEAT_BYTES
    for port in range(layout.layout.ports):
        row[2 + port] = (record_offset + layout.stream_offset(port)) // BEAT_BYTES
    row[6] = 0 if layout.kind == "head" else layer * layout.padded.hidden // 4
    return row


def read_test(
    configuration: Configuration, offsets: Sequence[int], words: int, ports: Iterable[int]
) -> Descriptors:
    """(8,) int32: ``ports`` read so many words of theirs, each from its byte of ``offsets`` on.

    Raises ConfigurationError for an offset that is no whole beat, and for words beyond the memory.
    """
    ends = [at + words * configuration.port_bytes for at in offsets]
    if any(at % BEAT_BYTES for at in offsets) or words < 1 or max(ends) > MAX_RECORD_BYTES:
        raise ConfigurationError(
            f"a read test of {words} words a port: it must be at least one word, from multiples of "
            f"{BEAT_BYTES} on, and end within {MAX_RECORD_BYTES} bytes"
        )
    row = np.zeros(DESCRIPTOR_WORDS, np.int32)
    row[:2] = READ_TEST, words
    row[2 : 2 + len(offsets)] = np.asarray(offsets) // BEAT_BYTES
    row[6] = sum(1 << port for port in ports)
    return row


def geometry_words(layer: RecordLayout, head: RecordLayout, element_lanes: int) -> Descriptors:
    """(32,) int32: a model's sizes, for an engine whose norms are ``element_lanes`` wide."""
    words = np.zeros((GEOMETRY_BEATS, 4), np.int32)
    phases = (*layer.phases, *head.phases)
    for row, phase in zip(words, phases, strict=False):
        norm = phase.padded.cols // element_lanes
        room = 0 if phase.room is None else 4 * phase.padded.rows // BEAT_BYTES
        groups = phase.words // phase.words_per_group
        row[:] = (
            phase.words,
            phase.words_per_group | norm << 16,
            phase.padded.rows,
            room | groups << 12,
        )
    g = layer.padded
    of_layer, of_head = (sum(p.words for p in record.phases) for record in (layer, head))
    words[_MODEL] = g.hidden // 2, g.vocabulary // 4, of_layer, of_head
    return words.reshape(-1)


def geometry_of(words: Descriptors, layers: int) -> Geometry:
    """What `geometry_words` says, but for the number of layers, which no engine needs.

    Raises ConfigurationError where that is no geometry.
    """
    table = words.reshape(GEOMETRY_BEATS, 4).tolist()
    return Geometry(2 * table[_MODEL][0], table[_GATE][2] // 2, layers, table[_HEAD][2])


def descriptor_table(
    layer: RecordLayout,
    head: RecordLayout,
    record_offsets: Sequence[int],
    element_lanes: int,
) -> Descriptors:
    """(32 + 8 * (layers + 1),) int32 for a model whose records, the head's last, begin at these
    bytes."""
    last = len(record_offsets) - 1
    rows = [
        descriptor(head if index == last else layer, offset, index)
        for index, offset in enumerate(record_offsets)
    ]
    return np.concatenate([geometry_words(layer, head, element_lanes), *rows])


def refusal(configuration: Configuration, geometry: Geometry) -> str | None:
    """Why a model does not fit the engine of a configuration, as a sentence; None where it does."""
    for what, size, most in (
        ("layers", geometry.layers, MAX_LAYERS),
        ("vocabulary", geometry.vocabulary, MAX_VOCABULARY),
    ):
        if size > most:
            return f"an engine takes {what} up to {most}; the model has {size}"
    return configuration.refusal(geometry)
