"""Texts that are read on one engine, each with a state of its own.

An engine has one recurrent state. Any number of texts may share it: whoever reads next finds its
own state there, and the one before keeps what it had. A state is small, and constant in the length
of the text: layers x hidden numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError

State = npt.NDArray[Any]
_T = TypeVar("_T")


class Steps(Protocol):
    """The part of an engine that reading needs: see `tritstream.engines.Engine`."""

    @property
    def width(self) -> int:
        """Most tokens that `run` takes; between two calls an interruption acts."""

    def reset(self) -> None:
        """Forget everything read so far."""

    def step(self, token_id: int) -> np.ndarray:
        """Read one token; logits of the next, float32 (vocab,)."""

    def run(
        self, token_ids: Sequence[int], slots: Sequence[int], wanted: Sequence[int]
    ) -> np.ndarray:
        """Read several tokens in slot 0; logits (wanted, vocab) after those at some places."""

    @property
    def state(self) -> State:
        """(layers, hidden) the recurrent state; written to by the next step."""

    def load_state(self, state: State) -> None:
        """Go on from a state (layers, hidden)."""


class SharedEngine:
    """An engine, and whose state it holds. Every use of the engine is under `lock`."""

    def __init__(self, engine: Steps) -> None:
        self.engine = engine
        self.lock = threading.RLock()
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


class Reading:
    """A text on a shared engine: its tokens, and the state behind those that were read.

    Tokens are added first and read when something is asked of the logits behind them, so the last
    one usually waits: a state that is kept needs no logits beside it.
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

    @property
    def read(self) -> int:
        """How many of the tokens were read."""
        return self._read

    def add(self, tokens: Iterable[int]) -> None:
        self.tokens += tokens

    def behind(self, choose: Callable[[np.ndarray], _T]) -> _T:
        """Read what was added; what ``choose`` makes of the logits (vocab,) behind the last token.

        The logits may be a buffer of the engine's, which is the reader's own only until then.
        Raises EngineError where there is nothing to read.
        """
        with self._shared.lock:
            if self._read == len(self.tokens):
                raise EngineError("there is no token to read: add one first")
            return choose(self._advance(len(self.tokens), 1)[-1])

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
            return np.array(self._shared.engine.state)

    def fork(self) -> Reading:
        """The same text once more, to go on with differently."""
        with self._shared.lock:
            if not self.tokens:
                return Reading(self._shared)
            return Reading(self._shared, self.tokens, self.state())

    def _advance(self, end: int, wanted: int) -> np.ndarray:
        """Read up to token ``end``, in parts; at least one. Logits behind the last ``wanted``."""
        engine = self._shared.engine
        rows: list[np.ndarray] = []
        while True:
            self._take_turn()
            part = self.tokens[self._read : min(end, self._read + engine.width)]
            # An interruption may come when the engine has read the part and this has not heard of
            # it. What was kept is then gone back to.
            self._sure = False
            if wanted and len(part) == 1 and self._read + 1 == end:
                found = engine.step(part[0])[None]
            else:
                first = max(end - wanted - self._read, 0)
                found = engine.run(part, [0] * len(part), range(first, len(part)))
            self._read += len(part)
            self._sure = True
            if self._read >= end:
                return np.concatenate([*rows, found]) if rows else found
            if len(found):
                rows.append(np.array(found))

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
        self._read, self._sure = self._kept_at, True

    def _put_aside(self) -> None:
        """Another text's turn: keep the state."""
        if not self._sure:
            self._read, self._sure = self._kept_at, True
        else:
            self._kept = np.array(self._shared.engine.state)
            self._kept_at = self._read
