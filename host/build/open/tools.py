"""Where the open tools and their data are: an option, an environment variable, or where the
openXC7 distribution (its snap, its Nix shell, its demo projects) puts them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tritstream.build.errors import ToolError
from tritstream.toolchain.yosys import find_yosys

CHIPDB, DATABASE, PREFIX = "CHIPDB", "PRJXRAY_DB_DIR", "NEXTPNR_XILINX_DIR"
"""Environment variables, with the names that openXC7's own makefiles give them."""
SNAP = Path("/snap/openxc7/current/opt/nextpnr-xilinx")
_GET = "get the openXC7 toolchain (https://github.com/openXC7/toolchain-installer)"


@dataclass(frozen=True)
class Places:
    """What the command line says of where data is; None leaves it to the environment."""

    chipdb: str | None = None
    database: str | None = None


def yosys_command() -> tuple[str, ...]:
    """The command of Yosys. Raises ToolError."""
    if command := find_yosys():
        return command
    raise ToolError("Yosys is not installed: run `pip install 'tritstream[rtl]'`")


def find_program(name: str) -> tuple[str, ...]:
    """A program of the openXC7 distribution on PATH. Raises ToolError."""
    if path := shutil.which(name):
        return (path,)
    raise ToolError(f"{name} is not on the PATH: {_GET} and run `which {name}` in this shell")


def find_chipdb(part: str, places: Places) -> Path:
    """The chip database that nextpnr-xilinx reads. Raises ToolError naming where it was sought.

    Its name is the part without its speed grade: it is the same silicon.
    """
    file = re.sub(r"-\d+$", "", part) + ".bin"
    given = places.chipdb or os.environ.get(CHIPDB)
    if given:
        sought = [Path(given) / file] if Path(given).is_dir() else [Path(given)]
    else:
        folders = ("xilinx-chipdb", "share/nextpnr/xilinx-chipdb", "xilinx")
        sought = [root / f / file for root in _prefixes() for f in folders]
        sought += [Path("../chipdb") / file]
    return _first(
        sought,
        f"nextpnr-xilinx's chip database {file}",
        f"name it with --chipdb or in {CHIPDB}; nextpnr-xilinx's bbaexport.py and bbasm make it, "
        f"as openXC7's demo projects do on their first build",
    )


def find_database(part: str, places: Places) -> Path:
    """The family's folder of the prjxray database. Raises ToolError naming where it was sought."""
    given = places.database or os.environ.get(DATABASE)
    if given:
        roots = [Path(given)]
    else:
        inner = ("external", "share/nextpnr/external", "share/nextpnr")
        roots = [root / f / "prjxray-db" for root in _prefixes() for f in inner]
    sought = [root / family for root in roots for family in ("zynq7", ".")]
    parts = [folder / part / "part.yaml" for folder in sought]
    found = _first(
        parts,
        f"prjxray's database of {part}",
        f"name its folder with --prjxray-db or in {DATABASE}; it comes with openXC7",
    )
    return found.parents[1]


def _prefixes() -> Iterator[Path]:
    """Where nextpnr-xilinx may be installed."""
    if given := os.environ.get(PREFIX):
        yield Path(given)
    if path := shutil.which("nextpnr-xilinx"):
        yield Path(path).resolve().parents[1]
    yield SNAP


def _first(paths: list[Path], what: str, advice: str) -> Path:
    for path in paths:
        if path.is_file():
            return path.resolve()
    listed = ", ".join(str(p) for p in paths)
    raise ToolError(f"{what} was not found ({listed}): {advice}")
