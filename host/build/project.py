"""The folder that a build happens in: sources, scripts, vectors, and how far the build has come."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tritstream.boards import Board, board_named
from tritstream.build.bench import bench_source, golden_header, read_signature
from tritstream.build.errors import BuildError
from tritstream.build.ports import port_map
from tritstream.build.settings import as_tcl, settings
from tritstream.build.vectors import encode, kernel_vectors
from tritstream.configurations import Configuration, configuration_named
from tritstream.errors import FileError
from tritstream.files import atomic_write_bytes
from tritstream.kernels.manifest import GENERATED, read_manifest

STATE = "state.json"
STEPS = ("csim", "csynth", "cosim", "ip", "bitstream")
_NEEDS = {
    "csim": (),
    "csynth": (),
    "cosim": ("csynth",),
    "ip": ("csynth",),
    "bitstream": ("ip",),
}


@dataclass(frozen=True)
class StepRecord:
    """A step that succeeded: of which sources, how long it took, and with which tool."""

    inputs: str
    seconds: float
    tool: str


@dataclass(frozen=True)
class Project:
    """A project folder on the disk."""

    folder: Path
    configuration: Configuration
    board: Board
    inputs: str
    """SHA-256 of everything the tools read; a step is done only for the inputs it was run with."""
    kernels: Mapping[str, str]
    """Top functions by the stem of their source file."""

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def reports(self) -> Path:
        """What Vitis HLS leaves of the engine."""
        return self.solution("engine")

    def solution(self, kernel: str) -> Path:
        """Vitis HLS's folder of one kernel; project.tcl names them so."""
        return self.folder / ("hls" if kernel == "engine" else f"hls_{kernel}") / "solution"

    def done(self) -> dict[str, StepRecord]:
        """The steps that have succeeded with these very inputs."""
        return {k: r for k, r in _read_state(self.folder).items() if r.inputs == self.inputs}

    def finish(self, step: str, seconds: float, tool: str) -> None:
        """Record that a step has succeeded; later ones that build on it are to be run again."""
        state = self.done()
        for other, needed in _NEEDS.items():
            if step in needed or step in _reach(needed):
                state.pop(other, None)
        state[step] = StepRecord(self.inputs, seconds, tool)
        body = {name: asdict(record) for name, record in state.items()}
        data = json.dumps(body, indent=2).encode() + b"\n"
        atomic_write_bytes(self.folder / STATE, data)

    def missing_before(self, step: str) -> list[str]:
        """Steps that must succeed before this one can run."""
        done = self.done()
        return [s for s in STEPS if s in _reach(_NEEDS[step]) and s not in done]


def write_project(folder: Path, configuration_name: str, board_name: str | None = None) -> Project:
    """Make or refresh a project folder. What is already there and unchanged stays as it is.

    Raises ConfigurationError for a configuration that is no hardware or does not fit the board,
    BuildError for a folder that the tools cannot work in, or where the kernels are not generated.
    """
    configuration = configuration_named(configuration_name)
    if configuration.geometry is None:
        raise BuildError(
            f"configuration '{configuration_name}' is for software engines and makes no hardware: "
            f"choose another with --configuration"
        )
    board = board_named(board_name or configuration.board_name or "")
    port_map(configuration, board)
    folder = folder.absolute()
    if any(c.isspace() for c in str(folder)):
        raise BuildError(
            f"the project folder '{folder}' has a space in its path, which Vitis HLS cannot work "
            f"with: choose another with --output"
        )
    contents, tops = _contents(configuration, board)
    digest = hashlib.sha256()
    for name, data in sorted(contents.items()):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != data:
                atomic_write_bytes(path, data)
    except OSError as error:
        raise FileError(f"cannot write the project {folder}: {error.strerror}") from error
    project = Project(folder, configuration, board, digest.hexdigest(), tops)
    if not project.done():
        # Results of other sources must not be taken for results of these.
        for stale in ("vivado", "output", *(f"hls_{k}" for k in tops), "hls"):
            shutil.rmtree(folder / stale, ignore_errors=True)
    return project


def _contents(
    configuration: Configuration, board: Board
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Every file of the project by name, and the kernels' top functions."""
    read_manifest(configuration)
    contents: dict[str, bytes] = {}
    tops = {}
    for kernel, calls in kernel_vectors(configuration).items():
        source = GENERATED / configuration.name / f"{kernel}.cpp"
        signature = read_signature(source)
        tops[kernel] = signature.name
        contents[source.name] = source.read_bytes()
        contents[f"{kernel}_test.cpp"] = bench_source(signature).encode()
        contents[f"{kernel}.vectors"] = encode(calls())
    contents["golden.hpp"] = golden_header()
    for name, path in _scripts(Path(str(files("tritstream.tcl"))), board):
        contents[name] = path.read_bytes()
    contents["settings.tcl"] = as_tcl(settings(configuration, board, tops)).encode()
    return contents, tops


def _scripts(tcl: Path, board: Board) -> Iterator[tuple[str, Path]]:
    """Names in the project and the scripts they come from."""
    for path in sorted((tcl / "hls").glob("*.tcl")):
        yield path.name, path
    for name in ("block_design.tcl", "bitstream.tcl"):
        yield name, tcl / "vivado" / name
    yield "ps.tcl", tcl / "vivado" / f"ps_{board.ps_type}.tcl"
    yield "board.tcl", tcl / "boards" / f"{board.name}.tcl"


def _reach(steps: tuple[str, ...]) -> set[str]:
    """The steps and all that they build on."""
    return set(steps).union(*(_reach(_NEEDS[s]) for s in steps)) if steps else set()


def _read_state(folder: Path) -> dict[str, StepRecord]:
    try:
        raw: dict[str, Any] = json.loads((folder / STATE).read_bytes())
        return {name: StepRecord(**record) for name, record in raw.items() if name in STEPS}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise BuildError(
            f"{folder / STATE} cannot be read ({error}): remove it to build from the start"
        ) from error
