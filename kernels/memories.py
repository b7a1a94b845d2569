"""What lies in the engine's memories: sizes, types and places, for driver and simulations alike.

Four arrays besides the records, which are the image's bytes. A vector is int64 by element, a state
int32 (gate format) by layer and element, both as long as the layout pads the model's hidden size
to; what is beyond the model is zero and stays so. The logits are int32; one beat behind the last
whole one holds their scale, [mantissa, exponent, 0, 0].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Layout, round_up
from tritstream.geometry import Geometry
from tritstream.image.records import PAGE, RecordLayout
from tritstream.kernels.arguments import BEAT_BYTES, Argument
from tritstream.kernels.descriptors import DESCRIPTOR_WORDS, GEOMETRY_WORDS

Array = npt.NDArray[Any]
RECORDS, DESCRIPTORS, VECTOR, STATE, LOGITS = (
    "records",
    "descriptors",
    "vector",
    "state",
    "logits",
)
"""The arrays, by name."""
MARGIN_BYTES = 4 << 20
"""Contiguous memory that is left free for others (display, network) when a model is placed."""
SLOTS = 2
"""Descriptors that a streamed record has: one for each place that it is loaded to."""


def array_of(argument: str) -> str:
    """The array that a memory argument points to. Raises KeyError for an argument without one."""
    if argument.startswith("weights_"):
        return RECORDS
    return {
        "parameters": RECORDS,
        "descriptors": DESCRIPTORS,
        "vector_in": VECTOR,
        "vector_out": VECTOR,
        "state_in": STATE,
        "state_out": STATE,
        "logits": LOGITS,
    }[argument]


class Logits(NamedTuple):
    """Views of the memory of the logits."""

    sums: npt.NDArray[np.int32]
    """(vocabulary,) of the model."""
    scale: npt.NDArray[np.int32]
    """(4,): mantissa, exponent, and two words of no meaning."""


@dataclass(frozen=True)
class EngineMemories:
    """The arrays of a model in a layout."""

    layout: Layout
    geometry: Geometry

    @cached_property
    def padded(self) -> Geometry:
        return self.layout.padded(self.geometry)

    @cached_property
    def records_bytes(self) -> int:
        """All records, one after another."""
        layer, head = (
            RecordLayout(self.layout, self.geometry, kind).record_bytes
            for kind in ("layer", "head")
        )
        return self.geometry.layers * layer + head

    def shapes(self, slots: int = 1) -> dict[str, tuple[tuple[int, ...], type[np.signedinteger]]]:
        """Shape and type of every array but the records; ``slots`` descriptors a record."""
        g = self.padded
        rows = slots * (g.layers + 1)
        return {
            DESCRIPTORS: ((GEOMETRY_WORDS + DESCRIPTOR_WORDS * rows,), np.int32),
            VECTOR: ((g.hidden,), np.int64),
            STATE: ((g.layers, g.hidden), np.int32),
            LOGITS: ((g.vocabulary + BEAT_BYTES // 4,), np.int32),
        }

    def sizes(self, slots: int = 1) -> dict[str, int]:
        """Bytes of every array but the records."""
        return {
            name: int(np.prod(shape)) * np.dtype(dtype).itemsize
            for name, (shape, dtype) in self.shapes(slots).items()
        }

    def pages_bytes(self) -> int:
        """Contiguous memory for every array but the records, each on pages of its own."""
        return sum(round_up(size, PAGE) for size in self.sizes(SLOTS).values())

    def allocate(self) -> dict[str, Array]:
        """Arrays of zeros, but for the records."""
        return {name: np.zeros(shape, dtype) for name, (shape, dtype) in self.shapes().items()}

    def vector(self, memory: Array) -> Array:
        """(hidden,) of the model in the array of a vector."""
        return memory[: self.geometry.hidden]

    def state(self, memory: Array) -> Array:
        """(layers, hidden) of the model in the array of the state."""
        return memory.reshape(-1, self.padded.hidden)[:, : self.geometry.hidden]

    def logits(self, memory: Array) -> Logits:
        """The logits of the model and their scale in the array of the logits."""
        return Logits(memory[: self.geometry.vocabulary], memory[self.padded.vocabulary :])


class Region(NamedTuple):
    """An array in an address space."""

    address: int
    data: npt.NDArray[np.uint8]
    writeable: bool


def placed(
    arrays: Mapping[str, Array], base: int, apart: int = 0x1_0000
) -> tuple[dict[str, int], list[Region]]:
    """Addresses of the arrays from ``base`` on, at least ``apart`` bytes apart, and the regions."""
    addresses, regions, at = {}, [], base
    for name, array in arrays.items():
        data = array.reshape(-1).view(np.uint8)
        addresses[name] = at
        regions.append(Region(at, data, array.flags.writeable))
        at += round_up(data.nbytes + apart, PAGE)
    return addresses, regions


def base_addresses(table: Iterable[Argument], addresses: Mapping[str, int]) -> dict[str, int]:
    """The base address of every memory argument, from those of the arrays."""
    return {a.name: addresses[array_of(a.name)] for a in table if a.kind == "memory"}


def register_writes(table: Iterable[Argument], values: Mapping[str, int]) -> list[tuple[int, int]]:
    """(offset, word) for every argument in ``values``, the low word of an address first."""
    return [
        (argument.offset + 4 * k, values[argument.name] >> 32 * k & 0xFFFF_FFFF)
        for argument in table
        if argument.name in values
        for k in range(argument.words)
    ]


def depths(table: Sequence[Argument], memories: EngineMemories) -> dict[str, int]:
    """Words of every memory argument for one model, as co-simulation needs to know them."""
    sizes = memories.sizes() | {RECORDS: memories.records_bytes}
    return {a.name: sizes[array_of(a.name)] // (a.bits // 8) for a in table if a.kind == "memory"}
