"""The steps of a build with open tools, each checked before it counts as done."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tritstream.build.errors import BuildError
from tritstream.build.open import assemble, place, synthesis, timing
from tritstream.build.open.overlay import BIT, clock_hz, write_open_overlay
from tritstream.build.open.project import BITSTREAM, FRAMES, PLACE, SYNTH, TIMING, OpenProject
from tritstream.build.open.tools import (
    Places,
    find_chipdb,
    find_database,
    find_program,
    yosys_command,
)
from tritstream.build.run import Progress, Step, run_flow
from tritstream.build.state import StepResult

TOOLS = {
    SYNTH: "Yosys",
    PLACE: "nextpnr-xilinx",
    TIMING: "the timing analysis",
    FRAMES: "fasm2frames",
    BITSTREAM: "xc7frames2bit",
}


def run_open_steps(
    project: OpenProject,
    steps: Sequence[str],
    progress: Progress,
    again: bool = False,
    places: Places | None = None,
) -> list[StepResult]:
    """Run what is not done yet; ``again`` repeats the named steps.

    Raises as `run_flow`, and ToolError for a missing tool or data file.
    """
    chosen = places or Places()
    return run_flow(project, steps, lambda name: _step(project, name, chosen), progress, again)


def _step(project: OpenProject, step: str, places: Places) -> Step:
    folder, part, log = project.folder, project.board.part, project.log(step)
    program, data = _found(step, part, places)
    name, advice = TOOLS[step], _ADVICE[step]
    if step == SYNTH:
        command = synthesis.command(program)
        return Step(name, command, lambda: synthesis.check(folder, log), advice)
    if step == PLACE:
        settings = project.settings
        command = place.command(program, data, settings.seed, settings.options)
        return Step(name, command, lambda: place.check(folder, log), advice)
    if step == TIMING:
        command = timing.command(data, part)
        check = partial(timing.check, folder, log)
        return Step(
            name,
            command,
            check,
            advice,
            ready=lambda: timing.forget(folder),
            explain=lambda *_: timing.failure(folder, log),
        )
    if step == FRAMES:
        command = assemble.frames_command(program, data, part)
        return Step(name, command, lambda: assemble.check_frames(folder, log), advice)
    command = assemble.bitstream_command(program, data, part, Path(BIT))
    return Step(name, command, lambda: _finish(project, log), advice, lambda: _reached(project))


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
    if step == TIMING:
        return (), database  # the program is this one
    return find_program(TOOLS[step]), database


def _reached(project: OpenProject) -> None:
    """Before anything is written that could be taken for a bitstream."""
    found = timing.read_analysis(project.folder)
    if error := timing.unreachable(found, clock_hz(project, found)):
        raise error


_ADVICE = {
    SYNTH: "Try the Yosys that is pinned in pyproject.toml (`pip install 'tritstream[rtl]'`)",
    PLACE: "Try another --seed, or --place-options '--router router1'",
    TIMING: "Try another --seed",
    FRAMES: "A feature that is not found means that chip database and prjxray's differ in version",
    BITSTREAM: "Check that the disk has room",
}


def _finish(project: OpenProject, log: Path) -> None:
    path = project.folder / BIT
    if not path.is_file():
        raise BuildError(f"step {BITSTREAM}: {path} was not written; log: {log}")
    write_open_overlay(project)
