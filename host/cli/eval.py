"""`tritstream eval`: perplexity on a text, and the error against the float engine."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from tritstream.cli.options import add_json, add_model, print_json, read_text, readable_rate
from tritstream.errors import OptionError
from tritstream.evaluate import Evaluation, Progress, evaluate


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
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.engines.base import saturations_of
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
    with _progress() as progress:
        evaluation = evaluate(
            model.engine,
            model.tokenizer.encode(text)[: args.max_tokens],
            bos_token_id=next(iter(model.tokenizer.start), None),
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
                    "saturations": saturations_of(model.engine),
                },
            }
        )
    else:
        against = reference.engine.name if reference else ""
        _show(evaluation, model.engine.name, against, saturations_of(model.engine))
    return 0


@contextmanager
def _progress() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("predicting", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(
    evaluation: Evaluation, engine: str, reference: str, saturations: dict[str, int] | None
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
