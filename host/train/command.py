"""The command `tritstream train`: options, checks, progress, and the files it leaves."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritstream.errors import FileError, OptionError
from tritstream.files import check_output_folder
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.train.options import Recipe, Run

if TYPE_CHECKING:
    from tritstream.train.corpus import Corpus
    from tritstream.train.loop import Outcome
    from tritstream.train.origin import Origin
    from tritstream.train.parallel import Group
    from tritstream.train.text import Source

EXIT_STOPPED = 130
# Of each source, enough for the statistics of a vocabulary.
_TOKENIZER_DOCUMENTS = 200_000
_DEFAULT = Recipe()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tritstream train`."""
    add = parser.add_argument

    def setting(option: str, default: float, text: str, metavar: str | None = None) -> None:
        """A number of the recipe, of its default's type."""
        text = f"{text} (default %(default)s)"
        add(option, type=type(default), default=default, metavar=metavar, help=text)

    add(
        "--text",
        nargs="+",
        required=True,
        metavar="FILE",
        help="UTF-8 text files, or Hub data sets as hub:OWNER/NAME[@CONFIG][:SPLIT[:COLUMN]]",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="folder for results and checkpoints")
    add("--steps", type=int, help="optimiser steps to train (the same result on any machine speed)")
    add("--minutes", type=float, help="minutes to train, resumed parts included (default 20)")
    add(
        "--from",
        dest="origin",
        metavar="MODEL",
        help="fine-tune this checkpoint (a folder or a Hub id) or image, with its tokenizer",
    )
    add("--resume", action="store_true", help="go on from the last checkpoint in --out")
    add(
        "--separator",
        metavar="LINE",
        help="a line that ends each document of the files, e.g. '<|endoftext|>'; the model learns "
        "to end there, and the held-out part is every n-th document",
    )
    add(
        "--mix",
        nargs="+",
        type=float,
        default=[],
        metavar="SHARE",
        help="how much of each file an epoch reads, one share per file (default 1)",
    )
    add(
        "--late-mix",
        nargs="+",
        type=float,
        default=[],
        metavar="SHARE",
        help="the shares after the first --mix-epochs epochs; the tokenizer is made for them",
    )
    add("--mix-epochs", type=int, default=0, help="epochs that read --mix before --late-mix")
    add(
        "--optimiser",
        choices=("adamw", "muon"),
        default=_DEFAULT.optimiser,
        help="AdamW for everything, or Muon for the layers' matrices (default %(default)s)",
    )
    setting("--drop", _DEFAULT.drop, "factor of the rate in stage two")
    add("--geometry", choices=sorted(GEOMETRIES), help="sizes (default demo)")
    add("--hidden", type=int, help="hidden size, a multiple of 64, in place of the geometry's")
    add("--intermediate", type=int, help="size of the gated unit, a multiple of 64")
    add("--layers", type=int, help="number of layers")
    add("--vocab", type=int, help="entries of the tokenizer, at least 258")
    add("--seed", type=int, default=_DEFAULT.seed, help="seed (default %(default)s)")
    add(
        "--rate", type=float, default=_DEFAULT.rate, help="peak learning rate (default %(default)s)"
    )
    setting("--decay", _DEFAULT.decay, "weight decay in stage one")
    setting("--turn", _DEFAULT.turn, "share of the run at which stage two begins")
    setting("--dropout", _DEFAULT.dropout, "dropout on the residual branches", "SHARE")
    setting(
        "--dropout-from",
        _DEFAULT.dropout_from,
        "share of the run after which dropout begins",
        "SHARE",
    )
    setting("--lanes", _DEFAULT.lanes, "sequences per step")
    setting("--length", _DEFAULT.length, "tokens per sequence and step")
    setting("--held-out", _DEFAULT.held_out, "last part of every file kept for validation", "SHARE")
    add(
        "--as-is",
        action="store_true",
        help="take the text as it is: no unwrapping of lines, no plain quotes",
    )
    add(
        "--float-weights",
        action="store_true",
        help="train the float-weight twin: same network, matrices not ternary",
    )
    add("--exact", action="store_true", help="float32 mat-muls in place of bfloat16 (slower)")
    add("--threads", type=int, help="CPU cores that each process uses (default all, shared out)")
    add("--device", choices=("cpu", "cuda"), help="default: a GPU where PyTorch finds one")
    add(
        "--accumulate",
        type=int,
        default=1,
        metavar="N",
        help="work off the lanes of a step in N parts, for less memory (default %(default)s)",
    )
    add("--documents", type=int, metavar="N", help="use the first N rows of each Hub data set")
    add(
        "--keep-duplicates",
        action="store_true",
        help="skip the search for held-out documents in the training text (slow on large texts)",
    )
    add("--prepare", action="store_true", help="only tokenize the text into --out, and end")
    add(
        "--every",
        type=float,
        default=180.0,
        metavar="SECONDS",
        help="time between checkpoints (default %(default)s)",
    )
    add(
        "--log-every",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="time between records of the loss; 0 records every step (default %(default)s)",
    )
    add(
        "--baseline",
        action="store_true",
        help="also score an interpolated n-gram model on the held-out text",
    )
    add("--commit", help="commit to record as the origin in training.json")


