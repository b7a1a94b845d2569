"""Several recurrent states on one engine, advanced together.

A pass over the weights costs about the same for one token as for a few, so texts that are written
at the same time share it. The native core takes tokens of any number of sequences in a pass; other
engines take the sequences in turn, which gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tritstream.engines.base import Logits
from tritstream.errors import EngineError, OptionError
from tritstream.reading import Reading, SharedEngine, State, can_keep

if TYPE_CHECKING:
    from tritstream.engines.native import NativeEngine

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

    Raises OptionError for a count outside 1 to 256, EngineError where the engine can keep no state.
    """
    if not 1 <= count <= MAX_SEQUENCES:
        raise OptionError(f"sequences must be 1 to {MAX_SEQUENCES}, not {count}")
    engine = shared.engine
    if getattr(engine, "name", "") == "native":
        from tritstream.engines.native import NativeEngine

        if isinstance(engine, NativeEngine):
            return NativeSequences(engine, count)
    make = getattr(engine, "side_by_side", None)
    if make is not None:
        sequences: Sequences = make(count)
        return sequences
    if count > 1 and not can_keep(engine):
        raise EngineError("this engine cannot keep states: one sequence is all that it has")
    return SequencesInTurn(shared, count)


class NativeSequences:
    """Sequences of the native core, on the image of an engine that stays as it is."""

    def __init__(self, engine: NativeEngine, count: int) -> None:
        from tritstream.engines.native import BATCH, NativeEngine

        self._engine = NativeEngine(
            engine.image, level=engine.level, threads=engine.threads, sequences=count
        )
        self.count, self.width = count, BATCH
        # Kept: pages of a new buffer would be asked for at every pass.
        self._logits = np.empty((0, engine.geometry.vocabulary), np.float32)

    def advance(self, parts: Sequence[Part]) -> Logits:
        tokens: list[int] = []
        states: list[int] = []
        wanted: list[int] = []
        for part in parts:
            tokens += part.tokens
            states += [part.sequence] * len(part.tokens)
            wanted += range(len(tokens) - part.wanted, len(tokens))
        if len(wanted) > len(self._logits):
            self._logits = np.empty((len(wanted), self._logits.shape[1]), np.float32)
        return self._engine.run(tokens, states, wanted, self._logits[: len(wanted)])

    def state(self, sequence: int) -> State:
        return self._engine.states[sequence].copy()

    def load_state(self, sequence: int, state: State | None) -> None:
        self._engine.states[sequence] = 0 if state is None else state


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
        rows = [row for part in parts for row in self._take(part)]
        return np.stack(rows) if rows else np.empty((0, 0), np.float32)

    def _take(self, part: Part) -> list[Logits]:
        tokens, at = list(part.tokens), part.sequence
        reading, rows = self._readings[at], []
        first = len(tokens) - max(part.wanted, 1) + 1
        for step in (tokens[:first], *([token] for token in tokens[first:])):
            if reading is None:
                reading = self._readings[at] = Reading(self._shared, step[:1], self._states[at])
                reading.add(step[1:])
            else:
                reading.add(step)
            rows.append(reading.behind(np.array))
        return rows if part.wanted else []

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
