"""The package's wheel for another processor, made from the package as it is installed here.

Nothing is built again but the native core: the wheel holds this installation's files, an editable
one's too, so that what was tried on the PC is what runs on the board. The format is PEP 427's.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path

from tritstream.board.bundle.compile import Machine
from tritstream.board.bundle.errors import BundleError
from tritstream.version import __version__

CORE = "tritstream/native/_core.abi3.so"
PARTS = ("kernels", "bitstreams", "notebooks", "tcl")
_NOT_SHIPPED = ("__pycache__", ".ipynb_checkpoints")
_DATE = (2020, 1, 1, 0, 0, 0)
"""Of every file, so that the same package gives the same wheel."""


def write_wheel(machine: Machine, core: Path, folder: Path) -> Path:
    """Write the wheel for a machine, with its compiled core, into a folder; returns its path.

    Raises BundleError where this tritstream is not installed, so that it has no metadata.
    """
    about = f"tritstream-{__version__}.dist-info"
    tag = f"cp310-abi3-linux_{machine.name}"
    made = folder / f"tritstream-{__version__}-{tag}.whl"
    held = {name: path.read_bytes() for name, path in _files()}
    held[CORE] = core.read_bytes()
    for name, text in _metadata().items():
        held[f"{about}/{name}"] = text.encode()
    held[f"{about}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: tritstream ({__version__})\n"
        f"Root-Is-Purelib: false\nTag: {tag}\n"
    ).encode()
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in held.items()]
    held[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in held.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data)
    return made


def _files() -> Iterator[tuple[str, Path]]:
    """Every file of the package: its name in a wheel, and where it lies here."""
    found: dict[str, Path] = {}
    for package in ("tritstream", *(f"tritstream.{part}" for part in PARTS)):
        root = Path(str(resources.files(package)))
        for path in root.rglob("*"):
            inside = path.relative_to(root)
            if path.is_file() and not _left_out(inside):
                found[f"{package.replace('.', '/')}/{inside.as_posix()}"] = path
    yield from sorted(found.items())


def _left_out(inside: Path) -> bool:
    return inside.suffix in (".pyc", ".so") or any(part in _NOT_SHIPPED for part in inside.parts)


def _metadata() -> dict[str, str]:
    try:
        installed = metadata.distribution("tritstream")
    except metadata.PackageNotFoundError:
        raise BundleError(
            "this tritstream is not installed, it only lies on Python's path: run `pip install .` "
            "in its folder first"
        ) from None
    if installed.version != __version__:
        raise BundleError(
            f"the installed metadata is of tritstream {installed.version} and the package is "
            f"{__version__}: install it again"
        )
    # In a checkout that is on Python's path, setuptools' egg-info is found before the dist-info.
    about = installed.read_text("METADATA") or installed.read_text("PKG-INFO")
    commands = installed.read_text("entry_points.txt")
    if about is None or commands is None:
        raise BundleError("the installed tritstream lacks its metadata: install it again")
    return {"METADATA": about, "entry_points.txt": commands}


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
