"""The notebooks from top to bottom on the simulated board, with small models."""

import shutil
import tempfile
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path

import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.packing import pack

pytest.importorskip("pynq", reason="pynq is not installed (it exists for Python 3.10 to 3.12)")
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

from jupyter_client import AsyncKernelManager  # noqa: E402

FOLDER = Path(str(resources.files("tritstream.notebooks")))
NAMES = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    return random_checkpoint(folder, hidden=192, vocab=512, intermediate=256, layers=2)


@pytest.fixture(scope="module")
def image(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "tiny.trit"
    pack(checkpoint, path, layout="tiny")
    return path


@pytest.fixture(autouse=True)
def no_board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("BOARD", raising=False)
    yield


def outputs(notebook: nbformat.NotebookNode) -> str:
    """Everything that the cells print."""
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    )


def run(name: str, parameters: str, folder: Path) -> nbformat.NotebookNode:
    """Execute a notebook with other parameters; a cell that raises fails the test."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    (cell,) = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", ()))
    cell.source += "\n" + parameters
    # Sockets in the file system: a kernel would listen on TCP ports otherwise.
    manager = AsyncKernelManager(
        kernel_name="python3", transport="ipc", ip=tempfile.mkdtemp(prefix="tritstream-") + "/k"
    )
    try:
        client = nbclient.NotebookClient(
            notebook, km=manager, timeout=240, resources={"metadata": {"path": str(folder)}}
        )
        return client.execute()
    finally:
        shutil.rmtree(Path(manager.ip).parent)


def test_generate(image: Path, tmp_path: Path) -> None:
    done = run("1_generate.ipynb", f"MODEL = {str(image)!r}; MAX_TOKENS = 12", tmp_path)
    text = outputs(done)
    assert "simulated board: overlay tiny" in text
    assert "12 tokens," in text
    assert "no power sensors here" in text
    assert pictures(done) == 1


def test_under_the_hood(image: Path, tmp_path: Path) -> None:
    done = run("2_under_the_hood.ipynb", f"MODEL = {str(image)!r}; TEXT = 'abcd'", tmp_path)
    text = outputs(done)
    assert "layer 0: 192 residual and 192 state values, all equal" in text
    assert "5 tokens: all logits and states equal" in text
    assert pictures(done) == 3


def test_your_own_checkpoint(checkpoint: Path, tmp_path: Path) -> None:
    changes = f"CHECKPOINT = {str(checkpoint)!r}; LAYOUT = 'tiny'; MAX_TOKENS = 5; TEXT = 'a text'"
    text = outputs(run("3_your_own_checkpoint.ipynb", changes, tmp_path))
    assert (tmp_path / "mine.trit").is_file()
    assert "same likeliest token: " in text
    assert "records resident" in text


def test_sessions(image: Path, tmp_path: Path) -> None:
    text = outputs(run("4_sessions.ipynb", f"MODEL = {str(image)!r}; MAX_TOKENS = 8", tmp_path))
    assert "the state is 2 x 192 numbers" in text
    assert "different endings of 6" in text and " 1 different" not in text
    assert "read anew: the first ending is the same" in text
    assert "loaded: the first ending is the same" in text


def test_live(image: Path, tmp_path: Path) -> None:
    pytest.importorskip("ipywidgets", reason="ipywidgets is not installed")
    changes = f"MODEL = {str(image)!r}; MAX_TOKENS = 8"
    text = outputs(run("5_live.ipynb", changes, tmp_path))
    assert "tokens/s (measured, simulated board)" in text


def pictures(notebook: nbformat.NotebookNode) -> int:
    return sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )


def test_all_notebooks_are_tested_and_stripped() -> None:
    tested = ["1_generate.ipynb", "2_under_the_hood.ipynb", "3_your_own_checkpoint.ipynb"]
    tested += ["4_sessions.ipynb", "5_live.ipynb"]
    assert tested == NAMES
    for name in NAMES:
        notebook = nbformat.read(FOLDER / name, as_version=4)
        nbformat.validate(notebook)
        for cell in notebook.cells:
            assert not cell.get("outputs"), name
            assert cell.get("execution_count") is None, name


def test_pynq_finds_them() -> None:
    found = metadata.entry_points(group="pynq.notebooks")
    assert "tritstream.notebooks" in {entry.value for entry in found}
