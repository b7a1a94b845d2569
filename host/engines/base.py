"""What every execution of a model offers."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.kernels.registers import Budget

Logits = npt.NDArray[np.float32]
State = npt.NDArray[Any]
Tokens = Sequence[int] | npt.NDArray[np.int64]
PREFILL_TOKENS = 256
"""Tokens of a prompt that the NumPy engines take at a time: a long prompt needs no more memory."""
OWN_SLOTS = 9
"""Slots that an engine does not give out: that of its own text, and those of tokens that are
guessed behind it."""
MOST_SLOTS = 1024
"""States that an engine can keep where nothing has to be allocated for them beforehand."""


@dataclass(frozen=True)
class EngineInfo:
    """What there is to say of an execution beside its name; None where it has no such thing."""

    note: str | None = None
    """A sentence for whoever waits for it: where weights are, or why this is slow."""
    level: str | None = None
    """Dispatch level of the native core."""
    threads: int | None = None
    clock_hz: float | None = None
    """The fabric's clock, read from the processor's dividers."""
    working_set_bytes: int | None = None
    """What it has allocated beside the image."""
    budget: Budget | None = None
    """Of the engine's latest start, where its shell counts cycles."""
    saturations: Mapping[str, int] | None = None
    """How often values were cut to their format's range, by operation: since it was made, or, of an
    accelerator, in its latest start. None for an execution that does not count: float has no
    formats."""


class Slots(Protocol):
    """Recurrent states of one model side by side, in slots numbered from 0."""

    @property
    def geometry(self) -> Geometry: ...

    @property
    def slots(self) -> int:
        """How many there are."""

    @property
    def width(self) -> int:
        """Most tokens that `run` takes at a time."""

    @property
    def shared_pass(self) -> int:
        """For how many of them the weights are read once."""

    @property
    def keeps_each_state(self) -> bool:
        """Whether `run` takes `keep`."""

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """One pass over the weights, where the engine can: logits (wanted, V) float32.

        Token t continues what the token before it with the same ``slots[t]`` has left, or, if it is
        the first, the state in that slot. Its own state is left in slot ``keep[t]`` (default: the
        one it continues), so that any of them can be gone on from.

        ``wanted`` are the places of tokens whose logits are needed, increasing (default: all; the
        LM head does not run for the others), and ``out`` (wanted, V) float32 takes them, instead of
        an array that the next call may overwrite. Where it raises, the states in the slots of the
        pass are undefined. Raises EngineError for more than `width` tokens, for slots or places
        that are not there, and for another ``out``.
        """

    def slot_state(self, slot: int) -> State:
        """(layers, hidden) the state in a slot, a copy."""

    def load_slot(self, slot: int, state: State | None) -> None:
        """Put a state that `slot_state` gave into a slot, or none: zero."""


class Engine(Slots, Protocol):
    """One model in one execution. All but what `Slots` has is about the state in slot 0, which
    `step` and `prefill` advance."""

    @property
    def name(self) -> str:
        """The execution's name, as `--engine` takes it."""

    @property
    def info(self) -> EngineInfo:
        """What there is to say of it now."""

    def close(self) -> None:
        """Give back what it holds beyond this process, such as a board's memory."""

    def reset(self) -> None:
        """Set the recurrent state to zero."""

    def step(self, token_id: int) -> Logits:
        """Take one token; logits (V,) float32 of the next one."""

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        """Take several tokens, at least one; logits (V,) float32 after the last."""

    def logits(self, token_ids: Sequence[int]) -> Logits:
        """Logits (T, V) float32 behind every token, from a fresh state, in which it leaves off."""

    @property
    def state(self) -> State:
        """(layers, hidden) the recurrent state: integers in the gate format, or floats."""

    def load_state(self, state: State) -> None:
        """Go on from a state (layers, hidden) that `state` gave."""

    def record_seconds(self, token_id: int) -> list[float] | None:
        """Take one token, a start for each layer and the LM head; seconds of each, host work
        included (measured). None where an execution has no such starts, and takes nothing."""

    def side_by_side(self, count: int) -> Slots | None:
        """So many further states, on which a pass reads the weights once; None where an engine has
        no such thing and texts take turns on it."""


