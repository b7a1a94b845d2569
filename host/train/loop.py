"""The training loop: steps, validation, checkpoints, resume, clean stop."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from tritstream.errors import FileError, OptionError
from tritstream.train import checkpoint, model
from tritstream.train.corpus import Corpus
from tritstream.train.data import Stream
from tritstream.train.evaluate import Score, evaluate, total
from tritstream.train.options import Recipe, Run
from tritstream.train.step import Stepper

BETAS = (0.9, 0.95)
LOG_SECONDS = 5.0

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """What a run leaves for the report.

    seconds: training time, all resumed parts. stopped: ended early by Ctrl-C. best: validation
    scores of the exported checkpoint, one per text, from step best_step.
    """

    step: int
    tokens: int
    seconds: float
    stopped: bool
    best: list[Score]
    best_step: int


@dataclass
class _Position:
    """How far a run is; changes with every step."""

    step: int = 0
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    best: list[Score] = field(default_factory=list)
    best_step: int = 0

    def seconds(self) -> float:
        return self.seconds_before + time.monotonic() - self.started


@dataclass
class _Window:
    """What happened since the last log record."""

    since: float = field(default_factory=time.monotonic)
    steps: int = 0
    loss: float = 0.0

    def mean(self) -> float:
        return self.loss / self.steps if self.steps else math.nan


def make_optimiser(parameters: model.Parameters) -> torch.optim.AdamW:
    """AdamW in two groups: matrices and embedding decay, norms and lower bounds do not."""

    def decays(name: str) -> bool:
        return parameters[name].dim() == 2 and name != "model.lower_bounds"

    groups = [
        {"params": [t for n, t in parameters.items() if decays(n) is choice], "decays": choice}
        for choice in (True, False)
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, weight_decay=0.0, fused=True)


def train(
    recipe: Recipe, run: Run, corpus: Corpus, provenance: dict[str, Any], report: Report
) -> Outcome:
    """Train until the budget is used or Ctrl-C; leaves `hf/`, `state/` and `log.jsonl` in run.out.

    provenance goes into training.json as it is. report receives each log record as it is made.
    Raises CheckpointError where a checkpoint to resume is missing, damaged or of another recipe,
    OptionError where the training diverges.
    """
    shape = recipe.shape()
    stepper = Stepper(shape, run.exact, run.threads)
    parameters = model.initial_parameters(shape, torch.Generator().manual_seed(recipe.seed))
    optimiser = make_optimiser(parameters)
    schedule = recipe.schedule()
    key = {**recipe.as_json(), "text": [s.sha256 for s in corpus.sources]}
    at, window = _Position(), _Window()
    states = torch.zeros(shape.layers, recipe.lanes, shape.hidden)
    epoch = position = 0
    if run.resume:
        saved = checkpoint.load_state(run.out / "state", key, parameters, optimiser)
        states, epoch, position = saved.states, saved.epoch, saved.position
        at = _Position(saved.step, saved.seconds, best_step=saved.best_step)
        at.best = [Score(**score) for score in saved.best]
    stream = Stream(
        corpus.train, recipe.lanes, recipe.length, corpus.marks, recipe.seed, epoch, position
    )

    def progress() -> float:
        if run.steps is not None:
            return at.step / run.steps
        assert run.minutes is not None
        return at.seconds() / (60 * run.minutes)

    def log(record: dict[str, Any]) -> None:
        record = {
            "step": at.step,
            "epoch": stream.epoch,
            "seconds": round(at.seconds(), 1),
        } | record
        try:
            with (run.out / "log.jsonl").open("a") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise FileError(f"cannot write {run.out / 'log.jsonl'}: {error.strerror}") from error
        report(record)

    def validate_and_save(finished: bool) -> None:
        scores = evaluate(
            lambda i, t, r, s: stepper.loss(parameters, i, t, r, s),
            shape, corpus.validation, corpus.validation_bytes, recipe.window, corpus.bos,
        )  # fmt: skip
        score = total(scores)
        if not at.best or score.loss <= total(at.best).loss:
            at.best, at.best_step = scores, at.step
            training = {
                **provenance,
                "steps": at.step,
                "tokens": at.step * recipe.tokens_per_step,
                "seconds": round(at.seconds(), 1),
                "training_loss": None if math.isnan(window.mean()) else window.mean(),
                "validation": score.as_json(),
                "finished": finished,
            }
            checkpoint.export(run.out / "hf", shape, parameters, corpus, training)
        log({"event": "validation", **score.as_json()})
        state = checkpoint.State(
            states, at.step, stream.epoch, stream.position, at.seconds(),
            [asdict(s) for s in at.best], at.best_step,
        )  # fmt: skip
        checkpoint.save_state(run.out / "state", key, parameters, optimiser, state)

    with _interrupts() as stopped:
        saved_at = time.monotonic()
        while progress() < 1 and not stopped():
            rate, decay = schedule.rate(progress()), schedule.weight_decay(progress())
            for group in optimiser.param_groups:
                group["lr"] = rate
                group["weight_decay"] = decay if group["decays"] else 0.0
            dropout = model.Dropout(schedule.dropped(progress()), recipe.seed * 2**32 + at.step)
            loss, states = stepper.loss_and_grad(parameters, *stream.next(), states, dropout)
            norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), recipe.clip)
            if not torch.isfinite(norm):
                raise OptionError(
                    f"training diverged at step {at.step} (the gradient is not finite); "
                    f"lower --rate, now {recipe.rate}"
                )
            optimiser.step()
            at.step += 1
            window.steps += 1
            window.loss += float(loss.mean())
            now = time.monotonic()
            if now - window.since >= LOG_SECONDS:
                speed = window.steps * recipe.tokens_per_step / (now - window.since)
                log({
                    "event": "train", "progress": round(progress(), 4), "loss": window.mean(),
                    "rate": rate, "norm": float(norm), "tokens_per_second": round(speed, 1),
                })  # fmt: skip
                window = _Window()
            if now - saved_at >= run.every:
                validate_and_save(finished=False)
                # Validation is no training time: a rate must not include it.
                saved_at = time.monotonic()
                window = _Window()
        validate_and_save(finished=not stopped())
        return Outcome(
            at.step,
            at.step * recipe.tokens_per_step,
            at.seconds(),
            stopped(),
            at.best,
            at.best_step,
        )


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """While open, Ctrl-C only sets what the yielded function returns."""
    seen: list[int] = []

    def note(number: int, frame: Any) -> None:
        seen.append(number)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, previous)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's log.jsonl, oldest first."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
