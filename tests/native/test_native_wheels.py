"""Wheels: for another processor, and from a machine without a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
AARCH64 = 183
"""ELF's number of the machine, at byte 18 of a file."""


def wheel(tmp_path: Path, **environment: str) -> Path:
    """Build a wheel of a copy of the sources."""
    if find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed, so no wheel can be built without the network")
    source, out = tmp_path / "source", tmp_path / "out"
    shutil.copytree(
        ROOT / "host", source / "host", ignore=shutil.ignore_patterns("*.so", "*.trit", "*.pyc")
    )
    for folder in ("kernels", "bitstreams", "notebooks", "tcl"):
        (source / folder).mkdir()
        shutil.copy(ROOT / folder / "__init__.py", source / folder)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(out), str(source)],
        check=True,
        timeout=900,
        env=os.environ | environment,
    )
    (built,) = out.glob("*.whl")
    return built


def test_one_wheel_serves_every_python(tmp_path: Path) -> None:
    built = wheel(tmp_path)
    assert "-cp310-abi3-" in built.name
    assert "tritstream/native/_core.abi3.so" in zipfile.ZipFile(built).namelist()


def test_a_wheel_for_aarch64(tmp_path: Path) -> None:
    compiler = "aarch64-linux-gnu-gcc"
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed (Debian: gcc-aarch64-linux-gnu)")
    built = wheel(
        tmp_path,
        CC=compiler,
        LDSHARED=f"{compiler} -shared",
        _PYTHON_HOST_PLATFORM="linux-aarch64",
    )
    assert built.name.endswith("-cp310-abi3-linux_aarch64.whl")
    core = zipfile.ZipFile(built).read("tritstream/native/_core.abi3.so")
    assert core[:4] == b"\x7fELF"
    assert int.from_bytes(core[18:20], "little") == AARCH64


def test_without_a_compiler_everything_else_installs(tmp_path: Path) -> None:
    built = wheel(tmp_path, CC="no-such-compiler")
    names = zipfile.ZipFile(built).namelist()
    assert not [name for name in names if name.endswith(".so")]
    site = tmp_path / "site"
    zipfile.ZipFile(built).extractall(site)
    code = "from tritstream.engines import default_engine; print(default_engine())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "spec\n"
    assert done.stderr.count("slow engine spec") == 1
