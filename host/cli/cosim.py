"""`tritstream cosim`: a kernel's RTL against the specification, in Verilator."""

import argparse
from pathlib import Path
from typing import Any

from tritstream.cli.options import add_json, print_json
from tritstream.configurations import configuration_named
from tritstream.errors import OptionError
from tritstream.files import atomic_write_bytes

NOTE = "Cycles are those of this RTL; Vitis HLS may schedule the same kernel differently."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", help="ternary_matvec, rmsnorm, mlgru or swiglu")
    parser.add_argument(
        "-c", "--configuration", default="tiny", help="build configuration (default: %(default)s)"
    )
    parser.add_argument(
        "--runs", type=int, default=20, help="random inputs beside the extremes (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of inputs and stalls (default: 1)")
    parser.add_argument(
        "--stall",
        type=float,
        default=0.0,
        metavar="P",
        help="probability of a stall wherever memory can stall, below 1 (default: none)",
    )
    parser.add_argument(
        "--latency", type=int, default=1, help="cycles to the first beat of a burst (default: 1)"
    )
    parser.add_argument("--trace", metavar="FILE", help="write the first run's waveform (VCD)")
    parser.add_argument("--verilog", metavar="FILE", help="write the SystemVerilog")
    parser.add_argument(
        "--resources", action="store_true", help="estimate LUT, FF, BRAM and DSP with Yosys"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.rtl.cases import cases_of
    from tritstream.rtl.kernel import RtlKernel, compile_kernel, module_of
    from tritstream.rtl.simulate import Stalls, build

    if not 0 <= args.stall < 1:
        raise OptionError(f"--stall is a probability below 1, not {args.stall}")
    if args.runs < 1 or args.latency < 1:
        raise OptionError("--runs and --latency must be 1 or more")
    configuration = configuration_named(args.configuration)
    cases = list(cases_of(configuration, args.kernel, args.runs, args.seed))
    compiled = compile_kernel(configuration, args.kernel)
    if args.verilog:
        atomic_write_bytes(args.verilog, compiled.text.encode())
    simulation = build([compiled], trace=args.trace is not None)
    types = [
        a.type for a in module_of(configuration.name, args.kernel).function(args.kernel).arguments
    ]
    kernel = RtlKernel(simulation, 0, types)
    wrong: list[str] = []
    cycles = ideal = 0
    for number, case in enumerate(cases):
        kernel.stalls = Stalls(args.seed + number, round(256 * args.stall), args.latency)
        trace = Path(args.trace) if args.trace and number == 0 else None
        kernel(*case.arguments, trace=trace)
        assert kernel.outcome is not None
        cycles += kernel.outcome.cycles
        ideal += case.ideal
        for position, expected in case.expected.items():
            found = case.arguments[position].reshape(-1)[: expected.size]
            if not (found == expected.reshape(-1)).all():
                wrong.append(f"{case.label}: argument {position}")
    report: dict[str, Any] = {
        "kernel": args.kernel,
        "configuration": configuration.name,
        "runs": len(cases),
        "bit_exact": not wrong,
        "wrong": wrong,
        "cycles_simulated": cycles / len(cases),
        "cycles_ideal_derived": ideal / len(cases),
        "efficiency_simulated": ideal / cycles,
        "stall": args.stall,
        "latency": args.latency,
        "loops": [vars(leaf) for leaf in compiled.leaves if leaf.interval],
        "note": NOTE,
    }
    if args.resources:
        report["resources_estimated"] = _resources(configuration, compiled)
    if args.json:
        print_json(report)
    else:
        _show(report)
    return 1 if wrong else 0


def _resources(configuration: Any, compiled: Any) -> dict[str, Any]:
    from tritstream.rtl.resources import estimate

    board = configuration.board
    found = estimate(compiled, "xc7" if board is None or board.ps_type == "zynq7" else "xcup")
    counts: dict[str, Any] = {
        "LUT": found.luts,
        "FF": found.flip_flops,
        "BRAM36": found.bram36,
        "DSP": found.dsps,
    }
    if board is not None:
        counts["board"] = board.name
        counts["share"] = {name: round(s, 4) for name, s in found.share(board).items()}
    return counts


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
        ("stall probability, latency", f"{report['stall']}, {report['latency']} cycles"),
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
    loops = Table("pipelined loop", "depth", "interval", "longest path, ns (estimated)")
    for loop in report["loops"]:
        loops.add_row(
            loop["where"], str(loop["depth"]), str(loop["interval"]), f"{loop['longest_ns']}"
        )
    console.print(loops)
    console.print(report["note"])
