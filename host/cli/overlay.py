"""`tritstream overlay`: which overlays there are, and installing them."""

import argparse
from collections.abc import Callable

from tritstream.board.hwh import GENERATED
from tritstream.board.overlays import (
    Manifest,
    Overlay,
    install,
    installed,
    installed_named,
    shipped,
)
from tritstream.cli import overlay_floorplan, overlay_timing, overlay_verify
from tritstream.cli.options import add_json, print_json
from tritstream.cli.words import sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(
        name: str, run: Callable[[argparse.Namespace], int], summary: str
    ) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=summary, description=sentence(summary))
        sub.set_defaults(action=run)
        return sub

    add_json(action("list", _list, "show the overlays that exist and those that are installed"))
    sub = action("install", _install, "install a bitstream and its .hwh into the user's cache")
    _add_name(sub)
    sub.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="a .bit, a folder with a manifest.json, or such a manifest; a path or a URL "
        "(default: where the project publishes it)",
    )
    sub.add_argument(
        "--sha256", metavar="HEX", help="the bitstream must have this hash; needed for a bare URL"
    )
    sub = action("verify", overlay_verify.run, "check installed files against their manifests")
    _add_name(sub, optional=True)
    overlay_verify.add_arguments(sub)
    sub = action("timing", overlay_timing.run, "analyse the timing of a bitstream or of FASM")
    _add_name(sub, optional=True)
    overlay_timing.add_arguments(sub)
    sub = action("floorplan", overlay_floorplan.run, "draw what a bitstream or FASM uses")
    _add_name(sub, optional=True)
    overlay_floorplan.add_arguments(sub)
    _add_name(action("path", _path, "print the path of an installed bitstream"))


def run(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def _add_name(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    parser.add_argument(
        "name",
        nargs="?" if optional else None,
        metavar="CONFIGURATION",
        help="build configuration" + (" (default: all that are installed)" if optional else ""),
    )
    parser.add_argument("--board", metavar="NAME", help="where several boards have it")


def _list(args: argparse.Namespace) -> int:
    here = {(o.manifest.board, o.manifest.name): o for o in installed()}
    known = {(m.board, m.name): m for m in shipped()}
    known |= {key: overlay.manifest for key, overlay in here.items()}
    rows = [(key, known[key], here.get(key)) for key in sorted(known)]
    if args.json:
        print_json([_entry(manifest, overlay) for _, manifest, overlay in rows])
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("board", "configuration", "clock", "bitstream", ".hwh")
    for (board, name), manifest, overlay in rows:
        tag = "built" if manifest.bit else "projected"
        clock = f"{manifest.clock_hz / 1e6:.0f} MHz ({tag})"
        hwh = "generated" if manifest.hwh.source == GENERATED else "from the build"
        table.add_row(board, name, clock, _state(manifest, overlay), hwh)
    Console().print(table)
    if any(manifest.bit is None for _, manifest, _ in rows):
        print("where no bitstream is published, `tritstream build` makes one")
    return 0


def _entry(manifest: Manifest, overlay: Overlay | None) -> dict[str, object]:
    return {
        "board": manifest.board,
        "configuration": manifest.name,
        "clock_hz": manifest.clock_hz,
        "bitstream": _state(manifest, overlay),
        "path": str(overlay.bit) if overlay else None,
        "hwh": manifest.hwh.source,
    }


def _state(manifest: Manifest, overlay: Overlay | None) -> str:
    if overlay is not None:
        return "installed"
    return "can be installed" if manifest.bit else "none published"


def _install(args: argparse.Namespace) -> int:
    overlay = install(args.name, args.source, args.board, args.sha256)
    assert overlay.manifest.bit is not None
    print(f"installed {overlay.bit} (SHA-256 {overlay.manifest.bit.sha256})")
    return 0


def _path(args: argparse.Namespace) -> int:
    print(installed_named(args.name, args.board).bit)
    return 0
