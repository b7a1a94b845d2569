"""`tritstream overlay floorplan`: a picture of what a route uses."""

from __future__ import annotations

import argparse
from pathlib import Path

from tritstream.board.errors import OverlayError
from tritstream.cli.overlay_timing import add_route, netlist_of, sources_of
from tritstream.cli.overlay_verify import show_progress
from tritstream.files import atomic_write_bytes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_route(parser)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        default="floorplan.svg",
        help="the picture, an .svg (default: floorplan.svg)",
    )


def run(args: argparse.Namespace) -> int:
    from tritstream.bitstream.database import open_database
    from tritstream.bitstream.floorplan import drawn, used_sites
    from tritstream.bitstream.placed_netlist import read_names
    from tritstream.bitstream.timing.run import features_of_bit, features_of_fasm

    sources = sources_of(args)
    if len(sources) != 1:
        raise OverlayError("one floor plan at a time: name an overlay, --bit or --fasm")
    if Path(args.output).suffix != ".svg":
        raise OverlayError(f"--output {args.output}: the picture is an .svg")
    ((part, source, _),) = sources
    database = open_database(part, Path(args.database) if args.database else None)
    show_progress("decoding")
    if isinstance(source, Path):
        name, features = source.name, features_of_fasm(source, database)
    else:
        name = Path(source[0]).name
        features = features_of_bit(source[1], source[0], database, partial=True)
    netlist = netlist_of(args, source)
    names = read_names(netlist, database) if netlist is not None else None
    sites = used_sites(database, features, names)
    by = "by module" if names is not None else "by what they hold"
    title = f"{name} on {part}: {len(sites)} used sites, {by}"
    try:
        atomic_write_bytes(Path(args.output), drawn(database, sites, title).encode())
    except OSError as error:
        raise OverlayError(f"cannot write {args.output}: {error.strerror}") from error
    show_progress("")
    print(f"{args.output}: {len(sites)} used sites, coloured {by}")
    return 0
