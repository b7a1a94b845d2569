"""`tritstream chat`, and states on the command line."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

import tritstream
from support.random_checkpoint import random_checkpoint
from tritstream.cli import main
from tritstream.packing import pack
from tritstream.sampling import STORY

OPTIONS = ["-n", "6", "--seed", "3", "-t", "1"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    random_checkpoint(folder / "model", hidden=192, vocab=259, intermediate=256, layers=2)
    pack(folder / "model", folder / "model.trit")
    return folder / "model.trit"


def chat(
    image: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *lines: str,
    options: tuple[str, ...] = (),
) -> tuple[list[str], str]:
    """What was written, a line a turn, and what was told beside it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    assert main(["chat", "-m", str(image), *OPTIONS, *options]) == 0
    out, err = capsys.readouterr()
    return out.split("\n")[:-1], err


def test_turns_continue_one_text(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line but the first begins on a line of its own; an empty one adds nothing."""
    session = tritstream.load(image).session()
    sampling = {**asdict(STORY), "temperature": 1.0, "seed": 3}
    expected = [
        session.generate(text, max_tokens=6, **sampling).text() for text in ("one", "\ntwo", "")
    ]
    written, _ = chat(image, monkeypatch, capsys, "one", "two", "")
    assert "\n".join(written) == "\n".join(expected)


def test_undo_and_reset_go_back(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    once, _ = chat(image, monkeypatch, capsys, "one", "two")
    undone, _ = chat(image, monkeypatch, capsys, "one", "two", "/undo", "two")
    assert (
        "\n".join(undone)
        == "\n".join(once)
        + "\n"
        + "\n".join(once)[len("\n".join(chat(image, monkeypatch, capsys, "one")[0])) + 1 :]
    )
    again, _ = chat(image, monkeypatch, capsys, "one", "/reset", "one")
    assert "\n".join(again) == "\n".join([*chat(image, monkeypatch, capsys, "one")[0]] * 2)


def test_a_text_is_kept_and_loaded(
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "a text"
    both, _ = chat(image, monkeypatch, capsys, "one", "two")
    first, told = chat(image, monkeypatch, capsys, "one", f"/save {path}")
    assert "kept" in told
    for second in (
        chat(image, monkeypatch, capsys, f"/load {path}", "two"),
        chat(image, monkeypatch, capsys, "two", options=("--state", str(path))),
    ):
        assert "\n".join([*first, *second[0]]) == "\n".join(both)


def test_what_goes_wrong_does_not_end_it(
    image: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("/save", "/save x", "/load nowhere", "/undo", "/what", "/help", "//one", "/quit", "x")
    written, told = chat(image, monkeypatch, capsys, *lines)
    for sentence in (
        "needs the name of a file",
        "nothing has been read",
        "cannot read nowhere",
        "no turn to take back",
        "there is no /what",
        "take the last turn back",
    ):
        assert sentence in told
    assert written and len("\n".join(written)) > 0


def test_states_on_the_command_line(
    image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "state")
    common = ["generate", "-m", str(image), "--greedy"]
    assert main([*common, "-n", "8", "one"]) == 0
    whole = capsys.readouterr().out
    assert main([*common, "-n", "4", "one", "--save-state", path]) == 0
    begun = capsys.readouterr().out.removesuffix("\n")
    assert main([*common, "-n", "4", "", "--state", path]) == 0
    assert begun + capsys.readouterr().out == whole
    assert main([*common, "x", "--save-state", str(tmp_path / "no" / "state")]) == 2
    assert main([*common, "x", "--state", str(image)]) == 2
    assert main([*common, "x", "--state", path, "--remote", "a@b"]) == 2
    told = capsys.readouterr().err
    assert "no saved session" in told and "--state and --remote" in told


def test_ctrl_c_ends_the_answer_and_not_the_program(image: Path) -> None:
    """A real signal, while a long answer is being written."""
    command = [sys.executable, "-m", "tritstream", "chat", "-m", str(image), "-e", "spec"]
    process = subprocess.Popen(
        [*command, "-n", "100000", "-t", "1", "--seed", "3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The shell that runs the tests may ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"one\n")
    process.stdin.flush()
    assert os.read(process.stdout.fileno(), 1)
    process.send_signal(signal.SIGINT)
    process.stdin.write(b"/quit\n")
    process.stdin.close()
    process.stdout.read()
    assert process.wait() == 0
