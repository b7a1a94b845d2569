"""`tritstream estimate`: what a model would reach on a board, before anything is built."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tritstream.board.overlays import Manifest
from tritstream.boards import BOARDS, Board, board_named
from tritstream.cli.options import add_json, print_json, readable_bytes, readable_rate
from tritstream.configurations import ROWS_PER_BYTE, configuration_named, toml_of
from tritstream.errors import OptionError
from tritstream.estimate.candidates import Candidate, best_candidate, candidates
from tritstream.estimate.cycles import reference_geometry
from tritstream.estimate.host import INSTRUCTIONS_PER_CYCLE, HostWork, host_work
from tritstream.estimate.limits import EFFICIENCY, limits, memory
from tritstream.estimate.rates import Rates, rates
from tritstream.estimate.resources import ASSUMPTIONS, resources
from tritstream.files import check_output
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.kernels.descriptors import refusal
from tritstream.numerics import profile_named
from tritstream.report.findings import MeasuredBoard, read_report

_OWN = "mine.toml"
"""A configuration that does not ship, as a file of one's own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help=f"geometry ({', '.join(GEOMETRIES)}), image (.trit), or checkpoint folder; "
        "left out with --configuration",
    )
    parser.add_argument(
        "-b", "--board", metavar="NAME", help=f"one of {', '.join(BOARDS)} (default: kv260)"
    )
    parser.add_argument(
        "-c",
        "--configuration",
        metavar="NAME",
        help="show this build configuration phase by phase (default: the best that fits)",
    )
    parser.add_argument("--profile", metavar="NAME", help="only this precision profile")
    memory = parser.add_mutually_exclusive_group()
    memory.add_argument(
        "--efficiency",
        type=float,
        default=EFFICIENCY,
        metavar="X",
        help="share of the DDR peak that is reached, assumed (default: %(default)s)",
    )
    memory.add_argument(
        "--report",
        metavar="FILE",
        help="take board, clock and rate of the memory from a `tritstream board report`",
    )
    parser.add_argument("--all", action="store_true", help="list every configuration tried")
    parser.add_argument("--plot", metavar="FILE", help="draw the roofline as .png or .svg")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    if not 0 < args.efficiency <= 1:
        raise OptionError(f"--efficiency must be above 0 and at most 1, not {args.efficiency}")
    asked = None
    if args.configuration:
        asked = configuration_named(args.configuration)
    elif args.model is None:
        raise OptionError(f"name a model: {', '.join(GEOMETRIES)}, an image or a checkpoint folder")
    if args.model is not None:
        geometry = _geometry(args.model)
    else:
        assert asked is not None
        _, geometry = reference_geometry(asked)
    if asked is not None and (why := refusal(asked, geometry)):
        raise OptionError(f"{why}: name another --configuration")
    measured = None if args.report is None else read_report(Path(args.report))
    name = args.board or (measured and measured.board) or (asked and asked.board_name) or "kv260"
    board = board_named(name)
    if measured is not None:
        if measured.board != board.name:
            raise OptionError(
                f"{args.report} is of {measured.board}, and --board says {board.name}: leave "
                f"--board out"
            )
        board = replace(board, clock_hz=measured.clock_hz)
        args.efficiency = measured.efficiency

    if args.profile:
        profile_named(args.profile)
    tried = list(candidates(geometry, board, args.efficiency, args.profile))
    shown = best_candidate(tried)
    if asked is not None:
        shown = Candidate(
            asked.packing,
            asked.profile_name,
            asked.lanes,
            asked.element_lanes,
            configuration=asked,
            rates=rates(asked, geometry, board, args.efficiency),
            memory=memory(asked.layout, geometry, board, asked.tokens),
            resources=resources(asked, board),
        )
    if args.plot:
        check_output(args.plot)
        from tritstream.estimate.plot import plot_roofline

        plot_roofline(
            args.plot,
            f"{args.model or args.configuration} on {board.title}",
            geometry,
            board,
            [shown] if asked and shown else tried,
            args.efficiency,
        )
    if args.json:
        print_json(_report(geometry, board, tried, shown, args.efficiency, measured))
    else:
        _show(args, geometry, board, tried, shown)
    return 0


