"""What lies in the engine's memories: sizes, types and places, for driver and simulations alike.

Four arrays besides the records, which are the image's bytes. A vector is int64 by element, a state
int32 (gate format) by layer and element, both as long as the layout pads the model's hidden size
to; what is beyond the model is zero and stays so. There may be several states, one after another.

The array of the vectors begins with a beat of four int32 for each token that a start can take,

    [state from, state to, silent, further]

and goes on with as many vectors. The first two are offsets in beats from the first state to the one
that the token goes on from and the one that it leaves; -1 goes on from the token before in the same
start. A token that is not silent gets logits. `further`, of the first beat alone, is how many
tokens follow the first. So zeros are a token of state 0 that gets logits. A state that a token
leaves must not be one that another sequence of the same start goes on from.

Behind the vectors that a start leaves stands a beat with what it has cut to the range of its
format (`Saturated`).

The logits are int32. Those of several tokens lie beside each other, four of each in turn; behind
the last whole beat of all comes one for each with their scale, [mantissa, exponent, 0, 0].
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
STATES = 32
"""Recurrent states side by side, where an engine has a use for several."""
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


class Take(NamedTuple):
    """What a start does with a token: it goes on from state ``origin``, or from the token before
    (None), and leaves state ``target``; a silent one gets no logits."""

    origin: int | None = 0
    target: int = 0
    silent: bool = False


class Saturated(NamedTuple):
    """How many values of a start stand at the limits of their format, where they were cut, and how
    many scales are too large for theirs: what `tritstream.spec.Saturations` counts by operation."""

    gates: int = 0
    residual: int = 0
    scales: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Saturated:
        """Of counts by the specification's names: ``residual``, ``<matrix> scale``, and gates."""
        residual = counts.get("residual", 0)
        scales = sum(count for name, count in counts.items() if name.endswith(" scale"))
        return cls(sum(counts.values()) - residual - scales, residual, scales)

    @property
    def counts(self) -> dict[str, int]:
        """Those that are not zero, by name."""
        return {name: count for name, count in self._asdict().items() if count}


def takes_in(words: Array, tokens: int) -> tuple[Take, ...]:
    """What an engine for ``tokens`` does that finds these int32 in front of its vectors. States are
    offsets in beats here."""
    rows = words.reshape(-1, 4).tolist()
    count = min(max(rows[0][3] + 1, 1), tokens)
    return tuple(
        Take(None if n and origin < 0 else origin, target, bool(silent) and tokens > 1)
        for n, (origin, target, silent, _) in enumerate(rows[:count])
    )


def beside(vectors: Array, lanes: int) -> Array:
    """(vectors, length) as the kernels hold them: words of ``lanes``, those of a place together."""
    words = vectors.reshape(len(vectors), -1, lanes).transpose(1, 0, 2)
    return np.ascontiguousarray(words).reshape(-1)


