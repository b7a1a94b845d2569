"""Many texts at once: they join and leave a batch at every pass over the weights.

A pass takes one token of every text that is being written, and fills what is left of it with the
prompts of those that are not read yet. A text is the same, bit for bit, whatever else is in the
batch: each has a state, a random generator and a stop filter of its own.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tritstream.engines.base import Logits
from tritstream.errors import OptionError, TritstreamError
from tritstream.generation import Limits, Writer
from tritstream.prefixes import PrefixCache
from tritstream.sampling import Sampling
from tritstream.sequences import Part, Sequences
from tritstream.text import Tokenizer

MOST_LOGPROBS = 20
_BLOCK = 64
"""Beginnings of this many tokens, and multiples, are kept for texts that share no more."""


@dataclass(frozen=True)
class Likelihood:
    """A token's log-probability (nats) in the model's own distribution, before any sampling option,
    and the likeliest tokens with theirs, the likeliest first."""

    token: int
    logprob: float
    likeliest: tuple[tuple[int, float], ...] = ()

    @property
    def greedy(self) -> bool:
        """Whether no token was likelier; of equals the lower id is the likeliest."""
        return bool(self.likeliest) and self.likeliest[0][0] == self.token


@dataclass(frozen=True)
class Written:
    """What a text got in a pass: a token, the text that became certain with it, maybe none, and its
    likelihood, if that was asked for."""

    token: int
    piece: str
    likelihood: Likelihood | None = None


@dataclass(eq=False)
class Work(ABC):
    """Something to do with the tokens of one text. `tokens` are all that is known of it.

    Attributes:
        read: how many of them were read.
        reused: how many of those came out of the prefix cache.
        error: why it was given up, if it was.
        done: whether nothing is left to do.
    """

    tokens: list[int]
    read: int = field(default=0, init=False)
    reused: int = field(default=0, init=False)
    error: TritstreamError | None = field(default=None, init=False)
    done: bool = field(default=False, init=False)
    place: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if not self.tokens:
            raise OptionError("there is no token to read: give at least one")
        self.tokens = list(self.tokens)
        self.given = len(self.tokens)

    @property
    @abstractmethod
    def shared(self) -> int:
        """How many of the tokens another text may begin with too, so that the state is kept."""

    @property
    @abstractmethod
    def end(self) -> int:
        """How many of the tokens are to be read before anything else happens."""

    @abstractmethod
    def wanted(self, first: int, last: int) -> int:
        """Of how many of the last tokens the logits are needed when first..last - 1 are read."""

    @abstractmethod
    def take(self, rows: Logits, first: int) -> None:
        """Take the logits (wanted, V) behind the tokens from place ``first`` on."""


@dataclass(eq=False)
class Text(Work):
    """A text to write behind `tokens`, its prompt. `new` is what the last pass added, if anything.

    `logprobs` asks for the likelihood of each token, with so many of the likeliest (0 to 20).
    """

    tokenizer: Tokenizer
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    logprobs: int | None = None
    new: Written | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.logprobs is not None and not 0 <= self.logprobs <= MOST_LOGPROBS:
            raise OptionError(f"logprobs must be 0 to {MOST_LOGPROBS}, not {self.logprobs}")
        self.writer = Writer(self.tokenizer, self.tokens, self.given, self.sampling, self.limits)
        self._begun = time.perf_counter()

    @property
    def shared(self) -> int:
        return self.given - 1

    @property
    def end(self) -> int:
        return len(self.tokens)

    def wanted(self, first: int, last: int) -> int:
        return 1 if last == len(self.tokens) else 0

    def take(self, rows: Logits, first: int) -> None:
        token = self.writer.pick(rows[-1])
        count = self.logprobs
        likelihood = None if count is None else likelihood_of(rows[-1], token, count)
        self.tokens.append(token)
        self.new = Written(token, self.writer.take(token), likelihood)
        self.done = self.writer.ended
        result, now = self.writer.result, time.perf_counter()
        if len(result.token_ids) == 1:
            result.prompt_seconds, result.prompt_read = now - self._begun, self.given
        else:
            result.seconds = now - self._begun - result.prompt_seconds


@dataclass(eq=False)
class Score(Work):
    """How likely the model finds the tokens from place `first` on, at least the second."""

    first: int = 1
    likelihoods: list[Likelihood] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.first < len(self.tokens):
            raise OptionError(
                f"there is nothing to score: {len(self.tokens)} tokens, from place {self.first} on"
            )

    @property
    def shared(self) -> int:
        return self.first - 1  # of every logit from there on something is wanted

    @property
    def end(self) -> int:
        return len(self.tokens) - 1  # nothing comes after the last

    def wanted(self, first: int, last: int) -> int:
        return last - max(first, self.first - 1) if last >= self.first else 0

    def take(self, rows: Logits, first: int) -> None:
        for at, row in enumerate(rows, first + 1):
            self.likelihoods.append(likelihood_of(row, self.tokens[at], 1))
        self.done = self.read == self.end

    @property
    def logprob(self) -> float:
        """The sum over the tokens, nats."""
        return float(sum(found.logprob for found in self.likelihoods))

    @property
    def greedy(self) -> bool:
        """Whether greedy writing would give just these tokens."""
        return all(found.greedy for found in self.likelihoods)


def likelihood_of(logits: Logits, token: int, likeliest: int) -> Likelihood:
    """Of a token by logits (V,): the logarithm of softmax, in float64."""
    scores: npt.NDArray[np.float64] = logits.astype(np.float64)
    scores -= scores.max()
    total = float(np.log(np.exp(scores).sum()))
    top: tuple[tuple[int, float], ...] = ()
    if likeliest == 1:
        best = int(np.argmax(scores))
        top = ((best, float(scores[best]) - total),)
    elif likeliest:
        bound = np.partition(scores, -min(likeliest, scores.size))[-min(likeliest, scores.size)]
        ids = np.flatnonzero(scores >= bound)
        ids = ids[np.lexsort((ids, -scores[ids]))][:likeliest]
        top = tuple((int(i), float(scores[i]) - total) for i in ids)
    return Likelihood(token, float(scores[token]) - total, top)


class Batch:
    """Texts and scores that share the passes of some sequences, which are its own.

    Whoever came first gets the next free place. One thread at a time may use it.

    Attributes:
        passes, tokens: passes so far, and tokens that were read in them.
        engine_seconds: that the engine took for them, measured.
    """

    def __init__(
        self, sequences: Sequences, cache: PrefixCache | None = None, model: str = ""
    ) -> None:
        """`model` is what the states in the cache belong to: `Model.identity`."""
        self._sequences = sequences
        self._cache = cache
        self._model = model
        self._waiting: deque[Work] = deque()
        self._running: list[Work] = []
        self._free = list(range(sequences.count))[::-1]
        self._turn = 0
        self.passes = self.tokens = 0
        self.engine_seconds = 0.0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def places(self) -> int:
        """How many may run at a time."""
        return self._sequences.count

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._running

    def add(self, work: Work) -> None:
        """It joins at the next pass with a free place."""
        self._waiting.append(work)

    def drop(self, work: Work) -> None:
        """Give it up, wherever it is; its place is free for the next pass."""
        if work in self._running:
            self._leave(work)
        elif work in self._waiting:
            self._waiting.remove(work)

    def run_pass(self) -> list[Work]:
        """One pass over the weights; the works that got something or ended, an error included.

        An error of the engine itself gives up every work that was in the pass.
        """
        self._join()
        steps = self._steps()
        for work in self._running:
            if isinstance(work, Text):
                work.new = None
        if not steps:
            return []
        start = time.perf_counter()
        try:
            rows = self._sequences.advance([part for _, part in steps])
        except TritstreamError as error:
            for work, _ in steps:
                work.error = error
                self._leave(work)
            return [work for work, _ in steps]
        self.passes += 1
        self.engine_seconds += time.perf_counter() - start
        told, at = [], 0
        for work, part in steps:
            own = rows[at : at + part.wanted]
            at += part.wanted
            work.read += len(part.tokens)
            self.tokens += len(part.tokens)
            self._keep(work)
            if part.wanted:
                told.append(work)
                try:
                    work.take(own, work.read - part.wanted)
                except TritstreamError as error:
                    work.error = error
            if work.done or work.error:
                self._leave(work)
        return told

    def run(self, told: Callable[[Work], None] = lambda work: None) -> None:
        """Passes until nothing is left; `told` hears of every work that got something."""
        while not self.idle:
            for work in self.run_pass():
                told(work)

    def _join(self) -> None:
        """Free places go to those who wait, in their order.

        Who begins as one that is being read just now does waits for it, to go on from its state.
        """
        later: list[Work] = []
        while self._free and self._waiting:
            work = self._waiting.popleft()
            if self._cache is not None and any(_same_beginning(work, o) for o in self._running):
                later.append(work)
                continue
            work.place = self._free.pop()
            self._running.append(work)
            found = None
            if self._cache is not None and work.shared:
                found = self._cache.longest(self._model, work.tokens[: work.shared])
            self._sequences.load_state(work.place, None if found is None else found.state)
            work.read = work.reused = 0 if found is None else found.length
        self._waiting.extendleft(reversed(later))

    def _steps(self) -> list[tuple[Work, Part]]:
        """One token for everybody, then the rest of the pass in equal shares for prompts."""
        self._turn += 1
        width = self._sequences.width
        # More places than a pass has tokens: they take turns.
        start = self._turn % len(self._running) if len(self._running) > width else 0
        chosen = (self._running[start:] + self._running[:start])[:width]
        left = width - len(chosen)
        readers = sum(self._to_read(work) > 1 for work in chosen)
        steps = []
        for work in chosen:
            count = 1
            more = self._to_read(work) - 1
            if more > 0:
                extra = min(more, -(-left // readers))
                left, readers, count = left - extra, readers - 1, 1 + extra
            last = work.read + count
            wanted = work.wanted(work.read, last)
            assert work.place is not None
            steps.append((work, Part(work.place, work.tokens[work.read : last], wanted)))
        return steps

    def _to_read(self, work: Work) -> int:
        """Tokens of a work that one pass may take: up to where a state is to be kept."""
        if self._cache is None or work.read >= work.shared:
            return work.end - work.read
        return min(work.shared, (work.read // _BLOCK + 1) * _BLOCK) - work.read

    def _keep(self, work: Work) -> None:
        """Keep a state that others may begin with."""
        read, place = work.read, work.place
        if self._cache is None or place is None:
            return
        if read == work.shared or (read < work.shared and read % _BLOCK == 0) or work.done:
            self._cache.put(self._model, work.tokens[:read], self._sequences.state(place))

    def _leave(self, work: Work) -> None:
        assert work.place is not None
        if work.done and isinstance(work, Text):
            self._keep(work)  # a conversation goes on from there
        self._running.remove(work)
        self._free.append(work.place)
        work.place = None


def _same_beginning(work: Work, other: Work) -> bool:
    """Whether another work is reading just what this one would read first."""
    n = work.shared
    return other.read < n == other.shared and other.tokens[:n] == work.tokens[:n]
