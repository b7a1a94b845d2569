"""The folder that a board is installed from, as far as a PC without emulation shows it."""

import base64
import csv
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

from tritstream.board.bundle import MACHINES, Machine, compile_core, machine_for, write_wheel
from tritstream.board.bundle import compile as compiling
from tritstream.board.bundle import folder as bundle_folder
from tritstream.board.bundle.compile import SOURCES
from tritstream.board.bundle.errors import BundleError
from tritstream.board.bundle.folder import make_bundle
from tritstream.boards import BOARDS
from tritstream.cli import main
from tritstream.native import built
from tritstream.version import __version__

ROOT = Path(__file__).resolve().parents[2]
HERE = Machine("x86_64", "x86_64-linux-gnu", "gcc", 62)
needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None or platform.machine() != HERE.name,
    reason="the bundle for this PC itself needs gcc on x86_64",
)


def test_every_board_has_a_processor() -> None:
    for board in BOARDS.values():
        assert (
            machine_for(board.name).name == {"zynq7": "armv7l", "zynqmp": "aarch64"}[board.ps_type]
        )
    assert machine_for("armv7l") == MACHINES["armv7l"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["pynq-z9"], "unknown board 'pynq-z9': choose one of "),
        (["pynq-z2", "--cc", "no-such-gcc -O3"], "there is no C compiler no-such-gcc for armv7l"),
        (["kv260", "--cc", ""], "there is no C compiler"),
        (["kv260", "--cc", "gcc 'x"], "--cc"),
        (["kv260", "--cc", "false"], "cannot compile the native core"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out"
    assert main(["board", "bundle", *words, "-o", str(target)]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_a_core_that_would_not_load_on_the_board_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = built()
    assert core is not None
    copying = tmp_path / "cc"
    copying.write_text(f'#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\nexec cp "{core}" "$2"\n')
    copying.chmod(0o755)
    other = "armv7l" if platform.machine() != "armv7l" else "aarch64"
    with pytest.raises(BundleError, match=f"cc does not compile for {other}"):
        compile_core(MACHINES[other], tmp_path / "core.so", str(copying))
    this = Machine("this", "this", "gcc", int.from_bytes(core.read_bytes()[18:20], "little"))
    compile_core(this, tmp_path / "core.so", str(copying))
    monkeypatch.setattr(compiling, "NEWEST_GLIBC", (2, 1))
    with pytest.raises(BundleError, match=r"for glibc 2\.\d+, and the boards' images have 2\.1"):
        compile_core(this, tmp_path / "core.so", str(copying))


def test_setup_and_bundle_compile_alike() -> None:
    """setup.py cannot import the package; both read the file that lies beside the sources."""
    text = (ROOT / "setup.py").read_text()
    assert '(NATIVE / "flags")' in text
    assert str(SOURCES).endswith("native/src")


def test_the_wheel_is_whole(tmp_path: Path) -> None:
    core = tmp_path / "core"
    core.write_bytes(b"\x7fELF stands for a library")
    wheel = write_wheel(MACHINES["armv7l"], core, tmp_path)
    assert wheel.name == f"tritstream-{__version__}-cp310-abi3-linux_armv7l.whl"
    archive = zipfile.ZipFile(wheel)
    held = {name: archive.read(name) for name in archive.namelist()}
    about = f"tritstream-{__version__}.dist-info"
    record = {row[0]: row[1:] for row in csv.reader(io.StringIO(held[f"{about}/RECORD"].decode()))}
    assert record.keys() == held.keys()
    for name, (digest, size) in record.items():
        if digest:
            sha = base64.urlsafe_b64encode(hashlib.sha256(held[name]).digest()).decode().rstrip("=")
            assert (digest, size) == (f"sha256={sha}", str(len(held[name])))
    assert f"\nVersion: {__version__}\n" in held[f"{about}/METADATA"].decode()
    assert held["tritstream/native/_core.abi3.so"] == core.read_bytes()
    assert "tritstream = tritstream.cli:main" in held[f"{about}/entry_points.txt"].decode()
    for package in ("tritstream", "tritstream.tcl", "tritstream.kernels", "tritstream.bitstreams"):
        for path in Path(str(files(package))).glob("*.*"):
            if path.is_file() and path.suffix not in (".so", ".pyc"):
                assert f"{package.replace('.', '/')}/{path.name}" in held
    assert not [n for n in held if n.endswith(".pyc") or "__pycache__" in n]
    again = write_wheel(MACHINES["armv7l"], core, tmp_path)
    assert again.read_bytes() == wheel.read_bytes()


def test_only_a_bundle_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        bundle_folder, "compile_core", lambda machine, target, compiler: target.write_bytes(b"x")
    )
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="exists and is no bundle"):
        make_bundle(MACHINES["armv7l"], mine, online=True)
    assert (mine / "thesis.txt").read_text() == "years of work"

    target = tmp_path / "deep" / "bundle"
    for _ in range(2):
        made = make_bundle(MACHINES["armv7l"], target, online=True)
        assert made.wheels == (f"tritstream-{__version__}-cp310-abi3-linux_armv7l.whl",)
        assert sorted(p.name for p in target.parent.iterdir()) == ["bundle"]
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=target, check=True)
    assert "@MACHINE@" not in (target / "install.sh").read_text()


