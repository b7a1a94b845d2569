"""Running the steps of a build, one after the other, each checked before it counts as done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tritstream.build.errors import BuildError
from tritstream.build.state import State, StepResult
from tritstream.build.tools import first_error, run_tool

Progress = Callable[[str, float, str], None]
"""Called with the step's name, elapsed seconds and the last line of its log."""


class BuildProject(Protocol):
    """What running needs of a project folder."""

    @property
    def folder(self) -> Path: ...

    @property
    def state(self) -> State: ...

    def log(self, step: str) -> Path:
        """Where the output of a step's tool goes."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Step:
    """What a step runs, what is checked before and after it, and what to try where it fails."""

    tool: str
    command: Sequence[str]
    check: Callable[[], None]
    advice: str
    ready: Callable[[], None] = _nothing
    environment: Mapping[str, str] | None = None
    explain: Callable[[int, str], BuildError | None] = lambda status, line: None
    """From the exit status and the log's first error: what has a sentence of its own."""


def run_flow(
    project: BuildProject,
    steps: Sequence[str],
    step_named: Callable[[str], Step],
    progress: Progress,
    again: bool = False,
) -> list[StepResult]:
    """Run what is not done yet; ``again`` repeats the named steps.

    ``step_named`` is asked for every step that is to be run before the first of them runs, so that
    a missing tool is told then. Raises OptionError for a step whose predecessors are neither done
    nor named, BuildError for a step that fails, naming its log and what to try, and what
    ``step_named`` raises.
    """
    state = project.state
    state.check_order(tuple(steps))
    done = state.done()
    # A repeated step makes those that build on it stale.
    todo = {s for s in steps if again or s not in done}
    todo |= {s for s in steps if state.flow.before(s) & todo}
    found = {name: step_named(name) for name in steps if name in todo}
    results = []
    for name in steps:
        if name in found:
            results.append(StepResult(name, _run(project, name, found[name], progress), False))
        else:
            results.append(StepResult(name, done[name].seconds, True))
    return results


def _run(project: BuildProject, name: str, step: Step, progress: Progress) -> float:
    log, elapsed = project.log(name), 0.0

    def tell(seconds: float, line: str) -> None:
        nonlocal elapsed
        elapsed = seconds
        progress(name, seconds, line)

    step.ready()
    status = run_tool(step.command, project.folder, log, tell, step.environment)
    if status:
        line = first_error(log)
        if error := step.explain(status, line):
            raise error
        killed = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        raise BuildError(
            f"step {name}: {step.tool} {killed}: {line or 'it wrote nothing'}. Log: {log}. "
            f"{step.advice}; then run the same command again, it goes on from here"
        )
    step.check()
    project.state.finish(name, elapsed, step.tool)
    return elapsed
