"""What the project's own shell refuses of a start, before any transfer that comes of it.

`shell_check.sv` does the same in hardware. Zeros and sizes over the maximum would make loops that
do not end or write over other values; the sums of weight words are checked because an engine that
is told of too many waits for ever. That every burst lies in the window of memory is looked at burst
by burst (`shell_reader`, `shell_writer`).
"""

from __future__ import annotations

from collections.abc import Iterable

from tritstream.configurations import Configuration
from tritstream.kernels.arguments import BEAT_BYTES, GEOMETRY_BEATS, MAX_LAYERS, MAX_VOCABULARY
from tritstream.kernels.descriptors import READ_TEST, Descriptors

WORD_BITS, OFFSET_BITS = 28, 27
"""Of counts of weight words, and of offsets in beats."""
_ROOM_BITS = 12
MAX_DESCRIPTORS = 2 * (MAX_LAYERS + 1)
"""A streamed model has two a record."""
_GATE, _HEAD, _MODEL = 4, 6, 7


def limits(configuration: Configuration) -> dict[str, int]:
    """The largest values by the names of `shell_check`'s parameters."""
    c = configuration
    longest = max(c.hidden, c.intermediate)
    rows = [c.hidden] * _HEAD
    rows[_GATE] = 2 * c.intermediate
    rows.append(MAX_VOCABULARY)
    return {
        "DESCRIPTORS": MAX_DESCRIPTORS,
        "COLUMN_WORDS": longest // c.lanes,
        "VECTOR_WORDS": longest // c.element_lanes,
        "ROOM_BEATS": c.hidden // 4,
        "VECTOR_BEATS": c.hidden // 2,
        "LOGITS_BEATS": MAX_VOCABULARY // 4,
        "ROWS": sum(most << 32 * k for k, most in enumerate(rows)),
    }


def registers_refused(first: int, last: int, bases: Iterable[int]) -> bool:
    """Whether a start is refused for its record numbers or base addresses (unsigned)."""
    return last < first or last >= MAX_DESCRIPTORS or any(base % BEAT_BYTES for base in bases)


def sizes_refused(configuration: Configuration, words: Descriptors) -> bool:
    """Whether the sizes (32,) int32 in front of the descriptors are refused."""
    most = limits(configuration)
    table = [[int(w) & 0xFFFF_FFFF for w in row] for row in words.reshape(GEOMETRY_BEATS, 4)]
    for phase, (count, lengths, rows, room) in enumerate(table[:_MODEL]):
        column, norm = lengths & 0xFFFF, lengths >> 16
        within = (
            0 < count < 1 << WORD_BITS
            and 0 < column <= most["COLUMN_WORDS"]
            and 0 < norm <= most["VECTOR_WORDS"]
            and 0 < rows <= most["ROWS"] >> 32 * phase & 0xFFFF_FFFF
            and room % (1 << _ROOM_BITS) <= most["ROOM_BEATS"]
        )
        if not within:
            return True
    vector, logits, layer, head = table[_MODEL]
    words_of_layer = sum(row[0] for row in table[:_HEAD]) % (1 << WORD_BITS)
    return not (
        0 < vector <= most["VECTOR_BEATS"]
        and 0 < logits <= most["LOGITS_BEATS"]
        and layer == words_of_layer
        and head == table[_HEAD][0]
    )


def descriptor_refused(row: Descriptors) -> bool:
    """Whether a descriptor (8,) int32 is refused."""
    kind, *offsets = (int(word) & 0xFFFF_FFFF for word in row)
    return kind > READ_TEST or any(offset >> OFFSET_BITS for offset in offsets)
