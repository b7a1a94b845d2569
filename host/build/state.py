"""How far a build has come: which steps have succeeded, and of which sources."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tritstream.boards import Board
from tritstream.build.errors import BuildError
from tritstream.configurations import Configuration
from tritstream.errors import OptionError
from tritstream.files import atomic_write_bytes

STATE = "state.json"


@dataclass(frozen=True)
class StepRecord:
    """A step that succeeded: of which sources, how long it took, and with which tool."""

    inputs: str
    seconds: float
    tool: str


class StepResult(NamedTuple):
    """A step that has just been run, or had been before."""

    step: str
    seconds: float
    resumed: bool


@dataclass(frozen=True)
class Flow:
    """Steps in the order they run, each with those it builds on directly."""

    needs: Mapping[str, tuple[str, ...]]
    default: tuple[str, ...]
    """What runs when no steps are named."""

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self.needs)

    def before(self, step: str) -> set[str]:
        """All steps that must have succeeded before this one."""
        direct = self.needs[step]
        return set(direct).union(*(self.before(s) for s in direct))

    def chosen(self, text: str | None) -> tuple[str, ...]:
        """The steps of a comma-separated list, in the order they run. Raises OptionError."""
        if text is None:
            return self.default
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in self.needs]
        if unknown or not names:
            raise OptionError(
                f"--steps {text}: {'unknown ' + unknown[0] if unknown else 'no step'}; choose from "
                f"{','.join(self.steps)}"
            )
        return tuple(step for step in self.steps if step in names)


@dataclass(frozen=True)
class State:
    """The state file of a project folder, for these inputs of each step (SHA-256)."""

    folder: Path
    flow: Flow
    inputs: Mapping[str, str]

    def done(self) -> dict[str, StepRecord]:
        """The steps that have succeeded with these very inputs."""
        known = _read(self.folder, self.flow)
        return {k: r for k, r in known.items() if r.inputs == self.inputs[k]}

    def finish(self, step: str, seconds: float, tool: str) -> None:
        """Record that a step has succeeded; later ones that build on it are to be run again."""
        state = self.done()
        for other in self.flow.steps:
            if step in self.flow.before(other):
                state.pop(other, None)
        state[step] = StepRecord(self.inputs[step], seconds, tool)
        body = {name: asdict(record) for name, record in state.items()}
        atomic_write_bytes(self.folder / STATE, json.dumps(body, indent=2).encode() + b"\n")

    def missing_before(self, step: str) -> list[str]:
        """Steps that must succeed before this one can run."""
        done, before = self.done(), self.flow.before(step)
        return [s for s in self.flow.steps if s in before and s not in done]

    def check_order(self, steps: tuple[str, ...]) -> None:
        """Raises OptionError for a step whose predecessors are neither done nor named."""
        for step in steps:
            missing = [s for s in self.missing_before(step) if s not in steps]
            if missing:
                raise OptionError(
                    f"step {step} needs {' and '.join(missing)} first: name "
                    f"{'it' if len(missing) == 1 else 'them'} in --steps too"
                )


def check_project_folder(folder: Path, known: Iterable[str], reporting: bool) -> None:
    """Raise BuildError where a folder is neither a project (of these files) nor empty nor missing.

    A refreshed project removes results of other sources, which in any other folder are somebody's
    own. ``reporting``: it must be a project.
    """
    try:
        held = {path.name for path in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise BuildError(f"{folder} cannot be a project folder: {error.strerror}") from error
    is_project = bool(held & {STATE, *known})
    if reporting and not is_project:
        raise BuildError(f"there is no project in {folder}: build one first, or name it with -o")
    if held and not is_project:
        raise BuildError(
            f"{folder} holds other files and is no project of `tritstream build`: name an empty or "
            f"a new folder with -o"
        )


def _read(folder: Path, flow: Flow) -> dict[str, StepRecord]:
    try:
        raw: dict[str, Any] = json.loads((folder / STATE).read_bytes())
        return {name: StepRecord(**record) for name, record in raw.items() if name in flow.needs}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BuildError(
            f"{folder / STATE} cannot be read ({error}): remove it to build from the start"
        ) from error


@dataclass(frozen=True)
class ProjectFolder(ABC):
    """A folder on the disk in which a configuration is built for a board."""

    folder: Path
    configuration: Configuration
    board: Board

    @property
    def output(self) -> Path:
        """Where the overlay's files go."""
        return self.folder / "output"

    @property
    def logs(self) -> Path:
        """Where what the tools say goes."""
        return self.folder / "logs"

    def log(self, step: str) -> Path:
        """What the tool of a step said."""
        return self.logs / f"{step}.log"

    @property
    @abstractmethod
    def state(self) -> State:
        """Which steps ran, and with which inputs."""

    def done(self) -> dict[str, StepRecord]:
        """The steps that have succeeded with these very inputs."""
        return self.state.done()
