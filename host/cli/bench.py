"""`tritstream bench`: how fast an engine runs here, alone or against another."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritstream.cli.options import add_json, print_json, readable_bytes, readable_rate

if TYPE_CHECKING:
    from tritstream.bench import Comparison, Figures, Workload
    from tritstream.engines import Engine
    from tritstream.image import Image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "-m", "--model", default="demo", metavar="MODEL", help="image (.trit), or a model's name"
    )
    what.add_argument(
        "-g",
        "--geometry",
        metavar="SHAPE",
        help="random weights of a shape instead: 370m, 1.3b, 2.7b, demo, tiny, or "
        "HIDDEN,INTERMEDIATE,LAYERS,VOCABULARY",
    )
    parser.add_argument("--packing", metavar="NAME", help="with --geometry: base3 or 2bit")
    parser.add_argument("--profile", metavar="NAME", help="with --geometry: default or small")
    parser.add_argument(
        "-e",
        "--engine",
        metavar="NAME",
        help="the execution (default: the fastest that runs here); native:LEVEL forces a dispatch "
        "level of the native engine, such as native:avx2",
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="of the native engine (default: all cores)"
    )
    parser.add_argument(
        "-n", "--tokens", type=int, default=64, metavar="N", help="to write (default: %(default)s)"
    )
    parser.add_argument(
        "-p",
        "--prompt-tokens",
        type=int,
        default=64,
        metavar="N",
        help="to read before (default: %(default)s)",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="to take medians of (default: 5)"
    )
    against = parser.add_argument_group("comparison, in alternation")
    against.add_argument(
        "--compare",
        metavar="OTHER",
        help="another engine, or a command line of a program that prints its tokens/s",
    )
    against.add_argument(
        "--figure",
        choices=("decode", "prefill"),
        default="decode",
        help="what is compared (default: %(default)s)",
    )
    against.add_argument(
        "--pattern",
        metavar="REGEX",
        help="where in the program's output its tokens/s are: the first group of the last match",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.bench import Workload, measure
    from tritstream.image import open_image

    work = Workload(args.tokens, args.prompt_tokens, args.rounds)
    with _image_file(args) as path:
        start = time.perf_counter()
        image = open_image(path)
        engine = _engine(image, args.engine, args.threads)
        load_s = time.perf_counter() - start
        figures = measure(engine, image, work, load_s)
        comparison = _compare(args, engine, image, work) if args.compare else None
        if args.json:
            print_json(_report(args, engine, image, figures, comparison))
        else:
            _print(args, engine, image, figures, comparison)
    return 0


@contextmanager
def _image_file(args: argparse.Namespace) -> Iterator[Path]:
    """The image to measure: the given one, or one of random weights that lasts that long."""
    from tritstream.bench import geometry_of, write_synthetic
    from tritstream.configurations import DEFAULT_LAYOUT, layout_named
    from tritstream.errors import OptionError
    from tritstream.files import scratch_folder
    from tritstream.models import model_path

    if args.geometry is None:
        if args.packing or args.profile:
            raise OptionError("--packing and --profile choose random weights: add --geometry")
        yield model_path(args.model)
        return
    layout = layout_named(DEFAULT_LAYOUT, args.packing, args.profile)
    with scratch_folder("bench") as folder:
        path = folder / "random.trit"
        write_synthetic(path, layout, geometry_of(args.geometry))
        yield path


def _engine(image: Image, name: str | None, threads: int | None) -> Engine:
    from tritstream.engines import default_engine, engine_for

    return engine_for(image, name or default_engine(image), threads=threads)


def _compare(args: argparse.Namespace, engine: Engine, image: Image, work: Workload) -> Comparison:
    from tritstream.bench import compare, round_of
    from tritstream.bench.compare import DEFAULT_PATTERN, rate_of_command
    from tritstream.engines import ENGINES

    key = f"{args.figure}_tokens_per_s"

    def rate(of: Engine) -> float:
        return float(getattr(round_of(of, work), key))

    if args.compare.partition(":")[0] in ENGINES:
        native = args.compare.partition(":")[0] == "native"
        other = _engine(image, args.compare, args.threads if native else None)
        return compare(lambda: rate(engine), lambda: rate(other), work.rounds)
    pattern = args.pattern or DEFAULT_PATTERN
    return compare(
        lambda: rate(engine), lambda: rate_of_command(args.compare, pattern), work.rounds
    )


def _report(
    args: argparse.Namespace,
    engine: Engine,
    image: Image,
    figures: Figures,
    comparison: Comparison | None,
) -> dict[str, Any]:
    from tritstream.bench.figures import TAGS

    report: dict[str, Any] = {
        "model": args.geometry or args.model,
        "engine": engine.name,
        "level": engine.info.level,
        "threads": engine.info.threads,
        "clock_hz": engine.info.clock_hz,
        "budget": None if engine.info.budget is None else asdict(engine.info.budget),
        "processors": len(os.sched_getaffinity(0)),
        "packing": image.header.layout.packing,
        "profile": image.header.layout.profile_name,
        "tokens": args.tokens,
        "prompt_tokens": args.prompt_tokens,
        "rounds": args.rounds,
        **figures.table(),
        "tags": TAGS,
    }
    if comparison is not None:
        report["comparison"] = {
            "with": args.compare,
            "figure": f"{args.figure}_tokens_per_s",
            "ours": comparison.ours,
            "theirs": comparison.theirs,
            "ratios": comparison.ratios,
            "ratio": comparison.ratio,
            "tag": "measured",
        }
    return report


def _print(
    args: argparse.Namespace,
    engine: Engine,
    image: Image,
    figures: Figures,
    comparison: Comparison | None,
) -> None:
    from rich.console import Console
    from rich.table import Table

    from tritstream.bench.figures import TAGS

    info = engine.info
    name = engine.name
    if info.level is not None:
        name += f":{info.level}, {info.threads} threads"
    c = image.header.layout
    title = f"{args.geometry or args.model} ({c.packing}, {c.profile_name}), engine {name}"
    table = Table(title=title, show_header=False, title_justify="left")
    share, reading = figures.bandwidth_share, figures.read_bytes_per_s
    rows: list[tuple[str, str | None, str]] = [
        ("decode", f"{readable_rate(figures.decode_tokens_per_s)} tokens/s", "decode_tokens_per_s"),
        (
            f"prefill of {args.prompt_tokens}",
            f"{readable_rate(figures.prefill_tokens_per_s)} tokens/s",
            "prefill_tokens_per_s",
        ),
        (
            "whole text, greedy",
            f"{readable_rate(figures.greedy_tokens_per_s)} tokens/s",
            "greedy_tokens_per_s",
        ),
        (
            "whole text, drawn",
            f"{readable_rate(figures.sampled_tokens_per_s)} tokens/s",
            "sampled_tokens_per_s",
        ),
        ("share of the engine's", f"{figures.sampled_share:.1%}", "sampled_share"),
        ("first token", f"{figures.time_to_first_token_s * 1e3:.1f} ms", "time_to_first_token_s"),
        ("load", f"{figures.load_s * 1e3:.0f} ms", "load_s"),
        ("bytes a token", readable_bytes(figures.bytes_per_token), "bytes_per_token"),
        (
            "plain read loop",
            None if reading is None else f"{readable_bytes(int(reading))}/s",
            "read_bytes_per_s",
        ),
        ("share of it", None if share is None else f"{share:.0%}", "bandwidth_share"),
        ("peak memory", readable_bytes(figures.peak_rss_bytes), "peak_rss_bytes"),
        (
            "beyond the image",
            _bytes_or_none(figures.peak_beyond_image_bytes),
            "peak_beyond_image_bytes",
        ),
        ("working set", _bytes_or_none(figures.working_set_bytes), "working_set_bytes"),
    ]
    for label, value, key in rows:
        if value is not None:
            table.add_row(label, value, TAGS[key])
    if info.budget is not None:
        table.add_row("a start", str(info.budget), "measured")
    if info.clock_hz is not None:
        table.add_row("fabric clock", f"{info.clock_hz / 1e6:.4g} MHz", "read from the dividers")
    if comparison is not None:
        table.add_row(
            f"{args.figure} against {args.compare}",
            f"{comparison.ratio:.2f} times ({', '.join(f'{r:.2f}' for r in comparison.ratios)})",
            "measured, in alternation",
        )
    Console().print(table)


def _bytes_or_none(count: int | None) -> str | None:
    return None if count is None else readable_bytes(count)