def _geometry(model: str) -> Geometry:
    """A name from the table, an image's header, or a checkpoint's config.json."""
    if model in GEOMETRIES:
        return GEOMETRIES[model]
    path = Path(model)
    if path.is_dir():
        from tritstream.checkpoint.config import read_config

        config = read_config(path / "config.json")
        return Geometry(
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            config.vocab_size,
        )
    if path.is_file():
        from tritstream.image import open_image

        return open_image(path, verify=False).geometry
    raise OptionError(
        f"model '{model}' is neither a known geometry ({', '.join(GEOMETRIES)}) nor an image or a "
        f"checkpoint folder"
    )


def _report(
    geometry: Geometry,
    board: Board,
    tried: list[Candidate],
    shown: Candidate | None,
    efficiency: float,
    measured: MeasuredBoard | None,
) -> dict[str, Any]:
    return {
        "geometry": asdict(geometry),
        "board": board.name,
        "assumed_efficiency": None if measured else efficiency,
        "report": None if measured is None else asdict(measured),
        "assumptions": list(ASSUMPTIONS),
        "derived": {
            "ternary_weights": geometry.ternary_weights,
            "limits": [asdict(limits(geometry, board, p, efficiency)) for p in ROWS_PER_BYTE],
            "configuration": None if shown is None else _candidate(shown, phases=True),
            "host": None
            if shown is None or shown.rates is None
            else asdict(host_work(shown.rates, board, geometry.vocabulary)),
            "candidates": [_candidate(c) for c in tried],
        },
    }


def _candidate(c: Candidate, phases: bool = False) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "packing": c.packing,
        "profile": c.profile_name,
        "lanes": c.lanes,
        "element_lanes": c.element_lanes,
        "shipped_as": c.shipped_as,
    }
    if c.rates is None or c.memory is None or c.resources is None:
        return shape | {"refused": c.refused}
    told = asdict(c.rates)
    if not phases:
        del told["layer"], told["head"]
    return shape | {
        "fits": c.fits,
        "rates": told,
        "memory": asdict(c.memory) | {"needed": c.memory.needed, "fits": c.memory.fits},
        "resources": asdict(c.resources),
    }


