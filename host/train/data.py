"""Token streams: what one optimiser step reads, and the windows that validation reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tritstream.train.schedule import Mixture

SHORTEST_PIECE = 48
LONGEST_PIECE = 1536


class Batch(NamedTuple):
    """inputs, targets: int64 (B, T); reset: bool (B, T), True where a document starts."""

    inputs: Tensor
    targets: Tensor
    reset: Tensor


class Marks(NamedTuple):
    """Token ids: paragraph ends a paragraph, bos starts a document, eos ends one."""

    paragraph: int
    bos: int
    eos: int


def document_ends(tokens: np.ndarray, eos: int) -> np.ndarray:
    """Places of the EOS that ends each document of a file, int64."""
    return np.flatnonzero(tokens == eos)


def documents(tokens: np.ndarray, eos: int) -> list[np.ndarray]:
    """The documents of a file, each with the EOS that ends it."""
    return np.split(tokens, document_ends(tokens, eos) + 1)[:-1]


def cuts(tokens: np.ndarray, paragraph: int, random: np.random.Generator) -> list[int]:
    """Ends of the pieces of a document without its EOS; the last is the document's own.

    One longer than LONGEST_PIECE is cut at paragraph ends, at random lengths. A piece teaches the
    start from an empty state, and lengths are log-uniform so that both short and long contexts
    occur.
    """
    if len(tokens) <= LONGEST_PIECE:
        return [len(tokens)]
    ends = np.flatnonzero(tokens == paragraph) + 1
    out = [0]
    while out[-1] < len(tokens):
        length = np.exp(random.uniform(np.log(SHORTEST_PIECE), np.log(LONGEST_PIECE)))
        index = np.searchsorted(ends, out[-1] + int(length))
        out.append(int(ends[index]) if index < len(ends) else len(tokens))
    return out[1:]


class Stream:
    """Endless batches over all files; lanes carry their state from one batch to the next.

    A piece of a document is read as BOS and its tokens; its last target is the token that really
    follows, so a cut is never learned as an end. Epoch e is cut and shuffled by a generator
    seeded with (seed, e), so `(epoch, position)` is the whole state of the stream.

    Only a table of the pieces is in memory; tokens are read when their turn comes, those of the
    lanes in `own` alone. So files may be memory maps, and each process of a run reads its share.
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
        mixture: Mixture | None = None,
        own: slice | None = None,
    ) -> None:
        self._files = files
        self._ends = [document_ends(file, marks.eos) for file in files]
        self._mixture = mixture or Mixture()
        self._lanes, self._length = lanes, length
        self._own = range(lanes)[own or slice(None)]
        self._marks = marks
        self._seed = seed
        self.epoch, self.position = epoch, position
        self._load()

    def _load(self) -> None:
        random = np.random.default_rng((self._seed, self.epoch))
        pieces = np.array(list(self._pieces(random)), dtype=np.int64).reshape(-1, 3)
        pieces = pieces[random.permutation(len(pieces))]
        self._file, self._begin, end = pieces.T
        # Where each piece ends when all are laid end to end, BOS included.
        self._stop = np.cumsum(end - self._begin + 1)
        # Whole steps only; a text shorter than one step is repeated to fill it.
        self.steps = max(int(self._stop[-1]) // (self._lanes * self._length), 1)

    def _pieces(self, random: np.random.Generator) -> Iterator[tuple[int, int, int]]:
        """(file, begin, end) of what this epoch reads.

        Of each file the next documents, in an order that the seed fixes for all epochs.
        """
        shares = self._mixture.shares(self.epoch, len(self._files))
        for number, (tokens, ends, share) in enumerate(
            zip(self._files, self._ends, shares, strict=True)
        ):
            count = len(ends)
            order = np.random.default_rng((self._seed, number)).permutation(count)
            first, last = (round(count * share * e) for e in (self.epoch, self.epoch + 1))
            for k in range(first, last):
                document = order[k % count]
                begin = int(ends[document - 1]) + 1 if document else 0
                start = begin
                for stop in cuts(tokens[begin : ends[document]], self._marks.paragraph, random):
                    yield number, start, begin + stop
                    start = begin + stop

    def _read(self, start: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of one lane's turn, int64 (length,), from place `start`."""
        total = int(self._stop[-1])
        inputs = np.empty(self._length, dtype=np.int64)
        targets = np.empty_like(inputs)
        done = 0
        while done < self._length:
            place = (start + done) % total
            piece = int(np.searchsorted(self._stop, place, side="right"))
            count = min(int(self._stop[piece]) - place, self._length - done)
            # The place of the next input in its file; the piece's BOS stands before its begin.
            end = int(self._stop[piece]) - place
            tokens = self._files[int(self._file[piece])]
            last = int(self._begin[piece] + self._stop[piece])
            last -= int(self._stop[piece - 1]) if piece else 0
            here = slice(done, done + count)
            targets[here] = tokens[last - end : last - end + count]
            first = last - end - 1
            if first < self._begin[piece]:
                inputs[done] = self._marks.bos
                inputs[done + 1 : done + count] = tokens[first + 1 : first + count]
            else:
                inputs[here] = tokens[first : first + count]
            done += count
        return inputs, targets

    def next(self) -> Batch:
        """The next batch of the own lanes; moves on to the next epoch at the end of this one."""
        if self.position >= self.steps:
            self.epoch, self.position = self.epoch + 1, 0
            self._load()
        turns = [
            self._read((lane * self.steps + self.position) * self._length) for lane in self._own
        ]
        inputs, targets = (np.stack(part) for part in zip(*turns, strict=True))
        reset = inputs == self._marks.bos
        if self.position == 0:
            reset[:, 0] = True
        self.position += 1
        return Batch(*(torch.from_numpy(part) for part in (inputs, targets, reset)))


def windows(
    tokens: np.ndarray, length: int, bos: int, eos: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(inputs, targets) that score every token once, each window from an empty state after BOS.

    A document starts a window. The inputs of a window are BOS and all but its last token.
    """
    bounds = [0, *(np.flatnonzero(tokens == eos) + 1), len(tokens)]
    out = []
    for begin, end in pairwise(bounds):
        for start in range(begin, end, length):
            piece = tokens[start : min(start + length, end)]
            out.append((np.concatenate([[bos], piece[:-1]]), piece))
    return out
