"""`tritstream inspect`: what is in a model image."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tritstream.cli.options import add_json, print_json, printable, readable_bytes
from tritstream.image import Image, open_image
from tritstream.image.header import VERSION
from tritstream.models import model_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", help="a .trit file, or the name of a model of the package")
    parser.add_argument("--sections", action="store_true", help="list every section and record")
    parser.add_argument(
        "--no-verify", action="store_true", help="look at the header only, compare no hashes"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    image = open_image(model_path(args.image), verify=not args.no_verify)
    if args.json:
        print_json(_description(image, verified=not args.no_verify))
    else:
        _show(image, not args.no_verify, args.sections)
    return 0


def _description(image: Image, verified: bool) -> dict[str, object]:
    header = image.header
    return {
        "path": image.source,
        "format_version": VERSION,
        "hashes": "match" if verified else "not compared",
        "layout": header.layout.table(),
        "geometry": asdict(image.geometry),
        "formats": header.layout.profile.table(),
        "embedding": header.embedding,
        "tokenizer": image.tokenizer_json is not None,
        "rms_norm_eps": header.rms_norm_eps,
        "use_lower_bound": header.use_lower_bound,
        "bos_token_id": header.bos_token_id,
        "eos_token_id": header.eos_token_id,
        "provenance": header.provenance,
        "weight_scales": header.weight_scales,
        "derived": {
            "bytes": int(image.data.size),
            "ternary_weights": image.geometry.ternary_weights,
            "record_bytes": sum(r.length for r in header.records),
        },
        "sections": [vars(s) for s in (*header.sections, *header.records)],
    }


def _show(image: Image, verified: bool, sections: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    header, geometry = image.header, image.geometry
    layout = header.layout
    table = Table(show_header=False, title=printable(image.source), title_justify="left")
    for name, value in (
        ("format version", str(VERSION)),
        ("hashes", "all match" if verified else "not compared"),
        ("layout", str(layout)),
        ("hidden, intermediate", f"{geometry.hidden}, {geometry.intermediate}"),
        ("layers, vocabulary", f"{geometry.layers}, {geometry.vocabulary}"),
        ("packing, profile", f"{layout.packing}, {layout.profile_name}"),
        ("weight word", f"{layout.lanes} bytes over {layout.ports} ports"),
        ("embedding", header.embedding),
        ("tokenizer", "yes" if image.tokenizer_json is not None else "no"),
        ("lower bounds", "yes" if header.use_lower_bound else "no"),
        ("bos, eos", f"{header.bos_token_id}, {header.eos_token_id}"),
        ("ternary weights", f"{geometry.ternary_weights:,} (derived)"),
        (
            "records a token reads",
            f"{readable_bytes(sum(r.length for r in header.records))} (derived)",
        ),
        ("file", f"{readable_bytes(int(image.data.size))} (derived)"),
    ):
        table.add_row(name, printable(value))
    console = Console()
    console.print(table)
    console.print(_provenance(header.provenance))
    if sections:
        parts = Table("section", "offset", "bytes", "sha256")
        for s in (*header.sections, *header.records):
            parts.add_row(s.name, str(s.offset), str(s.length), s.sha256[:16])
        console.print(parts)


def _provenance(provenance: dict[str, Any]) -> object:
    """What the checkpoint's training.json said, a row for each value however deep it lies."""
    from rich.table import Table

    if not provenance:
        return "provenance: the checkpoint had no training.json"
    table = Table(
        show_header=False,
        title="provenance (measured in training)",
        title_justify="left",
    )
    for name, value in _leaves(provenance):
        table.add_row(printable(name), printable(value))
    return table


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}, {key}" if name else key)
    elif isinstance(value, float):
        yield name, f"{value:.6g}"
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, f"{value:,}"
    else:
        yield name, str(value)
