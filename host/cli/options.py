"""Options and output that several commands share."""

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tritstream.errors import FileError
from tritstream.files import known_kind, read_bytes, refuse_pointer
from tritstream.models import DEMO
from tritstream.text.characters import universal


def add_threads(parser: argparse.ArgumentParser) -> None:
    """--threads."""
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of engine native (default: all cores)"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model and --engine."""
    from tritstream.engines import ENGINES

    parser.add_argument(
        "-m",
        "--model",
        default=DEMO,
        metavar="MODEL",
        help="image (.trit), checkpoint folder, Hub id, or the name of a model of the package "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "-e",
        "--engine",
        metavar="NAME",
        help=f"the execution: {', '.join(ENGINES)} (default: the fastest that runs here); "
        "native:LEVEL forces a dispatch level of the native one, such as native:c",
    )


def add_dask(parser: argparse._ActionsContainer) -> None:
    """--dask and --dask-tls."""
    parser.add_argument(
        "--dask",
        metavar="CLUSTER",
        help="have it done by a cluster: local:N for N processes here, or a scheduler, "
        "tls://HOST:PORT; the model must be at the same path on every machine",
    )
    parser.add_argument(
        "--dask-tls",
        metavar="FOLDER",
        help="certificates of the cluster, see `tritstream cluster certificates`",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")


def print_json(value: Any) -> None:
    """One JSON object on standard output; NaN and infinities, which JSON lacks, become null."""
    print(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def printable(text: object) -> str:
    """Text from a file for a rich table: its markup and control characters are only shown."""
    from rich.markup import escape

    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    return escape(shown)


def read_text(path: str, read_stdin: Callable[[], bytes] | None = None) -> str:
    """The text of a UTF-8 file, or of standard input for "-", with universal line ends.

    Raises FileError if it cannot be read or is not UTF-8.
    """
    try:
        if path == "-":
            raw = (read_stdin or sys.stdin.buffer.read)()
        else:
            raw = read_bytes(Path(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot read {path}: {reason}") from error
    refuse_pointer(path, raw)
    try:
        return universal(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        name = "standard input" if path == "-" else path
        kind = known_kind(name, raw[:16])
        raise FileError(f"{name} is not UTF-8 text (byte {error.start}){kind}") from error


def readable_bytes(count: int) -> str:
    """Bytes for a person, in decimal units, with three digits or more."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            value = count / size
            return f"{value:.3g} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{count} B"


def readable_rate(per_second: float) -> str:
    """A rate for a person: three digits, never an exponent for everyday values."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.3g}"
