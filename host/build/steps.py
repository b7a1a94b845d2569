"""The steps of a build, one after the other, each checked before it counts as done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tritstream.build.errors import BuildError, ToolError
from tritstream.build.overlay import write_overlay
from tritstream.build.project import Project
from tritstream.build.reports import read_cosimulation, read_synthesis, read_timing
from tritstream.build.state import StepResult
from tritstream.build.tools import (
    Tool,
    find_hls,
    find_vivado,
    first_error,
    is_licence_error,
    run_tool,
)
from tritstream.kernels.arguments import TOP

TIMING_NOT_MET = 3
"""Exit status of bitstream.tcl where the slack is negative."""

Progress = Callable[[str, float, str], None]
"""Called with the step's name, elapsed seconds and the last line of its log."""


def run_steps(
    project: Project,
    steps: Sequence[str],
    progress: Progress,
    again: bool = False,
    jobs: int = 2,
) -> list[StepResult]:
    """Run what is not done yet; ``again`` repeats the named steps.

    Raises OptionError for a step whose predecessors are neither done nor named, ToolError for a
    missing tool or licence, BuildError for a step that fails, naming its log and what to try.
    """
    project.state.check_order(tuple(steps))
    tools = find_tools(steps)
    results = []
    for step in steps:
        earlier = project.done().get(step)
        if earlier is not None and not again:
            results.append(StepResult(step, earlier.seconds, True))
        else:
            results.append(
                StepResult(step, _run(project, step, tools[step], progress, jobs), False)
            )
    return results


def find_tools(steps: Sequence[str]) -> dict[str, Tool]:
    """The tool of every step. Raises ToolError for one that is missing."""
    return {s: find_vivado() if s == "bitstream" else find_hls() for s in steps}


def _run(project: Project, step: str, tool: Tool, progress: Progress, jobs: int) -> float:
    log = project.logs / f"{step}.log"
    elapsed = 0.0

    def tell(seconds: float, line: str) -> None:
        nonlocal elapsed
        elapsed = seconds
        progress(step, seconds, line)

    environment = {"TRITSTREAM_JOBS": str(jobs)}
    status = run_tool(tool.command(f"{step}.tcl"), project.folder, log, tell, environment)
    if status == TIMING_NOT_MET and step == "bitstream":
        raise BuildError(_timing_advice(project))
    if status != 0:
        raise _failure(project, step, tool, log, status)
    _CHECKS[step](project, log)
    project.state.finish(step, elapsed, tool.name)
    return elapsed


def _failure(project: Project, step: str, tool: Tool, log: Path, status: int) -> BuildError:
    line = first_error(log)
    if is_licence_error(line):
        return ToolError(
            f"step {step}: {tool.name} found no licence ({line}). The parts of all boards are in "
            f"the free edition: install its device files, or set XILINXD_LICENSE_FILE; log: {log}"
        )
    killed = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return BuildError(
        f"step {step}: {tool.name} {killed}: {line or 'it wrote nothing'}. Log: {log}. "
        f"{_ADVICE[step]}; then run the same command again, it goes on from here"
    )


_ADVICE = {
    "csim": "Try the same sources with g++ first (`make test`)",
    "csynth": "Try another tool version between 2022.2 and 2025.2",
    "cosim": f"Look at {TOP}_cosim.rpt under hls/solution/sim/report",
    "ip": "Check that the disk has room and that nothing else has the project open",
    "bitstream": "Look at the run's own log, runme.log under vivado/, for what did not fit",
}


def _timing_advice(project: Project) -> str:
    report = project.output / "timing.rpt"
    timing = read_timing(report)
    reached = f"{timing.reached_mhz:.0f} MHz" if timing.reached_mhz else "less"
    asked = f"{project.board.clock_hz / 1e6:.0f} MHz"
    return (
        f"step bitstream: timing is not met: slack {timing.setup_slack_ns} ns, so the slowest "
        f"path allows {reached} where {asked} are asked for. Report: {report}. Try a lower "
        f"clock_hz in host/boards.py, fewer element lanes or a narrower word; the bitstream beside "
        f"the report must not be used"
    )


def _check_csim(project: Project, log: Path) -> None:
    """A test bench prints one line when every value was right; an exit status alone can lie."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for kernel, top in project.kernels.items():
        if f"TRITSTREAM bit-exact: {top}," not in text:
            raise BuildError(
                f"step csim: the test bench of {kernel} did not say that every value is right; "
                f"log: {log}"
            )


def _check_csynth(project: Project, log: Path) -> None:
    read_synthesis(project.reports / "syn" / "report" / "csynth.xml")


def _check_cosim(project: Project, log: Path) -> None:
    for kernel, top in project.kernels.items():
        report = project.solution(kernel) / "sim" / "report" / f"{top}_cosim.rpt"
        if not read_cosimulation(report).passed:
            raise BuildError(
                f"step cosim: the RTL of {kernel} does not give the golden vectors; report: "
                f"{report}"
            )


def _check_ip(project: Project, log: Path) -> None:
    component = project.reports / "impl" / "ip" / "component.xml"
    if not component.is_file():
        raise BuildError(f"step ip: {component} was not written; log: {log}")


def _check_bitstream(project: Project, log: Path) -> None:
    write_overlay(project)


_CHECKS: dict[str, Callable[[Project, Path], None]] = {
    "csim": _check_csim,
    "csynth": _check_csynth,
    "cosim": _check_cosim,
    "ip": _check_ip,
    "bitstream": _check_bitstream,
}
