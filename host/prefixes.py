"""States of texts that were read before: what begins with one of them need not read it again.

A recurrent state stands for all that was read, in a size that does not depend on how much it was.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tritstream.errors import OptionError
from tritstream.reading import State

_PRIME = (1 << 61) - 1
_BASE = 1_000_003
DEFAULT_BYTES = 64 << 20


@dataclass(frozen=True)
class Prefix:
    """The first `length` tokens of a text, and the state behind them."""

    length: int
    state: State


class PrefixCache:
    """States by the tokens that lead to them, for any number of models; the longest unused go.

    Attributes:
        hits, misses: questions so far that found a prefix, and that found none.
        tokens_saved: tokens that were not read again thanks to it.
        bytes: what is held, states and tokens.
    """

    def __init__(self, max_bytes: int = DEFAULT_BYTES) -> None:
        """Hold at most so many bytes; 0 holds nothing. Raises OptionError for fewer."""
        if max_bytes < 0:
            raise OptionError(f"the prefix cache must have 0 bytes or more, not {max_bytes}")
        self.max_bytes = max_bytes
        self.hits = self.misses = self.tokens_saved = self.bytes = 0
        # By model, length and a hash; the tokens themselves are compared.
        self._kept: OrderedDict[tuple[str, int, int], tuple[array[int], State]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, model: str, tokens: Sequence[int], state: State) -> None:
        """Keep the state behind all of `tokens`, at least one; it must not be written to later.

        `model` is what the state belongs to: `Image.identity`.
        """
        size = state.nbytes + 4 * len(tokens)
        if size > self.max_bytes:
            return
        *_, value = _hashes(tokens)
        key = (model, len(tokens), value)
        self._drop(key)
        self._kept[key] = (array("i", tokens), state)
        self.bytes += size
        while self.bytes > self.max_bytes:
            self._drop(next(iter(self._kept)))

    def longest(self, model: str, tokens: Sequence[int]) -> Prefix | None:
        """The longest kept beginning of `tokens`, maybe all of them."""
        found = None
        for length, value in enumerate(_hashes(tokens), 1):
            key = (model, length, value)
            if key in self._kept:
                found = key
        # Equal hashes of different tokens: as good as never, and then there is no prefix.
        if found is None or self._kept[found][0] != array("i", tokens[: found[1]]):
            self.misses += 1
            return None
        self.hits += 1
        self.tokens_saved += found[1]
        self._kept.move_to_end(found)
        return Prefix(found[1], self._kept[found][1])

    def _drop(self, key: tuple[str, int, int]) -> None:
        if key in self._kept:
            tokens, state = self._kept.pop(key)
            self.bytes -= state.nbytes + 4 * len(tokens)


def _hashes(tokens: Sequence[int]) -> Iterator[int]:
    """A hash of each beginning of the tokens: a polynomial, so that each follows from the last."""
    value = 0
    for token in tokens:
        value = (value * _BASE + token + 1) % _PRIME
        yield value
