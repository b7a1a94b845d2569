import argparse
import hashlib
import importlib.util
import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from tritstream.errors import CheckpointError, OptionError, TritstreamError
from tritstream.train import add_arguments, main

SIZES = ["--hidden", "64", "--intermediate", "64", "--layers", "2", "--vocab", "300"]
SPEED = ["--dropout", "0.1", "--lanes", "2", "--length", "32", "--threads", "2"]


def run(texts, out, *more: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = ["--text", *map(str, texts), "--out", str(out), *SIZES, *SPEED, *more]
    return main(parser.parse_args(options))


def weights(out):
    from safetensors.numpy import load_file

    return load_file(out / "hf" / "model.safetensors")


def test_importing_does_not_import_torch() -> None:
    code = "import sys, tritstream.train; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_missing_torch_is_one_sentence(texts, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TritstreamError, match=r"pip install 'tritstream\[train\]'"):
        run(texts, tmp_path / "out", "--steps", "1")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--hidden", "100"], "--hidden"),
        (["--steps", "1", "--minutes", "1"], "not both"),
        (["--steps", "0"], "--steps"),
        (["--rate", "7"], "--rate"),
        (["--vocab", "100"], "--vocab"),
        (["--held-out", "0"], "--held-out"),
        (["--vocab", "9000"], "too small for a tokenizer"),
        (["--resume"], "nothing to resume"),
    ],
)
def test_bad_options_are_named(torch, texts, tmp_path, options, word) -> None:
    with pytest.raises(TritstreamError, match=word):
        run(texts, tmp_path / "out", *options)
    assert not (tmp_path / "out").exists()


def test_a_text_that_cannot_be_read_leaves_no_folder(torch, texts, tmp_path) -> None:
    with pytest.raises(TritstreamError, match="cannot read"):
        run([*texts, tmp_path / "missing"], tmp_path / "out", "--steps", "1")
    assert not (tmp_path / "out").exists()


def test_training_learns_and_exports_the_released_layout(torch, texts, tmp_path) -> None:
    from tritstream.checkpoint import Checkpoint

    out = tmp_path / "out"
    assert (
        run(texts, out, "--steps", "60", "--rate", "1e-2", "--baseline", "--commit", "c0ffee") == 0
    )
    log = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    perplexity = log[-1]["perplexity"]
    assert perplexity < 100  # 300 entries: an untrained network is at about 300
    config = json.loads((out / "hf" / "config.json").read_text())
    assert config["model_type"] == "hgrn_bit" and config["vocab_size"] == 300
    assert config["use_short_conv"] is False and config["tie_word_embeddings"] is False
    checkpoint = Checkpoint.open(out / "hf")
    assert checkpoint.tensor("lm_head.weight").shape == (300, 64)
    assert (out / "hf" / "tokenizer.json").exists() and (
        out / "hf" / "tokenizer_config.json"
    ).exists()
    training = json.loads((out / "hf" / "training.json").read_text())
    assert training["commit"] == "c0ffee" and training["steps"] == 60 and training["finished"]
    assert training["tokens"] == 60 * 64
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in texts]
    assert [c["sha256"] for c in training["corpus"]] == digests
    assert training["validation"]["perplexity"] == pytest.approx(perplexity)
    assert training["validation"]["bits_per_byte"] == pytest.approx(log[-1]["bits_per_byte"])
    summary = json.loads((out / "summary.json").read_text())
    assert 1 < summary["ngram"]["perplexity"] < 100 and len(summary["files"]) == 2
    if importlib.util.find_spec("matplotlib"):
        assert (out / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_the_float_engine_reads_what_training_meant(torch, texts, tmp_path) -> None:
    """The exported folder, through the package's own float64 engine, gives training's logits."""
    from tritstream.checkpoint import Checkpoint
    from tritstream.engines.float import FloatEngine
    from tritstream.reference.weights import weights_of_checkpoint
    from tritstream.train import model
    from tritstream.train.shape import Shape

    out = tmp_path / "out"
    run(texts, out, "--steps", "20")
    parameters = {n: torch.from_numpy(w).double() for n, w in weights(out).items()}
    ids = np.random.default_rng(1).integers(0, 300, 24)
    tokens = torch.from_numpy(ids)[None]
    expected, _ = model.forward(
        Shape(64, 64, 2, 300), parameters, tokens, torch.zeros(1, 24, dtype=torch.bool),
        torch.zeros(2, 1, 64, dtype=torch.float64),
    )  # fmt: skip
    engine = FloatEngine(weights_of_checkpoint(Checkpoint.open(out / "hf")), "float64")
    got = engine.logits([int(i) for i in ids])
    assert np.linalg.norm(got - expected[0].numpy()) < 1e-5 * np.linalg.norm(got)


def test_resuming_after_ctrl_c_equals_an_uninterrupted_run(
    torch, texts, tmp_path, monkeypatch
) -> None:
    from tritstream.train.data import Stream

    assert run(texts, tmp_path / "whole", "--steps", "12") == 0
    calls = 0
    original = Stream.next

    def next_and_interrupt(self):
        nonlocal calls
        calls += 1
        if calls == 5:
            signal.raise_signal(signal.SIGINT)
        return original(self)

    with monkeypatch.context() as patch:
        patch.setattr(Stream, "next", next_and_interrupt)
        assert run(texts, tmp_path / "parts", "--steps", "12") == 130
    assert calls == 5
    training = json.loads((tmp_path / "parts" / "hf" / "training.json").read_text())
    assert training["steps"] == 5 and not training["finished"]
    assert run(texts, tmp_path / "parts", "--steps", "12", "--resume") == 0
    whole, parts = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        assert np.array_equal(tensor, parts[name]), name


def test_the_same_seed_gives_the_same_weights(torch, texts, tmp_path) -> None:
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        run(texts, tmp_path / name, "--steps", "3", "--seed", seed)
    a, b, c = (weights(tmp_path / name)["lm_head.weight"] for name in "abc")
    assert np.array_equal(a, b) and not np.array_equal(a, c)


def test_resume_refuses_another_recipe_and_a_damaged_state(torch, texts, tmp_path) -> None:
    out = tmp_path / "out"
    run(texts, out, "--steps", "2")
    with pytest.raises(CheckpointError, match="another rate"):
        run(texts, out, "--steps", "4", "--resume", "--rate", "1e-3")
    with pytest.raises(CheckpointError, match="another text"):
        run(texts[:1], out, "--steps", "4", "--resume")
    state = out / "state" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        run(texts, out, "--steps", "4", "--resume")


def test_divergence_is_said(torch, texts, tmp_path, monkeypatch) -> None:
    from tritstream.train import model

    original = model.initial_parameters

    def broken(shape, generator):
        parameters = original(shape, generator)
        with torch.no_grad():
            parameters["model.norm.weight"].fill_(float("nan"))
        return parameters

    monkeypatch.setattr(model, "initial_parameters", broken)
    with pytest.raises(OptionError, match="diverged"):
        run(texts, tmp_path / "out", "--steps", "2")


def test_float_twin_trains(torch, texts, tmp_path) -> None:
    out = tmp_path / "out"
    assert run(texts, out, "--steps", "5", "--float-weights") == 0
    training = json.loads((out / "hf" / "training.json").read_text())
    assert training["recipe"]["ternary"] is False
