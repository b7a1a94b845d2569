"""Regenerating the checked-in kernel sources with Allo, and comparing them with what is there."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tritstream.configurations import configuration_named
from tritstream.errors import EngineError
from tritstream.files import atomic_write_bytes
from tritstream.kernels.manifest import MANIFEST, folder_of, make_manifest
from tritstream.kernels.sources import KERNELS

Report = Callable[[str], None]


def allo_available() -> bool:
    """Whether Allo can be imported here, without importing it."""
    return importlib.util.find_spec("allo") is not None


def build(names: Iterable[str], report: Report, kernels: Sequence[str] = ()) -> None:
    """Write the folder of each configuration: kernels/generated/<name>/, or where its file says.

    ``kernels`` are the only ones that are made anew; the others must be there.
    """
    for name in names:
        with tempfile.TemporaryDirectory() as temporary:
            target = folder_of(configuration_named(name))
            if kernels:
                _kept(target, Path(temporary), kernels)
            _generate(name, Path(temporary), kernels)
            target.mkdir(parents=True, exist_ok=True)
            made = {p.name: p.read_bytes() for p in Path(temporary).iterdir()}
        for old in target.iterdir():
            if old.name not in made:
                old.unlink()
        for file, content in made.items():
            atomic_write_bytes(target / file, content)
        report(f"{name}: {len(made)} files, {sum(map(len, made.values())):,} bytes")


def check(names: Iterable[str], report: Report) -> bool:
    """Regenerate and compare; the files that differ are reported. True where none does."""
    same = True
    for name in names:
        with tempfile.TemporaryDirectory() as temporary:
            _generate(name, Path(temporary))
            made = {p.name: p.read_bytes() for p in Path(temporary).iterdir()}
        folder = folder_of(configuration_named(name))
        kept = {p.name: p.read_bytes() for p in folder.iterdir()} if folder.is_dir() else {}
        differ = sorted(f for f in made.keys() | kept.keys() if made.get(f) != kept.get(f))
        same = same and not differ
        report(f"{name}: {'differs in ' + ', '.join(differ) if differ else 'up to date'}")
    return same


def _kept(source: Path, folder: Path, kernels: Sequence[str]) -> None:
    """Copy what is not made anew. Raises EngineError where the rest is not there."""
    for kernel in KERNELS:
        for file in (f"{kernel}.cpp", f"{kernel}.mlir"):
            if kernel in kernels:
                continue
            if not (source / file).is_file():
                raise EngineError(
                    f"{source} has no {file}: make all kernels first, leave --kernel out"
                )
            (folder / file).write_bytes((source / file).read_bytes())


def _generate(name: str, folder: Path, kernels: Sequence[str] = ()) -> None:
    configuration = configuration_named(name)
    if not allo_available():
        raise EngineError(
            "generating kernels needs Allo (github.com/cornell-zhang/allo), which this Python does "
            "not have: the generated sources are checked in, only a change of a kernel needs it"
        )
    # A process for each configuration: kernels are imported with one configuration's constants.
    command = [sys.executable, "-m", "tritstream.kernels.emit", name, str(folder), *kernels]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    if done.returncode:
        raise EngineError(
            f"Allo cannot compile the kernels of '{name}':\n{done.stdout}{done.stderr}"
        )
    manifest = make_manifest(configuration, folder, allo_commit())
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text)


def _environment() -> dict[str, str]:
    # The child finds the same packages, however they were made importable here.
    return os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}


def allo_commit() -> str:
    """The commit of the Allo that is imported here, or its version where it is no checkout."""
    spec = importlib.util.find_spec("allo")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"
