"""`tritstream board`: getting tritstream onto a board, and a report from it."""

import argparse
import sys
from pathlib import Path

from tritstream.board.detect import board_here
from tritstream.board.errors import BoardError
from tritstream.board.options import BoardOptions
from tritstream.cli.options import readable_bytes
from tritstream.cli.words import counted, sentence
from tritstream.errors import OptionError
from tritstream.files import atomic_write_bytes, check_output
from tritstream.models import DEMO, model_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    summary = "make a folder that installs tritstream on a board without compiler and network"
    bundle = actions.add_parser("bundle", help=summary, description=sentence(summary))
    bundle.set_defaults(action=_bundle)
    bundle.add_argument(
        "board", metavar="BOARD", help="a board such as pynq-z2, or its processor: armv7l, aarch64"
    )
    bundle.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        help="the folder to make (default: tritstream-PROCESSOR)",
    )
    bundle.add_argument(
        "--online",
        action="store_true",
        help="leave downloading the other packages to the board, which then needs the network",
    )
    bundle.add_argument(
        "--dask",
        action="store_true",
        help="add what a worker of a cluster needs, in the versions of this PC",
    )
    bundle.add_argument(
        "--cc",
        metavar="COMMAND",
        help="the C compiler for the board's processor (default: arm-linux-gnueabihf-gcc or "
        "aarch64-linux-gnu-gcc)",
    )
    _add_report(actions)


def _add_report(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "check board, overlay and model, take figures, and write a report to send back"
    report = actions.add_parser("report", help=summary, description=sentence(summary))
    report.set_defaults(action=_report)
    report.add_argument(
        "-m",
        "--model",
        default=DEMO,
        metavar="MODEL",
        help="image (.trit) or the name of a model of the package (default: %(default)s)",
    )
    report.add_argument(
        "-e",
        "--engine",
        choices=("pynq", "pynq-sim"),
        default="pynq",
        help="pynq-sim takes the report of a simulated board (default: %(default)s)",
    )
    report.add_argument(
        "--simulate",
        choices=("spec", "csim", "rtl"),
        default="spec",
        help="what the simulated board computes with; only rtl counts cycles, and takes minutes "
        "for the demo model (default: %(default)s)",
    )
    report.add_argument(
        "--overlay",
        metavar="FOLDER",
        help="overlay to load (default: the installed one that fits board and image)",
    )
    report.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="tritstream-report.json",
        help="the JSON file; the page that is printed goes beside it as .txt (default: "
        "%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def _bundle(args: argparse.Namespace) -> int:
    from tritstream.board.bundle import machine_for, make_bundle

    machine = machine_for(args.board)
    folder = Path(args.output or f"tritstream-{machine.name}")
    made = make_bundle(machine, folder, online=args.online, compiler=args.cc, dask=args.dask)
    print(
        f"{made.folder}: {counted(len(made.wheels), 'wheel')} for {machine.name}, "
        f"{readable_bytes(made.total_bytes)}; copy it to the board and run there, as root:"
    )
    print(f"  sh {made.folder.name}/install.sh")
    return 0


def _report(args: argparse.Namespace) -> int:
    from tritstream.engines.pynq import BoardEngine, open_board_engine
    from tritstream.image import open_image
    from tritstream.report import collect, page, write_report

    output = Path(args.output)
    text = output.with_suffix(".txt")
    if text == output:
        raise OptionError(f"--output {output}: the page goes beside it as .txt, so name a .json")
    if args.simulate != "spec" and args.engine != "pynq-sim":
        raise OptionError("--simulate goes with --engine pynq-sim")
    if args.engine == "pynq" and args.overlay is None and board_here() is None:
        raise BoardError(
            "this is no board that tritstream knows: run it on one, name its overlay with "
            "--overlay, or take the report of a simulated one with --engine pynq-sim"
        )
    for path in (output, text):
        check_output(path)
    path = model_path(args.model)
    if path.is_dir():
        raise OptionError(f"{path} is a checkpoint: pack it first, with `tritstream pack {path}`")
    image = open_image(path)
    options = BoardOptions(
        overlay=None if args.overlay is None else Path(args.overlay),
        self_test=False,
        simulate=args.simulate,
        time_limit_s=3600.0 if args.simulate == "rtl" else BoardOptions.time_limit_s,
    )

    def open_engine() -> BoardEngine:
        return open_board_engine(image, args.engine, options)

    report = collect(image, open_engine, tell=lambda step: print(f"{step} ...", file=sys.stderr))
    write_report(report, output)
    shown = page(report)
    atomic_write_bytes(text, shown.encode())
    print(shown, end="")
    print(
        f"wrote {output} and {text}: attach both to an issue of the project, or send them to "
        f"whoever gave you the board",
        file=sys.stderr,
    )
    return 1 if report.problems else 0