def recipe_from(args: argparse.Namespace) -> Recipe:
    """The recipe that the options describe. Raises OptionError for sizes that make no sense."""
    base: Geometry = GEOMETRIES[args.geometry or "demo"]
    recipe = Recipe(
        hidden=args.hidden if args.hidden is not None else base.hidden,
        intermediate=args.intermediate if args.intermediate is not None else base.intermediate,
        layers=args.layers if args.layers is not None else base.layers,
        vocab=args.vocab if args.vocab is not None else base.vocabulary,
        ternary=not args.float_weights,
        seed=args.seed,
        lanes=args.lanes,
        length=args.length,
        rate=args.rate,
        decay=args.decay,
        turn=args.turn,
        dropout=args.dropout,
        dropout_from=args.dropout_from,
        held_out=args.held_out,
        clean=not args.as_is,
        separator=args.separator,
        mix=tuple(args.mix) if args.mix_epochs else (),
        late_mix=tuple(args.late_mix or args.mix),
        mix_epochs=args.mix_epochs,
        optimiser=args.optimiser,
        drop=args.drop,
    )
    for name in ("hidden", "intermediate"):
        size = getattr(recipe, name)
        if size < 64 or size % 64:
            raise OptionError(f"--{name} must be a positive multiple of 64, not {size}")
    for name, least in (("layers", 1), ("lanes", 1), ("length", 2), ("vocab", 258), ("seed", 0)):
        if getattr(recipe, name) < least:
            raise OptionError(f"--{name} must be at least {least}, not {getattr(recipe, name)}")
    if not 0 < recipe.rate < 1:
        raise OptionError(f"--rate must lie between 0 and 1, not {recipe.rate}")
    if not 0 <= recipe.decay < 1:
        raise OptionError(f"--decay must lie between 0 and 1, not {recipe.decay}")
    if not 0 <= recipe.dropout < 1:
        raise OptionError(f"--dropout must be at least 0 and below 1, not {recipe.dropout}")
    if not 0 <= recipe.dropout_from <= 1:
        raise OptionError(f"--dropout-from must lie between 0 and 1, not {recipe.dropout_from}")
    if not 0 < recipe.turn <= 1:
        raise OptionError(f"--turn must lie between 0 and 1, not {recipe.turn}")
    for name in ("mix", "late_mix"):
        shares = getattr(args, name)
        if shares and len(shares) != len(args.text):
            raise OptionError(
                f"--{name.replace('_', '-')} needs one share for each of the {len(args.text)} "
                f"texts, not {len(shares)}"
            )
        if shares and not (min(shares) >= 0 and sum(shares) > 0):
            raise OptionError(
                f"--{name.replace('_', '-')}: shares must be 0 or more, and not all 0"
            )
    if not 0 <= recipe.drop <= 1:
        raise OptionError(f"--drop must lie between 0 and 1, not {recipe.drop}")
    if not 0 < recipe.held_out <= 0.5:
        raise OptionError(f"--held-out must be above 0 and at most 0.5, not {recipe.held_out}")
    return recipe


def run_from(args: argparse.Namespace) -> Run:
    """How long and where to; twenty minutes where neither --steps nor --minutes is given."""
    if args.steps is not None and args.minutes is not None:
        raise OptionError("give --steps or --minutes, not both")
    for name in ("steps", "minutes", "threads", "every", "accumulate", "documents"):
        value = getattr(args, name)
        if value is not None and value <= 0:
            raise OptionError(f"--{name} must be positive, not {value}")
    if not args.log_every >= 0:
        raise OptionError(f"--log-every must be 0 or more, not {args.log_every}")
    minutes = args.minutes if args.minutes is not None or args.steps is not None else 20.0
    return Run(
        out=args.out,
        steps=args.steps,
        minutes=minutes,
        resume=args.resume,
        every=args.every,
        threads=args.threads or _share_of_cores(),
        exact=args.exact,
        accumulate=args.accumulate,
        log_every=args.log_every,
    )


