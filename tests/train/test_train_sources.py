"""Where texts, tokens and first weights come from."""

import argparse
import json
import sys
import types

import numpy as np
import pytest

from support.stories import story

torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

from tritstream.errors import CheckpointError, FileError, OptionError, TritstreamError  # noqa: E402
from tritstream.train import add_arguments, main, model  # noqa: E402
from tritstream.train.hub import read_hub  # noqa: E402
from tritstream.train.origin import read_origin  # noqa: E402
from tritstream.train.store import open_store  # noqa: E402

SIZES = ["--hidden", "64", "--intermediate", "64", "--layers", "2", "--vocab", "300"]
SPEED = ["--lanes", "2", "--length", "32", "--threads", "1"]


def run(*options: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return main(parser.parse_args([*map(str, options), *SPEED]))


@pytest.fixture
def stories(tmp_path):
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"{story(seed, 2)}\n<|end|>\n" for seed in range(60)))
    return path


class Table(dict):
    """What this project uses of a `datasets.Dataset`."""

    column_names = property(lambda self: list(self))

    def __len__(self) -> int:
        return len(next(iter(self.values())))


@pytest.fixture
def datasets(monkeypatch):
    """A `datasets` library with one data set."""
    module = types.ModuleType("datasets")
    rows = [story(seed, 2).strip() for seed in range(60)]

    def load_dataset(name, config=None, *, split):
        if (name, config, split) != ("someone/tales", None, "train"):
            raise ValueError(f"Unknown split {split}.\nAnd more lines.")
        return Table(text=rows, title=["a"] * 60)

    module.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", module)
    return rows


def test_a_hub_data_set_is_read_by_name(datasets) -> None:
    source = read_hub("hub:someone/tales", 0.05, clean=False)
    assert len(source.train) == 57 and len(source.validation) == 3
    assert list(source.validation) == datasets[19::20]
    assert sorted([*source.train, *source.validation]) == sorted(datasets)
    assert list(source.train[2:4]) == datasets[2:4]
    few = read_hub("hub:someone/tales:train:title", 0.05, clean=False, limit=40)
    assert len(few.train) == 38 and few.train[0] == "a" and few.sha256 != source.sha256


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("hub:a/b/c", OptionError, "is no Hub data set"),
        ("hub:someone/tales:test", FileError, "Unknown split test.$"),
        ("hub:someone/tales:train:words", OptionError, "no column 'words'; it has text, title"),
    ],
)
def test_a_hub_data_set_that_cannot_be_read_is_named(datasets, name, kind, words) -> None:
    with pytest.raises(kind, match=words):
        read_hub(name, 0.05, clean=False)


def test_the_missing_library_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(OptionError, match="pip install datasets"):
        read_hub("hub:someone/tales", 0.05, clean=False)


def test_a_hub_data_set_gives_the_tokens_of_its_file(datasets, stories, tmp_path) -> None:
    for name, text, more in (
        ("file", stories, ["--separator", "<|end|>"]),
        ("hub", "hub:someone/tales", []),
    ):
        out = tmp_path / name
        assert run("--text", text, "--out", out, *SIZES, "--as-is", "--prepare", *more) == 0
    a, b = (open_store(tmp_path / name / "tokens") for name in ("file", "hub"))
    assert np.array_equal(a.train[0], b.train[0]) and a.train[0].dtype == np.uint16
    assert np.array_equal(a.validation[0], b.validation[0]) and a.train_bytes == b.train_bytes
    text = a.tokenizer.decode(a.validation[0][: list(a.validation[0]).index(a.marks.eos)].tolist())
    assert text == datasets[19]


def test_a_text_about_the_end_token_does_not_end_there(stories, tmp_path) -> None:
    stories.write_text(stories.read_text().replace("fox", "</s>"))
    out = tmp_path / "out"
    run("--text", stories, "--out", out, *SIZES, "--separator", "<|end|>", "--prepare")
    corpus = open_store(out / "tokens")
    assert int((corpus.train[0] == corpus.marks.eos).sum()) == 57


