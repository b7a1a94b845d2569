"""The folder that a build with open tools happens in."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tritstream.boards import Board, board_named
from tritstream.build.errors import BuildError
from tritstream.build.open.design import design_source
from tritstream.build.open.synthesis import script
from tritstream.build.open.timing import ANALYSIS
from tritstream.build.ports import port_map
from tritstream.build.state import Flow, ProjectFolder, State, check_project_folder
from tritstream.configurations import configuration_named
from tritstream.errors import FileError
from tritstream.files import atomic_write_bytes

SYNTH, PLACE, TIMING = "synth", "place-and-route", "timing"
FRAMES, BITSTREAM = "frames", "bitstream"
OPEN = Flow(
    {
        SYNTH: (),
        PLACE: (SYNTH,),
        TIMING: (PLACE,),
        FRAMES: (PLACE,),
        BITSTREAM: (TIMING, FRAMES),
    },
    default=(SYNTH, PLACE, TIMING, FRAMES, BITSTREAM),
)
CLOCK_HZ = 50e6
"""What figures are projected for until a route has been analysed."""
SEED = 10
"""Of five tried on an engine for the demo model the one with the least wire."""
DESIGN, CONSTRAINTS, SCRIPT = "design.sv", "design.xdc", "synth.ys"
_CONSTRAINTS = "# The design has no pins, and the clock is an option of nextpnr-xilinx.\n"


@dataclass(frozen=True)
class Settings:
    """What may differ between two builds of one design."""

    clock_hz: float | None = None
    """None: the highest that the analysed route allows."""
    seed: int = SEED
    options: tuple[str, ...] = ()
    """Further options of nextpnr-xilinx."""


@dataclass(frozen=True)
class OpenProject(ProjectFolder):
    """A project folder of the open tools."""

    settings: Settings
    inputs: Mapping[str, str]
    """SHA-256 by step of everything the step depends on."""

    @property
    def state(self) -> State:
        return State(self.folder, OPEN, self.inputs)


def check_board(board: Board) -> None:
    """Raises BuildError for a board that the open tools do not know."""
    if board.ps_type != "zynq7":
        raise BuildError(
            f"--flow open: the open tools know Zynq-7000, and {board.title} has a {board.part}: "
            f"leave --flow out, or choose pynq-z1 or pynq-z2"
        )


def write_open_project(
    folder: Path, configuration_name: str, board_name: str, settings: Settings
) -> OpenProject:
    """Make or refresh a project folder. What is already there and unchanged stays as it is.

    Raises ConfigurationError for a configuration that is no hardware or does not fit the board,
    BuildError for a board that the open tools do not know, UnsupportedError where the compiler
    cannot translate the kernels.
    """
    configuration = configuration_named(configuration_name)
    board = board_named(board_name)
    check_board(board)
    contents = {
        DESIGN: design_source(configuration, port_map(configuration, board)).encode(),
        SCRIPT: script().encode(),
        CONSTRAINTS: _CONSTRAINTS.encode(),
    }
    check_project_folder(folder, (DESIGN,), reporting=False)
    try:
        folder = folder.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in contents.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != data:
                atomic_write_bytes(path, data)
    except OSError as error:
        raise FileError(f"cannot write the project {folder}: {error.strerror}") from error
    inputs = _inputs(contents, board, settings)
    project = OpenProject(folder, configuration, board, settings, inputs)
    if BITSTREAM not in project.done():
        # A bitstream of other sources must not be taken for one of these.
        shutil.rmtree(project.output, ignore_errors=True)
    return project


def _inputs(contents: Mapping[str, bytes], board: Board, settings: Settings) -> dict[str, str]:
    """By step: its own inputs and those of the steps that it builds on."""
    own = {
        SYNTH: [contents[DESIGN], contents[SCRIPT]],
        PLACE: [contents[CONSTRAINTS], repr((settings.seed, settings.options)).encode()],
        TIMING: [board.part.encode(), str(ANALYSIS).encode()],
        FRAMES: [board.part.encode()],
        BITSTREAM: [board.name.encode(), repr(settings.clock_hz).encode()],
    }
    inputs: dict[str, str] = {}
    for step in OPEN.steps:
        digest = hashlib.sha256()
        for data in (*(inputs[before].encode() for before in OPEN.needs[step]), *own[step]):
            digest.update(f"{step}\0{len(data)}\0".encode())
            digest.update(data)
        inputs[step] = digest.hexdigest()
    return inputs
