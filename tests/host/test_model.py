import copy
import pickle
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

import tritstream
from tritstream.checkpoint import hub
from tritstream.cli import main
from tritstream.errors import (
    CheckpointError,
    EngineError,
    ImageError,
    OptionError,
    TokenizerError,
    TritstreamError,
)
from tritstream.models import shipped_models
from tritstream.packing import pack


def test_an_image_and_its_checkpoint_are_the_same_model(
    checkpoint_folder: Path, image_file: Path
) -> None:
    image, checkpoint = tritstream.load(image_file), tritstream.load(checkpoint_folder)
    assert image.config == checkpoint.config
    assert image.config.hidden_size == 64
    ids = image.tokenizer.encode_prompt("the same text")
    assert ids == checkpoint.tokenizer.encode_prompt("the same text")
    assert checkpoint.engine.name == "float"
    close = checkpoint.logits(ids)
    error = np.linalg.norm(image.logits(ids) - close) / np.linalg.norm(close)
    assert error < 0.1  # one is fixed point and has a 16-bit embedding


@pytest.mark.parametrize("engine", ["spec", "float"])
def test_steps_are_the_rows_of_logits(image_file: Path, engine: str) -> None:
    model = tritstream.load(str(image_file), engine)
    ids = [1, 50, 60, 70]
    rows = model.logits(ids)
    assert rows.shape == (4, 259)
    assert rows.dtype == np.float32
    model.reset()
    steps = np.stack([model.step(i) for i in ids])
    if engine == "spec":
        np.testing.assert_array_equal(steps, rows)
    else:  # sums of other lengths may be added in another order
        np.testing.assert_allclose(steps, rows, rtol=1e-5, atol=1e-5)


def test_same_seed_same_text(image_file: Path) -> None:
    model = tritstream.load(image_file)

    def text(seed: int) -> str:
        return model.generate("a", temperature=1.0, seed=seed, max_tokens=20).text()

    assert text(3) == text(3)
    assert text(3) != text(4)


def test_greedy_takes_the_largest_logit_each_time(image_file: Path) -> None:
    model = tritstream.load(image_file)
    generation = model.generate("ab", max_tokens=5)
    generation.text()
    prompt = model.tokenizer.encode_prompt("ab")
    rows = model.logits(prompt + generation.result.token_ids[:-1])
    assert generation.result.token_ids == rows.argmax(axis=1)[len(prompt) - 1 :].tolist()


def test_unknown_names_are_told(image_file: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="abacus"):
        tritstream.load(image_file, "abacus")
    with pytest.raises(ImageError, match="no file or folder nothing"):
        tritstream.load("nothing")
    with pytest.raises(ImageError, match=r"no file or folder models/missing\.trit"):
        tritstream.load("models/missing.trit")
    with pytest.raises(TritstreamError):
        tritstream.load(tmp_path)


