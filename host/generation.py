"""Writing text with an engine: the loop from a prompt to pieces of text."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from tritstream.arguments import text, whole_number
from tritstream.errors import EngineError, OptionError
from tritstream.sampling import Sampler, Sampling
from tritstream.text import Tokenizer

_PART = 1024
"""Tokens of a prompt between which an interruption acts."""

StopReason = Literal["end of text", "max tokens", "stop string", "interrupted"]


class Steps(Protocol):
    """The part of an engine that writing needs."""

    def reset(self) -> None:
        """Forget everything read so far."""

    def step(self, token_id: int) -> np.ndarray:
        """Read one token; logits of the next, float32 (vocab,)."""

    def prefill(self, token_ids: Sequence[int]) -> np.ndarray:
        """Read several tokens; logits after the last, float32 (vocab,)."""


@dataclass(frozen=True)
class Limits:
    """When to stop, besides the model's own end of text; `stop` may be one string or several.

    Raises OptionError if max_tokens is no whole number from 1 on, or a stop string is empty.
    """

    max_tokens: int = 256
    stop: str | Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "max_tokens", whole_number("max tokens", self.max_tokens))
        # A str is a sequence of its letters, which is not what anybody means by it.
        several = (self.stop,) if isinstance(self.stop, str) else self.stop
        if not isinstance(several, Iterable):
            raise OptionError(f"stop must be a text or several, not {several!r:.80}")
        object.__setattr__(self, "stop", tuple(text("a stop string", s) for s in several))
        if self.max_tokens < 1:
            raise OptionError(f"max tokens must be 1 or more, not {self.max_tokens}")
        if "" in self.stop:
            raise OptionError("a stop string must not be empty")


@dataclass
class Result:
    """What was written. Seconds are measured; they are the engine's and the tokenizer's, and not
    those of whoever takes the pieces.

    `text` is exactly the pieces given out: without the prompt and without a stop string.
    `token_ids` are all tokens drawn, an end-of-text token included. `prompt_read` of the prompt's
    tokens were read, all unless that was interrupted.
    """

    prompt_tokens: int
    seed: int | None
    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    stop_reason: StopReason = "interrupted"
    prompt_seconds: float = 0.0
    seconds: float = 0.0
    prompt_read: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Steps of the engine after the prompt by their time; 0 if there were none.

        The first token needs no step of its own: its logits are the prompt's.
        """
        steps = len(self.token_ids) - 1
        return steps / self.seconds if steps > 0 and self.seconds > 0 else 0.0


class Turn:
    """Whose turn it is on an engine, which has one state: the text that was begun last.

    Every reader of the state asks `taken_by` before it goes on; who begins anew takes the turn.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Held over each step, so that no other text begins in its middle."""
        self._holder: object = None

    def take(self, holder: object) -> None:
        """From now on it is the holder's turn."""
        self._holder = holder

    def check(self, holder: object) -> None:
        """Raises EngineError where somebody else has taken the turn."""
        if self._holder is not holder:
            raise EngineError(
                "this text cannot go on, because the model has begun another one or was reset: "
                "finish a text before the next, or load the model once for each"
            )


class Generation:
    """One text being written: iterate over it for pieces of text, then look at `result`.

    Closing or interrupting the iteration leaves `result` with what there was until then. A text is
    written once: iterating again raises EngineError, and `text` returns what was written.
    """

    def __init__(
        self,
        engine: Steps,
        tokenizer: Tokenizer,
        prompt: str,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        *,
        special: bool = False,
        turn: Turn | None = None,
    ) -> None:
        """`special` takes special tokens that are written out in the prompt as such; `turn` is the
        engine's, if others write with it.

        Raises TokenizerError if there is nothing to start from. The engine is reset at the first
        piece.
        """
        self._sampling = (sampling or Sampling()).seeded()
        self._limits = limits or Limits()
        self._engine = engine
        self._turn = turn or Turn()
        self._tokenizer = tokenizer
        self._prompt = tokenizer.encode_prompt(prompt, special=special)
        self._begun = False
        seed = self._sampling.seed if self._sampling.temperature else None
        self.result = Result(prompt_tokens=len(self._prompt), seed=seed)

    def __iter__(self) -> Iterator[str]:
        if self._begun:
            raise EngineError("this text has been begun already: call `generate` for another one")
        self._begun = True
        return self._filtered()

    def text(self) -> str:
        """Write everything and return it; what was written, where that has been done."""
        if self._begun and self.result.stop_reason != "interrupted":
            return self.result.text
        return "".join(self)

    def _filtered(self) -> Iterator[str]:
        result = self.result
        filter_ = _StopFilter(tuple(self._limits.stop))
        for piece in self._pieces():
            certain = filter_.push(piece)
            if certain:
                result.text += certain
                yield certain
            if filter_.stopped:
                result.stop_reason = "stop string"
                return
        rest = filter_.finish()
        if rest:
            result.text += rest
            yield rest

    def _pieces(self) -> Iterator[str]:
        """The text of each drawn token; sets everything in the result but its text."""
        result = self.result
        sampler = Sampler(self._sampling, self._prompt)
        stream = self._tokenizer.stream(self._prompt)
        logits = self._read_prompt()
        while True:
            start = time.perf_counter()
            token = sampler.pick(logits)
            result.token_ids.append(token)
            ended = token in self._tokenizer.ends
            piece = "" if ended else stream.push(token)
            result.seconds += time.perf_counter() - start
            if ended:
                result.stop_reason = "end of text"
                break
            yield piece
            if len(result.token_ids) >= self._limits.max_tokens:
                result.stop_reason = "max tokens"
                break
            start = time.perf_counter()
            with self._turn.lock:
                self._turn.check(self)
                logits = self._engine.step(token)
            result.seconds += time.perf_counter() - start
        yield stream.finish()

    def _read_prompt(self) -> np.ndarray:
        """Reset the engine and let it read the prompt, in parts between which Ctrl-C acts."""
        result = self.result
        start = time.perf_counter()
        try:
            for at in range(0, len(self._prompt), _PART):
                part = self._prompt[at : at + _PART]
                with self._turn.lock:
                    if at == 0:
                        self._turn.take(self)
                        self._engine.reset()
                    self._turn.check(self)
                    logits = self._engine.prefill(part)
                result.prompt_read += len(part)
        finally:
            result.prompt_seconds = time.perf_counter() - start
        return logits


class _StopFilter:
    """Passes text on up to the first stop string, which may be spread over several pieces.

    What could be the beginning of a stop string is held back.
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """The text that is certain after one more piece."""
        text = self._held + piece
        found = [at for s in self._stop if (at := text.find(s)) >= 0]
        if found:
            self.stopped = True
            return text[: min(found)]
        keep = max((_overlap(text, s) for s in self._stop), default=0)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and is text after all."""
        return self._held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
