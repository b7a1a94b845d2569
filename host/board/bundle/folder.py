"""The folder to copy: wheels, a script that installs them, and a list of what is in it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from tritstream.board.bundle.compile import Machine, compile_core
from tritstream.board.bundle.errors import BundleError
from tritstream.board.bundle.wheel import write_wheel
from tritstream.files import scratch_folder, sha256_of

_HERE = Path(__file__).parent
_SUMS = "SHA256SUMS"
"""The list, as ``sha256sum -c`` reads it. A folder that has one may be replaced by a bundle."""
_COMPILED = ("msgpack", "psutil", "pyyaml", "tornado")
_WITHOUT_WHEELS = ("armv7l",)
"""Machines for which PyPI has none of those: the board's distribution or its Jupyter does."""
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")
_PLATFORMS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28", "manylinux_2_31")


@dataclass(frozen=True)
class Bundle:
    """What was made."""

    folder: Path
    wheels: tuple[str, ...]
    total_bytes: int


def make_bundle(
    machine: Machine,
    folder: Path,
    *,
    online: bool = False,
    compiler: str | None = None,
    dask: bool = False,
) -> Bundle:
    """Make ``folder`` with all that a board of this machine needs to run tritstream.

    ``online`` leaves the other packages to the board, which then needs the network; otherwise pip
    downloads them here. ``compiler`` is compile_core's. ``dask`` adds what a worker of a cluster
    needs, with distributed as it is here, for versions must agree. The folder takes its name when
    it is whole; an earlier bundle there is replaced, anything else is refused. Raises BundleError.
    """
    if folder.exists() and not (folder / _SUMS).is_file():
        raise BundleError(f"{folder} exists and is no bundle: name another folder with -o")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder("bundle", folder.parent) as temporary:
            whole = temporary / "new"
            _fill(whole, machine, online, compiler, dask)
            if folder.exists():
                folder.rename(temporary / "before")
            whole.rename(folder)
    except OSError as error:
        raise BundleError(f"cannot write {folder}: {error.strerror or error}") from error
    wheels = tuple(sorted(path.name for path in (folder / "wheels").iterdir()))
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Bundle(folder, wheels, total)


def _fill(folder: Path, machine: Machine, online: bool, compiler: str | None, dask: bool) -> None:
    needed = (_HERE / "requirements.txt").read_text(encoding="utf-8")
    if dask:
        needed += "\n".join([*_dask_requirements(machine), ""])
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    (folder / "requirements.txt").write_text(needed, encoding="utf-8")
    with scratch_folder("bundle") as temporary:
        core = temporary / "_core.abi3.so"
        compile_core(machine, core, compiler)
        write_wheel(machine, core, wheels)
    if not online:
        # Some of what a worker needs is compiled for one Python each.
        for python in _PYTHONS if dask else _PYTHONS[:1]:
            _download(machine, python, wheels, folder / "requirements.txt")
    if dask and machine.name in _WITHOUT_WHEELS:
        (folder / "from-apt").write_text("\n".join(_COMPILED), encoding="utf-8")
    script = (_HERE / "install.sh").read_text(encoding="utf-8")
    (folder / "install.sh").write_text(script.replace("@MACHINE@", machine.name), encoding="utf-8")
    (folder / "install.sh").chmod(0o755)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{sha256_of(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8")


def _dask_requirements(machine: Machine) -> list[str]:
    """What a worker needs beside the rest, in the versions of this PC or those that were tried."""
    try:
        exact = [f"{name}=={metadata.version(name)}" for name in ("dask", "distributed")]
    except metadata.PackageNotFoundError as error:
        raise BundleError(
            "a board gets the version of distributed that this PC has, and there is none: run `pip "
            "install 'tritstream[dask]'` first"
        ) from error
    lines = (_HERE / "requirements-dask.txt").read_text(encoding="utf-8").splitlines()
    without = _COMPILED if machine.name in _WITHOUT_WHEELS else ()
    return exact + [line for line in lines if line.partition("==")[0] not in without]


def _download(machine: Machine, python: str, wheels: Path, requirements: Path) -> None:
    """The wheels of requirements.txt for the machine and a Python; most are for later ones, too."""
    if find_spec("pip") is None:
        raise BundleError(
            f"downloading needs pip, which {sys.executable} does not have: install it, or leave "
            f"the downloads to the board with --online"
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--python-version", python]
    own = f"cp{python.replace('.', '')}"
    command += ["--implementation", "cp", "--abi", "abi3", "--abi", own, "--abi", "none"]
    for platform in _PLATFORMS:
        command += ["--platform", f"{platform}_{machine.name}"]
    command += ["--dest", str(wheels), "--requirement", str(requirements)]
    # A pip that is told to install into one place (PIP_TARGET, PIP_USER) would do it here too.
    kept = {k: v for k, v in os.environ.items() if k not in ("PIP_TARGET", "PIP_USER")}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=kept
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = (errors or done.stderr.strip().splitlines() or ["pip gives no reason"])[-1]
        raise BundleError(
            f"pip cannot download the packages for {machine.name} "
            f"({reason.removeprefix('ERROR: ')}): try again with a network, or leave the "
            f"downloads to the board with --online"
        )
