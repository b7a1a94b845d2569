"""The command line: `tritstream COMMAND ...`.

Each command is a module with `add_arguments(parser)` and `run(args) -> exit status`, imported only
when it is the one that was asked for. Input that a person can put right is a TritstreamError, which
becomes one line on standard error and exit status 2.
"""

import argparse
import errno
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import TextIO

from tritstream.cli.words import sentence
from tritstream.errors import OptionError, TritstreamError
from tritstream.interruption import Ended, interrupted_status
from tritstream.version import __version__

# Name -> module and what the overview says.
COMMANDS = {
    "generate": ("tritstream.cli.generate", "write text with a model"),
    "chat": ("tritstream.cli.chat", "write a text in turns with a model"),
    "batch": ("tritstream.cli.batch", "write or score many prompts from a file"),
    "serve": ("tritstream.cli.serve", "answer requests of the OpenAI interface with a model"),
    "pack": ("tritstream.cli.pack", "pack a checkpoint into a model image"),
    "inspect": ("tritstream.cli.inspect", "show what is in a model image"),
    "eval": ("tritstream.cli.eval", "measure perplexity and the error against the float engine"),
    "compare": ("tritstream.cli.compare", "show where the error against float comes from"),
    "accuracy": ("tritstream.cli.accuracy", "report what fixed point costs, with plots"),
    "train": ("tritstream.cli.train", "train a model on a text of your own"),
    "estimate": ("tritstream.cli.estimate", "work out what a model would reach on a board"),
    "build": ("tritstream.cli.build", "build a bitstream with Vitis HLS and Vivado"),
    "bench": ("tritstream.cli.bench", "measure how fast an engine runs here"),
    "overlay": ("tritstream.cli.overlay", "list, install and verify overlays for boards"),
    "board": (
        "tritstream.cli.board",
        "install tritstream on a board, and report how it runs there",
    ),
    "cosim": ("tritstream.cli.cosim", "run a kernel's RTL against the specification"),
    "cluster": ("tritstream.cli.cluster", "make certificates for several machines by Dask"),
    "doctor": ("tritstream.cli.doctor", "show what this machine can run, and what is missing"),
}

EXIT_BAD_INPUT = 2
EXIT_PIPE_CLOSED = 141  # 128 + SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        _write_what_it_can(stream)
    _read_what_comes(sys.stdin)
    warnings.showwarning = _show_warning
    try:
        with _ended_as_by_ctrl_c(), _told():
            _refuse_joined_help(arguments)
            args = _parser(arguments).parse_args(arguments)
            status: int = args.run(args)
            sys.stdout.flush()
            return status
    except TritstreamError as error:
        print(f"tritstream: error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt as error:
        print("tritstream: interrupted", file=sys.stderr)
        return interrupted_status(error)
    except BrokenPipeError:
        _drop_output()  # whoever read it has gone
        return EXIT_PIPE_CLOSED
    except OSError as error:
        if error.filename is not None:
            print(f"tritstream: error: {error.filename}: {error.strerror}", file=sys.stderr)
            return EXIT_BAD_INPUT
        # Files are read and written elsewhere, and come with their names: this is the output.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_output()
        print(f"tritstream: error: cannot write the output: {error.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except MemoryError:
        print("tritstream: error: there is not enough memory for this", file=sys.stderr)
        return EXIT_BAD_INPUT


@contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP, unless they are ignored or somebody's own, clean up as Ctrl-C does."""

    def end(number: int, frame: FrameType | None) -> None:
        # Once is enough: a second one must not break off the cleaning up.
        signal.signal(number, signal.SIG_IGN)
        raise Ended(number)

    taken = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, end)
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _told() -> Iterator[None]:
    """Show on standard error what the package logs of work that takes a while."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("tritstream: %(message)s"))
    log = logging.getLogger("tritstream")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


def _refuse_joined_help(arguments: Sequence[str]) -> None:
    """A text such as -hello is no plea for help, which argparse would take it for."""
    options = list(arguments)
    options = options[: options.index("--")] if "--" in options else options
    for word in options:
        if word.startswith("-h") and word != "-h":
            raise OptionError(
                f"{word} looks like the option -h: put -- before a text that begins with a dash, "
                f"as in `tritstream generate -- {word}`"
            )


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tritstream",
        description="MatMul-free language models with ternary weights, on PYNQ boards and on PCs.",
        epilog="`tritstream COMMAND --help` tells a command's options.",
    )
    parser.add_argument("--version", action="version", version=f"tritstream {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    # The options before a command take no values, so the first other word is the command.
    asked = next((a for a in arguments if not a.startswith("-")), None)
    for name, (module_name, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=sentence(summary))
        if name == asked:
            module = import_module(module_name)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _open_closed_streams() -> None:
    """Put the null device where a shell has closed a standard stream, which Python makes None."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _drop_output() -> None:
    """What is still buffered must not fail again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_what_it_can(stream: TextIO) -> None:
    """A terminal that lacks a character shows a replacement, instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _read_what_comes(stream: TextIO) -> None:
    """Bytes that are not UTF-8 arrive as those of an argument do, instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="surrogateescape")


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"tritstream: warning: {message}", file=sys.stderr)
