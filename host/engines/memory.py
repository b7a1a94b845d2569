"""An engine whose starts work on the memories of the argument table, held in NumPy arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.engines.base import (
    OWN_SLOTS,
    EngineInfo,
    FreeSlots,
    Logits,
    OneState,
    Pass,
    Slots,
    checked_pass,
)
from tritstream.engines.spec import real_logits
from tritstream.engines.starts import starts_of
from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.kernels.arguments import argument_table
from tritstream.kernels.descriptors import descriptor_table, refusal
from tritstream.kernels.memories import (
    DESCRIPTORS,
    LOGITS,
    RECORDS,
    STATE,
    STATES,
    VECTOR,
    EngineMemories,
    Saturated,
    Take,
    array_of,
)
from tritstream.numerics.integers import Ints, Scalar
from tritstream.packing import hardware_for
from tritstream.spec import Codes


class MemoryEngine(OneState):
    """Descriptors, vectors, states and logits around `start`; the records are the mapped image.

    A start takes as many tokens of a pass as the engine has hardware for. ``states`` recurrent
    states lie side by side, which are its slots; `step` and `prefill` advance the first.
    Without a ``configuration``, the one of the package that the image is for, or, where there is
    none, one that it is packed for again (`hardware_for`). Raises EngineError where the image does
    not fit.
    """

    def __init__(
        self, image: Image, configuration: Configuration | None = None, states: int = STATES
    ) -> None:
        super().__init__()
        if configuration is None:
            configuration, image = hardware_for(image)
        if image.header.layout != configuration.layout:
            raise EngineError(
                f"{image.source} is packed for layout {image.header.layout}, "
                f"'{configuration.name}' has {configuration.layout}: pack it with --layout "
                f"{configuration.name}"
            )
        why = refusal(configuration, image.geometry)
        if why:
            raise EngineError(f"{image.source} does not fit: {why}")
        self.image, self.configuration = image, configuration
        self.geometry: Geometry = image.geometry
        self.table = argument_table(configuration)
        base = image.header.records[0].offset
        end = max(r.offset + r.length for r in image.header.records)
        offsets = [r.offset - base for r in image.header.records]
        self.tokens, self.slots = configuration.tokens, states
        self.shared_pass = configuration.tokens
        self._beyond = FreeSlots(range(OWN_SLOTS, states))
        self._shape = EngineMemories(
            image.header.layout, image.geometry, configuration.tokens, states
        )
        self.arrays: dict[str, npt.NDArray[Any]] = {
            **self._shape.allocate(),
            RECORDS: image.data[base:end],
            DESCRIPTORS: descriptor_table(
                image.layer_layout, image.head_layout, offsets, configuration.element_lanes
            ),
        }
        self.memories = [
            self.arrays[array_of(argument.name)]
            for argument in self.table
            if argument.kind == "memory"
        ]
        """By argument, in the table's order."""
        self._vectors = self._shape.vectors(self.arrays[VECTOR])
        self._states = self._shape.state_rows(self.arrays[STATE])
        self._wanted = self._planned = 1

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(saturations=self.saturated.counts)

    @property
    def saturated(self) -> Saturated:
        """What the last start has cut."""
        return self._shape.saturated(self.arrays[VECTOR], self._planned)

    def reset(self) -> None:
        self._states[0] = 0

    @property
    def state(self) -> Ints:
        """(layers, hidden) the recurrent state of slot 0, gate format."""
        return self._states[0].astype(np.int64)

    def load_state(self, state: Ints) -> None:
        """Go on from a state (layers, hidden)."""
        self._states[0] = state

    @property
    def states(self) -> npt.NDArray[np.int32]:
        """The states themselves, (slots, layers, hidden); may be written between starts."""
        return self._states

    @property
    def residual(self) -> Ints:
        """(hidden,) what the last start left in the vector of its first token."""
        return self._vectors[0].copy()

    @property
    def residuals(self) -> Ints:
        """(tokens, hidden) what the last start left in the vectors."""
        return self._vectors.copy()

    def load(self, residual: Ints, state: Ints) -> None:
        """What the next start finds: (hidden,) the residual and (layers, hidden) the state."""
        self.plan([Take()], residual[None])
        self._states[0] = state

    def plan(self, takes: Sequence[Take], residuals: Ints) -> None:
        """What the next start takes: its tokens with their residuals (tokens, hidden).

        Raises ValueError as `EngineMemories.plan`.
        """
        self._shape.plan(self.arrays[VECTOR], takes)
        self._vectors[: len(residuals)] = residuals
        self._wanted, self._planned = sum(not take.silent for take in takes), len(takes)

    @abstractmethod
    def start(self, first: int, last: int) -> None:
        """One start of the engine: records first..last on the vectors."""

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """See `Slots.run`; as many tokens share a pass over the weights as a start takes."""
        work = checked_pass(self, token_ids, slots, wanted, out, keep)
        return self._pass(work, out)

    def slot_state(self, slot: int) -> Ints:
        return self._states[slot].astype(np.int64)

    def load_slot(self, slot: int, state: Ints | None) -> None:
        self._states[slot] = 0 if state is None else state

    def side_by_side(self, count: int) -> Slots | None:
        """So many further slots; None where there are no more, or no use of them."""
        return None if self.tokens == 1 else self._beyond.take(self, count)

    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        slots = np.zeros(len(ids), np.int32)
        return self._pass(Pass(ids, slots, slots, np.asarray(wanted, np.int64)), None)

    def _pass(self, work: Pass, out: Logits | None) -> Logits:
        if out is None:
            out = np.empty((len(work.wanted), self.geometry.vocabulary), np.float32)
        row_of = {place: row for row, place in enumerate(work.wanted.tolist())}
        x = self.image.embedding.residual(work.ids)
        for places, takes in starts_of(work, self.tokens):
            self.plan(takes, x[places])
            rows = [row_of[place] for place in places if place in row_of]
            self.start(0, self.geometry.layers - (not rows))
            if rows:
                out[rows] = real_logits(self.sums())
        return out

    def sums(self) -> Codes:
        """The LM head's int32 sums (wanted, V) and their scales, as the last start left them."""
        found = [
            self._shape.logits(self.arrays[LOGITS], self._wanted, k) for k in range(self._wanted)
        ]
        scales = np.stack([f.scale for f in found]).astype(np.int64)
        sums = np.stack([f.sums for f in found]).astype(np.int64)
        return Codes(sums, Scalar(scales[:, 0], scales[:, 1]))
