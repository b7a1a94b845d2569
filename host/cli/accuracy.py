"""`tritstream accuracy`: the accuracy report, as Markdown, JSON and plots."""

import argparse
import sys
from pathlib import Path

from tritstream.cli.options import read_text
from tritstream.errors import OptionError
from tritstream.files import check_output_folder
from tritstream.models import DEMO


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", help="UTF-8 text file; - reads standard input")
    parser.add_argument(
        "-m",
        "--model",
        default=DEMO,
        metavar="MODEL",
        help="image (.trit), checkpoint folder or model of the package (default: %(default)s)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where to write")
    parser.add_argument(
        "-n", "--max-tokens", type=int, metavar="N", help="only the first N tokens of the text"
    )
    parser.add_argument(
        "--positions",
        type=int,
        default=4096,
        metavar="N",
        help="length of the prompt for the error against position (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    from tritstream.accuracy.report import accuracy_report
    from tritstream.accuracy.write import require_matplotlib, write_report
    from tritstream.engines.float import FloatEngine
    from tritstream.model import load

    for option, value in (("--max-tokens", args.max_tokens), ("--positions", args.positions)):
        if value is not None and value < 16:
            raise OptionError(f"{option} must be 16 or more, not {value}")
    check_output_folder(args.output)
    require_matplotlib()
    text = read_text(args.text)
    model = load(args.model, "float")
    ids = model.tokenizer.encode(text)[: args.max_tokens]
    if len(ids) < 16:
        raise OptionError(f"{args.text} has only {len(ids)} tokens: give a longer text")
    assert isinstance(model.engine, FloatEngine)
    report = accuracy_report(
        model.engine.weights,
        ids,
        bos_token_id=next(iter(model.tokenizer.start), None),
        position_limit=args.positions,
        progress=lambda what: print(f"{what} ...", file=sys.stderr, flush=True),
    )
    for written in write_report(report, Path(args.output), Path(args.model).name):
        print(written)
    return 0
