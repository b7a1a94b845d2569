"""Several recurrent states on one engine, advanced together.

A pass over the weights costs about the same for one token as for a few, so texts that are written
at the same time share it. An engine that has states side by side takes tokens of all of them in a
pass; on others the sequences take turns, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tritstream.engines.base import Engine, Logits, Slots, State
from tritstream.errors import EngineError, OptionError
from tritstream.reading import Reading, SharedEngine

MAX_SEQUENCES = 256


@dataclass(frozen=True)
class Part:
    """What a pass does with one sequence: it reads some tokens, at least one, and gives the logits
    behind the last `wanted` of them."""

    sequence: int
    tokens: Sequence[int]
    wanted: int = 1


class Sequences(Protocol):
    """States of one model side by side, from 0 to `count` - 1; all are zero in the beginning."""

    @property
    def count(self) -> int: ...

    @property
    def width(self) -> int:
        """Most tokens in one pass."""

    def advance(self, parts: Sequence[Part]) -> Logits:
        """One pass; every sequence at most once in it. Logits (wanted tokens, V) float32 in the
        parts' order, in a buffer that the next pass overwrites."""

    def state(self, sequence: int) -> State:
        """(layers, hidden) of one sequence, a copy."""

    def load_state(self, sequence: int, state: State | None) -> None:
        """Go on from a state that `state` gave, or from nothing."""


def advance_each(sequences: Sequences, tokens: Sequence[int]) -> Logits:
    """Sequences 0, 1, ... by one token each, in one pass; logits (N, V), see `advance`."""
    return sequences.advance([Part(n, [token]) for n, token in enumerate(tokens)])


def sequences_of(shared: SharedEngine, count: int) -> Sequences:
    """So many states of a shared engine's model.

    Raises OptionError for a count outside 1 to 256, EngineError.
    """
    if not 1 <= count <= MAX_SEQUENCES:
        raise OptionError(f"sequences must be 1 to {MAX_SEQUENCES}, not {count}")
    engine: Engine = shared.engine  # type: ignore[assignment]
    own = engine.side_by_side(count)
    return SequencesInTurn(shared, count) if own is None else SequencesInSlots(own, shared)


class SequencesInSlots:
    """Sequences in slots that are all theirs, of an engine that may have other users: on a board
    all slots are in one memory, and starts must not meet."""

    def __init__(self, engine: Slots, shared: SharedEngine) -> None:
        self._engine, self._lock = engine, shared.lock
        self.count, self.width = engine.slots, engine.width
        # Kept: pages of a new buffer would be asked for at every pass.
        self._logits = np.empty((0, engine.geometry.vocabulary), np.float32)

    def advance(self, parts: Sequence[Part]) -> Logits:
        tokens: list[int] = []
        slots: list[int] = []
        wanted: list[int] = []
        for part in parts:
            tokens += part.tokens
            slots += [part.sequence] * len(part.tokens)
            wanted += range(len(tokens) - part.wanted, len(tokens))
        if len(wanted) > len(self._logits):
            self._logits = np.empty((len(wanted), self._logits.shape[1]), np.float32)
        with self._lock:
            return self._engine.run(tokens, slots, wanted, self._logits[: len(wanted)])

    def state(self, sequence: int) -> State:
        with self._lock:
            return self._engine.slot_state(sequence)

    def load_state(self, sequence: int, state: State | None) -> None:
        with self._lock:
            self._engine.load_slot(sequence, state)


class SequencesInTurn:
    """Sequences of any engine, which reads a part of each in turn."""

    width = 64

    def __init__(self, shared: SharedEngine, count: int) -> None:
        self.count = count
        self._shared = shared
        self._readings: list[Reading | None] = [None] * count
        # Of a sequence that has no reading yet.
        self._states: list[State | None] = [None] * count

    def advance(self, parts: Sequence[Part]) -> Logits:
        rows = [found for part in parts if len(found := self._take(part))]
        return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)

    def _take(self, part: Part) -> Logits:
        tokens, at = list(part.tokens), part.sequence
        reading = self._readings[at]
        if reading is None:
            # A reading has its state in front of its last token.
            reading = self._readings[at] = Reading(self._shared, tokens[:1], self._states[at])
            reading.add(tokens[1:])
        else:
            reading.add(tokens)
        if part.wanted:
            return reading.last_logits(part.wanted)
        reading.read_ahead()
        return np.empty((0, 0), np.float32)

    def state(self, sequence: int) -> State:
        reading, kept = self._readings[sequence], self._states[sequence]
        if reading is None:
            if kept is None:
                raise EngineError("nothing has been read yet, so there is no state to keep")
            return kept
        # A reading keeps the state in front of its last token: one that is never read.
        reading.add([0])
        state = reading.state()
        self.load_state(sequence, state)
        return state

    def load_state(self, sequence: int, state: State | None) -> None:
        self._readings[sequence], self._states[sequence] = None, state
