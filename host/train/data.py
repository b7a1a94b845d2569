"""Token streams: what one optimiser step reads, and the windows that validation reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

SHORTEST_DOCUMENT = 48
LONGEST_DOCUMENT = 1536


class Batch(NamedTuple):
    """inputs, targets: int64 (B, T); reset: bool (B, T), True where a document starts."""

    inputs: Tensor
    targets: Tensor
    reset: Tensor


class Marks(NamedTuple):
    """Token ids: paragraph ends a paragraph, bos starts a document, eos ends a file."""

    paragraph: int
    bos: int
    eos: int


def documents(
    tokens: np.ndarray, marks: Marks, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Cut one file into documents at paragraph ends, at random lengths.

    Yields (inputs, targets), int64: the inputs start with BOS; the last target is the token
    that really follows, so a cut is never learned as an end. Only the file's end is EOS.
    A document teaches the start from an empty state, and lengths are log-uniform so that both
    short and long contexts occur.
    """
    following = np.append(tokens[1:], marks.eos)
    ends = np.flatnonzero(tokens == marks.paragraph) + 1
    start = 0
    while start < len(tokens):
        length = np.exp(random.uniform(np.log(SHORTEST_DOCUMENT), np.log(LONGEST_DOCUMENT)))
        index = np.searchsorted(ends, start + int(length))
        stop = int(ends[index]) if index < len(ends) else len(tokens)
        inputs = np.concatenate([[marks.bos], tokens[start:stop]])
        yield inputs, np.concatenate([[tokens[start]], following[start:stop]])
        start = stop


class Stream:
    """Endless batches over all files; lanes carry their state from one batch to the next.

    Epoch e is cut and shuffled by a generator seeded with (seed, e), so `(epoch, position)` is the
    whole state of the stream.
    """

    def __init__(
        self,
        files: list[np.ndarray],
        lanes: int,
        length: int,
        marks: Marks,
        seed: int,
        epoch: int = 0,
        position: int = 0,
    ) -> None:
        self._files = files
        self._lanes, self._length = lanes, length
        self._marks = marks
        self._seed = seed
        self.epoch, self.position = epoch, position
        self._load()

    def _load(self) -> None:
        random = np.random.default_rng((self._seed, self.epoch))
        pieces = [piece for file in self._files for piece in documents(file, self._marks, random)]
        order = random.permutation(len(pieces))
        inputs = np.concatenate([pieces[k][0] for k in order])
        targets = np.concatenate([pieces[k][1] for k in order])
        # Whole steps only; a text shorter than one step is repeated to fill it.
        step = self._lanes * self._length
        if len(inputs) < step:
            repeats = -(-step // len(inputs))
            inputs, targets = np.tile(inputs, repeats), np.tile(targets, repeats)
        self.steps = len(inputs) // step
        shape = (self._lanes, self.steps * self._length)
        self._inputs = inputs[: self.steps * step].reshape(shape)
        self._targets = targets[: self.steps * step].reshape(shape)
        self._reset = self._inputs == self._marks.bos
        self._reset[:, 0] = True

    def next(self) -> Batch:
        """The next batch; moves on to the next epoch at the end of this one."""
        if self.position >= self.steps:
            self.epoch, self.position = self.epoch + 1, 0
            self._load()
        at = slice(self.position * self._length, (self.position + 1) * self._length)
        self.position += 1
        parts = (self._inputs, self._targets, self._reset)
        return Batch(*(torch.from_numpy(part[:, at].copy()) for part in parts))


def windows(tokens: np.ndarray, length: int, bos: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(inputs, targets) that score every token once, each window from an empty state after BOS.

    The inputs of a window are BOS and all but its last token.
    """
    out = []
    for start in range(0, len(tokens), length):
        piece = tokens[start : start + length]
        out.append((np.concatenate([[bos], piece[:-1]]), piece))
    return out
