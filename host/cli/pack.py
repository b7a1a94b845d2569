"""`tritstream pack`: a checkpoint into a model image."""

import argparse
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from tritstream.cli.options import add_json, print_json, printable, readable_bytes
from tritstream.configurations import DEFAULT_LAYOUT
from tritstream.image.writer import Progress
from tritstream.packing import PackReport, pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        help="checkpoint folder, Hub id such as owner/name, or an image, or a model of the package "
        "by name, to pack for another layout",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="the .trit to write")
    parser.add_argument(
        "--layout",
        default=DEFAULT_LAYOUT,
        metavar="NAME",
        help="configuration whose hardware the image is for; software takes any "
        "(default: %(default)s)",
    )
    parser.add_argument("--packing", metavar="NAME", help="base3 (8/5 bit a weight) or 2bit")
    parser.add_argument("--profile", metavar="NAME", help="number formats: default or small")
    parser.add_argument(
        "--embedding",
        metavar="NAME",
        help="how the embedding is kept: fp16, int8 or 3.5bit (default: fp16; an image's stays)",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    with _progress() as progress:
        report = pack(
            args.model,
            args.output,
            layout=args.layout,
            packing=args.packing,
            profile=args.profile,
            embedding=args.embedding,
            progress=progress,
        )
    if args.json:
        print_json(_sizes(report))
    else:
        _show(report)
        print(f"next: tritstream generate -m {shlex.quote(report.path)}")
    return 0


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar on standard error with rate and time left; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(
            task, description=what, completed=done, total=total
        )


def _sizes(report: PackReport) -> dict[str, object]:
    sizes = {k: v for k, v in asdict(report).items() if isinstance(v, int)}
    return {
        "path": report.path,
        "layout": report.header.layout.table(),
        "geometry": asdict(report.header.geometry),
        "embedding": report.header.embedding,
        "derived": sizes,
    }


def _show(report: PackReport) -> None:
    from rich.console import Console
    from rich.table import Table

    weights = report.header.geometry.ternary_weights
    bits = 8 * report.trit_bytes / weights
    rows = (
        ("ternary weights", report.trit_bytes, f"{weights:,} at {bits:.3f} bit"),
        ("parameters", report.parameter_bytes, "folded norms, scales, lower bounds"),
        ("embedding", report.embedding_bytes, report.header.embedding),
        ("float vectors", report.float_vector_bytes, "for the float engine"),
        ("tokenizer", report.tokenizer_bytes, ""),
        ("header", report.header_bytes, ""),
        ("padding", report.padding_bytes, ""),
        ("total", report.total_bytes, ""),
    )
    table = Table("part", "size (derived)", "", title=printable(report.path))
    for part, size, note in rows:
        table.add_row(part, readable_bytes(size), note)
    table.columns[1].justify = "right"
    Console().print(table)
