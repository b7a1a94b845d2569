"""`tritstream overlay timing`: static timing analysis of a bitstream or of placed FASM."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tritstream.board.errors import OverlayError
from tritstream.board.overlays import Overlay
from tritstream.boards import board_named
from tritstream.cli.options import add_json, print_json
from tritstream.cli.overlay_verify import add_source, bitstream_bytes, overlays_of, show_progress
from tritstream.files import atomic_write_bytes

_PART = "xc7z020clg400-1"
PLACED = "placed.json"


def add_route(parser: argparse.ArgumentParser) -> None:
    """What is looked at: an overlay, a .bit or FASM, with the data that it takes."""
    add_source(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--bit", metavar="FILE", help="a .bit alone (.xz too), without a manifest")
    what.add_argument("--fasm", metavar="FILE", help="what was placed and routed, as design.fasm")
    parser.add_argument(
        "--part", metavar="PART", help=f"of --bit and --fasm (default: {_PART})", default=_PART
    )
    parser.add_argument(
        "--netlist",
        metavar="FILE",
        help="what nextpnr-xilinx has written, to name cells by the RTL (default: "
        f"{PLACED} beside the FASM, or where a build leaves it)",
    )
    parser.add_argument(
        "--database",
        metavar="FOLDER",
        help="the prjxray database of zynq7, which the openXC7 distribution has (default: "
        "$PRJXRAY_DB_DIR)",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_route(parser)
    parser.add_argument(
        "--clock",
        metavar="MHZ",
        type=float,
        help="what the paths are held against (default: the manifest's clock)",
    )
    parser.add_argument(
        "--paths",
        metavar="N",
        type=int,
        default=10,
        help="how many of the slowest paths to show (default: 10)",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="leave out what is not modelled, and count it: for the bitstreams of other tools",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write the report as JSON, too")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """0 where nothing is violated, 1 where something is, or lacks data."""
    reports = [report.table() if args.json else report for report in _reports(args)]
    if args.json:
        print_json(reports if len(reports) > 1 else reports[0])
    return int(not all(_passed(report) for report in reports))


def _reports(args: argparse.Namespace) -> list[Any]:
    from tritstream.bitstream.timing.run import report_of

    if args.clock is not None and not args.clock > 0:
        raise OverlayError(f"--clock {args.clock:g}: a clock is more than 0 MHz")
    if args.paths < 1:
        raise OverlayError(f"--paths {args.paths}: at least one path")
    clock = None if args.clock is None else args.clock * 1e6
    database = Path(args.database) if args.database else None
    made = []
    sources = sources_of(args)
    if args.output and len(sources) > 1:
        raise OverlayError(f"--output {args.output} is for one report: name one overlay")
    for part, source, own in sources:
        report = report_of(
            part,
            database,
            source,
            clock or own,
            args.paths,
            show_progress,
            args.partial,
            netlist_of(args, source),
        )
        show_progress("")
        if not args.json:
            for line in report.lines():
                print(line)
        for problem in report.problems():
            print(f"tritstream: error: {problem}", file=sys.stderr)
        made.append(report)
        if args.output:
            write_json(Path(args.output), report.table())
    if not made:
        raise OverlayError("no overlay is installed: name a file with --bit or --fasm")
    return made


def sources_of(
    args: argparse.Namespace,
) -> list[tuple[str, Path | tuple[str, bytes], float | None]]:
    """Part, FASM (a path) or .bit (its name and bytes), and the manifest's clock in Hz."""
    if args.fasm:
        return [(args.part, Path(args.fasm), None)]
    if args.bit:
        return [(args.part, (args.bit, bitstream_bytes(Path(args.bit))), None)]
    broken: list[str] = []
    overlays: list[Overlay] = list(overlays_of(args, broken.append))
    if broken:
        raise OverlayError(broken[0])
    return [
        (
            board_named(o.manifest.board).part,
            (str(o.bit), bitstream_bytes(o.bit)),
            o.manifest.clock_hz,
        )
        for o in overlays
    ]


def netlist_of(args: argparse.Namespace, source: Path | tuple[str, bytes]) -> Path | None:
    """What is named, or else what a build has left beside the FASM or above the overlay."""
    if args.netlist:
        return Path(args.netlist)
    if isinstance(source, Path):
        beside = source.parent / PLACED
    elif args.source:
        beside = Path(args.source).parent / PLACED
    else:
        return None
    return beside if beside.is_file() else None


def write_json(path: Path, report: dict[str, Any]) -> None:
    """Write a report, whole or not at all. Raises OverlayError."""
    try:
        atomic_write_bytes(path, (json.dumps(report, indent=1) + "\n").encode())
    except OSError as error:
        raise OverlayError(f"cannot write {path}: {error.strerror}") from error


def _passed(report: Any) -> bool:
    passed: bool = report["passed"] if isinstance(report, dict) else report.passed
    return passed
