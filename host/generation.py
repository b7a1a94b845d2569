"""Writing text with an engine: the loop from a prompt to pieces of text."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from tritstream.errors import OptionError
from tritstream.sampling import Sampler, Sampling
from tritstream.text import Tokenizer

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
    """When to stop, besides the model's own end of text.

    Raises OptionError if max_tokens is below 1 or a stop string is empty.
    """

    max_tokens: int = 256
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise OptionError(f"max tokens must be 1 or more, not {self.max_tokens}")
        if "" in self.stop:
            raise OptionError("a stop string must not be empty")


@dataclass
class Result:
    """What was written. Seconds are wall time, measured.

    `text` is exactly the pieces given out: without the prompt and without a stop string.
    `token_ids` are all tokens drawn, an end-of-text token included.
    """

    prompt_tokens: int
    seed: int | None
    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    stop_reason: StopReason = "interrupted"
    prompt_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Steps of the engine after the prompt by their time; 0 if there were none.

        The first token needs no step of its own: its logits are the prompt's.
        """
        return (len(self.token_ids) - 1) / self.seconds if len(self.token_ids) > 1 else 0.0


class Generation:
    """One text being written: iterate over it for pieces of text, then look at `result`.

    Closing or interrupting the iteration leaves `result` with what there was until then.
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
    ) -> None:
        """`special` takes special tokens that are written out in the prompt as such.

        Raises TokenizerError if there is nothing to start from. The engine is reset.
        """
        self._sampling = (sampling or Sampling()).seeded()
        self._limits = limits or Limits()
        self._engine = engine
        self._tokenizer = tokenizer
        self._prompt = tokenizer.encode_prompt(prompt, special=special)
        seed = self._sampling.seed if self._sampling.temperature else None
        self.result = Result(prompt_tokens=len(self._prompt), seed=seed)

    def __iter__(self) -> Iterator[str]:
        result = self.result
        filter_ = _StopFilter(self._limits.stop)
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

    def text(self) -> str:
        """Write everything and return it."""
        return "".join(self)

    def _pieces(self) -> Iterator[str]:
        """The text of each drawn token; sets everything in the result but its text."""
        engine, result = self._engine, self.result
        sampler = Sampler(self._sampling, self._prompt)
        stream = self._tokenizer.stream(self._prompt)
        start = time.perf_counter()
        engine.reset()
        logits = engine.prefill(self._prompt)
        begin = time.perf_counter()
        result.prompt_seconds = begin - start
        while True:
            token = sampler.pick(logits)
            result.token_ids.append(token)
            result.seconds = time.perf_counter() - begin
            if token in self._tokenizer.ends:
                result.stop_reason = "end of text"
                break
            yield stream.push(token)
            if len(result.token_ids) >= self._limits.max_tokens:
                result.stop_reason = "max tokens"
                break
            logits = engine.step(token)
        yield stream.finish()


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
