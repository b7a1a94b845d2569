"""`tritstream batch`: many prompts from a file, on one machine or on several."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tritstream.cli.generate import add_sampling, sampling_of
from tritstream.cli.options import add_dask, add_model, add_threads, read_text
from tritstream.cli.words import counted
from tritstream.errors import OptionError

if TYPE_CHECKING:
    from tritstream.model import Model
    from tritstream.offline.prompts import Line
    from tritstream.offline.work import Answer

_EXAMPLES = """\
examples:
  tritstream batch prompts.jsonl -o out.jsonl
  tritstream batch prompts.jsonl -o out.jsonl -m model.trit --max-tokens 100 --seed 7
  tritstream batch prompts.jsonl -o out.jsonl --dask local:3
  tritstream batch prompts.jsonl -o out.jsonl --dask tls://pc:8786 --dask-tls tritstream-tls

A line of the file is {"prompt": "Once"}, with any of id, max_tokens, stop, temperature, top_k,
top_p, repetition_penalty and seed, or {"prompt": "Once", "continuation": " upon"} to be scored. The
output has a line for each, in their order. Line n, from 0 on, has the seed --seed + n.

Ctrl-C keeps what is done, and the same command goes on from there.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument("prompts", help="UTF-8 file of a JSON value a line; - reads standard input")
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="what to write")
    add_model(parser)
    add_threads(parser)
    parser.add_argument(
        "-n",
        "--max-tokens",
        type=int,
        default=256,
        metavar="N",
        help="of a line that does not say (default: %(default)s)",
    )
    parser.add_argument(
        "--places", type=int, default=16, metavar="N", help="lines at a time (default: 16)"
    )
    parser.add_argument(
        "--restart", action="store_true", help="forget what an earlier run has done"
    )
    add_dask(parser)
    add_sampling(
        parser.add_argument_group("how the next token is chosen, where a line does not say")
    )


def run(args: argparse.Namespace) -> int:
    from tritstream.model import load
    from tritstream.offline.journal import open_journal
    from tritstream.offline.prompts import digest, read_lines
    from tritstream.offline.work import answer_lines

    defaults = {**sampling_of(args), "max_tokens": args.max_tokens, "stop": []}
    defaults["seed"] = 0 if args.seed is None else args.seed
    if defaults["seed"] < 0:
        raise OptionError(f"--seed must be 0 or more, not {args.seed}")
    lines = read_lines(read_text(args.prompts), args.prompts, defaults)

    def finish(answers: "Iterator[tuple[int, Answer]]") -> None:
        # Closed here, so that an interruption ends a cluster before anything else.
        with closing(answers), _progress(len(lines), len(journal.done)) as advance:  # type: ignore[type-var]
            for number, answer in answers:
                journal.add(number, answer)
                advance()
        journal.finish(args.output)

    with load(args.model, args.engine, threads=args.threads) as model:
        model.tokenizer  # noqa: B018 - a model without one is told before anything is written
        batch = digest(lines, model.identity or f"{model.engine.name} {model.source}")
        with open_journal(args.output, batch, args.restart) as journal:
            if journal.done:
                done = f"{len(journal.done):,} of {counted(len(lines), 'line')}"
                print(f"tritstream: going on: {done} were done before", file=sys.stderr)
            left = [(n, line) for n, line in enumerate(lines) if n not in journal.done]
            if args.dask is None:
                finish(answer_lines(model, left, args.places))
            else:
                finish(_by_cluster(args, model, left))
            failed = sum("error" in answer for answer in journal.done.values())
    if failed:
        print(
            f'tritstream: warning: {counted(failed, "line")} could not be done: see "error" in '
            f"{args.output}",
            file=sys.stderr,
        )
    return 0


def _by_cluster(
    args: argparse.Namespace, model: "Model", lines: "list[tuple[int, Line]]"
) -> "Iterator[tuple[int, Answer]]":
    from tritstream.cluster import tasks
    from tritstream.cluster.connection import connected, workers_of
    from tritstream.cluster.spread import spread

    here, threads = workers_of(args.dask), args.threads
    if here and threads is None and model.engine.name == "native":
        threads = max(1, len(os.sched_getaffinity(0)) // here)
    identity = model.identity or model.engine.name
    about = (str(model.source.resolve()), args.engine, threads, identity, tasks.about())
    parts = [
        (*about, lines[at : at + args.places], args.places)
        for at in range(0, len(lines), args.places)
    ]
    with connected(args.dask, args.dask_tls) as client:
        for _, answers in spread(client, tasks.answers, parts):
            yield from answers


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    ) as bar:
        task = bar.add_task("lines", total=total, completed=done)
        yield lambda: bar.advance(task)
