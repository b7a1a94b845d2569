"""What a training run is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tritstream.train.schedule import Mixture, Schedule
from tritstream.train.shape import Shape


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, apart from the texts.

    lanes x length tokens make one optimiser step. held_out: share of each text kept for
    validation. window: tokens scored from one empty state in validation. separator: line that ends
    a document. mix, late_mix, mix_epochs: the fields of `Mixture`. eps: of the block norms. origin:
    SHA-256 of the weights that a fine-tuning run starts from.
    """

    hidden: int = 256
    intermediate: int = 768
    layers: int = 6
    vocab: int = 3072
    ternary: bool = True
    seed: int = 1
    lanes: int = 16
    length: int = 256
    rate: float = 4e-3
    warmup: float = 0.02
    turn: float = 0.5
    drop: float = 0.5
    decay: float = 0.1
    dropout: float = 0.0
    dropout_from: float = 0.25
    clip: float = 1.0
    held_out: float = 0.05
    clean: bool = True
    separator: str | None = None
    mix: tuple[float, ...] = ()
    late_mix: tuple[float, ...] = ()
    mix_epochs: int = 0
    optimiser: str = "adamw"
    window: int = 1024
    eps: float = 1e-6
    origin: str | None = None

    @property
    def tokens_per_step(self) -> int:
        return self.lanes * self.length

    def shape(self) -> Shape:
        """Sizes of the network."""
        return Shape(
            self.hidden, self.intermediate, self.layers, self.vocab, self.eps, self.ternary
        )

    def mixture(self) -> Mixture:
        return Mixture(self.mix, self.late_mix, self.mix_epochs)

    def schedule(self) -> Schedule:
        return Schedule(
            self.rate, self.warmup, self.turn, self.drop, self.decay, self.dropout,
            self.dropout_from,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        # Lists, not tuples: what a file gives back must compare equal.
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True)
class Run:
    """How long to train, where the results go and how often they are written.

    Exactly one of steps and minutes is set. With minutes, progress along the schedule is the time
    used so far, over all resumed parts; with steps the result does not depend on the machine's
    speed.
    """

    out: Path
    steps: int | None = None
    minutes: float | None = None
    resume: bool = False
    every: float = 120.0
    """Seconds between validations and checkpoints."""
    threads: int | None = None
    exact: bool = False
    """Mat-muls in float32 instead of bfloat16."""
    log_every: float = 5.0
    """Seconds between records of the loss."""
    accumulate: int = 1
    """Parts, of some lanes each, in which a process works off its share of a step."""
