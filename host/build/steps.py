"""The steps of a build, one after the other, each checked before it counts as done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tritstream.build.errors import BuildError, ToolError
from tritstream.build.overlay import write_overlay
from tritstream.build.project import Project
from tritstream.build.reports import read_cosimulation, read_synthesis, read_timing
from tritstream.build.run import Progress, Step, run_flow
from tritstream.build.state import StepResult
from tritstream.build.tools import (
    Tool,
    find_hls,
    find_vivado,
    is_licence_error,
)
from tritstream.kernels.arguments import TOP

TIMING_NOT_MET = 3
"""Exit status of bitstream.tcl where the slack is negative."""


def run_steps(
    project: Project,
    steps: Sequence[str],
    progress: Progress,
    again: bool = False,
    jobs: int = 2,
) -> list[StepResult]:
    """Run what is not done yet; ``again`` repeats the named steps.

    Raises as `run_flow`, and ToolError for a missing tool or licence.
    """
    tools = find_tools(steps)

    def step_named(name: str) -> Step:
        tool, log = tools[name], project.log(name)
        return Step(
            tool.name,
            tool.command(f"{name}.tcl"),
            lambda: _CHECKS[name](project, log),
            _ADVICE[name],
            environment={"TRITSTREAM_JOBS": str(jobs)},
            explain=lambda status, line: _explained(project, name, tool, status, line),
        )

    return run_flow(project, steps, step_named, progress, again)


def find_tools(steps: Sequence[str]) -> dict[str, Tool]:
    """The tool of every step. Raises ToolError for one that is missing."""
    return {s: find_vivado() if s == "bitstream" else find_hls() for s in steps}


def _explained(
    project: Project, step: str, tool: Tool, status: int, line: str
) -> BuildError | None:
    if status == TIMING_NOT_MET and step == "bitstream":
        return BuildError(_timing_advice(project))
    if is_licence_error(line):
        return ToolError(
            f"step {step}: {tool.name} found no licence ({line}). The parts of all boards are in "
            f"the free edition: install its device files, or set XILINXD_LICENSE_FILE; log: "
            f"{project.log(step)}"
        )
    return None


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
