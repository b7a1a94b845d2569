"""What pip installs: everything that installed commands need, under one import name."""

import os
import shutil
import subprocess
import sys
import zipfile
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "tritstream": "host",
    "tritstream/kernels": "kernels",
    "tritstream/bitstreams": "bitstreams",
    "tritstream/notebooks": "notebooks",
    "tritstream/tcl": "tcl",
}
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.so", ".ipynb_checkpoints")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed, so no wheel can be built without the network")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS.values():
        shutil.copytree(ROOT / folder, source / folder, ignore=NOT_SHIPPED)
    for file in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(out), str(source)),
        ],
        check=True,
        timeout=250,
    )
    (built,) = out.glob("*.whl")
    return built


def test_a_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for package, folder in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder).as_posix()
            if path.is_file() and not NOT_SHIPPED("", path.relative_to(ROOT).parts):
                wanted.add(f"{package}/{inside}")
    assert wanted - held == set()
    assert any(name.endswith("licenses/LICENSE") for name in held)


def test_a_wheel_runs_by_itself(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        "import tritstream, tritstream.kernels, importlib.resources as r\n"
        "print(tritstream.__file__)\n"
        "print(tritstream.kernels.__file__)\n"
        "print(r.files('tritstream.tcl'))\n"
        "from tritstream.cli import main\n"
        "main(['doctor'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    for line in result.stdout.splitlines()[:3]:
        assert line.startswith(str(tmp_path))


@pytest.mark.parametrize("package", ["bitstreams", "notebooks", "tcl"])
def test_data_is_found_through_importlib(package: str) -> None:
    assert Path(str(files(f"tritstream.{package}"))).is_dir()


def test_the_core_depends_on_nothing_large() -> None:
    """Importing every module of the core must not need an extra."""
    code = (
        "import sys\n"
        "for name in ('torch', 'matplotlib', 'pynq', 'allo', 'huggingface_hub', 'cocotb'):\n"
        "    sys.modules[name] = None\n"  # makes an import of it fail
        "import tritstream.model, tritstream.evaluate, tritstream.doctor, tritstream.packing\n"
        "import tritstream.cli.generate, tritstream.cli.pack, tritstream.cli.inspect\n"
        "import tritstream.cli.eval, tritstream.cli.train, tritstream.cli.doctor\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
