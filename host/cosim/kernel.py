"""A kernel's RTL on random inputs and extremes, against the specification."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tritstream.configurations import Configuration
from tritstream.cosim.cases import cases_of
from tritstream.cosim.resources import kernel_counts
from tritstream.errors import OptionError
from tritstream.files import atomic_write_bytes
from tritstream.rtl import (
    MasterPort,
    RtlKernel,
    Stalls,
    StreamPort,
    build,
    compile_kernel,
    module_of,
    spent,
)

NOTE = "Cycles are those of this RTL; Vitis HLS may schedule the same kernel differently."


def run_kernel(
    configuration: Configuration,
    kernel: str,
    *,
    runs: int = 20,
    seed: int = 1,
    stall: float = 0.0,
    latency: int = 1,
    trace: Path | None = None,
    verilog: Path | None = None,
    resources: bool = False,
) -> dict[str, Any]:
    """Simulate a kernel on ``runs`` random cases and the extremes; the report as JSON has it.

    ``stall`` is the probability of a stall wherever memory can stall, ``latency`` the cycles to the
    first beat of a burst. ``trace`` gets a waveform (VCD) of the first case, ``verilog`` the
    SystemVerilog; ``resources`` adds what Yosys estimates. Raises EngineError for an unknown
    kernel or a missing tool, OptionError for stalls of a kernel without a port that can wait,
    FileError where a file cannot be written.
    """
    cases = list(cases_of(configuration, kernel, runs, seed))
    compiled = compile_kernel(configuration, kernel)
    waits = any(isinstance(port, MasterPort | StreamPort) for port in compiled.arguments)
    if not waits and (stall, latency) != (0.0, 1):
        raise OptionError(
            f"{kernel} has no port that can wait, so --stall and --latency change nothing: "
            f"leave them out"
        )
    if verilog is not None:
        atomic_write_bytes(verilog, compiled.text.encode())
    simulation = build([compiled], trace=trace is not None, watch=True)
    states = compiled.controller.states
    by_state = [0] * len(states)
    types = [a.type for a in module_of(configuration, kernel).function(kernel).arguments]
    simulated = RtlKernel(simulation, 0, types)
    wrong: list[str] = []
    cycles = ideal = 0
    for number, case in enumerate(cases):
        simulated.stalls = Stalls(seed + number, round(256 * stall), latency)
        simulated(*case.arguments, trace=trace if number == 0 else None)
        assert simulated.outcome is not None
        cycles += simulated.outcome.cycles
        ideal += case.ideal
        for state, found_in in enumerate(simulated.outcome.states):
            by_state[state] += found_in
        for position, expected in case.expected.items():
            found = case.arguments[position].reshape(-1)[: expected.size]
            if not (found == expected.reshape(-1)).all():
                wrong.append(f"{case.label}: argument {position}")
    report: dict[str, Any] = {
        "kernel": kernel,
        "configuration": configuration.name,
        "runs": len(cases),
        "bit_exact": not wrong,
        "wrong": wrong,
        "cycles_simulated": cycles / len(cases),
        "cycles_ideal_derived": ideal / len(cases),
        "efficiency_simulated": ideal / cycles,
        "stall": stall if waits else None,
        "latency": latency if waits else None,
        "phases_simulated": [vars(s) for s in spent(states, [n / len(cases) for n in by_state])],
        "loops": [vars(leaf) for leaf in compiled.blocks if leaf.interval],
        "note": NOTE,
    }
    if resources:
        report["resources_estimated"] = kernel_counts(configuration, compiled)
    return report