@dataclass(frozen=True)
class EngineMemories:
    """The arrays of a model in a layout, for starts of up to so many tokens, and so many states."""

    layout: Layout
    geometry: Geometry
    tokens: int = 1
    states: int = 1

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
            VECTOR: (((self.tokens + 1) * BEAT_BYTES // 8 + self.tokens * g.hidden,), np.int64),
            STATE: ((self.states * g.layers, g.hidden), np.int32),
            LOGITS: ((self.tokens * (g.vocabulary + BEAT_BYTES // 4),), np.int32),
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

    def plan(self, memory: Array, takes: Sequence[Take]) -> None:
        """Write into the array of the vectors what a start does with each of its tokens.

        Raises ValueError for no token, for more than a start takes, for a state that is not there,
        for a first token that goes on from none, and for a state that a token leaves and another
        sequence goes on from.
        """
        if not 1 <= len(takes) <= self.tokens:
            raise ValueError(f"a start takes 1 to {self.tokens} tokens, not {len(takes)}")
        if takes[0].origin is None:
            raise ValueError("the first token of a start goes on from a state")
        if any(not 0 <= s < self.states for t in takes for s in (t.origin or 0, t.target)):
            raise ValueError(f"there are {self.states} states")
        begins = [n for n, take in enumerate(takes) if take.origin is not None]
        owners = [max(n for n in begins if n <= k) for k in range(len(takes))]
        for take, owner in zip(takes, owners, strict=True):
            for number in begins:
                if takes[number].origin == take.target and number != owner:
                    raise ValueError(f"state {take.target} is left, and another sequence needs it")
        words = memory[: self.tokens * BEAT_BYTES // 8].view(np.int32).reshape(-1, 4)
        beats = self.padded.layers * self.padded.hidden * 4 // BEAT_BYTES
        words[:] = 0
        for row, take in zip(words, takes, strict=False):
            origin = -1 if take.origin is None else take.origin * beats
            row[:3] = origin, take.target * beats, take.silent
        words[0, 3] = len(takes) - 1

    def vectors(self, memory: Array) -> Array:
        """(tokens, hidden) of the model in the array of the vectors."""
        begin, hidden = self.tokens * BEAT_BYTES // 8, self.padded.hidden
        rows = memory[begin : begin + self.tokens * hidden].reshape(-1, hidden)
        return rows[:, : self.geometry.hidden]

    def saturated(self, memory: Array, tokens: int) -> Saturated:
        """What a start of so many tokens counted, in the array of the vectors."""
        return Saturated(*self._behind(memory, tokens)[: len(Saturated._fields)].tolist())

    def write_saturated(self, memory: Array, tokens: int, found: Saturated) -> None:
        """Put the counts where `saturated` finds them."""
        self._behind(memory, tokens)[:] = [*found, 0]

    def _behind(self, memory: Array, tokens: int) -> npt.NDArray[np.int32]:
        """The beat behind so many vectors."""
        at = self.tokens * BEAT_BYTES // 8 + tokens * self.padded.hidden
        words: npt.NDArray[np.int32] = memory[at : at + BEAT_BYTES // 8].view(np.int32)
        return words

    def vector(self, memory: Array) -> Array:
        """(hidden,) of the first token."""
        first: Array = self.vectors(memory)[0]
        return first

    def state_rows(self, memory: Array) -> Array:
        """(states, layers, hidden) of the model in the array of the states."""
        shape = self.states, self.padded.layers, self.padded.hidden
        return memory.reshape(shape)[..., : self.geometry.hidden]

    def state(self, memory: Array) -> Array:
        """(layers, hidden) of the first state."""
        first: Array = self.state_rows(memory)[0]
        return first

    def write_logits(self, memory: Array, sums: Array, scales: Array) -> None:
        """Put logits (wanted, vocabulary) and scales (wanted, 2) where `logits` finds them."""
        wanted, end = len(sums), len(sums) * self.padded.vocabulary
        made = np.zeros((wanted, self.padded.vocabulary), np.int32)
        made[:, : self.geometry.vocabulary] = sums
        memory[:end] = beside(made, 4)
        ends = np.zeros((wanted, 4), np.int32)
        ends[:, :2] = scales
        memory[end : end + 4 * wanted] = ends.reshape(-1)

    def logits(self, memory: Array, wanted: int = 1, place: int = 0) -> Logits:
        """The logits of one of the tokens that wanted them, and their scale, in the array of the
        logits. A copy but where one alone wanted them."""
        g = self.padded
        sums = memory[: wanted * g.vocabulary].reshape(-1, wanted, 4)[:, place].reshape(-1)
        return Logits(sums[: self.geometry.vocabulary], self.scales(memory, wanted)[place])

    def scales(self, memory: Array, wanted: int) -> Array:
        """(wanted, 4) where the scales of so many tokens' logits lie."""
        begin = wanted * self.padded.vocabulary
        return memory[begin : begin + 4 * wanted].reshape(wanted, 4)


def board_memories(layout: Layout, geometry: Geometry, tokens: int) -> EngineMemories:
    """The arrays on a board whose engine takes up to so many tokens a start."""
    return EngineMemories(layout, geometry, tokens, STATES if tokens > 1 else 1)


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
