"""`tritstream build`: a bitstream from the generated kernels, with AMD's tools."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tritstream.boards import BOARDS
from tritstream.cli.options import add_json, print_json
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import OptionError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from tritstream.build.project import STEPS
    from tritstream.build.steps import DEFAULT_STEPS

    hardware = [name for name, c in CONFIGURATIONS.items() if c.geometry is not None]
    parser.add_argument(
        "-c",
        "--configuration",
        required=True,
        metavar="NAME",
        help=f"build configuration: {', '.join(hardware)}",
    )
    parser.add_argument(
        "-b",
        "--board",
        metavar="NAME",
        help=f"one of {', '.join(BOARDS)} (default: the configuration's)",
    )
    parser.add_argument(
        "--steps",
        metavar="LIST",
        help=f"comma-separated, of {','.join(STEPS)} (default: {','.join(DEFAULT_STEPS)}); what is "
        "done already is not repeated",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="project folder (default: hardware/BOARD/CONFIGURATION here)",
    )
    parser.add_argument(
        "--again", action="store_true", help="repeat the named steps though they are done"
    )
    parser.add_argument(
        "--project-only",
        action="store_true",
        help="only write the project folder, to be built on another machine",
    )
    parser.add_argument(
        "--report", action="store_true", help="only show what the reports of the project say"
    )
    parser.add_argument(
        "-j",
        "--jobs",
        type=int,
        default=2,
        metavar="N",
        help="parallel jobs of Vivado (default: %(default)s)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.build.project import write_project
    from tritstream.build.steps import chosen_steps, run_steps
    from tritstream.build.summary import summarise

    steps = chosen_steps(args.steps)
    if args.jobs < 1:
        raise OptionError(f"--jobs must be 1 or more, not {args.jobs}")
    board = args.board or configuration_named(args.configuration).board_name
    if board is None:
        raise OptionError(f"--configuration {args.configuration} names no board: add --board")
    folder = Path(args.output or Path("hardware") / board / args.configuration)
    print(f"project {folder}: writing sources and golden vectors", file=sys.stderr)
    project = write_project(folder, args.configuration, board)
    if not (args.project_only or args.report):
        with _progress(steps) as progress:
            results = run_steps(project, steps, progress, args.again, args.jobs)
        for result in results:
            told = "done before" if result.resumed else f"done in {_time(result.seconds)}"
            print(f"{result.step}: {told}", file=sys.stderr)
    summary = summarise(project)
    if args.json:
        print_json(summary.table())
    else:
        from tritstream.cli.build_report import show_next, show_summary

        show_summary(summary)
        show_next(project, project_only=args.project_only)
    return 0


@contextmanager
def _progress(steps: tuple[str, ...]) -> Iterator["_Progress"]:
    if not sys.stderr.isatty():
        yield _Plain()
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(stderr=True)) as status:
        yield _Live(status, steps)


class _Progress(Protocol):
    """Called with the step, its seconds and the last line of its log."""

    def __call__(self, step: str, seconds: float, line: str) -> None: ...


class _Plain(_Progress):
    """One line when a step begins, then one a minute: for logs."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def __call__(self, step: str, seconds: float, line: str) -> None:
        if seconds >= self._next.get(step, 0.0):
            self._next[step] = seconds + 60
            print(f"{step} {_time(seconds)} {line[:150]}", file=sys.stderr, flush=True)


class _Live(_Progress):
    """A line that is kept up to date: for terminals."""

    def __init__(self, status: object, steps: tuple[str, ...]) -> None:
        self._status = status
        self._steps = steps

    def __call__(self, step: str, seconds: float, line: str) -> None:
        from rich.markup import escape

        number = self._steps.index(step) + 1
        head = f"[bold]{step}[/] ({number} of {len(self._steps)}) {_time(seconds)}"
        self._status.update(f"{head} [dim]{escape(line[:100])}")  # type: ignore[attr-defined]


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