class OneState(ABC):
    """`run`, and what follows from it, of an engine that holds one state: that of slot 0. Those of
    other slots lie beside it and are put in by turns."""

    width = PREFILL_TOKENS
    slots = MOST_SLOTS
    shared_pass = 1
    keeps_each_state = True
    geometry: Geometry

    def __init__(self) -> None:
        self._beside: dict[int, State] = {}

    @property
    @abstractmethod
    def state(self) -> State:
        """(layers, hidden) the recurrent state."""

    @abstractmethod
    def load_state(self, state: State) -> None:
        """Go on from a state (layers, hidden)."""

    @abstractmethod
    def reset(self) -> None:
        """Set the recurrent state to zero."""

    @abstractmethod
    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        """Read tokens; logits (wanted, V) behind some of them, a buffer of the engine's."""

    def close(self) -> None:  # noqa: B027 - most have nothing to give back
        """Nothing, where the engine holds memory of this process alone."""

    def step(self, token_id: int) -> Logits:
        return self._take(check_tokens([token_id], self.geometry.vocabulary), [0])[0]

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        for at in range(0, len(ids), self.width):
            part = ids[at : at + self.width]
            rows = self._take(part, [len(part) - 1] if at + self.width >= len(ids) else [])
        return rows[0]

    def logits(self, token_ids: Sequence[int]) -> Logits:
        self.reset()
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        return self._take(ids, range(len(ids)))

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """See `Slots.run`; texts are taken one by one."""
        work = checked_pass(self, token_ids, slots, wanted, out, keep)
        if not work.start.any() and not work.end.any():
            return _given(self._take(work.ids, work.wanted.tolist()), out)
        asked = set(work.wanted.tolist())
        states: dict[int, State] = {0: np.array(self.state), **self._beside}
        held, found = 0, []
        try:
            for places in stretches(work):
                start, end = int(work.start[places[0]]), int(work.end[places[0]])
                if held != start:
                    self._put_in(states.get(start))
                own = [n for n, place in enumerate(places) if place in asked]
                found += [np.array(row) for row in self._take(work.ids[places], own)]
                states[end] = np.array(self.state)
                held = end
        finally:
            if held != 0:
                self.load_state(states[0])
            self._beside = {slot: state for slot, state in states.items() if slot}
        rows = np.stack(found) if found else np.empty((0, self.geometry.vocabulary), np.float32)
        return _given(rows, out)

    def _put_in(self, state: State | None) -> None:
        if state is None:
            self.reset()
        else:
            self.load_state(state)

    def slot_state(self, slot: int) -> State:
        if slot == 0:
            return np.array(self.state)
        kept = self._beside.get(slot)
        return np.zeros_like(self.state) if kept is None else kept.copy()

    def load_slot(self, slot: int, state: State | None) -> None:
        if slot == 0:
            self._put_in(state)
        elif state is None:
            self._beside.pop(slot, None)
        else:
            self._beside[slot] = np.array(state)

    def record_seconds(self, token_id: int) -> list[float] | None:
        return None

    def side_by_side(self, count: int) -> Slots | None:
        return None


class SlotRange:
    """Some slots of an engine as `Slots` of their own."""

    def __init__(self, engine: Slots, places: Sequence[int]) -> None:
        self._engine, self._places = engine, tuple(places)
        self.geometry, self.slots, self.width = engine.geometry, len(places), engine.width
        self.shared_pass, self.keeps_each_state = engine.shared_pass, engine.keeps_each_state

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        work = checked_pass(self, token_ids, slots, wanted, out, keep)
        there = self._there(slots)
        return self._engine.run(
            token_ids, there, work.wanted.tolist(), out, None if keep is None else self._there(keep)
        )

    def slot_state(self, slot: int) -> State:
        return self._engine.slot_state(self._places[slot])

    def load_slot(self, slot: int, state: State | None) -> None:
        self._engine.load_slot(self._places[slot], state)

    def _there(self, slots: Sequence[int]) -> list[int]:
        return [self._places[slot] for slot in slots]


