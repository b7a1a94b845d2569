"""Texts that are read on one engine, each with a state of its own.

An engine has one recurrent state. Any number of texts may share it: whoever reads next finds its
own state there, and the one before keeps what it had. A state is small, and constant in the length
of the text: layers x hidden numbers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.speculation import Ahead, PassCost

State = npt.NDArray[Any]
_T = TypeVar("_T")


class Steps(Ahead, Protocol):
    """The part of an engine that reading needs: see `tritstream.engines.Engine`."""

    def reset(self) -> None:
        """Forget everything read so far."""

    def step(self, token_id: int) -> np.ndarray:
        """Read one token; logits of the next, float32 (vocab,)."""

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: npt.NDArray[np.float32] | None = None,
        keep: Sequence[int] | None = None,
    ) -> np.ndarray:
        """Read several tokens in slot 0; logits (wanted, vocab) after those at some places."""

    @property
    def state(self) -> State:
        """(layers, hidden) the recurrent state; written to by the next step."""

    def load_state(self, state: State) -> None:
        """Go on from a state (layers, hidden)."""

    def slot_state(self, slot: int) -> State:
        """(layers, hidden) the state that `run` was to keep in a slot, a copy."""


class SharedEngine:
    """An engine, and whose state it holds. Every use of the engine is under `lock`."""

    def __init__(self, engine: Steps) -> None:
        self.engine = engine
        self.lock = threading.RLock()
        self.cost = PassCost()
        # Logits behind the guesses of whoever has the engine, in one array for all.
        self.rows: npt.NDArray[np.float32] | None = None
        self._reader: Reading | None = None

    def give_to(self, reader: Reading | None) -> bool:
        """From now on the state is the reader's; whether it was not before.

        Whoever had it keeps a copy. None takes it away from everybody, for direct use.
        """
        if reader is not None and reader is self._reader:
            return False
        if self._reader is not None:
            self._reader._put_aside()
        self._reader = reader
        return True


@dataclass(frozen=True)
class _Ahead:
    """Guesses that were read behind the first ``begin`` tokens of a text, in the same pass as the
    last of these: logits (1 + guesses, vocab) behind that one and each guess, whose states are in
    slots 1, 2, ... until another text has its turn."""

    begin: int
    guesses: Sequence[int]
    logits: np.ndarray


class Reading:
    """A text on a shared engine: its tokens, and the state behind those that were read.

    Tokens are added first and read when something is asked of the logits behind them, so the last
    one usually waits: a state that is kept needs no logits beside it.

    Attributes:
        passes: how often the engine was asked for something.
        guessed, right: how many tokens were read as guesses, and how many of them then came.
    """

    def __init__(
        self, shared: SharedEngine, tokens: Iterable[int] = (), state: State | None = None
    ) -> None:
        """Begin from nothing, or behind all ``tokens`` but the last with a kept ``state``."""
        self._shared = shared
        self.tokens = list(tokens)
        # A state that is surely that behind so many tokens; None is the zero state.
        self._kept: State | None = state
        self._kept_at = 0 if state is None else len(self.tokens) - 1
        self._read = self._kept_at
        self._sure = True
        self._ahead: _Ahead | None = None
        self.passes = self.guessed = self.right = 0

    @property
    def read(self) -> int:
        """How many of the tokens were read."""
        return self._read

    def add(self, tokens: Iterable[int]) -> None:
        self.tokens += tokens

    def behind(
        self,
        choose: Callable[[np.ndarray], _T],
        guess: Callable[[], Sequence[int]] = tuple,
    ) -> _T:
        """Read what was added; what ``choose`` makes of the logits (vocab,) behind the last token.

        ``guess`` is asked, where a pass is needed for one token, which ones may follow it: they are
        read in the same pass, and those that are then added cost no other. The logits may be a
        buffer of the engine's, which is the reader's own only until then. Raises EngineError where
        there is nothing to read.
        """
        with self._shared.lock:
            if self._read == len(self.tokens):
                raise EngineError("there is no token to read: add one first")
            return choose(self._advance(len(self.tokens), 1, guess)[-1])

    def last_logits(self, count: int) -> np.ndarray:
        """Read everything; logits (count, vocab) behind the last so many tokens, none of which was
        read before. They are the caller's."""
        with self._shared.lock:
            if self._read > len(self.tokens) - max(count, 1):
                raise EngineError("there is no token to read: add one first")
            return np.array(self._advance(len(self.tokens), count))

    def read_ahead(self) -> None:
        """Read everything but the last token, which waits for a question."""
        with self._shared.lock:
            if self._read < len(self.tokens) - 1:
                self._advance(len(self.tokens) - 1, 0)

    def state(self) -> State:
        """(layers, hidden) behind every token but the last, a copy. Raises EngineError for none."""
        with self._shared.lock:
            if not self.tokens:
                raise EngineError("nothing has been read yet, so there is no state to keep")
            if self._read == len(self.tokens) or not self._sure:
                self._go_back()
            self.read_ahead()
            self._take_turn()
            self._settle()
            return np.array(self._shared.engine.state)

    def fork(self) -> Reading:
        """The same text once more, to go on with differently."""
        with self._shared.lock:
            if not self.tokens:
                return Reading(self._shared)
            return Reading(self._shared, self.tokens, self.state())

    def _advance(
        self, end: int, wanted: int, guess: Callable[[], Sequence[int]] = tuple
    ) -> np.ndarray:
        """Read up to token ``end``, in parts; at least one. Logits behind the last ``wanted``."""
        engine = self._shared.engine
        rows: list[np.ndarray] = []
        while True:
            self._take_turn()
            if (row := self._guessed_right(wanted)) is not None:
                if self._read == end:
                    return row[None]
                continue
            part = self.tokens[self._read : min(end, self._read + engine.width)]
            more = guess() if wanted == len(part) == end - self._read == 1 else ()
            start = time.perf_counter()
            # An interruption may come when the engine has read the part and this has not heard of
            # it. What was kept is then gone back to.
            self._sure = False
            if more:
                found = self._read_guesses(part[0], more)
            elif wanted and len(part) == 1 and self._read + 1 == end:
                found = engine.step(part[0])[None]
            else:
                first = max(end - wanted - self._read, 0)
                found = engine.run(part, [0] * len(part), range(first, len(part)))
            self._read += len(part)
            self._sure = True
            self.passes += 1
            if wanted and len(part) == 1:
                self._shared.cost.took(len(more), time.perf_counter() - start)
            if self._read >= end:
                return np.concatenate([*rows, found]) if rows else found
            if len(found):
                rows.append(np.array(found))

    def _read_guesses(self, token: int, guesses: Sequence[int]) -> np.ndarray:
        """Logits (1, vocab) behind a token, and those behind guesses for later."""
        count, engine = 1 + len(guesses), self._shared.engine
        kept = self._shared.rows
        out = None if kept is None or len(kept) < count else kept[:count]
        rows = engine.run([token, *guesses], [0] * count, None, out, range(1, count + 1))
        if out is None:
            self._shared.rows = rows = np.array(rows)
        self.guessed += len(guesses)
        self._ahead = _Ahead(self._read + 1, guesses, rows)
        return rows[:1]

    def _guessed_right(self, wanted: int) -> np.ndarray | None:
        """The logits (vocab,) behind the next token, if that was guessed and read with others.

        Where logits behind several tokens are wanted, what was guessed is read again.
        """
        ahead = self._ahead
        if ahead is None:
            return None
        at = self._read - ahead.begin
        known = wanted <= 1 and at < len(ahead.guesses)
        if known and ahead.guesses[at] == self.tokens[self._read]:
            self.right += 1
            self._read += 1
            return ahead.logits[at + 1]
        self._settle()
        return None

    def _settle(self) -> None:
        """Have the engine go on behind what was read, and not behind guesses."""
        if self._ahead is not None:
            engine = self._shared.engine
            engine.load_state(engine.slot_state(1 + self._read - self._ahead.begin))
            self._ahead = None

    def _take_turn(self) -> None:
        """Have the engine hold this text's state, as it was when it was last sure."""
        if not self._sure:
            self._go_back()
        if not self._shared.give_to(self):
            return
        if self._kept is None:
            self._shared.engine.reset()
        else:
            self._shared.engine.load_state(self._kept)
        self._read = self._kept_at

    def _go_back(self) -> None:
        """Forget what was read since the state that was kept; it is read again when needed."""
        if self._shared._reader is self:
            self._shared._reader = None
        self._read, self._sure, self._ahead = self._kept_at, True, None

    def _put_aside(self) -> None:
        """Another text's turn: keep the state."""
        if not self._sure:
            self._read, self._sure, self._ahead = self._kept_at, True, None
        else:
            self._settle()
            self._kept = np.array(self._shared.engine.state)
            self._kept_at = self._read