def _show(
    args: argparse.Namespace,
    geometry: Geometry,
    board: Board,
    tried: list[Candidate],
    shown: Candidate | None,
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    percent = f"{args.efficiency:.0%}"
    source = "assumed" if args.report is None else f"what {args.report} has counted"
    console.print(
        f"{geometry.ternary_weights:,} ternary weights a token; {board.title}, "
        f"DDR peak {board.ddr_peak_bytes_per_s / 1e9:.1f} GB/s, clock "
        f"{board.clock_hz / 1e6:.0f} MHz. All figures derived; {percent} of the peak is {source}.",
        highlight=False,
    )
    roof = Table("packing", "bytes a token", "tokens/s at peak", f"at {percent}", title="DDR alone")
    for packing in ROWS_PER_BYTE:
        limit = limits(geometry, board, packing, args.efficiency)
        roof.add_row(
            packing,
            readable_bytes(limit.bytes_per_token),
            readable_rate(limit.tokens_per_s_at_peak),
            readable_rate(limit.tokens_per_s),
        )
    console.print(roof)
    console.print(_candidate_table(tried, board, everything=args.all))
    for reason in _refusals(tried):
        console.print(f"not tried: {reason}", style="dim", highlight=False, soft_wrap=True)
    if shown is None:
        console.print(_why_none(tried, board), highlight=False, soft_wrap=True)
    else:
        _show_candidate(console, shown, best=args.configuration is None)
        if shown.rates is not None:
            line = _with_host(shown.rates, board, geometry)
            console.print(line, highlight=False, soft_wrap=True)
    if shown is not None:
        _show_next(console, shown, board, args.configuration)
        ships = best_candidate([c for c in tried if c.shipped_as])
        if (
            not shown.shipped_as
            and not args.configuration
            and ships is not None
            and ships.rates is not None
        ):
            console.print(
                f"Of what ships {ships.shipped_as} runs it too, at "
                f"{readable_rate(ships.rates.tokens_per_s)} tokens/s: add -c {ships.shipped_as}.",
                highlight=False,
                soft_wrap=True,
            )
    for sentence in _bitstreams(geometry, board, args.efficiency):
        console.print(sentence, highlight=False, soft_wrap=True)
    if args.all:
        console.print("Resources assume: " + "; ".join(ASSUMPTIONS) + ".", style="dim")
    if args.plot:
        console.print(f"wrote {args.plot}", highlight=False)


def _with_host(of: Rates, board: Board, geometry: Geometry) -> str:
    """The rate with what the board's processor adds, in a sentence."""
    work = host_work(of, board, geometry.vocabulary)
    least, most = INSTRUCTIONS_PER_CYCLE
    return (
        f"With the work of the board's processor, {work.instructions / 1e6:.1f} M instructions a "
        f"sampled token at {least:g} to {most:g} a cycle: {_span(work)} tokens/s (derived)."
    )


def _show_next(console: Any, shown: Candidate, board: Board, asked: str | None) -> None:
    """What to do with a checkpoint of this size."""
    name = shown.shipped_as or asked or _OWN
    generated, made_up = "", not shown.shipped_as and not asked
    if made_up:
        assert shown.configuration is not None
        console.print(f"Next: write this into {name}:\n", highlight=False)
        console.print(toml_of(shown.configuration), highlight=False, markup=False)
    if not shown.shipped_as:
        generated = (
            f"`python -m tritstream.kernels build --configuration {name}` (with Allo), then "
        )
    console.print(
        f"{'Then' if made_up else 'Next:'} `tritstream pack CHECKPOINT --layout {name} -o "
        f"model.trit`, and for its hardware {generated}"
        f"`tritstream build --configuration {name} --board {board.name}`.",
        highlight=False,
        soft_wrap=True,
    )


def _bitstreams(geometry: Geometry, board: Board, efficiency: float) -> list[str]:
    """A sentence for every bitstream of the package that runs this geometry on this board."""
    from tritstream.board.overlays import serves, shipped
    from tritstream.kernels.descriptors import refusal

    sentences = []
    for manifest in shipped():
        if manifest.bit is None or not serves(manifest, board.name):
            continue
        if refusal(manifest.hardware, geometry):
            continue
        used = manifest.build.get("estimated", {}).get("used", {})
        parts = "".join(f", {used[k]:,.0f} {k.upper()}" for k in ("lut", "bram36") if k in used)
        sentences.append(
            f"A bitstream of {manifest.name} comes with the package, at "
            f"{manifest.clock_hz / 1e6:.1f} MHz{parts} ({manifest.build.get('status', 'built')}): "
            f"`tritstream overlay install {manifest.name} --board {board.name}`. "
            f"{_shipped_rate(manifest, geometry, board, efficiency)}"
        )
    return sentences


def _shipped_rate(manifest: Manifest, geometry: Geometry, board: Board, efficiency: float) -> str:
    at_its_clock = replace(board, clock_hz=manifest.clock_hz)
    of = rates(manifest.hardware, geometry, at_its_clock, efficiency)
    work = host_work(of, board, geometry.vocabulary)
    return (
        f"With it fabric and memory give {readable_rate(of.tokens_per_s)} tokens/s, and "
        f"{_span(work)} with the processor's work (projected)."
    )


def _span(work: HostWork) -> str:
    return " to ".join(readable_rate(rate) for rate in work.tokens_per_s)


def _candidate_table(tried: list[Candidate], board: Board, everything: bool) -> Any:
    from rich.table import Table

    table = Table(
        "weights",
        "word x E",
        "tokens/s",
        "bound",
        "LUT",
        "DSP",
        "BRAM",
        "memory",
        "ships as",
        title="Configurations: word of weights by element lanes E (derived)",
        box=None,
        padding=(0, 1, 0, 0),
    )
    for column in table.columns:
        column.no_wrap = True
    best = _best_of_each(tried)
    for c in tried if everything else [c for c in tried if c in best or c.shipped_as]:
        if c.rates is None or c.memory is None or c.resources is None:
            continue
        used, misfits = c.resources, c.resources.misfits

        def share(value: float, name: str, of: int, misfits: tuple[str, ...] = misfits) -> str:
            text = f"{value / of:.0%}"
            return f"[red]{text} over[/]" if name in misfits else text

        memory_text = readable_bytes(c.memory.needed)
        table.add_row(
            f"{c.packing} {c.profile_name}",
            f"{c.lanes} B x {c.element_lanes}",
            readable_rate(c.rates.tokens_per_s),
            c.rates.bound,
            share(used.lut, "lut", board.luts),
            share(used.dsp, "dsp", board.dsps),
            share(used.bram36, "bram36", board.bram36),
            memory_text if c.memory.fits else f"[red]{memory_text} over[/]",
            c.shipped_as or "",
        )
    return table


def _refusals(tried: list[Candidate]) -> list[str]:
    """One reason for each word width that cannot be built."""
    reasons = {c.lanes: c.refused for c in tried if c.refused}
    for c in tried:
        if not c.refused:
            reasons.pop(c.lanes, None)
    return [f"{lanes}-byte words: {reason}" for lanes, reason in sorted(reasons.items())]


def _best_of_each(tried: list[Candidate]) -> list[Candidate]:
    """For each packing, profile and word, the best element width."""
    groups: dict[tuple[str, str, int], list[Candidate]] = {}
    for c in tried:
        if c.rates is not None:
            groups.setdefault((c.packing, c.profile_name, c.lanes), []).append(c)
    fastest = {
        key: max(of, key=lambda c: c.rates.tokens_per_s if c.rates else 0.0)
        for key, of in groups.items()
    }
    return [best_candidate(of) or fastest[key] for key, of in groups.items()]


def _show_candidate(console: Any, c: Candidate, best: bool) -> None:
    from rich.table import Table

    assert c.rates and c.memory and c.resources and c.configuration
    name = c.shipped_as or ("not shipped" if best else "your own")
    title = "Best that fits" if best else f"Configuration {c.configuration.name}"
    console.print(
        f"{title}: {c.packing}, {c.profile_name}, {c.lanes}-byte words over "
        f"{c.configuration.ports} ports, {c.element_lanes} element lanes ({name})",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("phase", "norm", "words", "drain", "cycles", title="Cycles, no stalls (derived)")
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in (*c.rates.layer, *c.rates.head):
        figures = (phase.norm, phase.words, phase.drain, phase.total)
        table.add_row(phase.name, *(f"{v:,}" for v in figures))
    console.print(table)
    room = "fits" if c.memory.fits else "is more than"
    set_aside = readable_bytes(c.memory.available)
    for line in (
        f"A token: {c.rates.cycles:,} cycles, {c.rates.element_share:.1%} of them without a weight "
        f"word; {c.rates.stalled_cycles:,.0f} with stalls, bound by {c.rates.bound}; "
        f"{readable_rate(c.rates.tokens_per_s)} tokens/s.",
        f"Memory: {readable_bytes(c.memory.needed)} {room} the {set_aside} of contiguous memory "
        f"that the board's image sets aside.",
        f"Logic: {c.resources.lut:,} LUT, {c.resources.dsp} DSP, {c.resources.bram36:g} BRAM36"
        + ("." if c.resources.fits else f"; over the limit: {', '.join(c.resources.misfits)}."),
    ):
        console.print(line, highlight=False, soft_wrap=True)


def _why_none(tried: list[Candidate], board: Board) -> str:
    built = [c for c in tried if c.resources is not None and c.memory is not None]
    if not built:
        return "No configuration can be built for this geometry: no weight word divides its widths."
    if any(c.resources and c.resources.fits for c in built):
        need = min(c.memory.needed for c in built if c.memory)
        return (
            f"Nothing fits with the model resident: it takes {readable_bytes(need)} at least and "
            f"the image sets aside {readable_bytes(board.cma_default_bytes)} (raise it with cma= "
            f"on the kernel command line, or let the runtime stream the records)."
        )
    return f"Nothing fits the logic of {board.title}: choose a narrower word or the small profile."
