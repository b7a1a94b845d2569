"""`tritstream compare`: float and fixed point side by side, to see where the error comes from."""

import argparse
from dataclasses import asdict

from tritstream.cli.options import add_json, print_json, read_text
from tritstream.errors import OptionError
from tritstream.models import DEMO, model_path

_DEFAULT_TOKENS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="UTF-8 text file; - reads standard input")
    parser.add_argument(
        "-m",
        "--model",
        default=DEMO,
        metavar="IMAGE",
        help="a .trit file, or the name of a model of the package (default: %(default)s)",
    )
    parser.add_argument(
        "-n",
        "--max-tokens",
        type=int,
        default=_DEFAULT_TOKENS,
        metavar="N",
        help="only the first N tokens of the text (default: %(default)s)",
    )
    parser.add_argument(
        "--in-float",
        action="append",
        default=[],
        metavar="OPERATION",
        help="run this operation in float, the rest in fixed point; may be given several times",
    )
    parser.add_argument(
        "--contributions",
        action="store_true",
        help="also measure the error of the logits with each operation in float in turn",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.accuracy import contributions, hybrid_operations, walk
    from tritstream.image import open_image
    from tritstream.text import Tokenizer

    if args.max_tokens < 1:
        raise OptionError(f"--max-tokens must be 1 or more, not {args.max_tokens}")
    text = read_text(args.text)
    image = open_image(model_path(args.model))
    operations = hybrid_operations(image.header.layout.profile, args.in_float)
    if image.tokenizer_json is None:
        raise OptionError(f"{image.source} has no tokenizer, so no text can be read with it")
    tokenizer = Tokenizer(
        image.tokenizer_json,
        image.header.bos_token_id,
        add_bos_token=image.header.add_bos_token,
        vocabulary=image.geometry.vocabulary,
    )
    ids = tokenizer.encode_prompt(text)[: args.max_tokens]
    found = asdict(walk(image, ids, operations))
    each = contributions(image, ids) if args.contributions else {}
    if args.json:
        measured = found | ({"contributions": each} if each else {})
        print_json({"model": args.model, "in_float": args.in_float, "measured": measured})
    else:
        _show(found, each)
    return 0


def _show(found: dict[str, object], contributions: dict[str, float]) -> None:
    from rich.console import Console

    console = Console()
    errors, flips = found["errors"], found["code_flips"]
    assert isinstance(errors, list) and isinstance(flips, list)
    console.print(_by_layer("relative L2 error (measured)", errors, "{:.1e}"))
    console.print(_by_layer("share of int8 codes that differ (measured)", flips, "{:.2%}"))
    console.print(
        f"logits of {found['tokens']} tokens: relative L2 error {found['logits_error']:.3g} "
        f"(measured); saturations: {found['saturations'] or 'none'}"
    )
    for name, error in contributions.items():
        console.print(f"  with {name} in float: {error:.3g} (measured)", highlight=False)


def _by_layer(title: str, values: list[dict[str, float]], form: str) -> object:
    """A table with a row for each operation and a column for each layer (at most eight)."""
    from rich.table import Table

    last = len(values) - 1
    layers = sorted({round(last * n / 7) for n in range(8)})
    table = Table("operation", *(f"layer {layer}" for layer in layers), title=title)
    for name in values[0]:
        table.add_row(name, *(form.format(values[layer][name]) for layer in layers))
    for column in table.columns[1:]:
        column.justify = "right"
    return table
