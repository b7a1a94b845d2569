"""An interpolated n-gram model with modified Kneser-Ney smoothing (Chen and Goodman, 1999).

The yardstick beside the network: the same tokens to learn from, the same tokens to score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tritstream.train.data import documents, windows
from tritstream.train.evaluate import Score

if TYPE_CHECKING:
    from tritstream.train.corpus import Corpus

ORDER = 5


@dataclass(frozen=True)
class _Level:
    """One order n. keys: sorted context * vocab + token of every n-gram seen; the id of an n-gram
    is its place there. count: raw or continuation counts. total, left: per context, the sum of
    counts and the discounted mass."""

    keys: np.ndarray
    count: np.ndarray
    discount: np.ndarray
    total: np.ndarray
    left: np.ndarray


def _discounts(count: np.ndarray) -> np.ndarray:
    n = [int((count == k).sum()) for k in range(1, 5)]
    if min(n) == 0:  # too little text for the closed form
        return np.array([0.0, 0.5, 0.75, 0.9])
    y = n[0] / (n[0] + 2 * n[1])
    closed = [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)]
    return np.array([0.0, *np.clip(closed, 0.05, 2.95)])


class NGram:
    """Fitted to token sequences (int64 arrays), each starting with BOS where it should count."""

    def __init__(self, sequences: list[np.ndarray], vocab: int, order: int = ORDER) -> None:
        self.vocab, self.order = vocab, order
        grams: list[np.ndarray] = []  # per order: key of the n-gram that ends at each place, or -1
        self._levels: list[_Level] = []
        tokens = np.concatenate(sequences)
        starts = np.cumsum([0] + [len(s) for s in sequences[:-1]])
        offset = np.arange(len(tokens)) - np.repeat(starts, [len(s) for s in sequences])
        ids = np.zeros(len(tokens), dtype=np.int64)  # order 0: one empty n-gram
        keys_by_order = []
        for n in range(1, order + 1):
            key = np.concatenate([[0], ids[:-1]]) * vocab + tokens
            key[offset < n - 1] = -1
            keys, inverse = np.unique(key, return_inverse=True)
            if keys[0] < 0:  # places too near a sequence's start for this order
                keys, inverse = keys[1:], inverse - 1
            ids = inverse
            keys_by_order.append(keys)
            grams.append(ids)
        for n in range(1, order + 1):
            keys, here = keys_by_order[n - 1], grams[n - 1]
            if n == order:
                count = np.bincount(here[here >= 0], minlength=len(keys))
            else:
                # Continuation count: in how many different n+1-grams this one is the tail.
                longer = grams[n]
                _, first = np.unique(longer[longer >= 0], return_index=True)
                tails = here[np.flatnonzero(longer >= 0)[first]]
                count = np.bincount(tails, minlength=len(keys))
                # What only ever starts a sequence has no left neighbour, yet was seen.
                count = np.maximum(count, 1)
            discount = _discounts(count)[np.minimum(count, 3)]
            context = keys // vocab
            size = 1 if n == 1 else len(keys_by_order[n - 2])
            total = np.bincount(context, weights=count, minlength=size)
            left = np.bincount(context, weights=discount, minlength=size)
            self._levels.append(_Level(keys, count, discount, total, left))

    def probabilities(self, tokens: np.ndarray) -> np.ndarray:
        """P(token | what precedes it in `tokens`) for each place but the first; float64."""
        size = len(tokens)
        p = np.full(size, 1.0 / self.vocab)
        ids = np.zeros(size, dtype=np.int64)
        for n, level in enumerate(self._levels, 1):
            context = np.concatenate([[-1], ids[:-1]]) if n > 1 else ids
            known = (context >= 0) & (np.arange(size) >= n - 1)
            known &= level.total[np.maximum(context, 0)] > 0
            key = np.where(known, context * self.vocab + tokens, -1)
            place = np.minimum(np.searchsorted(level.keys, key), len(level.keys) - 1)
            seen = known & (level.keys[place] == key)
            total = np.where(known, level.total[np.maximum(context, 0)], 1.0)
            own = np.where(seen, (level.count - level.discount)[place], 0.0) / total
            mixed = own + level.left[np.maximum(context, 0)] / total * p
            p = np.where(known, mixed, p)
            ids = np.where(seen, place, -1)
        return p[1:]


def score_corpus(corpus: Corpus, window: int) -> Score:
    """Fit on the training split and score the windows that the network is scored on."""
    marks = corpus.marks
    texts = [
        np.append(marks.bos, document)
        for file in corpus.train
        for document in documents(file, marks.eos)
    ]
    model = NGram(texts, corpus.vocab)
    nats, count = 0.0, 0
    for file in corpus.validation:
        for inputs, targets in windows(file, window, marks.bos, marks.eos):
            p = model.probabilities(np.append(inputs, targets[-1]))
            nats -= float(np.log(p).sum())
            count += len(p)
    return Score(nats, count, sum(corpus.validation_bytes))
