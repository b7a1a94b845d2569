"""`tritstream cosim engine`: the whole engine in its shell, on a DDR model."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tritstream.cli.options import print_json
from tritstream.configurations import Configuration
from tritstream.errors import OptionError


def run_engine(args: argparse.Namespace, configuration: Configuration) -> int:
    """Simulate, compare with the specification and report; 1 where something is not bit-exact."""
    from tritstream import cosim
    from tritstream.bench.synthetic import geometry_of
    from tritstream.cli.cosim import LAYERS, TRACE_CYCLES, VECTOR_PORTS
    from tritstream.cosim.timeline import check_format
    from tritstream.system import Conditions

    trace_cycles = TRACE_CYCLES if args.trace_cycles is None else args.trace_cycles
    if trace_cycles < 1:
        raise OptionError(f"--trace-cycles must be 1 or more, not {trace_cycles}")
    if args.plot:
        check_format(args.plot)
    cycles, shares = VECTOR_PORTS[args.vectors or "own"]
    conditions = Conditions(
        args.seed,
        round(256 * args.stall),
        args.latency,
        vector_cycles=cycles,
        vector_shares=shares,
    )
    found = cosim.run_engine(
        configuration,
        conditions,
        image=Path(args.image) if args.image else None,
        geometry=geometry_of(args.geometry) if args.geometry else None,
        layers=LAYERS if args.layers is None else args.layers,
        head=not args.no_head,
        seed=args.seed,
        trace=Path(args.trace) if args.trace else None,
        trace_cycles=trace_cycles,
        verilog=Path(args.verilog) if args.verilog else None,
        resources=args.resources,
        progress=lambda step: print(f"tritstream: {step}", file=sys.stderr),
    )
    if args.plot:
        found.plot(args.plot)
    if args.json:
        print_json(found.report)
    else:
        _show(found.report)
        if args.plot:
            print(f"wrote {args.plot}")
    return 0 if found.report["bit_exact"] else 1


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    exact = "yes" if report["bit_exact"] else "NO: " + "; ".join(report["wrong"][:5])
    memory = report["memory_model"]
    console.print(
        f"{report['configuration']} with {_sizes(report['geometry'])}: the engine in its shell, "
        f"RTL, simulated. Bit-exact with the specification: {exact}. Memory: {memory['bus']}, "
        f"latency {memory['latency_cycles']} cycles, waits with probability "
        f"{memory['wait_probability']:g} wherever a port may wait; "
        f"weights: {report['weights']}.",
        highlight=False,
    )
    alone = report["one_layer_alone_simulated"]
    console.print(_table("One layer alone in a start", alone["phases"]))
    console.print(
        f"With {alone['load']:,} cycles before it (start, residual in) and {alone['store']:,} "
        f"after it (residual out, end): {alone['cycles']:,} cycles, weight-stream efficiency "
        f"{alone['weight_efficiency']:.1%} (simulated).",
        highlight=False,
    )
    for key, title in (("further_layer", "A further layer"), ("head", "The LM head behind it")):
        found = report.get(f"{key}_simulated")
        if found:
            console.print(_table(f"{title} in a start", found["phases"]))
            console.print(
                f"{found['cycles']:,} cycles, weight-stream efficiency "
                f"{found['weight_efficiency']:.1%} (simulated).",
                highlight=False,
            )
    if "projected" in report:
        _show_projected(console, report["projected"])
    if "resources_estimated" in report:
        _show_resources(console, report["resources_estimated"])
    console.print(report["note"])


def _sizes(geometry: dict[str, int]) -> str:
    return ", ".join(f"{name} {size}" for name, size in geometry.items())


def _table(title: str, phases: list[dict[str, Any]]) -> Any:
    from rich.table import Table

    names = [name for name in phases[0] if name != "name"]
    table = Table(
        "phase", *names, title=f"{title}: cycles (simulated)", box=None, padding=(0, 1, 0, 0)
    )
    for column in table.columns:
        column.no_wrap = True
    for column in table.columns[1:]:
        column.justify = "right"
    for phase in phases:
        table.add_row(phase["name"], *(f"{phase[n]:,}" for n in names))
    table.add_row("total", *(f"{sum(p[n] for p in phases):,}" for n in names), style="bold")
    return table


def _show_projected(console: Any, projected: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(
        "board",
        "clock, MHz",
        "DDR, GB/s",
        "tokens/s, memory as simulated",
        "tokens/s with that DDR",
        "bound by",
        title="Tokens/s (projected)",
        box=None,
        padding=(0, 1),
    )
    for b in projected["boards"]:
        table.add_row(
            b["board"],
            f"{b['assumed_clock_hz'] / 1e6:.0f}",
            f"{b['assumed_ddr_bytes_per_s'] / 1e9:.1f}",
            f"{b['tokens_per_s_as_simulated']:.1f}",
            f"{b['tokens_per_s_with_ddr']:.1f}" + ("" if b["model_fits_memory"] else " (streamed)"),
            b["bound"],
        )
    console.print(table)
    console.print(
        f"A token is {projected['cycles_per_token']:,} cycles ({projected['cycles_are']}). "
        f"Assumed: {'; '.join(projected['assumptions'])}.",
        highlight=False,
    )


def _show_resources(console: Any, counts: dict[str, Any]) -> None:
    shares = counts.get("share", {})
    parts = [
        f"{counts[name]:,} {name}" + (f" ({shares[name]:.1%})" if name in shares else "")
        for name in ("LUT", "FF", "BRAM36", "DSP")
    ]
    where = f" of {counts['board']}"
    dsps = ", ".join(f"{name} {n}" for name, n in counts["dsp_by_function"].items())
    console.print(f"Resources{where}, by Yosys (estimated): {', '.join(parts)}.", highlight=False)
    console.print(f"DSPs by function (estimated): {dsps or 'none'}.", highlight=False)
