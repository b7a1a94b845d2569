"""The steps of a build with open tools, each checked before it counts as done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritstream.build.errors import BuildError
from tritstream.build.open import assemble, place, synthesis
from tritstream.build.open.overlay import BIT, clock_hz, write_open_overlay
from tritstream.build.open.project import BITSTREAM, FRAMES, PLACE, SYNTH, OpenProject
from tritstream.build.open.tools import (
    Places,
    find_chipdb,
    find_database,
    find_program,
    yosys_command,
)
from tritstream.build.state import StepResult
from tritstream.build.steps import Progress
from tritstream.build.tools import first_error, run_tool

TOOLS = {
    SYNTH: "Yosys",
    PLACE: "nextpnr-xilinx",
    FRAMES: "fasm2frames",
    BITSTREAM: "xc7frames2bit",
}


@dataclass(frozen=True)
class _Job:
    """What a step runs, and what is checked after it."""

    tool: str
    command: list[str]
    check: Callable[[], None]


def run_open_steps(
    project: OpenProject,
    steps: Sequence[str],
    progress: Progress,
    again: bool = False,
    places: Places | None = None,
) -> list[StepResult]:
    """Run what is not done yet; ``again`` repeats the named steps.

    Raises OptionError for a step whose predecessors are neither done nor named, ToolError for a
    missing tool or data file, BuildError for a step that fails, naming its log and what to try.
    """
    project.state.check_order(tuple(steps))
    done = project.done()
    # A repeated step makes those that build on it stale.
    todo = {s for s in steps if again or s not in done}
    todo |= {s for s in steps if project.state.flow.before(s) & todo}
    jobs = {step: _job(project, step, places or Places()) for step in steps if step in todo}
    results = []
    for step in steps:
        if step in jobs:
            results.append(StepResult(step, _run(project, step, jobs[step], progress), False))
        else:
            results.append(StepResult(step, done[step].seconds, True))
    return results


def _job(project: OpenProject, step: str, places: Places) -> _Job:
    """Raises ToolError for what is missing, before anything has run."""
    folder, part, log = project.folder, project.board.part, project.log(step)
    program, data = _found(step, part, places)
    if step == SYNTH:
        return _Job(TOOLS[step], synthesis.command(program), lambda: synthesis.check(folder, log))
    if step == PLACE:
        settings = project.settings
        command = place.command(program, data, settings.seed, settings.options)
        return _Job(TOOLS[step], command, lambda: place.check(folder, log))
    if step == FRAMES:
        command = assemble.frames_command(program, data, part)
        return _Job(TOOLS[step], command, lambda: assemble.check_frames(folder, log))
    command = assemble.bitstream_command(program, data, part, Path(BIT))
    return _Job(TOOLS[step], command, lambda: _finish(project, log))


def check_tools(steps: Sequence[str], part: str, places: Places) -> None:
    """Raises ToolError for the first program or data file that the steps lack for a part."""
    for step in steps:
        _found(step, part, places)


def _found(step: str, part: str, places: Places) -> tuple[tuple[str, ...], Path]:
    """The command of a step's program, and the data that it reads."""
    if step == SYNTH:
        return yosys_command(), Path()  # which brings its own
    if step == PLACE:
        return find_program(TOOLS[step]), find_chipdb(part, places)
    database = find_database(part, places)
    return find_program(TOOLS[step]), database


def _run(project: OpenProject, step: str, job: _Job, progress: Progress) -> float:
    log, elapsed = project.log(step), 0.0

    def tell(seconds: float, line: str) -> None:
        nonlocal elapsed
        elapsed = seconds
        progress(step, seconds, line)

    if step == BITSTREAM:
        # Before anything is written that could be taken for a bitstream.
        placement = place.read_placement(project.folder, project.log(PLACE))
        if error := place.unreachable(placement, clock_hz(project, placement)):
            raise error
    status = run_tool(job.command, project.folder, log, tell)
    if status:
        killed = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise BuildError(
            f"step {step}: {job.tool} {killed}: {first_error(log) or 'it wrote nothing'}. Log: "
            f"{log}. {_ADVICE[step]}; then run the same command again, it goes on from here"
        )
    job.check()
    project.state.finish(step, elapsed, job.tool)
    return elapsed


_ADVICE = {
    SYNTH: "Try the Yosys that is pinned in pyproject.toml (`pip install 'tritstream[rtl]'`)",
    PLACE: "Try another --seed, or --place-options '--router router1'",
    FRAMES: "A feature that is not found means that chip database and prjxray's differ in version",
    BITSTREAM: "Check that the disk has room",
}


def _finish(project: OpenProject, log: Path) -> None:
    path = project.folder / BIT
    if not path.is_file():
        raise BuildError(f"step {BITSTREAM}: {path} was not written; log: {log}")
    write_open_overlay(project)
