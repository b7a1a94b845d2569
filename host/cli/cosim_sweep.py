"""`tritstream cosim` under several conditions: a table, and a cluster where there is one."""

import argparse
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from tritstream.cli.options import print_json
from tritstream.configurations import configuration_named
from tritstream.errors import OptionError

if TYPE_CHECKING:
    from tritstream.cosim import Case

_OF_ONE = ("trace", "verilog", "plot", "image", "vectors", "resources", "trace_cycles")


def run_sweep(
    args: argparse.Namespace, runs: int, combined: list[tuple[str, str | None, int, float]]
) -> int:
    """Simulate each configuration, geometry, latency and stall; 1 where one is not bit-exact."""
    from tritstream.bench.synthetic import geometry_of
    from tritstream.cli.cosim import LAYERS
    from tritstream.cluster.connection import connected
    from tritstream.cosim import Case, sweep

    for option in _OF_ONE:
        if getattr(args, option):
            name = option.replace("_", "-")
            raise OptionError(f"--{name} is of one simulation: leave it out, or simulate one")
    layers = LAYERS if args.layers is None else args.layers
    if layers < 1:
        raise OptionError(f"--layers must be 1 or more, not {layers}")
    cases = []
    for name, geometry, latency, stall in combined:
        configuration_named(name)  # what there is not is told before anything is simulated
        if geometry is not None:
            geometry_of(geometry)
        conditions = (latency, stall, args.seed, runs, layers, not args.no_head, geometry)
        cases.append(Case(args.kernel, name, *conditions))
    done = 0

    def told(number: int, report: dict[str, Any]) -> None:
        nonlocal done
        done += 1
        print(f"tritstream: {done} of {len(cases)}: {_named(cases[number])}", file=sys.stderr)

    with nullcontext() if args.dask is None else connected(args.dask, args.dask_tls) as client:
        reports = sweep(cases, client, told)
    found = list(zip(cases, reports, strict=True))
    if args.json:
        print_json({"runs": [{"case": vars(case), **report} for case, report in found]})
    else:
        _show(found)
    return 0 if all(report["bit_exact"] for report in reports) else 1


def _named(case: "Case") -> str:
    sizes = f" with {case.geometry}" if case.geometry else ""
    return f"{case.configuration}{sizes}, latency {case.latency}, stalls {case.stall:g}"


def _show(found: list[tuple["Case", dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    kernel = found[0][0].kernel
    names = ("a layer alone", "a further layer", "the head") if kernel == "engine" else ("a run",)
    table = Table(
        "condition", "bit-exact", *names, "efficiency", title=f"{kernel}: cycles (simulated)"
    )
    for case, report in found:
        cycles, efficiency = _figures(report) if kernel == "engine" else _of_kernel(report)
        table.add_row(
            _named(case),
            "yes" if report["bit_exact"] else "NO",
            *("" if count is None else f"{count:,.0f}" for count in cycles),
            f"{efficiency:.1%}",
        )
    Console().print(table)


def _figures(report: dict[str, Any]) -> tuple[list[float | None], float]:
    alone, further, head = (
        report.get(f"{name}_simulated") for name in ("one_layer_alone", "further_layer", "head")
    )
    cycles = [part and part["cycles"] for part in (alone, further, head)]
    shown: dict[str, Any] = further or alone or {}
    return cycles, shown["weight_efficiency"]


def _of_kernel(report: dict[str, Any]) -> tuple[list[float | None], float]:
    return [report["cycles_simulated"]], report["efficiency_simulated"]
