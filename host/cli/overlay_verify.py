"""`tritstream overlay verify`: hashes, and with --deep all that can be proven without a board."""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tritstream.board.errors import OverlayError
from tritstream.board.overlays import (
    MANIFEST,
    Manifest,
    Overlay,
    decode_manifest,
    installed,
    installed_named,
    shipped,
    shipped_folder,
    verify,
)
from tritstream.boards import board_named
from tritstream.cli.options import add_json, print_json

if TYPE_CHECKING:
    from tritstream.bitstream.verify import Finding

_MARKS = {True: "passed", False: "FAILED", None: "not checked"}


def add_source(parser: argparse.ArgumentParser) -> None:
    """A folder in place of what is installed."""
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FOLDER",
        help="a folder with a manifest.json, such as the output of a build, instead of what is "
        "installed",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_source(parser)
    add_json(parser)
    deep = parser.add_argument_group(
        "deep verification",
        "Takes an open-flow bitstream apart with the prjxray database and simulates the netlist "
        "in it beside its RTL.",
    )
    deep.add_argument(
        "--deep", action="store_true", help="prove what can be proven without a board"
    )
    deep.add_argument(
        "--database",
        metavar="FOLDER",
        help="the prjxray database of zynq7, which the openXC7 distribution has (default: "
        "$PRJXRAY_DB_DIR)",
    )
    deep.add_argument(
        "--fasm",
        metavar="FILE",
        help="what was placed (default: design.fasm above the folder, where a build leaves it)",
    )
    deep.add_argument(
        "--rtl",
        metavar="FILE",
        help="the SystemVerilog that was built (default: design.sv above the folder, or else what "
        "the configuration compiles to)",
    )
    deep.add_argument(
        "--image",
        metavar="FILE",
        help="the model of the simulation (default: random weights of the configuration)",
    )


def run(args: argparse.Namespace) -> int:
    """0 where all is well, 1 where a check failed; a damaged file raises OverlayError."""
    broken: list[str] = []
    overlays = list(overlays_of(args, broken.append))
    reports = {}
    for overlay in overlays:
        try:
            verify(overlay)
        except OverlayError as error:
            broken.append(str(error))
            continue
        findings: list[Finding] = []
        for finding in _findings(overlay, args):
            findings.append(finding)
            if not args.json:
                print(f"{_MARKS[finding.passed]:>11}  {finding.check}: {finding.sentence}")
        failed = any(f.passed is False for f in findings)
        if not args.json:
            print(f"{overlay.bit}: {'FAILED' if failed else 'as its manifest says'}")
        reports[str(overlay.bit)] = findings
    if len(broken) == 1 and not reports:
        raise OverlayError(broken[0])
    for reason in broken:
        print(f"tritstream: error: {reason}", file=sys.stderr)
    if args.json:
        print_json({name: [asdict(f) for f in findings] for name, findings in reports.items()})
    elif not overlays and not broken:
        print("no overlay is installed")
    failed = any(f.passed is False for findings in reports.values() for f in findings)
    return int(failed or bool(broken))


def overlays_of(args: argparse.Namespace, broken: Callable[[str], None]) -> Iterator[Overlay]:
    """What --from, the name, or neither of them means. Raises OverlayError."""
    if args.source:
        path = Path(args.source) / MANIFEST
        try:
            manifest = decode_manifest(path.read_bytes(), str(path))
        except OSError as error:
            raise OverlayError(f"cannot read {path}: {error.strerror}") from error
        if manifest.bit is None:
            raise OverlayError(f"{path} names no bitstream: there is nothing to verify")
        yield Overlay(path.parent, manifest)
    elif args.name:
        yield _named(args.name, args.board)
    else:
        yield from installed(broken=broken)


def _named(name: str, board: str | None) -> Overlay:
    """What is installed, or else what the package itself has."""
    try:
        return installed_named(name, board)
    except OverlayError:
        for manifest in shipped():
            if manifest.name == name and board in (None, manifest.board) and manifest.bit:
                return Overlay(shipped_folder(manifest), manifest)
        raise


def _findings(overlay: Overlay, args: argparse.Namespace) -> Iterator[Finding]:
    from tritstream.bitstream.verify import Sources, verify_deep, verify_file

    data = bitstream_bytes(overlay.bit)
    manifest = overlay.manifest
    part = board_named(manifest.board).part
    yield from verify_file(data, str(overlay.bit), part, manifest.configuration)
    if not args.deep:
        return
    above = overlay.folder.parent
    fasm = Path(args.fasm) if args.fasm else above / "design.fasm"
    sources = Sources(
        bit=data,
        name=str(overlay.bit),
        part=part,
        handoff=overlay.folder / manifest.hwh.file,
        fasm=fasm if args.fasm or fasm.is_file() else None,
        rtl=_rtl(manifest, Path(args.rtl) if args.rtl else None, above / "design.sv"),
        configuration=manifest.hardware,
        clock_hz=manifest.clock_hz,
        database=Path(args.database) if args.database else None,
        image=Path(args.image) if args.image else None,
    )
    yield from verify_deep(sources, show_progress)


def _rtl(manifest: Manifest, named: Path | None, left: Path) -> Callable[[], str]:
    def text() -> str:
        path = named or left
        if named is not None or left.is_file():
            try:
                return path.read_text(encoding="utf-8")
            except OSError as error:
                raise OverlayError(f"cannot read {path}: {error.strerror}") from error
        from tritstream.build.open.design import design_source
        from tritstream.build.ports import port_map

        configuration = manifest.hardware
        return design_source(configuration, port_map(configuration, board_named(manifest.board)))

    return text


def bitstream_bytes(path: Path) -> bytes:
    """The bytes of a .bit, which may be compressed (.xz). Raises OverlayError."""
    try:
        data = path.read_bytes()
        return lzma.decompress(data) if path.suffix == ".xz" else data
    except (OSError, lzma.LZMAError) as error:
        raise OverlayError(f"cannot read {path}: {error}") from error


def show_progress(text: str) -> None:
    """What is being done, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="\r", file=sys.stderr, flush=True)
