"""Choosing the next token from logits."""

import ctypes
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tritstream.arguments import number, whole_number
from tritstream.errors import EngineError, OptionError
from tritstream.native import load_core
from tritstream.native.library import Draw


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
        for name in ("temperature", "top_p", "repetition_penalty"):
            object.__setattr__(self, name, number(_called(name), getattr(self, name)))
        object.__setattr__(self, "top_k", whole_number("top k", self.top_k))
        if self.seed is not None:
            object.__setattr__(self, "seed", whole_number("seed", self.seed))
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
    """Draws the tokens of one text: the same options and logits give the same tokens.

    Few of a vocabulary's logits are ever near the choice. They are found by comparisons of float32,
    and everything that is computed is computed of them alone. Probabilities are whole multiples of
    2**-40, so that their sums do not depend on an order of summation.
    """

    def __init__(self, sampling: Sampling, seen: Iterable[int] = ()) -> None:
        """`seen` are the prompt's tokens, to which the repetition penalty applies too."""
        self._sampling = sampling
        self._seen = dict.fromkeys(seen)  # in the order of their first use
        self._seen_ids = np.fromiter(self._seen, np.intp)
        self._random = np.random.Generator(np.random.PCG64(sampling.seeded().seed))
        self._search: _Search | None = None

    def pick(self, logits: np.ndarray) -> int:
        """The next token id from logits (vocab,) float32, which are left alone.

        Ties go to the lower id. Raises EngineError if a logit is NaN, or none is finite.
        """
        sampling = self._sampling
        if sampling.temperature == 0 and sampling.repetition_penalty == 1:
            token = _likeliest(logits)
        else:
            token = self._pick_penalised(logits)
        self._see(token)
        return token

    def _see(self, token: int) -> None:
        if token not in self._seen:
            self._seen[token] = None
            self._seen_ids = np.append(self._seen_ids, token)
            if self._search is not None:
                self._search.see(token)

    def _pick_penalised(self, logits: np.ndarray) -> int:
        """The penalty changes only what was seen, so that is set aside and joins the rest again."""
        sampling, penalty = self._sampling, self._sampling.repetition_penalty
        count = 1 if sampling.temperature == 0 else sampling.top_k
        if count and 2 * _SPAN * count <= logits.size:
            search = self._search_of(logits)
            if search is not None:
                return search.draw(logits, self._random if sampling.temperature else None)
        rest, ids, scores = logits, _NO_IDS, _NO_SCORES
        if penalty != 1 and self._seen:
            ids = self._seen_ids[self._seen_ids < logits.size]
            values = logits[ids].astype(np.float64)
            if np.isnan(values).any():
                raise EngineError(_NAN)
            scores = np.where(values > 0, values / penalty, values * penalty)
            rest = logits.copy()
            rest[ids] = -np.inf
        if sampling.temperature == 0:
            return int(_ordered(rest, ids, scores, 1)[0][0])
        if sampling.top_k:
            return self._draw(*_ordered(rest, ids, scores, sampling.top_k))
        if sampling.top_p == 1:
            everything = rest.astype(np.float64)
            everything[ids] = scores
            near = everything >= _best(everything) - _NEAR * sampling.temperature
            return self._draw(np.flatnonzero(near), everything[near])
        return self._draw_nucleus(rest, ids, scores)

    def _search_of(self, logits: np.ndarray) -> "_Search | None":
        """The native core's search, if there is one and it can read these logits."""
        core = _core()
        if core is None or logits.dtype != np.float32 or not logits.flags.c_contiguous:
            return None
        if self._search is None or self._search.size != logits.size:
            self._search = _Search(core, logits.size, self._sampling, self._seen)
        return self._search

    def _draw(self, ids: np.ndarray, scores: np.ndarray) -> int:
        """From tokens with their scores, the likeliest first where top_p cuts them."""
        weights = _weights(scores, _best(scores), self._sampling.temperature)
        cumulative = np.cumsum(weights)
        keep = _reaching(cumulative, int(cumulative[-1]), self._sampling.top_p)
        return self._place(ids, cumulative[:keep])

    def _draw_nucleus(self, rest: np.ndarray, ids: np.ndarray, scores: np.ndarray) -> int:
        """With top_p alone: all tokens make the sum, and only the likeliest need an order."""
        temperature, best = self._sampling.temperature, float(_ordered(rest, ids, scores, 1)[1][0])
        near = rest[rest >= best - _NEAR * temperature].astype(np.float64)
        total = int(_weights(near, best, temperature).sum())
        total += int(_weights(scores, best, temperature).sum())
        count = _FEW
        while True:
            few, values = _ordered(rest, ids, scores, count)
            cumulative = np.cumsum(_weights(values, best, temperature))
            keep = _reaching(cumulative, total, self._sampling.top_p)
            if keep <= cumulative.size or few.size >= rest.size:
                return self._place(few, cumulative[:keep])
            count *= 4

    def _place(self, ids: np.ndarray, cumulative: np.ndarray) -> int:
        drawn = int(self._random.random() * int(cumulative[-1]))
        place = int(np.searchsorted(cumulative, drawn, side="right"))
        return int(ids[min(place, cumulative.size - 1)])


