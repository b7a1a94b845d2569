"""The specification's fidelity on random checkpoints, paired with float16 and float32."""

from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.accuracy.walk import relative_error
from tritstream.engines.float import FloatEngine
from tritstream.engines.spec import SpecEngine
from tritstream.image import open_image
from tritstream.numerics import PROFILES
from tritstream.packing import pack
from tritstream.reference import weights_of_image

# The geometries of the released code's own table of rounding errors: (D, I, layers, vocabulary).
GEOMETRIES = [(128, 512, 4, 512), (256, 768, 8, 2048), (512, 1536, 12, 4096)]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"D{g[0]}")
def test_fixed_point_is_closer_to_float64_than_float16_is(
    geometry: tuple[int, int, int, int], seed: int, tmp_path: Path
) -> None:
    hidden, intermediate, layers, vocab = geometry
    folder = random_checkpoint(
        tmp_path / "model", hidden, intermediate, layers, vocab, seed, with_tokenizer=True
    )
    ids = np.random.default_rng(seed).integers(0, vocab, 64).tolist()
    errors = {}
    for profile in PROFILES:
        pack(folder, tmp_path / "m.trit", profile=profile)
        image = open_image(tmp_path / "m.trit")
        exact = FloatEngine(weights_of_image(image)).exact_logits(ids)
        spec = SpecEngine(image)
        errors[profile] = relative_error(spec.logits(ids).astype(np.float64), exact)
        assert spec.saturations.counts == {}
    for precision in ("float32", "float16"):
        found = FloatEngine(weights_of_image(image), precision).exact_logits(ids)
        errors[precision] = relative_error(found.astype(np.float64), exact)
    print(f"D={hidden} seed {seed}: relative L2 error of the logits (measured): {errors}")
    assert errors["default"] < errors["float16"]
    assert errors["small"] < errors["float16"]


def test_steps_equal_a_sequence_bit_for_bit(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "model", hidden=72, intermediate=100, seed=4)
    for profile in PROFILES:
        pack(folder, tmp_path / "m.trit", profile=profile, packing="2bit")
        engine = SpecEngine(open_image(tmp_path / "m.trit"))
        ids = [1, 200, 3, 99, 4, 4, 17]
        whole = engine.logits(ids)
        end = engine.state.copy()
        engine.reset()
        assert np.array_equal(np.stack([engine.step(i) for i in ids]), whole)
        assert np.array_equal(engine.state, end)
        engine.reset()
        engine.prefill(ids[:3])
        assert np.array_equal(engine.prefill(ids[3:]), whole[-1])