def test_tokens_are_made_once_and_anew_for_another_text(stories, tmp_path) -> None:
    out = tmp_path / "out"
    base = ["--text", stories, "--out", out, *SIZES, "--separator", "<|end|>"]
    run(*base, "--prepare")
    index = out / "tokens" / "index.json"
    first = index.stat().st_mtime_ns
    run(*base, "--steps", "2")
    assert index.stat().st_mtime_ns == first
    stories.write_text(stories.read_text() + "One more.\n<|end|>\n")
    run(*base, "--steps", "2")
    assert index.stat().st_mtime_ns != first
    (out / "tokens" / "0-train.bin").unlink()
    with pytest.raises(CheckpointError, match="remove the folder"):
        run(*base, "--steps", "2")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mix", "1", "1"], "one share for each of the 1 texts, not 2"),
        (["--mix", "0"], "not all 0"),
        (["--device", "cuda"], "no GPU"),
        (["--accumulate", "0"], "--accumulate"),
        (["--from", "demo", "--hidden", "64"], "--hidden does not go with --from"),
        (["--from", "no-such-model"], "no-such-model"),
    ],
)
def test_options_that_cannot_be_met_are_named(stories, tmp_path, options, words) -> None:
    if "--device" in options and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(TritstreamError, match=words):
        run("--text", stories, "--out", tmp_path / "out", "--steps", "1", *options)


def test_a_model_learns_where_a_story_ends(stories, tmp_path) -> None:
    out = tmp_path / "out"
    optimiser = "muon" if hasattr(torch.optim, "Muon") else "adamw"
    base = ["--text", stories, "--separator", "<|end|>", "--out", out, *SIZES]
    run(*base, "--steps", "150", "--rate", "1e-2", "--optimiser", optimiser)
    from tritstream.model import load

    written = load(out / "hf").generate("The fox", max_tokens=400, temperature=0.7, seed=1)
    written.text()
    assert written.result.stop_reason == "end of text"


def test_fine_tuning_starts_from_the_checkpoint_in_float32(stories, tmp_path) -> None:
    from safetensors.torch import load_file, save_file

    base = ["--text", stories, "--separator", "<|end|>"]
    run(*base, "--out", tmp_path / "first", *SIZES, "--steps", "40", "--rate", "1e-2")
    folder = tmp_path / "first" / "hf"
    trained = load_file(folder / "model.safetensors")
    for dtype in (torch.float16, torch.bfloat16):
        small = {name: tensor.to(dtype) for name, tensor in trained.items()}
        save_file(small, folder / "model.safetensors")
        origin = read_origin(str(folder))
        for name, tensor in origin.parameters.items():
            assert tensor.dtype == torch.float32 and torch.equal(tensor, small[name].float())
    out = tmp_path / "second"
    assert run(*base, "--out", out, "--from", folder, "--steps", "2", "--rate", "1e-5") == 0
    first, second = (
        json.loads((tmp_path / name / "log.jsonl").read_text().splitlines()[-1])
        for name in ("first", "second")
    )
    assert second["loss"] == pytest.approx(first["loss"], abs=0.05)
    training = json.loads((out / "hf" / "training.json").read_text())
    assert training["origin"] == {"model": folder.name, "sha256": origin.digest}
    assert training["recipe"]["hidden"] == 64 and training["recipe"]["vocab"] == 300
    assert load_file(out / "hf" / "model.safetensors")["lm_head.weight"].dtype == torch.float32
    # A resumed run must start from the same weights.
    with pytest.raises(CheckpointError, match="another origin"):
        run(*base, "--out", out, "--from", tmp_path / "second" / "hf", "--steps", "4", "--resume")


def test_an_image_starts_as_the_network_that_it_is(tmp_path) -> None:
    """The demo model of the package, as parameters, gives the float engine's logits."""
    from tritstream.engines.float import FloatEngine
    from tritstream.image import open_image
    from tritstream.models import shipped_model
    from tritstream.reference.weights import weights_of_image

    origin = read_origin("demo")
    ids = np.random.default_rng(1).integers(2, origin.shape.vocab, 12)
    parameters = {name: tensor.double() for name, tensor in origin.parameters.items()}
    got, _ = model.forward(
        origin.shape, parameters, torch.from_numpy(ids)[None],
        torch.zeros(1, 12, dtype=torch.bool),
        torch.zeros(origin.shape.layers, 1, origin.shape.hidden, dtype=torch.float64),
    )  # fmt: skip
    engine = FloatEngine(weights_of_image(open_image(shipped_model("demo"))), "float64")
    expected = engine.logits([int(i) for i in ids])
    assert np.linalg.norm(got[0].numpy() - expected) < 1e-3 * np.linalg.norm(expected)
