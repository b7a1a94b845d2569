"""Whether an image's sections and records hold values that a packer can have written.

A hash only says that a file is what its writer wrote. These checks are for files from elsewhere:
engines, in hardware above all, are built for scalars, bytes and numbers of these ranges.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tritstream.errors import ImageError
from tritstream.image.records import HEADER_FIELDS, RecordLayout
from tritstream.image.trits import valid_bytes
from tritstream.numerics.profiles import MANTISSA_BITS

if TYPE_CHECKING:
    from tritstream.image.reader import Image

Unsigned = npt.NDArray[np.unsignedinteger]

CHECKED = "values-1"
"""Name of these checks, which marks an image that passed; another where they become stricter."""
_EXPONENT_LIMIT = 4096
"""Beyond what finite float32 weights fold to, and small enough for sums of exponents in int32."""
_CHUNK = 1 << 17
"""Values looked at together: little enough to stay in a cache."""
_FLOAT16_EXPONENT = 0x7C00
"""All ones in a float16's exponent: NaN or infinity."""


def check_values(image: Image) -> None:
    """Check every parameter, weight byte and float. Raises ImageError naming the record."""
    for name, vector in image.float_vectors.items():
        if not np.isfinite(vector).all():
            raise _impossible(image, f"tensor {name} holds NaN or infinite values")
    embedding = image.embedding
    if embedding.kind == "fp16" and not _every(embedding.rows.view("<u2"), _finite_float16):
        raise _impossible(image, "the embedding holds NaN or infinite values")
    good = valid_bytes(image.header.layout.packing)
    for index, section in enumerate(image.header.records):
        layout, record = image.layout(index), image.record(index)
        wrong = _wrong_parameter(layout, record)
        if wrong:
            raise _impossible(image, f"record '{section.name}': {wrong}")
        for port in range(layout.layout.ports):
            if not _every(layout.stream(record, port), good.__getitem__):
                packing = layout.layout.packing
                raise _impossible(
                    image, f"record '{section.name}' has weight bytes that are not {packing}"
                )


def _wrong_parameter(layout: RecordLayout, record: npt.NDArray[np.uint8]) -> str | None:
    """What is out of range in a record's parameter block, if anything is."""
    for phase in layout.phases:
        raw = record[phase.header : phase.header + 4 * len(HEADER_FIELDS)].view("<i4")
        for field, value in zip(HEADER_FIELDS, raw.tolist(), strict=True):
            if field.endswith("mantissa"):
                possible = value == 0 or value >= 1 << (MANTISSA_BITS - 1)
            else:
                possible = abs(value) <= (0 if field == "reserved" else _EXPONENT_LIMIT)
            if not possible:
                return f"{field} of phase {phase.matrix.name} is {value}"
        if phase.room is not None:
            room = layout.read_room(record)
            if room.min() < 0 or room.max() > layout.layout.profile.one:
                return "a lower bound is outside [0, 1]"
    return None


def _every(values: Unsigned, good: Callable[[Unsigned], npt.NDArray[np.bool_]]) -> bool:
    """Whether ``good`` holds for every value, in parts: nothing as large as a record is made."""
    flat = values.reshape(-1)
    return all(good(flat[k : k + _CHUNK]).all() for k in range(0, flat.size, _CHUNK))


def _finite_float16(bits: Unsigned) -> npt.NDArray[np.bool_]:
    return (bits & _FLOAT16_EXPONENT) != _FLOAT16_EXPONENT


def _impossible(image: Image, what: str) -> ImageError:
    return ImageError(
        f"{image.source} cannot have been packed from a model: {what}; pack the checkpoint again"
    )
