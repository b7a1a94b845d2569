"""`tritstream board`: getting tritstream onto a board."""

import argparse
from pathlib import Path

from tritstream.cli.options import readable_bytes
from tritstream.cli.words import counted, sentence


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
