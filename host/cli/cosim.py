"""`tritstream cosim`: the RTL of a kernel, or of the whole engine, against the specification."""

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from tritstream.cli.options import add_dask, add_json, print_json
from tritstream.configurations import Configuration, configuration_named
from tritstream.errors import OptionError
from tritstream.files import check_output

RUNS, LAYERS, TRACE_CYCLES = 20, 2, 5_000
MOST_RUNS = 100_000
MOST_LATENCY = 10_000
"""A hundred times what DDR takes; a simulation of more would have no end in sight."""
VECTOR_PORTS = {"own": (1, 0), "half": (2, 0), "shared": (1, 1)}
"""Conditions of the port for everything but weights: vector_cycles and vector_shares."""
ENGINE_ONLY = ("layers", "image", "geometry", "trace_cycles", "plot", "no_head", "vectors")


_EXAMPLES = """\
examples:
  tritstream cosim ternary_matvec --stall 0.25 --latency 30
  tritstream cosim engine -c tiny
  tritstream cosim engine -c kv260 --geometry 370m --latency 60 --wait 0.0625 --plot layer.svg
  tritstream cosim engine -c tiny,z7020 --latency 1,30,60 --dask local:3

Of -c, --latency, --stall and --geometry several may be given, with commas between them: each is
simulated with each of the others then, and a table compares them.
"""
_T = TypeVar("_T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "kernel",
        help="ternary_matvec, rmsnorm, mlgru or swiglu; engine: all of it in its shell, on a model "
        "of DDR memory",
    )
    parser.add_argument(
        "-c",
        "--configuration",
        default="tiny",
        help="build configuration, or a .toml file (default: %(default)s); or several",
    )
    parser.add_argument("--seed", type=int, default=1, help="of inputs and stalls (default: 1)")
    parser.add_argument(
        "--stall",
        "--wait",
        default="0",
        metavar="P",
        help="probability of a stall wherever memory can stall, below 1 (default: none)",
    )
    parser.add_argument(
        "--latency",
        default="1",
        metavar="CYCLES",
        help=f"cycles to the first beat of a burst, {MOST_LATENCY} at most (default: 1)",
    )
    parser.add_argument("--trace", metavar="FILE", help="write a waveform (VCD)")
    parser.add_argument("--verilog", metavar="FILE", help="write the SystemVerilog")
    parser.add_argument(
        "--resources", action="store_true", help="estimate LUT, FF, BRAM and DSP with Yosys"
    )
    add_dask(parser)
    add_json(parser)
    _add_kernel(parser.add_argument_group("a kernel"))
    _add_engine(parser.add_argument_group("the engine"))


def _add_kernel(kernel: argparse._ArgumentGroup) -> None:
    kernel.add_argument("--runs", type=int, help="random inputs beside the extremes (default: 20)")


def _add_engine(engine: argparse._ArgumentGroup) -> None:
    engine.add_argument(
        "--layers",
        type=int,
        metavar="N",
        help="layers of the start that follows the one of a layer alone (default: 2)",
    )
    engine.add_argument(
        "--no-head", action="store_true", help="leave the LM head out of that start"
    )
    engine.add_argument(
        "--image", metavar="FILE", help="weights of this image (default: random ones)"
    )
    engine.add_argument(
        "--geometry",
        metavar="NAME",
        help="sizes of random weights: 370m, 1.3b, 2.7b, demo, or "
        "HIDDEN,INTERMEDIATE,LAYERS,VOCABULARY (default: small ones)",
    )
    engine.add_argument(
        "--trace-cycles",
        type=int,
        metavar="N",
        help="cycles in the waveform, 14 KB each for the smallest engine "
        f"(default: {TRACE_CYCLES})",
    )
    engine.add_argument(
        "--vectors",
        choices=VECTOR_PORTS,
        help="port for everything but weights: own, one like the others; half, one of half their "
        "width; shared, that of the last weight master (default: own)",
    )
    engine.add_argument("--plot", metavar="FILE", help="draw a layer's timeline as .png or .svg")


