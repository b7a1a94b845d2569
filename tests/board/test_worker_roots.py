"""Workers of a cluster as boards have them: from the bundle, under qemu-user, on older Pythons."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from board.test_board_roots import IMAGE, inside, root  # noqa: F401 - a fixture
from tritstream.board.bundle import MACHINES, make_bundle
from tritstream.board.bundle.folder import _dask_requirements
from tritstream.cli import main
from tritstream.models import model_path

pytestmark = pytest.mark.long
pytest.importorskip("distributed", reason="the extra `dask` is not installed")

SCRIPTS = Path(sysconfig.get_path("scripts"))
COMPILED = ("python3-msgpack", "python3-psutil", "python3-tornado", "python3-yaml")


@contextmanager
def running(command: list[str], ready: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """A program until the block ends; the line in which it says that it is ready."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=env
    )
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if ready in line:
                yield line
                break
        else:
            raise AssertionError("".join(said[-30:]))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def scheduler() -> Iterator[str]:
    """A scheduler on this machine's Python; its address."""
    command = [str(SCRIPTS / "dask"), "scheduler", "--host", "127.0.0.1", "--port", "0"]
    with running([*command, "--no-dashboard"], "Scheduler at:") as line:
        yield line.rpartition(" ")[2].strip()


def worker_of(address: str) -> list[str]:
    return ["worker", address, "--nthreads", "1", "--nworkers", "1", "--no-nanny", "--no-dashboard"]


def same_batch(address: str, model: Path, folder: Path, engine: str) -> None:
    """A batch and an evaluation by the cluster equal those of this process."""
    prompts, text = folder / "prompts.jsonl", folder / "text.txt"
    lines = [{"prompt": f"Once {n}", "max_tokens": 12, "seed": n} for n in range(4)]
    lines.append({"prompt": "The cat", "continuation": " sat on the mat"})
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text.write_text("Once upon a time there was a little girl. She had a dog.\n" * 3)
    batch = ["batch", str(prompts), "-m", str(model), "-e", engine]
    assert main([*batch, "-o", str(folder / "here")]) == 0
    assert main([*batch, "-o", str(folder / "there"), "--dask", address]) == 0
    assert (folder / "there").read_bytes() == (folder / "here").read_bytes()


def test_a_board_s_root_works_in_a_cluster_of_a_pc(root: Path, tmp_path: Path) -> None:  # noqa: F811
    """Installed without a network, but for the packages that only its distribution has."""
    name = "armv7l" if root.name.endswith("armhf") else "aarch64"
    bundle = root / "opt" / "bundle-dask"
    make_bundle(MACHINES[name], bundle, dask=True)
    if name == "armv7l":
        apt = ["chroot", str(root), "apt-get", "-qq", "--no-install-recommends"]
        subprocess.run([*apt, "update"], check=True, capture_output=True)
        subprocess.run([*apt, "install", "-y", *COMPILED], check=True, capture_output=True)
    inside(root, "sh", "/opt/bundle-dask/install.sh")
    model = tmp_path / "demo.trit"
    shutil.copy(model_path("demo"), model)
    there = Path(f"{root}{tmp_path}")
    there.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, there)
    with scheduler() as address:
        bare = ["env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        # Dask asks /proc for its memory: mounted for this program alone.
        start = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
        command = ["unshare", "--mount", "sh", "-c", start, str(root), *bare]
        with running([*command, f"{IMAGE}/bin/dask", *worker_of(address)], "Registered to:"):
            same_batch(address, model, tmp_path, "native")


def test_a_worker_of_python_3_10_and_a_scheduler_of_this_python(tmp_path: Path) -> None:
    """The versions that the bundle pins install on Python 3.10, which the boards' images have."""
    python = next(
        (p for p in _candidates() if subprocess.run([p, "-c", ""], check=False).returncode == 0),
        None,
    )
    if python is None:
        pytest.skip("there is no Python 3.10 here (pyenv install 3.10)")
    if sys.version_info[:2] == (3, 10):
        pytest.skip("this is Python 3.10 itself: run it with another one")
    venv = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True)
    needed = tmp_path / "requirements.txt"
    needed.write_text("\n".join(_dask_requirements(MACHINES["aarch64"])))
    checkout = Path(__file__).parents[2]
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-qq"]
    pip += ["--disable-pip-version-check"]
    try:
        subprocess.run([*pip, str(checkout)], check=True, capture_output=True, text=True)
        command = [*pip, "--no-deps", "--requirement", str(needed)]
        subprocess.run(command, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        if "Could not fetch" in error.stderr or "ConnectionError" in error.stderr:
            pytest.skip("pip reaches no packages from here")
        raise AssertionError(error.stderr) from error
    model = model_path("demo")
    with (
        scheduler() as address,
        running([str(venv / "bin" / "dask"), *worker_of(address)], "Registered to:"),
    ):
        same_batch(address, model, tmp_path, "native")


def _candidates() -> Iterator[str]:
    if found := shutil.which("python3.10"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/3.10.*/bin/python")))
