"""The folder that a build happens in: sources, scripts, vectors, and how far the build has come."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from tritstream.boards import Board, board_named
from tritstream.build.bench import bench_source, golden_header, read_signature
from tritstream.build.errors import BuildError
from tritstream.build.ports import port_map
from tritstream.build.settings import as_tcl, settings
from tritstream.build.state import Flow, ProjectFolder, State, check_project_folder
from tritstream.build.vectors import encode, kernel_vectors
from tritstream.configurations import Configuration, configuration_named
from tritstream.errors import FileError
from tritstream.files import atomic_write_bytes
from tritstream.kernels.manifest import folder_of, read_manifest

VENDOR = Flow(
    {
        "csim": (),
        "csynth": (),
        "cosim": ("csynth",),
        "ip": ("csynth",),
        "bitstream": ("ip",),
    },
    # RTL simulation takes hours at the large geometries.
    default=("csim", "csynth", "ip", "bitstream"),
)
STEPS = VENDOR.steps


@dataclass(frozen=True)
class Project(ProjectFolder):
    """A project folder of AMD's tools."""

    inputs: str
    """SHA-256 of everything the tools read; a step is done only for the inputs it was run with."""
    kernels: Mapping[str, str]
    """Top functions by the stem of their source file."""

    @property
    def reports(self) -> Path:
        """What Vitis HLS leaves of the engine."""
        return self.solution("engine")

    def solution(self, kernel: str) -> Path:
        """Vitis HLS's folder of one kernel; project.tcl names them so."""
        return self.folder / ("hls" if kernel == "engine" else f"hls_{kernel}") / "solution"

    @property
    def state(self) -> State:
        return State(self.folder, VENDOR, dict.fromkeys(STEPS, self.inputs))


FILES = ("golden.hpp",)
"""By these a project folder is known."""


def write_project(folder: Path, configuration_name: str, board_name: str | None = None) -> Project:
    """Make or refresh a project folder. What is already there and unchanged stays as it is.

    Raises ConfigurationError for a configuration that is no hardware or does not fit the board,
    BuildError for a folder that the tools cannot work in, or where the kernels are not generated.
    """
    configuration = configuration_named(configuration_name)
    board = board_named(board_name or configuration.board_name)
    port_map(configuration, board)
    folder = folder.absolute()
    if any(c.isspace() for c in str(folder)):
        raise BuildError(
            f"the project folder '{folder}' has a space in its path, which Vitis HLS cannot work "
            f"with: choose another with --output"
        )
    check_project_folder(folder, FILES, reporting=False)
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
        source = folder_of(configuration) / f"{kernel}.cpp"
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
