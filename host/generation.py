"""Writing text with an engine: the loop from a prompt to pieces of text."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tritstream.arguments import text, whole_number
from tritstream.errors import EngineError, OptionError
from tritstream.reading import Reading
from tritstream.sampling import Sampler, Sampling
from tritstream.speculation import Guesser
from tritstream.text import Tokenizer

_CONTEXT = 32
"""Tokens before a text that its first characters may depend on."""

StopReason = Literal["end of text", "max tokens", "stop string", "interrupted"]


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
    tokens were read, all unless that was interrupted. `passes` over the weights followed those of
    the prompt, in which `guessed` tokens were read ahead, and `guessed_right` of them came.
    """

    prompt_tokens: int
    seed: int | None
    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    stop_reason: StopReason = "interrupted"
    prompt_seconds: float = 0.0
    seconds: float = 0.0
    prompt_read: int = 0
    passes: int = 0
    guessed: int = 0
    guessed_right: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Steps of the engine after the prompt by their time; 0 if there were none.

        The first token needs no step of its own: its logits are the prompt's.
        """
        steps = len(self.token_ids) - 1
        return steps / self.seconds if steps > 0 and self.seconds > 0 else 0.0

    @property
    def tokens_per_pass(self) -> float:
        """Tokens written for each pass over the weights behind the prompt; 0 if there was none."""
        return max(len(self.token_ids) - 1, 0) / self.passes if self.passes else 0.0

    @property
    def acceptance_rate(self) -> float:
        """Share of the guesses that were right; 0 if there were none."""
        return self.guessed_right / self.guessed if self.guessed else 0.0


class Writer:
    """What becomes of one text's tokens, without an engine: logits go in, pieces of text come out.

    Everybody who writes does it by this, one text at a time or many in a batch.

    Attributes:
        result: what was written so far; its times and `prompt_read` are the caller's to set.
        ended: whether the text is finished, after which nothing may be taken.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        tokens: Sequence[int],
        prompt_tokens: int,
        sampling: Sampling,
        limits: Limits,
        seen: Iterable[int] = (),
        result: Result | None = None,
    ) -> None:
        """Go on behind `tokens`, of which the last `prompt_tokens` are the prompt.

        `seen` are tokens from before them, to which the repetition penalty applies; `result` is to
        be filled, if there is one already.
        """
        sampling = sampling.seeded()
        self._sampler = Sampler(sampling, [*seen, *tokens])
        self._stream = tokenizer.stream(tokens[-max(_CONTEXT, prompt_tokens) :])
        self._filter = _StopFilter(tuple(limits.stop))
        self._ends = tokenizer.ends
        self._max_tokens = limits.max_tokens
        seed = sampling.seed if sampling.temperature else None
        self.result = result or Result(prompt_tokens, seed)
        self.ended = False

    def pick(self, logits: np.ndarray) -> int:
        """The next token from logits (vocab,) float32. Raises EngineError as `Sampler.pick`."""
        return self._sampler.pick(logits)

    def take(self, token: int) -> str:
        """The text that is certain with one more token, maybe none."""
        result = self.result
        result.token_ids.append(token)
        end = token in self._ends
        piece = "" if end else self._filter.push(self._stream.push(token))
        reason: StopReason | None = "end of text" if end else None
        if reason is None and len(result.token_ids) >= self._max_tokens:
            reason = "max tokens"
        if reason and not self._filter.stopped:
            piece += self._filter.push(self._stream.finish())
            if not self._filter.stopped:
                piece += self._filter.finish()
        if self._filter.stopped:
            reason = "stop string"
        if reason:
            self.ended, result.stop_reason = True, reason
        result.text += piece
        return piece


class Generation:
    """One text being written: iterate over it for pieces of text, then look at `result`.

    Closing or interrupting the iteration leaves `result` with what there was until then. A text is
    written once: iterating again raises EngineError, and `text` returns what was written.
    """

    def __init__(
        self,
        reading: Reading,
        tokenizer: Tokenizer,
        prompt: Sequence[int],
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        *,
        seen: Iterable[int] = (),
        guesser: Guesser | None = None,
    ) -> None:
        """Continue `reading` with the tokens of a prompt, which are added at the first piece.

        `seen` are tokens from before the reading's own, to which the repetition penalty applies.
        `guesser` guesses tokens to be read ahead; it may know the beginning of the text already.
        """
        self._sampling = (sampling or Sampling()).seeded()
        self._limits = limits or Limits()
        self._reading = reading
        self._tokenizer = tokenizer
        self._prompt = list(prompt)
        self._seen = seen
        self._guesser = guesser
        self._before = len(reading.tokens)
        self._begun = False
        seed = self._sampling.seed if self._sampling.temperature else None
        self.result = Result(prompt_tokens=len(self._prompt), seed=seed)

    def __iter__(self) -> Iterator[str]:
        if self._begun:
            raise EngineError("this text has been begun already: call `generate` for another one")
        self._begun = True
        return self._pieces()

    @property
    def prompt_read(self) -> int:
        """How many of the prompt's tokens have been read by now, for whoever watches."""
        return min(max(self._reading.read - self._before, 0), len(self._prompt))

    def text(self) -> str:
        """Write everything and return it; what was written, where that has been done."""
        if self._begun and self.result.stop_reason != "interrupted":
            return self.result.text
        return "".join(self)

    def _pieces(self) -> Iterator[str]:
        reading = self._reading
        reading.add(self._prompt)
        result = self.result
        writer = Writer(
            self._tokenizer,
            reading.tokens,
            len(self._prompt),
            self._sampling,
            self._limits,
            self._seen,
            result,
        )
        self._before = len(reading.tokens) - len(self._prompt)
        start = time.perf_counter()
        try:
            token = reading.behind(writer.pick)
        finally:
            result.prompt_seconds = time.perf_counter() - start
            result.prompt_read = self.prompt_read
        before = reading.passes, reading.guessed, reading.right
        try:
            yield from self._written(writer, token)
        finally:
            counts = zip((reading.passes, reading.guessed, reading.right), before, strict=True)
            result.passes, result.guessed, result.guessed_right = (now - b for now, b in counts)

    def _written(self, writer: Writer, token: int) -> Iterator[str]:
        """The pieces of the text from its first token on."""
        reading, result = self._reading, self.result
        while True:
            start = time.perf_counter()
            reading.add([token])
            piece = writer.take(token)
            result.seconds += time.perf_counter() - start
            if piece:
                yield piece
            if writer.ended:
                return
            start = time.perf_counter()
            token = reading.behind(writer.pick, self._guesses)
            result.seconds += time.perf_counter() - start

    def _guesses(self) -> Sequence[int]:
        """What may follow the text as it is now, no more than may still be written."""
        guesser, tokens = self._guesser, self._reading.tokens
        if guesser is None:
            return ()
        guesser.add(tokens[guesser.length :])
        return guesser.guesses(self._limits.max_tokens - len(self.result.token_ids) - 1)


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