def run(args: argparse.Namespace) -> int:
    stalls = _several("--stall", args.stall, float)
    latencies = _several("--latency", args.latency, int)
    for stall in stalls:
        if not 0 <= stall < 1:
            raise OptionError(f"--stall is a probability below 1, not {stall}")
    for latency in latencies:
        if not 1 <= latency <= MOST_LATENCY:
            raise OptionError(f"--latency must be 1 to {MOST_LATENCY} cycles, not {latency}")
    if args.seed < 0:
        raise OptionError(f"--seed must be 0 or more, not {args.seed}")
    of_engine = args.kernel == "engine"
    for name in ("runs",) if of_engine else ENGINE_ONLY:
        if getattr(args, name) not in (None, False):
            here, there = ("the engine", "a kernel") if of_engine else ("a kernel", "the engine")
            raise OptionError(
                f"--{name.replace('_', '-')} is an option for {there}, and does nothing for "
                f"{here}: leave it out"
            )
    for path in (args.trace, args.verilog, args.plot):
        if path is not None:
            check_output(path)
    names = [args.configuration]
    if not Path(args.configuration).exists():
        names = _several("-c", args.configuration, str)
    geometries = _geometries(args.geometry)
    if args.dask is not None or max(map(len, (names, stalls, latencies, geometries))) > 1:
        from tritstream.cli.cosim_sweep import run_sweep

        combined = product(names, geometries, latencies, stalls)
        return run_sweep(args, runs_of(args), list(combined))
    args.stall, args.latency = stalls[0], latencies[0]
    configuration = configuration_named(names[0])
    if args.kernel == "engine":
        from tritstream.cli.cosim_engine import run_engine

        return run_engine(args, configuration)
    return _run_kernel(args, configuration)


def _several(option: str, text: str, kind: Callable[[str], _T]) -> list[_T]:
    """Values with commas between them, at least one, each once."""
    try:
        return list(dict.fromkeys(kind(part.strip()) for part in text.split(",")))
    except ValueError as error:
        raise OptionError(
            f"{option} takes numbers, with commas between them, not {text}"
        ) from error


def _geometries(text: str | None) -> list[str | None]:
    """Of names several; four numbers are one."""
    parts = [part.strip() for part in (text or "").split(",")]
    return [text] if all(part.isdecimal() for part in parts) or not text else [*parts]


def runs_of(args: argparse.Namespace) -> int:
    """--runs, in its range."""
    runs = RUNS if args.runs is None else int(args.runs)
    if not 1 <= runs <= MOST_RUNS:
        raise OptionError(f"--runs must be 1 to {MOST_RUNS:,}, not {runs}")
    return runs


def _run_kernel(args: argparse.Namespace, configuration: Configuration) -> int:
    from tritstream.cosim import run_kernel

    report = run_kernel(
        configuration,
        args.kernel,
        runs=runs_of(args),
        seed=args.seed,
        stall=args.stall,
        latency=args.latency,
        trace=Path(args.trace) if args.trace else None,
        verilog=Path(args.verilog) if args.verilog else None,
        resources=args.resources,
    )
    if args.json:
        print_json(report)
    else:
        _show(report)
    return 0 if report["bit_exact"] else 1


def _show(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, title=f"{report['kernel']} of {report['configuration']}, RTL")
    exact = "yes" if report["bit_exact"] else f"NO: {'; '.join(report['wrong'][:5])}"
    for name, value in (
        ("bit-exact with the specification", f"{exact} ({report['runs']} runs)"),
        ("cycles a run", f"{report['cycles_simulated']:.1f} (simulated)"),
        ("ideal cycles", f"{report['cycles_ideal_derived']:.1f} (derived)"),
        ("efficiency", f"{100 * report['efficiency_simulated']:.1f}% (simulated)"),
        (
            "stall probability, latency",
            "it has no port that can wait"
            if report["stall"] is None
            else f"{report['stall']}, {report['latency']} cycles",
        ),
    ):
        table.add_row(name, value)
    for name, value in report.get("resources_estimated", {}).items():
        if name == "share":
            text = ", ".join(f"{k} {100 * v:.1f}%" for k, v in value.items())
            table.add_row("of the board's device", f"{text} (estimated)")
        else:
            table.add_row(name, str(value) if name == "board" else f"{value} (estimated)")
    console = Console()
    console.print(table)
    phases = Table("phase", "cycles a run (simulated)")
    for phase in report["phases_simulated"]:
        where = f"loop of {phase['function']} ({phase['source']})"
        phases.add_row(where if phase["source"] else "all the rest", f"{phase['cycles']:.1f}")
    console.print(phases)
    loops = Table("pipelined loop", "depth", "interval", "longest path, ns (estimated)")
    for loop in report["loops"]:
        loops.add_row(
            loop["where"], str(loop["depth"]), str(loop["interval"]), f"{loop['longest_ns']}"
        )
    console.print(loops)
    console.print(report["note"])
