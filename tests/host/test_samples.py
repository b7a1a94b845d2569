"""`tritstream generate --samples`."""

import json
from pathlib import Path
from typing import Any

import pytest

from tritstream.cli import main

OPTIONS = ["generate", "a b", "-t", "1", "-n", "12", "--seed", "4"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main([*OPTIONS, *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_each_sample_is_the_text_of_its_seed(
    image_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["-m", str(image_file)]
    status, out, err = run(capsys, *model, "--samples", "3")
    assert status == 0 and "36 tokens of 3 texts" in err and "seeds 4 to 6" in err
    alone = [run(capsys, *model, "--seed", str(seed))[1].removesuffix("\n") for seed in (4, 5, 6)]
    assert out == "\n---\n".join(alone) + "\n"
    assert len(set(alone)) == 3
    found: dict[str, Any] = json.loads(run(capsys, *model, "--samples", "2", "--json")[1])
    assert [f"a b{s['text']}" for s in found["samples"]] == alone[:2]
    assert [s["seed"] for s in found["samples"]] == [4, 5]


def test_what_does_not_go_with_samples_is_said(
    image_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for arguments, told in (
        (["--samples", "0"], "--samples must be 1 to 100,000"),
        (["--samples", "99999999999999999999"], "--samples must be 1 to 100,000"),
        (["--samples", "2", "--save-state", str(tmp_path / "s")], "--save-state is of one text"),
        (["--samples", "2", "--remote", "me@board"], "do not go together"),
    ):
        status, out, err = run(capsys, "-m", str(image_file), *arguments)
        assert (status, out) == (2, "") and told in err


def test_an_interruption_shows_what_there_is(
    image_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tritstream.batching import Batch

    real, passes = Batch.run_pass, []

    def run_pass(self: Batch) -> Any:
        passes.append(1)
        if len(passes) == 5:
            raise KeyboardInterrupt
        return real(self)

    monkeypatch.setattr(Batch, "run_pass", run_pass)
    status, out, _ = run(capsys, "-m", str(image_file), "--samples", "2")
    assert status == 130 and out.count("a b") == 2
