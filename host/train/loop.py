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
from tritstream.train.optimiser import Optimiser
from tritstream.train.options import Recipe, Run
from tritstream.train.parallel import Group
from tritstream.train.step import Stepper

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


def train(
    recipe: Recipe,
    run: Run,
    corpus: Corpus,
    provenance: dict[str, Any],
    report: Report,
    group: Group | None = None,
    start: model.Parameters | None = None,
) -> Outcome:
    """Train until the budget is used or Ctrl-C; leaves `hf/`, `state/` and `log.jsonl` in run.out.

    provenance goes into training.json as it is. report receives each log record as it is made.
    group: the processes that train together; all call this, and the first writes. start: float32
    parameters to begin with (default fresh ones).
    Raises CheckpointError where a checkpoint to resume is missing, damaged or of another recipe,
    OptionError where the training diverges or lanes do not share out evenly.
    """
    group = group or Group()
    shape = recipe.shape()
    own = group.own(recipe.lanes)
    stepper = Stepper(shape, run.exact, run.threads, group.device)
    fresh = start or model.initial_parameters(shape, torch.Generator().manual_seed(recipe.seed))
    parameters = {n: t.detach().to(group.device).requires_grad_() for n, t in fresh.items()}
    optimiser = Optimiser(parameters, recipe.optimiser)
    schedule = recipe.schedule()
    key = {**recipe.as_json(), "text": corpus.digests}
    at, window = _Position(), _Window()
    states = torch.zeros(shape.layers, recipe.lanes, shape.hidden)
    epoch = position = 0
    if run.resume:
        saved = checkpoint.load_state(run.out / "state", key, parameters, optimiser)
        states, epoch, position = saved.states, saved.epoch, saved.position
        at = _Position(saved.step, saved.seconds, best_step=saved.best_step)
        at.best = [Score(**score) for score in saved.best]
    states = states[:, own].to(group.device)
    stream = Stream(
        corpus.train, recipe.lanes, recipe.length, corpus.marks, recipe.seed, epoch, position,
        recipe.mixture(), own,
    )  # fmt: skip

    def progress() -> float:
        if run.steps is not None:
            return at.step / run.steps
        assert run.minutes is not None
        return group.of_first(at.seconds() / (60 * run.minutes))

    def log(record: dict[str, Any]) -> None:
        if not group.first:
            return
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
            shape, corpus.validation, corpus.validation_bytes, recipe.window, corpus.marks, group,
        )  # fmt: skip
        score = total(scores)
        improved = not at.best or score.loss <= total(at.best).loss
        if improved:
            at.best, at.best_step = scores, at.step
        log({"event": "validation", **score.as_json()})
        all_states = group.gather(states)
        if not group.first:
            return
        if improved:
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
        state = checkpoint.State(
            all_states, at.step, stream.epoch, stream.position, at.seconds(),
            [asdict(s) for s in at.best], at.best_step,
        )  # fmt: skip
        checkpoint.save_state(run.out / "state", key, parameters, optimiser, state)

    def gradients(dropout: model.Dropout) -> tuple[float, bool, torch.Tensor]:
        """Gradients of one step; its mean loss, whether to stop, and the states after it."""
        batch = [tensor.to(group.device) for tensor in stream.next()]
        for tensor in parameters.values():
            tensor.grad = None
        summed, after = torch.zeros((), device=group.device), []
        lanes = len(batch[0])
        for k in range(run.accumulate):
            part = slice(lanes * k // run.accumulate, lanes * (k + 1) // run.accumulate)
            if part.start == part.stop:
                continue
            inputs, targets, reset = (tensor[part] for tensor in batch)
            loss, state = stepper.loss_and_grad(
                parameters, inputs, targets, reset, states[:, part], dropout,
                1 / recipe.tokens_per_step, own.start + part.start,
            )  # fmt: skip
            summed += loss.sum()
            after.append(state)
        group.sum_gradients(parameters)
        # Every process has to stop at the same step, whichever of them was told to.
        shared = group.sum(torch.stack([summed, torch.tensor(float(stopped())).to(summed)]))
        mean, stop = shared.tolist()
        return mean / recipe.tokens_per_step, stop > 0, torch.cat(after, 1)

    with _interrupts() as stopped:
        saved_at = time.monotonic()
        stop, done = False, progress()
        while done < 1 and not stop:
            rate, decay = schedule.rate(done), schedule.weight_decay(done)
            dropout = model.Dropout(schedule.dropped(done), recipe.seed * 2**32 + at.step)
            loss, stop, states = gradients(dropout)
            norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), recipe.clip)
            if not torch.isfinite(norm):
                raise OptionError(
                    f"training diverged at step {at.step} (the gradient is not finite); "
                    f"lower --rate, now {recipe.rate}"
                )
            optimiser.step(rate, decay)
            at.step += 1
            window.steps += 1
            window.loss += loss
            done = progress()
            now = time.monotonic()
            if now - window.since >= run.log_every:
                speed = window.steps * recipe.tokens_per_step / (now - window.since)
                log({
                    "event": "train", "progress": round(done, 4), "loss": window.mean(),
                    "rate": rate, "norm": float(norm), "tokens_per_second": round(speed, 1),
                })  # fmt: skip
                window = _Window()
            if group.of_first(now - saved_at) >= run.every:
                validate_and_save(finished=False)
                # Validation is no training time: a rate must not include it.
                saved_at = time.monotonic()
                window = _Window()
        validate_and_save(finished=not stop)
        return Outcome(
            at.step,
            at.step * recipe.tokens_per_step,
            at.seconds(),
            stop,
            at.best,
            at.best_step,
        )


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """While open, Ctrl-C, SIGTERM and SIGHUP only set what the yielded function returns.

    SIGTERM is how torchrun and the schedulers of clusters end a run.
    """
    seen: list[int] = []

    def note(number: int, frame: Any) -> None:
        seen.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # One that is ignored, as nohup does, stays so.
    before = {n: h for n in numbers if (h := signal.getsignal(n)) not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The records of a run's log.jsonl, oldest first."""
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
