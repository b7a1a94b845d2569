"""Compiling the native core for a board's processor."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tritstream.board.bundle.errors import BundleError
from tritstream.boards import BOARDS
from tritstream.errors import OptionError

SOURCES = Path(__file__).parents[2] / "native" / "src"
NEWEST_GLIBC = (2, 35)
"""The C library of the PYNQ images (Ubuntu 22.04); a core that asks for a newer one fails there."""


@dataclass(frozen=True)
class Machine:
    """A processor that boards have."""

    name: str
    """As ``uname -m`` and the platform tags of wheels call it."""
    triplet: str
    """What GNU's compilers for it are called after."""
    debian: str
    """Debian's package of the compiler."""
    elf: int
    """ELF's number of the machine."""


MACHINES = {
    m.name: m
    for m in (
        Machine("armv7l", "arm-linux-gnueabihf", "gcc-arm-linux-gnueabihf", 40),
        Machine("aarch64", "aarch64-linux-gnu", "gcc-aarch64-linux-gnu", 183),
    )
}
_OF_PS = {"zynq7": "armv7l", "zynqmp": "aarch64"}


def machine_for(name: str) -> Machine:
    """The machine of a board of the table, or of its own name. Raises OptionError for others."""
    if name in BOARDS:
        return MACHINES[_OF_PS[BOARDS[name].ps_type]]
    if name in MACHINES:
        return MACHINES[name]
    raise OptionError(
        f"unknown board '{name}': choose one of {', '.join(sorted(BOARDS))}, or a processor: "
        f"{' or '.join(MACHINES)}"
    )


def compiler_flags() -> list[str]:
    """The flags that setup.py compiles the core with too."""
    lines = (SOURCES / "flags").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def compile_core(machine: Machine, target: Path, compiler: str | None = None) -> None:
    """Compile the native core of this package for a machine into the shared library ``target``.

    ``compiler`` is a C compiler for that machine with its options (default: GNU's). Nothing of
    this PC's Python goes into the command: its CFLAGS may be for x86 only. Raises BundleError where
    there is no compiler, it fails, or the library would not load on a board.
    """
    try:
        command = shlex.split(f"{machine.triplet}-gcc" if compiler is None else compiler)
    except ValueError as error:
        raise OptionError(f"--cc {compiler} is no command: {error}") from error
    if not command or shutil.which(command[0]) is None:
        raise BundleError(
            f"there is no C compiler {command[0] if command else repr(compiler)} for "
            f"{machine.name} here: on Debian and Ubuntu, apt-get install {machine.debian}; "
            f"or name another one with --cc"
        )
    sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
    line = [*command, *compiler_flags(), "-fPIC", "-shared", "-o", str(target), *sources, "-lm"]
    done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode or not target.is_file():
        errors = [text for text in done.stderr.splitlines() if "error" in text.lower()]
        reason = (errors or done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise BundleError(f"{command[0]} cannot compile the native core: {reason}")
    _check(machine, target.read_bytes(), command[0])


def _check(machine: Machine, library: bytes, compiler: str) -> None:
    if library[:4] != b"\x7fELF" or int.from_bytes(library[18:20], "little") != machine.elf:
        raise BundleError(f"{compiler} does not compile for {machine.name}: name one that does")
    needed = {(int(a), int(b)) for a, b in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", library)}
    newest = max(needed, default=(0, 0))
    if newest > NEWEST_GLIBC:
        raise BundleError(
            f"{compiler} makes libraries for glibc {newest[0]}.{newest[1]}, and the boards' images "
            f"have {NEWEST_GLIBC[0]}.{NEWEST_GLIBC[1]}: use the compiler of an older distribution, "
            f"such as Debian 12, with --cc"
        )
