"""What changes during a run: the learning rate (warm-up, then two stages) and the mixture of texts.

Ternary training wants a larger rate than usual early on and a clear drop later (arXiv 2402.17764
and 2406.02528): in stage one latent weights have to move far enough to change their trit; in
stage two they should settle. Weight decay pulls latent weights towards zero, where trits flip
easily, so it stops when stage two begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """All times are shares of the run.

    peak: largest rate. warmup: time that ramps up. turn: when stage two begins. drop: rate factor
    there. decay: weight decay of stage one. dropout, dropout_from: share of dropped elements, and
    from when on: at first the network underfits and dropout would only slow it; after some epochs
    it keeps the network from learning the text by heart (compare arXiv 2303.01500).
    """

    peak: float
    warmup: float = 0.02
    turn: float = 0.5
    drop: float = 0.5
    decay: float = 0.1
    dropout: float = 0.0
    dropout_from: float = 0.25

    def rate(self, progress: float) -> float:
        """Learning rate at `progress` in [0, 1] of the run."""
        progress = min(max(progress, 0.0), 1.0)
        if progress < self.warmup:
            return self.peak * max(progress / self.warmup, 0.01)
        # One cosine over the whole run to zero; stage two continues it at a lower level.
        position = (progress - self.warmup) / (1 - self.warmup)
        rate = self.peak * 0.5 * (1 + math.cos(math.pi * position))
        return rate if progress < self.turn else rate * self.drop

    def weight_decay(self, progress: float) -> float:
        """Weight decay at `progress`."""
        return self.decay if progress < self.turn else 0.0

    def dropped(self, progress: float) -> float:
        """Share of dropped elements at `progress`."""
        return self.dropout if progress >= self.dropout_from else 0.0


@dataclass(frozen=True)
class Mixture:
    """How many of each file's documents an epoch reads, as shares of the file.

    early: shares of the first `epochs` epochs; late: shares of all later ones. An empty tuple
    means 1 for every file. A share below 1 reads other documents in every epoch until all were
    read.
    """

    early: tuple[float, ...] = ()
    late: tuple[float, ...] = ()
    epochs: int = 0

    def shares(self, epoch: int, files: int) -> tuple[float, ...]:
        """One share per file for this epoch."""
        return (self.early if epoch < self.epochs else self.late) or (1.0,) * files
