"""The notebooks with what the images of boards have: Python 3.10, ipywidgets 7.7.1 and its kin."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
VERSIONS = (
    *("ipykernel==6.15.1", "ipython==8.10.0", "ipywidgets==7.7.1", "jupyter-client==7.3.4"),
    *("jupyter-core==4.11.1", "jupyterlab-widgets==1.1.1", "nbclient==0.5.13", "nbformat==5.4.0"),
    *("pyzmq==23.2.0", "traitlets==5.3.0", "widgetsnbextension==3.6.1"),
)
"""Of PYNQ's sdbuild/packages/python_packages_jammy/requirements.txt, which images 3.0.1 carry."""


def pythons() -> Iterator[str]:
    if found := shutil.which("python3.10"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/3.10.*/bin/python")))


def test_the_notebooks_run_with_the_versions_of_the_images(tmp_path: Path) -> None:
    runs = (p for p in pythons() if subprocess.run([p, "-c", ""], check=False).returncode == 0)
    python = next(runs, None)
    if python is None:
        pytest.skip("there is no Python 3.10 here (pyenv install 3.10)")
    subprocess.run([python, "-m", "venv", tmp_path / "venv"], check=True)
    here = str(tmp_path / "venv" / "bin" / "python")
    pip = [here, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    needed = [f"{ROOT}[board]", "pynq==3.0.1", "pynqmetadata==0.1.4", "setuptools<81", "matplotlib"]
    needed += ["pytest>=7.4", "pytest-timeout", "hypothesis", *VERSIONS]
    done = subprocess.run([*pip, *needed], capture_output=True, text=True, check=False)
    if "Could not fetch" in done.stderr or "ConnectionError" in done.stderr:
        pytest.skip("pip reaches no packages from here")
    assert done.returncode == 0, done.stderr
    tests = [here, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__).parent)]
    ran = subprocess.run(tests, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "skipped" not in ran.stdout, ran.stdout
