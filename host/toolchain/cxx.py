"""The C++ compiler: which one, and what a result of it depends on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritstream.errors import EngineError
from tritstream.toolchain.programs import run, run_all

CANDIDATES = ("g++", "clang++", "c++")


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: its command with options, and what it says of itself."""

    command: tuple[str, ...]
    version: str
    macros: str = ""
    """What it predefines, which tells flags that a wrapper of it adds."""

    @property
    def is_clang(self) -> bool:
        return "clang" in self.version

    @property
    def libraries(self) -> tuple[str, ...]:
        """What to link with: clang leaves to libatomic what g++ expands in place."""
        return ("-latomic",) if self.is_clang else ()

    @property
    def key(self) -> str:
        """What a cached result of it depends on, beside the sources and flags."""
        return f"{shlex.join(self.command)}\n{self.version}\n{self.macros}"


def find_compiler() -> Compiler | None:
    """The one that CXX names, which may have options, or else the first of CANDIDATES."""
    given = os.environ.get("CXX", "").strip()
    try:
        choices = [shlex.split(given)] if given else [[name] for name in CANDIDATES]
    except ValueError:
        return None
    for command in choices:
        place = shutil.which(command[0]) if command else None
        if place is not None:
            whole = (place, *command[1:])
            try:
                version = _said(whole, "--version")
                macros = _said(whole, "-dM", "-E", "-x", "c++", os.devnull)
            except (OSError, subprocess.SubprocessError):
                continue
            return Compiler(whole, version.strip(), macros)
    return None


def _said(command: tuple[str, ...], *arguments: str) -> str:
    """What a program prints. Raises OSError, and SubprocessError where it fails or takes long."""
    done = subprocess.run(
        [*command, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=True,
    )
    return done.stdout


def compiler() -> Compiler:
    """The C++ compiler. Raises EngineError where there is none that runs."""
    found = find_compiler()
    if found is None:
        given = os.environ.get("CXX", "").strip()
        raise EngineError(
            f"CXX is '{given}', which is no C++ compiler that runs here: name another, or unset it"
            if given
            else "a C++ compiler is needed and there is none: install one (on Debian: apt-get "
            "install g++), or name it with CXX"
        )
    return found


def compile_all(
    tool: Compiler,
    sources: Sequence[Path],
    flags: Callable[[Path], Sequence[str]],
    folder: Path,
) -> list[Path]:
    """An object in ``folder`` for every source, with its ``flags``. Raises EngineError."""
    objects = [folder / f"{source.stem}.o" for source in sources]
    run_all(
        (
            [*tool.command, *flags(source), "-c", source, "-o", made]
            for source, made in zip(sources, objects, strict=True)
        ),
        "the C++ compiler",
    )
    return objects


def link(tool: Compiler, objects: Sequence[Path], made: Path, *, library: bool = False) -> None:
    """A program of the objects, or a shared library. Raises EngineError."""
    how = ["-shared", "-Wl,-Bsymbolic"] if library else []
    run(
        [*tool.command, *how, "-o", made, *objects, "-pthread", *tool.libraries],
        "the linker",
    )
