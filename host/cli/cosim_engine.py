"""`tritstream cosim engine`: the whole engine in its shell, on a DDR model."""

import argparse
from pathlib import Path
from typing import Any

from tritstream.cli.cosim_resources import engine_resources
from tritstream.cli.options import print_json
from tritstream.configurations import Configuration
from tritstream.errors import OptionError


def run_engine(args: argparse.Namespace, configuration: Configuration) -> int:
    """Simulate, compare with the specification and report; 1 where something is not bit-exact."""
    from tritstream.bench.synthetic import geometry_of
    from tritstream.cli.cosim import LAYERS, TRACE_CYCLES
    from tritstream.cosim.report import engine_report
    from tritstream.cosim.timeline import check_format, plot_timeline
    from tritstream.cosim.trial import Trial
    from tritstream.system import Conditions

    asked = LAYERS if args.layers is None else args.layers
    trace_cycles = TRACE_CYCLES if args.trace_cycles is None else args.trace_cycles
    if asked < 1:
        raise OptionError(f"--layers must be 1 or more, not {asked}")
    if trace_cycles < 1:
        raise OptionError(f"--trace-cycles must be 1 or more, not {trace_cycles}")
    if args.image and args.geometry:
        raise OptionError("--geometry is for random weights: leave it out, or --image")
    if args.plot:
        check_format(args.plot)
    conditions = Conditions(args.seed, round(256 * args.stall), args.latency)
    trial = Trial(
        configuration,
        conditions,
        args.seed,
        Path(args.image) if args.image else None,
        geometry_of(args.geometry) if args.geometry else None,
        Path(args.trace) if args.trace else None,
        trace_cycles,
    )
    if args.verilog:
        from tritstream.files import atomic_write_bytes

        atomic_write_bytes(args.verilog, trial.engine.system.parts.text.encode())
    layers = min(asked, trial.layers)
    alone = trial.run(0, 0)
    head = not args.no_head
    several = None
    if layers > 1 or head:
        # With the head the last layers, which lie before it; the first ones without.
        first = trial.layers - layers if head else 0
        several = trial.run(first, first + layers - (not head))
    report = engine_report(configuration, trial.image.geometry, alone, several, head)
    bus = trial.engine.system.parts.bus
    report["memory_model"] = {
        "latency_cycles": args.latency,
        "wait_probability": conditions.stall / 256,
        "bandwidth_limit": None,
        "bus": f"{bus.name}, {bus.bits} bits, bursts of {bus.burst} beats",
        "seed": args.seed,
    }
    report["weights"] = args.image or f"random, seed {args.seed}"
    if args.resources:
        report["resources_estimated"] = engine_resources(configuration)
    if args.plot:
        shown = several if several is not None and layers > 1 else alone
        record = layers - 1 if shown is several else 0
        memory = f"latency {args.latency}, waits {conditions.stall}/256"
        title = f"A layer of {configuration.name}, {memory} (simulated)"
        plot_timeline(args.plot, title, shown, record)
    if args.json:
        print_json(report)
    else:
        _show(report)
        if args.plot:
            print(f"wrote {args.plot}")
    return 0 if report["bit_exact"] else 1


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
    where = f" of {counts['board']}" if "board" in counts else ""
    dsps = ", ".join(f"{name} {n}" for name, n in counts["dsp_by_function"].items())
    console.print(f"Resources{where}, by Yosys (estimated): {', '.join(parts)}.", highlight=False)
    console.print(f"DSPs by function (estimated): {dsps or 'none'}.", highlight=False)
