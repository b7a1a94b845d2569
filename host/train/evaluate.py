"""Perplexity of a network on held-out tokens."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tritstream.train.data import Marks, windows
from tritstream.train.parallel import Group
from tritstream.train.shape import Shape

LANES = 8

Loss = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(inputs, targets, reset, states) -> (loss per token (B, T) in nats, next states)."""


@dataclass(frozen=True)
class Score:
    """nats: summed negative log likelihood; tokens scored; bytes of the text they stand for."""

    nats: float
    tokens: int
    bytes: int

    @property
    def loss(self) -> float:
        """Nats per token."""
        return self.nats / max(self.tokens, 1)

    @property
    def perplexity(self) -> float:
        return math.exp(min(self.loss, 700.0))

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / max(self.bytes, 1)

    def as_json(self) -> dict[str, float]:
        return {
            "loss": self.loss,
            "perplexity": self.perplexity,
            "bits_per_byte": self.bits_per_byte,
        }


def total(scores: Sequence[Score]) -> Score:
    """The score of several texts taken together."""
    return Score(
        sum(s.nats for s in scores), sum(s.tokens for s in scores), sum(s.bytes for s in scores)
    )


def evaluate(
    loss: Loss,
    shape: Shape,
    files: list[np.ndarray],
    sizes: list[int],
    window: int,
    marks: Marks,
    group: Group | None = None,
) -> list[Score]:
    """One Score per file: every token once, in windows of `window` tokens from an empty state.

    files: token ids; sizes: bytes of each file's text. group: processes that share the work.
    """
    jobs = [
        (k, w) for k, file in enumerate(files) for w in windows(file, window, marks.bos, marks.eos)
    ]
    # Windows of like length share a batch, so that little of it is padding.
    jobs.sort(key=lambda job: len(job[1][0]))
    group = group or Group()
    jobs = jobs[group.rank :: group.size]
    nats = torch.zeros(len(files), dtype=torch.float64)
    for start in range(0, len(jobs), LANES):
        batch = jobs[start : start + LANES]
        length = max(len(inputs) for _, (inputs, _) in batch)
        inputs = torch.zeros((len(batch), length), dtype=torch.int64)
        targets = torch.zeros_like(inputs)
        for row, (_, (i, t)) in enumerate(batch):
            inputs[row, : len(i)] = torch.from_numpy(i.astype(np.int64))
            targets[row, : len(t)] = torch.from_numpy(t.astype(np.int64))
        reset = torch.zeros(inputs.shape, dtype=torch.bool)
        states = torch.zeros(shape.layers, len(batch), shape.hidden)
        batch_on = [tensor.to(group.device) for tensor in (inputs, targets, reset, states)]
        values, _ = loss(*batch_on)
        for row, (file, (i, _)) in enumerate(batch):
            nats[file] += float(values[row, : len(i)].double().sum())
    nats = group.sum(nats.to(group.device))
    return [Score(n, len(f), s) for n, f, s in zip(nats.tolist(), files, sizes, strict=True)]