class _Search:
    """Draws by the native core, with one pass of maxima over the logits: the same tokens."""

    def __init__(
        self, core: ctypes.CDLL, size: int, sampling: Sampling, seen: Iterable[int]
    ) -> None:
        self.size = size
        self._core_draw = core.tritstream_draw
        spans = -(-size // _SPAN)
        self._seen = np.zeros(spans, np.uint64)
        # What `room` of the core's function is to be, in its order.
        self._room = (
            np.empty(2 * spans, np.float32),
            np.empty(size, np.dtype("f8, i8")),
            np.empty(size, np.int64),
        )
        self._addresses = [part.ctypes.data for part in self._room]
        self._how = Draw(
            seen=self._seen.ctypes.data,
            penalty=sampling.repetition_penalty,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
        )
        for token in seen if sampling.repetition_penalty != 1 else ():
            self.see(token)

    def see(self, token: int) -> None:
        if 0 <= token < self.size and self._how.penalty != 1:
            self._seen[token // _SPAN] |= np.uint64(1 << token % _SPAN)

    def draw(self, logits: np.ndarray, random: np.random.Generator | None) -> int:
        """A token of logits (size,); without a generator the likeliest.

        Raises EngineError if a logit is NaN, or none is finite.
        """
        uniform = 0.0 if random is None else random.random()
        token = self._core_draw(logits.ctypes.data, self.size, self._how, uniform, *self._addresses)
        if token < 0:
            raise EngineError(_NAN if token == _DRAW_NAN else _NOTHING)
        return int(token)


@cache
def _core() -> ctypes.CDLL | None:
    """The native core; None where there is none that can be used, which its engine will tell."""
    try:
        return load_core()
    except EngineError:
        return None


_SPAN = 64
"""Logits of which the native core makes one maximum."""
_NO_IDS, _NO_SCORES = np.zeros(0, np.intp), np.zeros(0, np.float64)
_NAN = "the engine produced logits that are not numbers (NaN)"
_NOTHING = "the engine produced no finite logit"
_DRAW_NAN = -1
"""DRAW_NAN of the native core."""
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
_LEAST_EXPONENT = -100.0
_POWER = tuple(
    map(
        float.fromhex,
        [
            "0x1.0000000000000p+0",
            "0x1.62e42fefa39efp-1",
            "0x1.ebfbdff82c5b5p-3",
            "0x1.c6b08d704938dp-5",
            "0x1.3b2ab6fbca877p-7",
            "0x1.5d87fe70ad8b4p-10",
            "0x1.4309140da067cp-13",
            "0x1.ffcbc9fa714f5p-17",
            "0x1.62c342015a2dap-20",
            "0x1.b4e16146b51f7p-24",
            "0x1.e8ac49615a76bp-28",
            "0x1.c4e70feee0a77p-32",
            "0x1.401d36903e2f6p-35",
        ],
    )
)
"""2**f for 0 <= f <= 1, interpolated at Chebyshev's nodes; within 1 unit of the last place."""
_NEAR = 41 * np.log(2.0)
"""Further than this below the best, in units of the temperature, a probability rounds to zero."""
_FEW = 64
_HEAPS = 4
"""For each of the tokens that are looked for; more find fewer candidates, and cost more maxima."""


def _likeliest(logits: np.ndarray) -> int:
    token = int(np.argmax(logits))  # of NaNs the first
    if np.isnan(logits[token]):
        raise EngineError(_NAN)
    return token


def _weights(scores: np.ndarray, best: float, temperature: float) -> np.ndarray:
    """exp((score - best) / temperature) in units of 2**-40, rounded: int64.

    2**f by a polynomial for the fraction of an exponent, in additions and multiplications alone:
    these are the same on every machine, and in the native core.
    """
    with np.errstate(over="ignore"):  # of a tiny temperature: the quotient is -inf
        exponents = np.maximum((scores - best) / temperature, _LEAST_EXPONENT) * _LOG2_E
    whole = np.floor(exponents)
    fraction = exponents - whole
    powers = np.full_like(fraction, _POWER[-1])
    for coefficient in _POWER[-2::-1]:
        powers *= fraction
        powers += coefficient
    return np.rint(np.ldexp(powers, whole.astype(np.int32) + 40)).astype(np.int64)


def _reaching(cumulative: np.ndarray, total: int, top_p: float) -> int:
    """How many of the likeliest reach the share top_p of the total: one more than fail to."""
    return int(np.searchsorted(cumulative, top_p * total)) + 1


def _ordered(
    rest: np.ndarray, ids: np.ndarray, scores: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` likeliest of all tokens, ids and float64 scores, by score and then by id.

    `rest` are the logits (vocab,) without the tokens `ids` (-inf there), whose scores are given.
    Raises EngineError if a logit is NaN, or none is finite.
    """
    found = _candidates(rest, count)
    values = rest[found].astype(np.float64)
    if ids.size:
        possible = values > -np.inf  # what was set aside must not be there twice
        found = np.concatenate([found[possible], ids])
        values = np.concatenate([values[possible], scores])
    _best(values)
    order = np.lexsort((found, -values))[:count]
    return found[order], values[order]


def _candidates(logits: np.ndarray, count: int) -> np.ndarray:
    """Ids, increasing, among which are the `count` likeliest. Raises EngineError for a NaN.

    Logits are dealt into several times `count` heaps. The count-th largest of the heaps' maxima is
    no larger than the count-th largest logit, and all it takes is one pass of maxima.
    """
    deep = logits.size // (_HEAPS * count)
    if deep < 2:
        if np.isnan(logits).any():
            raise EngineError(_NAN)
        return np.arange(logits.size)
    heaps = logits.size // deep
    maxima = logits[: heaps * deep].reshape(deep, heaps).max(axis=0)
    if np.isnan(maxima).any() or np.isnan(logits[heaps * deep :]).any():
        raise EngineError(_NAN)
    return np.flatnonzero(logits >= np.partition(maxima, heaps - count)[heaps - count])


def _best(scores: np.ndarray) -> float:
    """The largest score. Raises EngineError if it is NaN, or not finite."""
    best = float(scores.max(initial=-np.inf))
    if not np.isfinite(best):
        raise EngineError(_NAN if np.isnan(best) else _NOTHING)
    return best


def _require(name: str, value: float, good: bool, allowed: str) -> None:
    if not good:
        raise OptionError(f"{_called(name)} must be {allowed}, not {value}")


def _called(name: str) -> str:
    return name.replace("_", " ")


STORY = Sampling(temperature=0.6, top_k=40, top_p=0.95, repetition_penalty=1.05)
"""What the command line draws with where nothing is said: chosen on the demo model's stories."""
