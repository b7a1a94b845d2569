"""The float engine against an independently written PyTorch evaluation path."""

from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.checkpoint import Checkpoint
from tritstream.engines.float import FloatEngine
from tritstream.image import open_image
from tritstream.packing import pack
from tritstream.reference import weights_of_checkpoint, weights_of_image

torch = pytest.importorskip("torch", reason="PyTorch, the independent witness, is not installed")

CASES = [
    {"hidden": 64, "intermediate": 128, "layers": 2, "vocab": 300, "dtype": "float32"},
    {"hidden": 64, "intermediate": None, "layers": 3, "vocab": 300, "dtype": "bfloat16"},
    {"hidden": 96, "intermediate": 200, "layers": 2, "vocab": 300, "dtype": "float16"},
    {"hidden": 64, "intermediate": 128, "layers": 2, "vocab": 300, "use_lower_bound": False},
    {"hidden": 128, "intermediate": 320, "layers": 4, "vocab": 500, "shards": 3},
]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['hidden']}-{c['layers']}")
def test_float64_equals_pytorch(case: dict, seed: int, tmp_path: Path) -> None:
    from reference.torch_model import TorchModel

    folder = random_checkpoint(tmp_path / "model", seed=seed, rms_norm_eps=1e-5, **case)
    ids = np.random.default_rng(seed).integers(0, case["vocab"], 24).tolist()
    with torch.no_grad():
        expected = TorchModel(folder).logits(ids).numpy()
    found = FloatEngine(weights_of_checkpoint(Checkpoint.open(folder))).exact_logits(ids)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_an_image_gives_the_same_floats_as_its_checkpoint(tmp_path: Path) -> None:
    # fp16 weights and embedding survive packing exactly, so nothing may differ.
    folder = random_checkpoint(tmp_path / "model", dtype="float16", layers=3, seed=5)
    pack(folder, tmp_path / "m.trit")
    ids = list(range(20, 60))
    of_image = FloatEngine(weights_of_image(open_image(tmp_path / "m.trit")))
    of_checkpoint = FloatEngine(weights_of_checkpoint(Checkpoint.open(folder)))
    assert np.array_equal(of_image.exact_logits(ids), of_checkpoint.exact_logits(ids))


@pytest.mark.parametrize("precision", ["float64", "float32", "float16"])
def test_steps_equal_a_sequence(precision: str, tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "model", seed=3)
    engine = FloatEngine(weights_of_checkpoint(Checkpoint.open(folder)), precision)
    ids = [5, 9, 200, 31, 7]
    whole = engine.logits(ids)
    engine.reset()
    steps = np.stack([engine.step(i) for i in ids])
    np.testing.assert_allclose(
        steps, whole, rtol=2e-2 if precision == "float16" else 1e-3, atol=1e-3
    )