def test_a_file_of_that_name_does_not_hide_a_shipped_model(
    image_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(image_file, tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    assert tritstream.load("demo").source == shipped_models()["demo"]
    for path in ("./demo", Path("demo"), str(tmp_path / "demo")):
        assert tritstream.load(path).config.vocab_size == 259


def test_a_shipped_model_is_packed_by_name_too(
    image_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(image_file, tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    demo, own = pack("demo", "out.trit", layout="tiny"), pack("./demo", "own.trit", layout="tiny")
    assert demo.header.geometry == tritstream.load("demo").engine.geometry
    assert own.header.geometry.vocabulary == 259


def test_a_large_checkpoint_folder_says_that_packing_is_faster(
    checkpoint_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(checkpoint_folder)
    command = ["generate", "a", "-n", "1", "--greedy", "-m", folder]
    assert main(command) == 0
    assert "200 times" not in capsys.readouterr().err
    monkeypatch.setattr("tritstream.engines.registry._SLOW_FROM", 1)
    assert main(command) == 0
    told = capsys.readouterr().err
    assert f"200 times slower than an image on engine native: `tritstream pack {folder}" in told


def test_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(name: str) -> Path:
        asked.append(name)
        raise CheckpointError("there is no network in a test")

    monkeypatch.setattr(hub, "download", download)
    for address in ("owner/name", "https://huggingface.co/owner/name", "https://hf.co/owner/name/"):
        with pytest.raises(CheckpointError, match="no network"):
            tritstream.load(address)
    with pytest.raises(CheckpointError, match="no network"):
        pack("https://huggingface.co/owner/name/tree/main", tmp_path / "x.trit")
    assert asked == ["owner/name"] * 4
    with pytest.raises(ImageError, match="is an address: download it first"):
        tritstream.load("https://example.org/demo.trit")


def test_a_checkpoint_without_tokenizer_runs_but_writes_nothing(
    checkpoint_folder: Path, tmp_path: Path
) -> None:
    bare = shutil.copytree(checkpoint_folder, tmp_path / "bare")
    (bare / "tokenizer.json").unlink()
    model = tritstream.load(bare)
    assert model.logits([1]).shape == (1, 259)
    with pytest.raises(TokenizerError, match=r"has no tokenizer"):
        model.generate("a")


def test_a_tokenizer_too_large_for_the_model(checkpoint_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(checkpoint_folder, tmp_path / "other")
    file = other / "tokenizer.json"
    file.write_text(file.read_text().replace('"</s>": 2', '"</s>": 2, "more": 259'))
    with pytest.raises(TokenizerError, match="260 tokens, but the model only knows 259"):
        tritstream.load(other).generate("a")


def test_pack_is_what_the_package_exports() -> None:
    assert tritstream.pack is pack
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tritstream.nothing


def test_every_shipped_model_writes() -> None:
    models = shipped_models()
    assert "demo" in models
    for name in models:
        model = tritstream.load(name)
        assert model.generate("Once upon a time", max_tokens=3).result.prompt_tokens > 1
        assert model.generate("Once upon a time", max_tokens=3).text()


def test_python_arguments_are_checked(image_file: Path) -> None:
    model = tritstream.load(image_file)
    for prompt in (5, None, b"bytes", ["a"]):
        with pytest.raises(OptionError, match="the prompt must be a text"):
            model.generate(prompt)  # type: ignore[arg-type]
    for token in (1.7, "1", None, True):
        with pytest.raises(OptionError, match="a token id must be a whole number"):
            model.step(token)  # type: ignore[arg-type]
    for ids in ([[1, 2], [3, 4]], [[1], [2, 3]], [1.5], "ab", 3, [None], [True]):
        with pytest.raises(EngineError, match="whole numbers in one sequence"):
            model.logits(ids)  # type: ignore[arg-type]
    assert model.step(np.int64(3)).shape == (259,)  # type: ignore[arg-type]
    assert model.logits(np.array([1, 2], np.uint16)).shape == (2, 259)  # type: ignore[arg-type]


def test_a_text_goes_on_whatever_the_model_is_used_for_meanwhile(image_file: Path) -> None:
    model = tritstream.load(image_file)
    alone = model.generate("a", max_tokens=20).text()
    for disturb in (model.reset, lambda: model.step(3), lambda: model.logits([3])):
        pieces = iter(model.generate("a", max_tokens=20))
        text = next(pieces)
        disturb()
        assert text + "".join(pieces) == alone


def test_threads_give_each_its_text(image_file: Path) -> None:
    model = tritstream.load(image_file)
    prompts = ("one", "two", "three")
    alone = {p: model.generate(p, max_tokens=30).text() for p in prompts}
    got: list[tuple[str, str]] = []

    def write(prompt: str) -> None:
        got.append((prompt, model.generate(prompt, max_tokens=30).text()))

    threads = [threading.Thread(target=write, args=(p,)) for p in prompts * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 9
    assert all(text == alone[prompt] for prompt, text in got)


def test_a_model_shows_itself_closes_and_is_not_copied(image_file: Path) -> None:
    for engine in ("native", "spec", "float"):
        with tritstream.load(image_file, engine) as model:
            assert f"engine {engine}, 2 layers of 64, 259 tokens" in repr(model)
            for copying in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(TypeError, match=r"load it again, tritstream\.load"):
                    copying(model)


def test_the_package_tells_its_names() -> None:
    assert {"load", "pack", "Model"} <= set(dir(tritstream))
