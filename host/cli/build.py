"""`tritstream build`: a bitstream from the generated kernels, with AMD's tools or open ones."""

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tritstream.boards import BOARDS, board_named
from tritstream.cli.options import add_json, print_json
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import OptionError

if TYPE_CHECKING:
    from tritstream.build.state import StepResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from tritstream.build.open.project import CLOCK_HZ, OPEN, SEED
    from tritstream.build.project import VENDOR

    parser.add_argument(
        "-c",
        "--configuration",
        required=True,
        metavar="NAME",
        help=f"build configuration: {', '.join(CONFIGURATIONS)}, or a .toml file of your own",
    )
    parser.add_argument(
        "-b",
        "--board",
        metavar="NAME",
        help=f"one of {', '.join(BOARDS)} (default: the configuration's)",
    )
    parser.add_argument(
        "--flow",
        choices=("vendor", "open"),
        default="vendor",
        help="AMD's tools, or for Zynq-7000 Yosys, nextpnr-xilinx and prjxray (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--steps",
        metavar="LIST",
        help=f"comma-separated, of {','.join(VENDOR.steps)} (default: {','.join(VENDOR.default)}); "
        f"with --flow open of {','.join(OPEN.steps)} (default: all); what is done already is not "
        "repeated",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="project folder (default: hardware/BOARD/CONFIGURATION here, and -open after it)",
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
    group = parser.add_argument_group("with --flow open")
    group.add_argument(
        "--clock",
        type=float,
        metavar="MHZ",
        help="clock of the design, at most half of the frequency that nextpnr-xilinx reports "
        f"(default: {CLOCK_HZ / 1e6:g}, or what that allows where it is less)",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help=f"of place and route (default: {SEED}); another may do better",
    )
    group.add_argument(
        "--place-options", metavar="TEXT", help="further options of nextpnr-xilinx, as one word"
    )
    group.add_argument(
        "--chipdb",
        metavar="PATH",
        help="nextpnr-xilinx's chip database, or its folder (default: $CHIPDB, or openXC7's)",
    )
    group.add_argument(
        "--prjxray-db",
        metavar="FOLDER",
        help="prjxray's database (default: $PRJXRAY_DB_DIR, or openXC7's)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if args.jobs < 1:
        raise OptionError(f"--jobs must be 1 or more, not {args.jobs}")
    board = args.board or configuration_named(args.configuration).board_name
    return (_run_open if args.flow == "open" else _run_vendor)(args, board)


def _name(args: argparse.Namespace) -> str:
    return configuration_named(args.configuration).name


def _run_vendor(args: argparse.Namespace, board: str) -> int:
    from tritstream.build.project import FILES, VENDOR, write_project
    from tritstream.build.state import check_project_folder
    from tritstream.build.steps import find_tools, run_steps
    from tritstream.build.summary import summarise

    names = ("clock", "seed", "place_options", "chipdb", "prjxray_db")
    for name in (n for n in names if getattr(args, n) is not None):
        raise OptionError(f"--{name.replace('_', '-')} is an option of --flow open: add that")
    steps = VENDOR.chosen(args.steps)
    folder = Path(args.output or Path("hardware") / board / _name(args))
    if args.report:
        check_project_folder(folder, FILES, reporting=True)
    elif not args.project_only:
        find_tools(steps)  # first of all: a project without tools is of no use here
    print(f"project {folder}: writing sources and golden vectors", file=sys.stderr)
    project = write_project(folder, args.configuration, board)
    if not (args.project_only or args.report):
        with _progress(steps) as progress:
            results = run_steps(project, steps, progress, args.again, args.jobs)
        _tell(results)
    summary = summarise(project)
    if args.json:
        print_json(summary.table())
    else:
        from tritstream.cli.build_report import show_next, show_summary

        show_summary(summary)
        show_next(project, args.project_only, args.output)
    return 0


def _run_open(args: argparse.Namespace, board: str) -> int:
    from tritstream.build.open.project import (
        DESIGN,
        OPEN,
        SEED,
        Settings,
        check_board,
        write_open_project,
    )
    from tritstream.build.open.report import summarise_open
    from tritstream.build.open.steps import check_tools, run_open_steps
    from tritstream.build.open.tools import Places
    from tritstream.build.state import STATE, check_project_folder

    steps = OPEN.chosen(args.steps)
    clock = None if args.clock is None else args.clock * 1e6
    if clock is not None and not 1e6 <= clock <= 250e6:
        raise OptionError(f"--clock must be from 1 to 250 MHz, not {args.clock:g}")
    try:
        options = tuple(shlex.split(args.place_options or ""))
    except ValueError as error:
        raise OptionError(f"--place-options {args.place_options}: {error}") from error
    settings = Settings(clock, SEED if args.seed is None else args.seed, options)
    folder = Path(args.output or Path("hardware") / board / f"{_name(args)}-open")
    places = Places(args.chipdb, args.prjxray_db)
    if args.report:
        check_project_folder(folder, (DESIGN,), reporting=True)
    elif not args.project_only and not (folder / STATE).exists():
        # First of all: a project without tools is of no use here.
        check_board(board_named(board))
        check_tools(steps, board_named(board).part, places)
    print(f"project {folder}: writing the design", file=sys.stderr)
    project = write_open_project(folder, args.configuration, board, settings)
    if not (args.project_only or args.report):
        with _progress(steps) as progress:
            results = run_open_steps(project, steps, progress, args.again, places)
        _tell(results)
    summary = summarise_open(project)
    if args.json:
        print_json(summary.table())
    else:
        from tritstream.cli.build_report import show_next_open, show_open_summary

        show_open_summary(summary)
        show_next_open(project, args.project_only, args.output)
    return 0


def _tell(results: "Iterable[StepResult]") -> None:
    for result in results:
        told = "done before" if result.resumed else f"done in {_time(result.seconds)}"
        print(f"{result.step}: {told}", file=sys.stderr)


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