def _share_of_cores() -> int:
    """Cores for each of the processes that torchrun started on this machine."""
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    return max(len(os.sched_getaffinity(0)) // here, 1)


def main(args: argparse.Namespace) -> int:
    """Train as the options say. Returns 0, or 130 after Ctrl-C (the checkpoint is complete).

    Raises TritstreamError for bad options and input, and where PyTorch is missing.
    """
    if importlib.util.find_spec("torch") is None:
        raise OptionError("training needs PyTorch: pip install 'tritstream[train]'")
    recipe, run = recipe_from(args), run_from(args)

    from tritstream.train import parallel

    with parallel.group(args.device) as group:
        return _main(args, recipe, run, group)


def _main(args: argparse.Namespace, recipe: Recipe, run: Run, group: Group) -> int:
    from rich.console import Console

    from tritstream.train import checkpoint, loop
    from tritstream.train.store import open_store

    console = Console(stderr=True, quiet=not group.first)
    group.own(recipe.lanes)
    origin = None
    if args.origin is not None:
        from tritstream.train.origin import read_origin

        origin = read_origin(args.origin)
        recipe = _recipe_of(args, recipe, origin)
    check_output_folder(run.out)
    if run.resume:
        checkpoint.check_state(run.out / "state")
    if group.first:
        _prepare(console, args, recipe, run, origin)
        # Not before: a text that cannot be used leaves no folder behind.
        try:
            (run.out / "hf").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make the folder {run.out}: {error.strerror}") from error
    group.wait()
    corpus = open_store(run.out / "tokens")
    _say_what(console, recipe, corpus, group)
    if args.prepare:
        return 0
    provenance = {
        "corpus": [
            {"file": name, "sha256": digest}
            for name, digest in zip(corpus.names, corpus.digests, strict=True)
        ],
        "commit": args.commit,
        "recipe": recipe.as_json(),
        "budget": {"steps": run.steps, "minutes": run.minutes},
    }
    if origin is not None:
        # The name alone: an image is passed on, and folders are nobody else's business.
        provenance["origin"] = {"model": Path(origin.name).name, "sha256": origin.digest}
    if group.first and not run.resume:
        (run.out / "log.jsonl").unlink(missing_ok=True)
    start = origin.parameters if origin is not None else None
    with _Progress(console) as progress:
        outcome = loop.train(recipe, run, corpus, provenance, progress.report, group, start)
    if group.first:
        _finish(console, args, recipe, corpus, outcome)
    return EXIT_STOPPED if outcome.stopped else 0


def _recipe_of(args: argparse.Namespace, recipe: Recipe, origin: Origin) -> Recipe:
    """The recipe with the origin's sizes. Raises OptionError where other sizes were asked for."""
    for name in ("geometry", "hidden", "intermediate", "layers", "vocab"):
        if getattr(args, name) is not None:
            raise OptionError(f"--{name} does not go with --from: the sizes are {origin.name}'s")
    shape = origin.shape
    return replace(
        recipe,
        hidden=shape.hidden,
        intermediate=shape.intermediate,
        layers=shape.layers,
        vocab=shape.vocab,
        eps=shape.eps,
        origin=origin.digest,
    )


def _prepare(
    console: Any, args: argparse.Namespace, recipe: Recipe, run: Run, origin: Origin | None
) -> None:
    """Have the tokens of the texts in `run.out`, made now unless they are there already."""
    from tritstream.train.hub import PREFIX, read_hub
    from tritstream.train.store import holds, key_of, write_store
    from tritstream.train.text import drop_duplicates, read_source

    sources = [
        read_hub(name, recipe.held_out, recipe.clean, args.documents)
        if name.startswith(PREFIX)
        else read_source(Path(name), recipe.held_out, recipe.clean, recipe.separator)
        for name in args.text
    ]
    key = key_of(
        sources,
        held_out=recipe.held_out,
        clean=recipe.clean,
        separator=recipe.separator,
        vocab=recipe.vocab,
        shares=list(recipe.mixture().shares(recipe.mix_epochs, len(sources))),
        keep_duplicates=args.keep_duplicates,
        origin=recipe.origin,
    )
    folder = run.out / "tokens"
    if holds(folder, key):
        return
    if not args.keep_duplicates:
        sources, dropped = drop_duplicates(sources)
        if dropped:
            console.print(
                f"{dropped} held-out documents occur in the training text and are not used",
                highlight=False,
            )
    tokenizer = origin.tokenizer if origin is not None else _tokenizer(recipe, run, sources)
    write_store(folder, key, tokenizer, sources)


def _tokenizer(recipe: Recipe, run: Run, sources: list[Source]) -> Any:
    from tokenizers import Tokenizer

    from tritstream.train.tokenizer import train_tokenizer

    saved = run.out / "hf" / "tokenizer.json"
    if run.resume and saved.exists():
        return Tokenizer.from_file(str(saved))
    shares = recipe.mixture().shares(recipe.mix_epochs, len(sources))
    texts = (
        document
        for source, share in zip(sources, shares, strict=True)
        for document in source.train[: min(round(len(source.train) * share), _TOKENIZER_DOCUMENTS)]
    )
    tokenizer = train_tokenizer(texts, recipe.vocab)
    if tokenizer.get_vocab_size() != recipe.vocab:
        raise OptionError(
            f"the text is too small for a tokenizer of {recipe.vocab} entries (it gives "
            f"{tokenizer.get_vocab_size()}); give more text or a smaller --vocab"
        )
    return tokenizer


def _say_what(console: Any, recipe: Recipe, corpus: Corpus, group: Group) -> None:
    from tritstream.train.kernels import load_kernels

    kind = "ternary" if recipe.ternary else "float"
    train = sum(len(ids) for ids in corpus.train)
    held = sum(len(ids) for ids in corpus.validation)
    console.print(
        f"{recipe.shape().ternary_weights() / 1e6:.2f} M {kind} weights (derived); "
        f"{train:,} tokens to train on, {held:,} held out (measured)",
        highlight=False,
    )
    if group.size > 1 or group.device.type != "cpu":
        console.print(f"{group.size} processes on {group.device.type}", highlight=False)
    if group.device.type != "cpu":
        return
    _, why = load_kernels()
    if why:
        console.print(f"slow path: the compiled passes {why}", highlight=False)


class _Progress:
    """A progress line; one plain line per validation where there is no terminal."""

    def __init__(self, console: Any) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = console
        self._bar = Progress(
            TextColumn("training"), BarColumn(), TextColumn("{task.percentage:.0f}%"),
            TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=1.0, note="")

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.stop()

    def report(self, record: dict[str, Any]) -> None:
        """Show one log record."""
        if record["event"] == "train":
            note = (
                f"step {record['step']}, loss {record['loss']:.3f}, "
                f"{record['tokens_per_second']:,.0f} tokens/s (measured)"
            )
            self._bar.update(self._task, completed=record["progress"], note=note)
        else:
            self._console.print(f"step {record['step']}: {_figures(record)}", highlight=False)


def _finish(
    console: Any, args: argparse.Namespace, recipe: Recipe, corpus: Corpus, outcome: Outcome
) -> None:
    from tritstream.files import atomic_write_bytes
    from tritstream.train.curve import draw
    from tritstream.train.evaluate import total
    from tritstream.train.loop import read_log

    out: Path = args.out
    score = total(outcome.best)
    summary: dict[str, Any] = {
        "steps": outcome.step,
        "tokens": outcome.tokens,
        "seconds": outcome.seconds,
        "best_step": outcome.best_step,
        "validation": score.as_json(),
        "files": {name: b.as_json() for name, b in zip(corpus.names, outcome.best, strict=True)},
    }
    if args.baseline and not outcome.stopped:
        from tritstream.train.ngram import ORDER, score_corpus

        baseline = score_corpus(corpus, recipe.window)
        summary["ngram"] = {"order": ORDER, **baseline.as_json()}
        console.print(f"{ORDER}-gram model: {_figures(baseline.as_json())}", highlight=False)
    atomic_write_bytes(out / "summary.json", (json.dumps(summary, indent=2) + "\n").encode())
    why = draw(read_log(out), out / "loss.png")
    if why:
        console.print(f"no loss curve: {why}", highlight=False)
    verb = "stopped" if outcome.stopped else "done"
    console.print(
        f"{verb} after {outcome.step} steps; best checkpoint, of step {outcome.best_step}, in "
        f"{out / 'hf'}: {_figures(score.as_json())}",
        highlight=False,
    )


def _figures(score: dict[str, float]) -> str:
    return (
        f"validation perplexity {score['perplexity']:.2f}, "
        f"{score['bits_per_byte']:.4f} bits per byte (measured)"
    )
