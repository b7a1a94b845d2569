"""Choosing the next token from logits."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tritstream.errors import EngineError, OptionError


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. The default is greedy: always the likeliest.

    Attributes:
        temperature: divides the logits; 0 is greedy and ignores top_k, top_p and seed.
        top_k: only this many of the likeliest tokens stay; 0 keeps all.
        top_p: only the likeliest tokens whose probabilities first reach this sum stay; 1 keeps all.
        repetition_penalty: logits of tokens seen before are divided by it if positive and
            multiplied if negative (arXiv 1909.05858, section 4.1); 1 changes nothing.
        seed: of the random generator; None draws one, which `seeded` makes visible.

    Raises OptionError for a value out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        _require("temperature", self.temperature, 0 <= self.temperature <= 100, "0 to 100")
        _require("top_k", self.top_k, self.top_k >= 0, "0 or more")
        _require("top_p", self.top_p, 0 < self.top_p <= 1, "above 0 and at most 1")
        penalty = self.repetition_penalty
        _require("repetition_penalty", penalty, 0.01 <= penalty <= 100, "0.01 to 100")
        if self.seed is not None:
            _require("seed", self.seed, self.seed >= 0, "0 or more")

    def seeded(self) -> "Sampling":
        """The same with a seed, drawn if there was none."""
        return self if self.seed is not None else replace(self, seed=secrets.randbits(32))


class Sampler:
    """Draws the tokens of one text: the same options and logits give the same tokens."""

    def __init__(self, sampling: Sampling, seen: Iterable[int] = ()) -> None:
        """`seen` are the prompt's tokens, to which the repetition penalty applies too."""
        self._sampling = sampling
        self._seen = set(seen)
        self._random = np.random.Generator(np.random.PCG64(sampling.seeded().seed))

    def pick(self, logits: np.ndarray) -> int:
        """The next token id from logits (vocab,), which are left alone.

        Ties go to the lower id. Raises EngineError if a logit is NaN.
        """
        scores = self._penalised(logits.astype(np.float64))
        if np.isnan(scores).any():
            raise EngineError("the engine produced logits that are not numbers (NaN)")
        token = int(np.argmax(scores)) if self._sampling.temperature == 0 else self._draw(scores)
        self._seen.add(token)
        return token

    def _penalised(self, scores: np.ndarray) -> np.ndarray:
        penalty = self._sampling.repetition_penalty
        if penalty != 1 and self._seen:
            seen = np.fromiter(self._seen, np.intp)
            seen = seen[seen < scores.size]
            values = scores[seen]
            scores[seen] = np.where(values > 0, values / penalty, values * penalty)
        return scores

    def _draw(self, scores: np.ndarray) -> int:
        sampling = self._sampling
        # The likeliest first; with a stable sort ties fall the same way on every machine.
        order = np.argsort(-scores, kind="stable")
        if sampling.top_k:
            order = order[: sampling.top_k]
        best = scores[order[0]]
        weights = np.exp((scores[order] - best) / sampling.temperature)
        cumulative = np.cumsum(weights)
        if sampling.top_p < 1:
            # Keep up to and including the token that reaches the sum.
            keep = int(np.searchsorted(cumulative, sampling.top_p * cumulative[-1])) + 1
            cumulative = cumulative[:keep]
        drawn = self._random.random() * cumulative[-1]
        place = int(np.searchsorted(cumulative, drawn, side="right"))
        return int(order[min(place, cumulative.size - 1)])


def _require(name: str, value: float, good: bool, allowed: str) -> None:
    if not good:
        raise OptionError(f"{name.replace('_', ' ')} must be {allowed}, not {value}")


STORY = Sampling(temperature=0.7, top_k=40, top_p=0.9, repetition_penalty=1.1)
"""What the command line draws with where nothing is said: chosen on the demo model's stories."""
