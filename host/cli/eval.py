"""`tritstream eval`: perplexity on a text, and the error against the float engine."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from tritstream.cli.options import (
    add_dask,
    add_json,
    add_model,
    print_json,
    read_text,
    readable_rate,
)
from tritstream.errors import OptionError
from tritstream.evaluate import (
    Evaluation,
    Progress,
    WindowFigures,
    checked_windows,
    evaluate,
    evaluation_of,
)

if TYPE_CHECKING:
    from tritstream.model import Model

_PART = 4
"""Windows that a worker of a cluster gets at a time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="UTF-8 text file; - reads standard input")
    add_model(parser)
    parser.add_argument(
        "--against",
        default="float",
        metavar="NAME",
        help="the execution to compare with, or none (default: %(default)s)",
    )
    parser.add_argument(
        "--reference",
        metavar="MODEL",
        help="the model that runs the execution to compare with, such as the checkpoint folder an "
        "image was packed from (default: the same model)",
    )
    parser.add_argument(
        "--window",
        type=int,
        default=512,
        metavar="N",
        help="tokens that are read from a fresh state at a time (default: %(default)s)",
    )
    parser.add_argument(
        "-n", "--max-tokens", type=int, metavar="N", help="only the first N tokens of the text"
    )
    add_dask(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.model import load

    text = read_text(args.text)
    if args.max_tokens is not None and args.max_tokens < 2:
        raise OptionError(f"--max-tokens must be 2 or more, not {args.max_tokens}")
    model = load(args.model, args.engine)
    reference = None
    if args.against != "none":
        reference = load(args.reference or args.model, args.against)
        if reference.config.vocab_size != model.config.vocab_size:
            raise OptionError(
                f"--reference {args.reference} has {reference.config.vocab_size} tokens and "
                f"{args.model} has {model.config.vocab_size}; they are different models"
            )
    token_ids = model.tokenizer.encode(text)[: args.max_tokens]
    start = next(iter(model.tokenizer.start), None)
    with _progress() as progress:
        if args.dask is not None:
            windows = checked_windows(token_ids, start, args.window)
            evaluation = _by_cluster(args, model, reference, windows, progress)
        else:
            evaluation = evaluate(
                model.engine,
                token_ids,
                bos_token_id=start,
                reference=reference.engine if reference else None,
                window=args.window,
                progress=progress,
            )
    if args.json:
        print_json(
            {
                "model": args.model,
                "engine": model.engine.name,
                "reference": args.reference or args.model if reference else None,
                "against": reference.engine.name if reference else None,
                "text": args.text,
                "window": args.window,
                "measured": asdict(evaluation)
                | {
                    "tokens_per_second": evaluation.tokens_per_second,
                    "saturations": model.engine.info.saturations,
                },
            }
        )
    else:
        against = reference.engine.name if reference else ""
        _show(evaluation, model.engine.name, against, model.engine.info.saturations)
    return 0


def _by_cluster(
    args: argparse.Namespace,
    model: "Model",
    reference: "Model | None",
    windows: list[list[int]],
    progress: Progress,
) -> Evaluation:
    from tritstream.cluster import tasks
    from tritstream.cluster.connection import connected
    from tritstream.cluster.spread import spread

    def named(which: "Model", engine: str | None) -> tuple[str, str | None, str]:
        path = which.source.resolve() if which.source.exists() else which.source
        return str(path), engine, which.identity or which.engine.name

    other = None if reference is None else named(reference, args.against)
    about = (*named(model, args.engine), tasks.about(), other)
    parts = [(*about, windows[at : at + _PART]) for at in range(0, len(windows), _PART)]
    found: dict[int, list[WindowFigures]] = {}
    done, total = 0, sum(len(ids) - 1 for ids in windows)
    with connected(args.dask, args.dask_tls) as client:
        for number, figures in spread(client, tasks.windows, parts):
            found[number] = [WindowFigures(*window) for window in figures]
            done += sum(window.tokens for window in found[number])
            progress(done, total)
    return evaluation_of([window for number in sorted(found) for window in found[number]])


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("predicting", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(
    evaluation: Evaluation, engine: str, reference: str, saturations: Mapping[str, int] | None
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("measured", engine, title=f"{evaluation.tokens} tokens predicted")
    table.add_row("perplexity", f"{evaluation.perplexity:.4f}")
    difference = evaluation.difference
    if difference is not None:
        change = evaluation.perplexity / difference.reference_perplexity - 1
        table.add_row(
            f"perplexity of {reference}", f"{difference.reference_perplexity:.4f} ({change:+.3%})"
        )
        table.add_row("relative L2 error of logits, mean", f"{difference.logits_error:.3g}")
        table.add_row("relative L2 error of logits, worst", f"{difference.worst_logits_error:.3g}")
        table.add_row("top-1 agreement", f"{difference.top1_agreement:.2%}")
        table.add_row("KL divergence, nats", f"{difference.kl_divergence:.3g}")
    if saturations is not None:
        found = ", ".join(f"{name} {count}" for name, count in saturations.items())
        table.add_row("saturations", found or "none")
    table.add_row("tokens/s", readable_rate(evaluation.tokens_per_second))
    table.columns[1].justify = "right"
    Console().print(table)
