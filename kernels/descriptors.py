"""The descriptor table: where in memory the engine finds each record.

One row of eight little-endian int32, two beats, per record:

    [kind, parameters, weights of port 0..3, state, 0]

``kind`` is 0 for a decoder layer and 1 for the LM head; the rest are offsets in beats from the base
addresses of the arguments ``parameters``, ``weights_<port>`` and ``state_in``/``state_out``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tritstream.errors import ConfigurationError
from tritstream.image.records import RecordLayout
from tritstream.kernels.arguments import BEAT_BYTES

LAYER, HEAD = 0, 1
DESCRIPTOR_WORDS = 8

Descriptors = npt.NDArray[np.int32]


def descriptor(layout: RecordLayout, record_offset: int, layer: int) -> Descriptors:
    """(8,) int32: the record at byte ``record_offset`` of the record memory.

    ``layer`` picks its state.
    Raises ConfigurationError where an offset is no whole beat, or too far for an int32 of beats.
    """
    if record_offset % BEAT_BYTES or record_offset // BEAT_BYTES >= 1 << 31:
        raise ConfigurationError(
            f"a record at byte {record_offset} of the record memory: offsets must be multiples of "
            f"{BEAT_BYTES} below {BEAT_BYTES << 31}"
        )
    row = np.zeros(DESCRIPTOR_WORDS, np.int32)
    row[0] = HEAD if layout.kind == "head" else LAYER
    row[1] = record_offset // BEAT_BYTES
    for port in range(layout.configuration.ports):
        row[2 + port] = (record_offset + layout.stream_offset(port)) // BEAT_BYTES
    row[6] = 0 if layout.kind == "head" else layer * layout.geometry.hidden // 4
    return row


def descriptor_table(
    layer: RecordLayout, head: RecordLayout, record_offsets: Sequence[int]
) -> Descriptors:
    """(layers + 1, 8) int32 for a model whose records, the head's last, begin at these bytes."""
    last = len(record_offsets) - 1
    return np.stack(
        [
            descriptor(head if index == last else layer, offset, index)
            for index, offset in enumerate(record_offsets)
        ]
    )
