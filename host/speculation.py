"""Guessing what comes next by looking it up in the text so far.

Lists, refrains, code and quotations repeat themselves. Where the last tokens stood in the text
before, those that followed then are guessed to follow again, and one pass over the weights reads
them all; which of them were right is the model's to say (prompt look-up, a form of speculative
decoding, arXiv 2211.17192). The text is the same with it and without.

The look-up is the match model of the PAQ compressors: one pointer into the text, which goes on for
as long as it is right, and counts of how often it was, by the length of the match.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from tritstream.errors import OptionError
from tritstream.geometry import Geometry

WORTH_FROM = 32_000_000
"""Ternary weights of a model from which on it is done unasked: of a smaller one a pass takes hardly
longer than looking up and drawing do (measured; see host/native/README.md)."""
MOST_GUESSES = 7
"""Guesses in a pass, whose tokens leave their states in slots 1 to 8."""

NGRAM = 2
"""Tokens that have to be the same before what followed them is looked at."""
_LONGEST = 32
"""Longer matches are as good as this one."""
_BUCKETS = (3, 4, 6, 9, 16, _LONGEST)
"""Lengths of matches that are counted together: from each of them to the next."""
_BUCKET_OF = [sum(length >= bound for bound in _BUCKETS) for length in range(_LONGEST + 1)]
_PRIOR, _PRIOR_WEIGHT = 0.5, 2.0
_MEMORY = 40.0
"""Guesses after which the counts are halved, so that they follow a text that changes."""
_WORTH = 1.05
"""A pass with guesses has to promise so many times the tokens of its time without any."""
_HOPELESS = 0.1
_SLOPE = 0.4
"""What a further token of a pass costs, in passes of one, until it has been measured."""
_SAMPLES, _ENOUGH = 9, 3


class Ahead(Protocol):
    """What guessing needs to know of an engine: see `tritstream.engines.base.Slots`."""

    @property
    def geometry(self) -> Geometry: ...

    @property
    def slots(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def shared_pass(self) -> int: ...

    @property
    def keeps_each_state(self) -> bool: ...


def guesser_for(engine: Ahead, cost: PassCost, speculate: bool | None) -> Guesser | None:
    """Who guesses on an engine, if anybody: with True always, with None where that can pay.

    Raises OptionError where it is asked for and the engine cannot take guesses back.
    """
    pays = engine.shared_pass > 1 and engine.geometry.ternary_weights >= WORTH_FROM
    if speculate is False or (speculate is None and not pays):
        return None
    # One that has no shared passes is asked for it to be tried, and gains nothing.
    width = engine.width if engine.shared_pass < 2 else engine.shared_pass
    most = min(MOST_GUESSES, engine.slots - 2, width - 1)
    if most < 1 or not engine.keeps_each_state:
        if speculate is None:
            return None
        raise OptionError(
            "this engine cannot take guessed tokens back: leave out --speculate (in Python, "
            "speculate=True)"
        )
    return Guesser(most, None if speculate else cost)


class PassCost:
    """What passes with several tokens take, from their times: `of_guesses[n]` is that of one with n
    guesses, in passes of a single token.

    Medians, because now and then a pass is held up by something else; of numbers that have hardly
    occurred, a line through the others.
    """

    def __init__(self) -> None:
        self._single: deque[float] = deque(maxlen=_SAMPLES)
        self._slopes: deque[float] = deque([_SLOPE] * _ENOUGH, maxlen=_SAMPLES)
        self._found: list[deque[float]] = [deque(maxlen=_SAMPLES) for _ in range(MOST_GUESSES + 1)]
        self.of_guesses = [1 + _SLOPE * n for n in range(MOST_GUESSES + 1)]

    def took(self, guesses: int, seconds: float) -> None:
        """A pass with so many guesses took so long."""
        if guesses == 0:
            self._single.append(seconds)
        elif self._single:
            cost = seconds / statistics.median(self._single)
            self._found[guesses].append(cost)
            self._slopes.append((cost - 1) / guesses)
            slope = statistics.median(self._slopes)
            for number, found in enumerate(self._found):
                line = 1 + slope * number
                self.of_guesses[number] = (
                    statistics.median(found) if len(found) >= _ENOUGH else line
                )


class Guesser:
    """Guesses the tokens that come next in one text, whose tokens it is told in their order.

    ``most`` is how many it guesses at a time. With ``cost`` as many as are expected to pay, and
    none where that is none; without, as many as may be wherever there is a match.
    """

    def __init__(self, most: int, cost: PassCost | None = None) -> None:
        self._most = most
        self._cost = cost
        self._tokens: list[int] = []
        # Of every n-gram, the place behind its last occurrence.
        self._behind: dict[tuple[int, ...], int] = {}
        self._match = 0  # place of the token that is expected next; 0 for none
        self._length = 0
        self._right = [_PRIOR * _PRIOR_WEIGHT] * (len(_BUCKETS) + 1)
        self._seen = [_PRIOR_WEIGHT] * (len(_BUCKETS) + 1)

    @property
    def length(self) -> int:
        """How many tokens it has been told."""
        return len(self._tokens)

    def add(self, tokens: Iterable[int]) -> None:
        """Tokens that the text goes on with."""
        known = self._tokens
        for token in tokens:
            if self._match:
                right = known[self._match] == token
                self._count(right)
                self._match, self._length = (self._match + 1, self._length + 1) if right else (0, 0)
            known.append(token)
            ngram = tuple(known[-NGRAM:])
            if not self._match and (place := self._behind.get(ngram)):
                self._match, self._length = place, self._common(place)
            self._behind[ngram] = len(known)

    def _common(self, place: int) -> int:
        """How many tokens before a place are those at the end."""
        tokens, length = self._tokens, NGRAM
        while length < min(place, _LONGEST) and tokens[place - length - 1] == tokens[-length - 1]:
            length += 1
        return length

    def _count(self, right: bool) -> None:
        bucket = _BUCKET_OF[min(self._length, _LONGEST)]
        self._seen[bucket] += 1
        self._right[bucket] += right
        if self._seen[bucket] > _MEMORY:
            self._seen[bucket] /= 2
            self._right[bucket] /= 2

    def guesses(self, most: int) -> list[int]:
        """What may follow, at most so many tokens, maybe none."""
        if not self._match:
            return []
        tokens, count = self._tokens, self._paying(min(most, self._most))
        found: list[int] = []
        for place in range(self._match, self._match + count):
            # Behind the end it goes on with what it has guessed: a text that repeats itself.
            at = place - len(tokens)
            found.append(tokens[place] if at < 0 else found[at])
        return found

    def _paying(self, most: int) -> int:
        """How many guesses promise most tokens for their time."""
        if self._cost is None:
            return most
        costs, best, count = self._cost.of_guesses, _WORTH, 0
        expected = likely = 1.0
        for guesses in range(1, most + 1):
            bucket = _BUCKET_OF[min(self._length + guesses - 1, _LONGEST)]
            likely *= self._right[bucket] / self._seen[bucket]
            if likely < _HOPELESS:
                break
            expected += likely
            if expected > best * costs[guesses]:
                best, count = expected / costs[guesses], guesses
        return count
