"""Hybrid runs and walks."""

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.accuracy import EXCHANGEABLE, contributions, hybrid_operations, walk
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError, OptionError
from tritstream.image import Image, open_image
from tritstream.numerics import PROFILES
from tritstream.packing import pack

IDS = [5, 9, 200, 31, 7, 88, 412, 3]


@pytest.fixture(scope="module", params=sorted(PROFILES))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("accuracy")
    random_checkpoint(folder / "model", layers=3, seed=11)
    pack(folder / "model", folder / "m.trit", profile=request.param)
    return open_image(folder / "m.trit")


def test_every_operation_can_run_in_float_and_stays_close(image: Image) -> None:
    profile = image.header.layout.profile
    fixed = SpecEngine(image).logits(IDS)
    for name in EXCHANGEABLE:
        hybrid = SpecEngine(image, hybrid_operations(profile, [name])).logits(IDS)
        # Only roundings differ, so codes may flip by one; anything systematic is far larger.
        assert np.linalg.norm(hybrid - fixed) < 0.05 * np.linalg.norm(fixed), name


def test_contributions_name_the_ends(image: Image) -> None:
    found = contributions(image, IDS)
    assert set(found) == {"(none)", "(all)", *EXCHANGEABLE}
    assert all(0 <= v < 0.05 for v in found.values())


def test_a_walk_reports_every_layer_and_operation(image: Image) -> None:
    found = walk(image, IDS)
    assert found.tokens == len(IDS) and len(found.errors) == 3
    for layer in found.errors:
        assert {"i", "f", "g", "state", "gated", "product", "residual_down"} <= set(layer)
        assert all(0 <= v < 0.1 for v in layer.values())
    assert set(found.code_flips[0]) == {"i", "f", "g", "o", "gate", "down"}


def test_unknown_operations_and_tokens_are_refused(image: Image) -> None:
    with pytest.raises(OptionError, match="choose from"):
        hybrid_operations(image.header.layout.profile, ["softmax"])
    with pytest.raises(EngineError, match="outside the model's vocabulary"):
        walk(image, [512])
    with pytest.raises(EngineError, match="no tokens"):
        walk(image, [])
