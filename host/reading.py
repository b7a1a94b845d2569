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
_PART = 1024
"""Tokens that are read at a time: between two parts an interruption acts."""


class Steps(Protocol):
    """The part of an engine that reading needs.

    Engines whose state can be kept have two members more, `state` and `load_state`: see
    `tritstream.engines.Engine`. Without them one text at a time can be read.
    """

    def reset(self) -> None:
        """Forget everything read so far."""

    def step(self, token_id: int) -> np.ndarray:
        """Read one token; logits of the next, float32 (vocab,)."""

    def prefill(self, token_ids: Sequence[int]) -> np.ndarray:
        """Read several tokens; logits after the last, float32 (vocab,)."""


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
        self._lost = False

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
            logits = self._advance(len(self.tokens))
            return choose(logits)

    def read_ahead(self) -> None:
        """Read everything but the last token, which waits for a question."""
        with self._shared.lock:
            if self._read < len(self.tokens) - 1:
                self._advance(len(self.tokens) - 1)

    def state(self) -> State:
        """(layers, hidden) behind every token but the last, a copy. Raises EngineError for none."""
        with self._shared.lock:
            if not self.tokens:
                raise EngineError("nothing has been read yet, so there is no state to keep")
            if self._read == len(self.tokens) or not self._sure:
                self._go_back()
            self.read_ahead()
            self._take_turn()
            return np.array(_able(self._shared.engine).state)

    def fork(self) -> Reading:
        """The same text once more, to go on with differently."""
        with self._shared.lock:
            if not self.tokens:
                return Reading(self._shared)
            return Reading(self._shared, self.tokens, self.state())

    def _advance(self, end: int) -> np.ndarray:
        """Read up to token ``end``, in parts; at least one."""
        while True:
            self._take_turn()
            part = self.tokens[self._read : min(end, self._read + _PART)]
            # An interruption may come when the engine has read the part and this has not heard of
            # it. What was kept is then gone back to.
            self._sure = False
            engine = self._shared.engine
            logits = engine.step(part[0]) if len(part) == 1 else engine.prefill(part)
            self._read += len(part)
            self._sure = True
            if self._read >= end:
                return logits

    def _take_turn(self) -> None:
        """Have the engine hold this text's state, as it was when it was last sure."""
        if not self._sure:
            self._go_back()
        if self._lost:
            raise EngineError(
                "this text cannot go on, because this engine cannot keep its state and has read "
                "another one: finish a text before the next"
            )
        if not self._shared.give_to(self):
            return
        if self._kept is None:
            self._shared.engine.reset()
        else:
            _able(self._shared.engine).load_state(self._kept)
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
        elif can_keep(self._shared.engine):
            self._kept = np.array(_able(self._shared.engine).state)
            self._kept_at = self._read
        else:
            self._lost = True


class _Able(Steps, Protocol):
    @property
    def state(self) -> State: ...

    def load_state(self, state: State) -> None: ...


def can_keep(engine: Steps) -> bool:
    """Whether an engine's state can be kept and put back."""
    return hasattr(engine, "state") and hasattr(engine, "load_state")


def _able(engine: Any) -> _Able:
    if not can_keep(engine):
        raise EngineError("the state of this engine cannot be kept: use --engine native or spec")
    able: _Able = engine
    return able