def test_a_failed_download_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        bundle_folder, "compile_core", lambda machine, target, compiler: target.write_bytes(b"x")
    )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(BundleError, match=r"pip cannot download .*tokenizers.*--online"):
        make_bundle(MACHINES["armv7l"], tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A virtual environment that sees the packages of this one, as a board's sees the image's."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    beside = [path for path in sys.path if path.endswith("site-packages")]
    (site / "image.pth").write_text("\n".join(beside))
    return python


@needs_gcc
def test_installing_leaves_the_image_alone(tmp_path: Path, fresh: Path) -> None:
    """What is there already stays; tritstream itself is replaced every time."""
    bundle = tmp_path / "a bundle"
    make_bundle(HERE, bundle, online=True, compiler="gcc")
    # Without an index nothing could be added: all that tritstream needs counts as the image's.
    environment = os.environ | {"PYTHON": str(fresh), "PIP_NO_INDEX": "1"}
    for _ in range(2):
        done = subprocess.run(
            ["sh", str(bundle / "install.sh")],
            env=environment,
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert done.returncode == 0, done.stderr
        assert "tritstream is installed: " in done.stdout
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    assert sorted(p.name for p in site.iterdir() if p.is_dir() and p.name != "__pycache__") == [
        "tritstream",
        f"tritstream-{__version__}.dist-info",
    ]
    words = ["generate", "Once", "--greedy", "-n", "4", "-e", "native"]
    text = subprocess.run(
        [str(fresh.parent / "tritstream"), *words], capture_output=True, text=True, cwd=tmp_path
    )
    assert text.returncode == 0, text.stderr
    here = subprocess.run(
        [sys.executable, "-m", "tritstream", *words], capture_output=True, text=True
    )
    assert text.stdout == here.stdout
    assert built(site / "tritstream" / "native") is not None


def test_the_script_says_what_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: Path
) -> None:
    monkeypatch.setattr(
        bundle_folder, "compile_core", lambda machine, target, compiler: target.write_bytes(b"x")
    )
    other = "aarch64" if platform.machine() != "aarch64" else "armv7l"
    make_bundle(MACHINES[other], tmp_path / "bundle", online=True)

    def refused(python: str) -> str:
        done = subprocess.run(
            ["sh", str(tmp_path / "bundle" / "install.sh")],
            env=os.environ | {"PYTHON": python},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert done.stderr.startswith("install.sh: error: ")
        assert done.stderr.count("\n") == 1
        return done.stderr

    assert "there is no no-such-python here" in refused("no-such-python")
    assert f"this folder is for {other}, and {fresh} runs on" in refused(str(fresh))
    script = tmp_path / "bundle" / "install.sh"
    script.write_text(script.read_text().replace(other, platform.machine()))
    for site in (tmp_path / "venv" / "lib").glob("python*/site-packages/image.pth"):
        site.unlink()
    assert "lacks NumPy 1.21 or later" in refused(str(fresh))


def test_an_old_setuptools_is_named(tmp_path: Path) -> None:
    """Boards' images have one that would build UNKNOWN-0.0.0 and call it a success."""
    (tmp_path / "setuptools").mkdir()
    (tmp_path / "setuptools" / "__init__.py").write_text(
        "__version__ = '59.6.0'\nExtension = find_packages = setup = None\n"
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "setup.py"), "--version"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("tritstream: error: building tritstream needs setuptools 77")
    assert "tritstream board bundle" in done.stderr
    assert done.stderr.count("\n") == 1


# Not imported: distributed brings in distutils, and pynq must find setuptools' own first.
needs_distributed = pytest.mark.skipif(
    find_spec("distributed") is None, reason="the extra `dask` is not installed"
)


@needs_distributed
def test_a_worker_gets_the_version_of_this_pc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = metadata.version("distributed")
    monkeypatch.setattr(
        bundle_folder, "compile_core", lambda machine, target, compiler: target.write_bytes(b"x")
    )
    for name, compiled in (("aarch64", True), ("armv7l", False)):
        folder = tmp_path / name
        make_bundle(MACHINES[name], folder, online=True, dask=True)
        lines = (folder / "requirements.txt").read_text().splitlines()
        assert f"distributed=={here}" in lines
        assert any(line.startswith("psutil==") for line in lines) == compiled
        assert (folder / "from-apt").exists() == (not compiled)
        assert len({line.partition("==")[0] for line in lines}) == len(lines)
        subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    # Every requirement of distributed and dask is there, or among what a board has anyway.
    asked = {
        re.split(r"[^\w.-]", line)[0].lower().replace("_", "-")
        for package in ("distributed", "dask")
        for line in metadata.requires(package) or []
        if "extra ==" not in line
    }
    given = (tmp_path / "aarch64" / "requirements.txt").read_text().lower().replace("_", "-")
    assert all(f"{name}==" in given for name in asked), asked


@needs_gcc
@needs_distributed
def test_an_installed_worker_has_what_it_had_and_no_other_distributed(
    tmp_path: Path, fresh: Path
) -> None:
    bundle = tmp_path / "bundle"
    make_bundle(HERE, bundle, online=True, compiler="gcc", dask=True)
    lines = (bundle / "requirements.txt").read_text()
    environment = os.environ | {"PYTHON": str(fresh), "PIP_NO_INDEX": "1"}
    script = ["sh", str(bundle / "install.sh")]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # Of another version the right one is asked for, which is not to be had without an index.
    (bundle / "requirements.txt").write_text(re.sub("distributed==.*", "distributed==1.0", lines))
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "distributed==1.0" in done.stderr
