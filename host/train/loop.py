"""The training loop: steps, validation, checkpoints, resume, clean stop."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from tritstream.errors import OptionError
from tritstream.train import checkpoint, model
from tritstream.train.data import Stream
from tritstream.train.evaluate import Score, evaluate
from tritstream.train.options import Recipe, Run
from tritstream.train.schedule import Schedule
from tritstream.train.step import Stepper
from tritstream.train.text import Source
from tritstream.train.tokenizer import BOS, EOS, PARAGRAPH

BETAS = (0.9, 0.95)


@dataclass(frozen=True)
class Corpus:
    """The texts as token ids, int64: one array per file and split; sizes in bytes."""

    tokenizer: Tokenizer
    train: list[np.ndarray]
    validation: list[np.ndarray]
    train_bytes: list[int]
    validation_bytes: list[int]

    @property
    def bos(self) -> int:
        return int(self.tokenizer.token_to_id(BOS))

    @property
    def eos(self) -> int:
        return int(self.tokenizer.token_to_id(EOS))


def encode(tokenizer: Tokenizer, sources: list[Source]) -> Corpus:
    """Tokenize every source."""

    def ids(text: str) -> np.ndarray:
        return np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)

    return Corpus(
        tokenizer,
        [ids(s.train) for s in sources],
        [ids(s.validation) for s in sources],
        [len(s.train.encode()) for s in sources],
        [len(s.validation.encode()) for s in sources],
    )


def make_optimiser(parameters: model.Parameters) -> torch.optim.AdamW:
    """AdamW in two groups: matrices and embedding decay, norms and lower bounds do not."""
    decayed = [t for n, t in parameters.items() if t.dim() == 2 and n != "model.lower_bounds"]
    rest = [t for n, t in parameters.items() if t.dim() != 2 or n == "model.lower_bounds"]
    groups = [{"params": decayed, "decays": True}, {"params": rest, "decays": False}]
    return torch.optim.AdamW(groups, lr=0.0, betas=BETAS, weight_decay=0.0, fused=True)


@dataclass
class Outcome:
    """What a run leaves for the report. stopped: ended early by Ctrl-C."""

    step: int
    tokens: int
    seconds: float
    stopped: bool
    best: list[Score]
    best_step: int


def train(
    recipe: Recipe,
    run: Run,
    corpus: Corpus,
    provenance: dict[str, Any],
    report: Callable[[dict[str, Any]], None],
) -> Outcome:
    """Train until the budget is used or Ctrl-C; leaves `out/hf`, `out/state` and `out/log.jsonl`.

    provenance goes into training.json as it is. report receives each log record as it is made.
    Raises OptionError where a checkpoint to resume does not fit the recipe.
    """
    shape = model.Shape(
        recipe.hidden, recipe.intermediate, recipe.layers, recipe.vocab, ternary=recipe.ternary
    )
    schedule = Schedule(recipe.rate, recipe.warmup, recipe.turn, recipe.drop, recipe.decay)
    stepper = Stepper(shape, run.exact, run.threads)
    parameters = model.initial_parameters(shape, torch.Generator().manual_seed(recipe.seed))
    optimiser = make_optimiser(parameters)
    paragraph = corpus.tokenizer.token_to_id(
        corpus.tokenizer.encode(PARAGRAPH, add_special_tokens=False).tokens[0]
    )
    states = torch.zeros(shape.layers, recipe.lanes, shape.hidden)
    step, epoch, position, before = 0, 0, 0, 0.0
    best: list[Score] = []
    best_step = 0
    if run.resume:
        saved = checkpoint.load_state(run.out / "state", recipe.as_json(), parameters, optimiser)
        states, step, before = saved.states, saved.step, saved.seconds
        epoch, position, best_step = saved.epoch, saved.position, saved.best_step
        best = [Score(**score) for score in saved.best]
    stream = Stream(
        corpus.train, recipe.lanes, recipe.length, paragraph, corpus.bos, corpus.eos, recipe.seed,
        epoch, position,
    )  # fmt: skip

    started = time.monotonic()
    stopped = False

    def seconds() -> float:
        return before + time.monotonic() - started

    def progress() -> float:
        if run.steps is not None:
            return step / run.steps
        assert run.minutes is not None
        return seconds() / (60 * run.minutes)

    def stop(number: int, frame: Any) -> None:
        nonlocal stopped
        stopped = True

    def log(record: dict[str, Any]) -> None:
        with (run.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        report(record)

    def validate_and_save(final: bool) -> None:
        nonlocal best, best_step
        scores = evaluate(
            lambda *batch: stepper.loss(parameters, *batch, exact=final),
            shape, corpus.validation, corpus.validation_bytes, recipe.window, corpus.bos,
        )  # fmt: skip
        total = sum(scores, Score(0.0, 0, 0))
        record = {
            "event": "validation", "step": step, "epoch": stream.epoch, "seconds": round(seconds(), 1),
            "tokens": step * recipe.lanes * recipe.length, "loss": total.loss,
            "perplexity": total.perplexity, "bits_per_byte": total.bits_per_byte,
        }  # fmt: skip
        if not best or total.loss <= sum(best, Score(0.0, 0, 0)).loss:
            best, best_step = scores, step
            training = {
                **provenance,
                "steps": step,
                "tokens": record["tokens"],
                "seconds": record["seconds"],
                "train_loss": window_loss,
                "validation": {k: record[k] for k in ("loss", "perplexity", "bits_per_byte")},
                "finished": final and not stopped,
            }
            checkpoint.export(
                run.out / "hf",
                shape,
                parameters,
                corpus.tokenizer,
                corpus.bos,
                corpus.eos,
                training,
            )
        log(record)
        checkpoint.save_state(
            run.out / "state", recipe.as_json(), parameters, optimiser,
            checkpoint.State(states, step, stream.epoch, stream.position, seconds(), [s.__dict__ for s in best], best_step),
        )  # fmt: skip

    previous = signal.signal(signal.SIGINT, stop)
    window_loss, window_sum, window_steps = math.nan, 0.0, 0
    last_save, last_log, last_step = time.monotonic(), time.monotonic(), step
    try:
        while progress() < 1 and not stopped:
            rate, decay = schedule.rate(progress()), schedule.weight_decay(progress())
            for group in optimiser.param_groups:
                group["lr"] = rate
                group["weight_decay"] = decay if group["decays"] else 0.0
            batch = stream.next()
            loss, states = stepper.loss_and_grad(
                parameters,
                torch.from_numpy(batch.inputs.copy()),
                torch.from_numpy(batch.targets.copy()),
                torch.from_numpy(batch.reset.copy()),
                states,
            )
            norm = torch.nn.utils.clip_grad_norm_(
                list(parameters.values()), recipe.clip, foreach=True
            )
            if not torch.isfinite(norm):
                raise OptionError(
                    f"training diverged at step {step} (the gradient is not finite); lower --rate, now {recipe.rate}"
                )
            optimiser.step()
            step += 1
            window_sum += float(loss.mean())
            window_steps += 1
            now = time.monotonic()
            if now - last_log >= 5:
                window_loss, window_sum = window_sum / window_steps, 0.0
                tokens = (step - last_step) * recipe.lanes * recipe.length
                log({
                    "event": "train", "step": step, "epoch": stream.epoch, "progress": round(progress(), 4),
                    "seconds": round(seconds(), 1), "loss": window_loss, "rate": rate, "norm": float(norm),
                    "tokens_per_second": round(tokens / (now - last_log), 1),
                })  # fmt: skip
                window_steps, last_log, last_step = 0, now, step
            if now - last_save >= run.every:
                validate_and_save(False)
                # Validation is no training time: the rate above must not include it.
                last_save = last_log = time.monotonic()
                window_sum, window_steps, last_step = 0.0, 0, step
        if window_steps:
            window_loss = window_sum / window_steps
        validate_and_save(True)
    finally:
        signal.signal(signal.SIGINT, previous)
    tokens = step * recipe.lanes * recipe.length
    return Outcome(step, tokens, seconds(), stopped, best, best_step)
