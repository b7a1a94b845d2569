"""`tritstream batch`: a file of prompts, resumed and in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritstream
from tritstream.cli import main
from tritstream.errors import FileError
from tritstream.model import Model
from tritstream.offline.journal import open_journal
from tritstream.offline.work import answer_lines

LINES: list[Any] = [
    "plain",
    {"prompt": "one", "id": "a"},
    {"prompt": "one", "continuation": " two", "id": {"n": 1}},
    {"prompt": "two", "seed": 5, "max_tokens": 3, "temperature": 0.5, "top_k": 9},
    {"prompt": "stop", "stop": "e", "max_tokens": 40},
    {"prompt": "", "continuation": "x"},
    *({"prompt": f"number {n % 3} " * 8} for n in range(20)),
]


@pytest.fixture(scope="module")
def model(image_file: Path) -> Model:
    return tritstream.load(image_file)


def write(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def run(image: Path, prompts: Path, output: Path, *more: str) -> int:
    options = ["-m", str(image), "-n", "12", "-t", "1", "--seed", "3"]
    return main(["batch", str(prompts), "-o", str(output), *options, *more])


def test_each_line_is_what_it_would_be_alone(
    image_file: Path, model: Model, tmp_path: Path
) -> None:
    prompts, output = write(tmp_path / "in", LINES), tmp_path / "out"
    assert run(image_file, prompts, output) == 0
    found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [f["line"] for f in found] == list(range(len(LINES)))
    for n in (0, 1, 8, 25):
        line = LINES[n] if isinstance(LINES[n], dict) else {"prompt": LINES[n]}
        drawn = model.generate(
            line["prompt"],
            max_tokens=12,
            temperature=1.0,
            top_k=40,
            top_p=0.95,
            repetition_penalty=1.05,
            seed=3 + n,
        )
        assert found[n]["text"] == drawn.text() and found[n]["seed"] == 3 + n
    assert found[1]["id"] == "a" and found[2]["id"] == {"n": 1}
    assert found[3]["tokens"] == 3 and found[3]["seed"] == 5
    assert "e" not in found[4]["text"]
    tokens = model.tokenizer.encode_prompt("one two")
    logits = model.logits(tokens[:-1]).astype(np.float64)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = sum(logits[p - 1, tokens[p]] for p in range(4, len(tokens)))
    assert found[2]["logprob"] == pytest.approx(expected)
    assert found[2]["tokens"] == 4 and not (tmp_path / "out.journal").exists()


@pytest.mark.parametrize("places", ["1", "5"])
def test_the_output_does_not_depend_on_how_many_at_a_time(
    image_file: Path, tmp_path: Path, places: str
) -> None:
    prompts = write(tmp_path / "in", LINES)
    assert run(image_file, prompts, tmp_path / "a") == 0
    assert run(image_file, prompts, tmp_path / "b", "--places", places) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_it_goes_on_where_it_was_interrupted(
    image_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prompts = write(tmp_path / "in", LINES)
    assert run(image_file, prompts, tmp_path / "whole") == 0
    asked: list[int] = []

    def interrupted(model: Any, lines: Any, places: int) -> Any:
        lines = list(lines)
        asked.append(len(lines))
        for count, found in enumerate(answer_lines(model, lines, places)):
            if count == 9:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr("tritstream.offline.work.answer_lines", interrupted)
    output, journal = tmp_path / "out", tmp_path / "out.journal"
    assert run(image_file, prompts, output) == 130
    assert not output.exists()
    with open(journal, "ab") as file:
        file.write(b'[3, {"line": 3, "te')  # a process that was killed while it wrote
    assert run(image_file, prompts, output) == 130
    assert "9 of 26 lines were done" in capsys.readouterr().err
    monkeypatch.undo()
    assert run(image_file, prompts, output) == 0
    assert output.read_bytes() == (tmp_path / "whole").read_bytes()
    assert asked == [26, 17] and not journal.exists()


def test_a_journal_of_something_else_is_not_gone_on_with(
    image_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, output = write(tmp_path / "in", LINES[:2]), tmp_path / "out"
    with open_journal(output, "another", False) as journal:
        journal.add(0, {"line": 0})
        with pytest.raises(FileError, match="in use"), open_journal(output, "another", False):
            pass
    assert run(image_file, prompts, output) == 2
    assert "--restart forgets it" in capsys.readouterr().err
    (tmp_path / "out.journal").write_text("nonsense\n")
    assert run(image_file, prompts, output) == 2
    assert "is damaged: --restart" in capsys.readouterr().err
    assert run(image_file, prompts, output, "--restart") == 0
    assert len(output.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "has no prompt"),
        ('"a"\n{', "line 2: is no JSON"),
        ("5", "line 1: a line must be"),
        ('{"text": "a"}', "the prompt must be a text"),
        ('{"prompt": "a", "n": 2}', "unknown field 'n'"),
        ('{"prompt": "a", "max_tokens": 0}', "max tokens must be 1"),
        ('{"prompt": "a", "temperature": "x"}', "temperature must be a number"),
        ('{"prompt": "a", "stop": [5]}', "a stop string must be a text"),
        ('{"prompt": "a", "continuation": ""}', "the continuation must be"),
        ('{"prompt": "a", "continuation": "b", "seed": 1}', "unknown field 'seed'"),
        ('{"prompt": "a", "special": 1}', "special must be"),
        ("[" * 100_000, "line 1"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_done(
    image_file: Path, tmp_path: Path, lines: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").write_text(lines)
    assert run(image_file, tmp_path / "in", tmp_path / "out") == 2
    err = capsys.readouterr().err
    assert told in err and len(err.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_a_line_that_the_model_cannot_read_has_an_error(
    image_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tritstream.load(image_file)
    real = model.tokenizer.encode_prompt

    def encode(text: str, *, special: bool = False) -> list[int]:
        if text == "bad":
            raise FileError("the text holds a token too many")
        return real(text, special=special)

    model.tokenizer.encode_prompt = encode  # type: ignore[method-assign]
    line = {"prompt": "bad", "continuation": "x"}
    answers = dict(answer_lines(model, [(0, line), (1, {**line, "prompt": "good"})], 1))
    assert answers[0] == {"line": 0, "error": "the text holds a token too many"}
    assert "logprob" in answers[1]
