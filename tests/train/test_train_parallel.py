"""Two processes that train together, against one."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from support.stories import story

pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

import torch.distributed

if not torch.distributed.is_available():
    pytest.skip("this PyTorch was built without torch.distributed", allow_module_level=True)

SIZES = ["--hidden", "64", "--intermediate", "64", "--layers", "2", "--vocab", "300"]
SPEED = ["--lanes", "4", "--length", "32", "--exact", "--rate", "5e-3", "--every", "1000"]
SPEED += ["--log-every", "0"]


@pytest.fixture
def stories(tmp_path):
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"{story(seed, 6)}\n<|end|>\n" for seed in range(60)))
    return path


def command(processes: int, stories, out, *more: str) -> list[str]:
    start = ["-m", "tritstream.train"]
    if processes > 1:
        start = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
        start += ["-m", "tritstream.train"]
    options = ["--text", str(stories), "--separator", "<|end|>", "--out", str(out), *SIZES, *SPEED]
    return [sys.executable, *start, *options, *more]


def run(processes: int, stories, out, *more: str) -> None:
    done = subprocess.run(command(processes, stories, out, *more), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def losses(out) -> list[float]:
    """The loss of every step, and of the validation at the end."""
    records = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [r["loss"] for r in records]


@pytest.mark.parametrize("optimiser", ["adamw", pytest.param("muon", marks=pytest.mark.long)])
def test_two_processes_give_the_losses_of_one(stories, tmp_path, optimiser) -> None:
    if optimiser == "muon" and not hasattr(torch.optim, "Muon"):
        pytest.skip(f"PyTorch {torch.__version__} has no Muon")
    options = ["--steps", "12", "--optimiser", optimiser, "--dropout", "0.1", "--dropout-from", "0"]
    # One process with two threads parts the lanes, and so the dropout masks, as two processes do.
    run(1, stories, tmp_path / "one", *options, "--threads", "2")
    run(2, stories, tmp_path / "two", *options, "--threads", "1")
    one, two = losses(tmp_path / "one"), losses(tmp_path / "two")
    assert len(one) == 13 and one[-2] < one[0] - 0.2
    assert np.allclose(one, two, rtol=0, atol=1e-5)


@pytest.mark.long
def test_a_run_goes_on_with_another_number_of_processes(stories, tmp_path) -> None:
    run(1, stories, tmp_path / "one", "--steps", "8", "--threads", "1")
    out = tmp_path / "two"
    # SIGTERM, as schedulers send it, ends a run with a checkpoint; here after a few steps.
    process = subprocess.Popen(
        command(2, stories, out, "--minutes", "10", "--threads", "1"),
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log = out / "log.jsonl"
    until = time.monotonic() + 120
    while time.monotonic() < until and not (log.exists() and len(log.read_text().split("\n")) > 3):
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert (out / "state" / "state.safetensors").exists(), errors
    steps = json.loads(log.read_text().splitlines()[-1])["step"]
    assert steps >= 2
    run(1, stories, out, "--steps", str(steps + 2), "--resume", "--threads", "1")
    assert json.loads(log.read_text().splitlines()[-1])["step"] == steps + 2


@pytest.mark.long
def test_accumulation_changes_nothing(stories, tmp_path) -> None:
    run(1, stories, tmp_path / "one", "--steps", "8", "--threads", "1")
    out = tmp_path / "two"
    run(2, stories, out, "--steps", "8", "--threads", "1", "--accumulate", "2")
    assert np.allclose(losses(tmp_path / "one"), losses(out), rtol=0, atol=1e-5)


def test_lanes_must_share_out(stories, tmp_path) -> None:
    done = subprocess.run(
        command(2, stories, tmp_path / "out", "--lanes", "3", "--steps", "1"),
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "--lanes must be a multiple of the 2 processes, not 3" in done.stderr