class FreeSlots:
    """Slots of an engine that nobody uses, given out in ranges and taken back with them."""

    def __init__(self, slots: Iterable[int]) -> None:
        self._free = set(slots)

    def take(self, engine: Slots, count: int) -> SlotRange | None:
        """So many, all zero; None where there are fewer."""
        if count > len(self._free):
            return None
        places = sorted(self._free)[:count]
        self._free.difference_update(places)
        made = SlotRange(engine, places)
        weakref.finalize(made, self._free.update, places)
        for slot in range(count):
            made.load_slot(slot, None)
        return made


def _given(rows: Logits, out: Logits | None) -> Logits:
    if out is None:
        return rows
    out[:] = rows
    return out


class Pass(NamedTuple):
    """What `Slots.run` is asked for, as arrays: by token its id and the slots from which it goes on
    and in which it leaves its state, and the places of those whose logits are wanted."""

    ids: npt.NDArray[np.int64]
    start: npt.NDArray[np.int32]
    end: npt.NDArray[np.int32]
    wanted: npt.NDArray[np.int64]


def stretches(work: Pass) -> Iterator[list[int]]:
    """The places of a pass in parts that an engine with one state can take in one go: of a slot
    whose tokens leave their states where they went on from, or single ones."""
    ways = list(zip(work.start.tolist(), work.end.tolist(), strict=True))
    for (start, end), group in groupby(range(len(ways)), ways.__getitem__):
        places = list(group)
        yield from [places] if start == end else ([place] for place in places)


def checked_pass(
    engine: Slots,
    token_ids: Sequence[int],
    slots: Sequence[int],
    wanted: Sequence[int] | None,
    out: Logits | None,
    keep: Sequence[int] | None,
) -> Pass:
    """The arguments of `Slots.run`, and its errors."""
    vocabulary = engine.geometry.vocabulary
    ids = check_tokens(token_ids, vocabulary)
    start = list(slots)
    end = start if keep is None else list(keep)
    if len(ids) > engine.width or not len(start) == len(end) == len(ids):
        raise EngineError(
            f"{len(ids)} tokens with {len(start)} slots in one pass: at most {engine.width}, and "
            f"one slot for each"
        )
    if min(*start, *end) < 0 or max(*start, *end) >= engine.slots:
        raise EngineError(f"the engine has slots 0 to {engine.slots - 1}")
    if keep is not None:
        left: dict[int, int] = {}
        for place, slot in enumerate(start):
            start[place] = left.get(slot, slot)
            left[slot] = end[place]
    places = list(range(len(ids)) if wanted is None else wanted)
    if any(b <= a for a, b in zip([-1, *places], [*places, len(ids)], strict=True)):
        raise EngineError(f"logits are wanted of places 0 to {len(ids) - 1}, in their order")
    shape = (len(places), vocabulary)
    if out is not None and (
        out.shape != shape or out.dtype != np.float32 or not out.flags.c_contiguous
    ):
        raise EngineError(f"logits need a contiguous float32 array of shape {shape}")
    return Pass(ids, np.array(start, np.int32), np.array(end, np.int32), np.array(places, np.int64))


def check_tokens(token_ids: Tokens, vocabulary: int) -> npt.NDArray[np.int64]:
    """Token ids as an array (T,).

    Raises EngineError for none, for one outside the vocabulary, and for what are no token ids.
    """
    try:
        given = np.asarray(token_ids)
    except (ValueError, OverflowError):  # lists of different lengths
        given = np.empty((1, 0))
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise EngineError(f"token ids must be whole numbers in one sequence, not {token_ids!r:.80}")
    ids = given.astype(np.int64, copy=False).reshape(-1)
    if not len(ids):
        raise EngineError("there are no tokens to run: give at least one")
    if ids.min() < 0 or ids.max() >= vocabulary:
        bad = int(ids[(ids < 0) | (ids >= vocabulary)][0])
        raise EngineError(f"token id {bad} is outside the model's vocabulary of {vocabulary}")
    return ids
