"""Several tokens of one start in C++: random passes, kept states, and what a start refuses."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from support.tokens import random_takes, same_passes
from tritstream.bench.synthetic import write_synthetic
from tritstream.configurations import configuration_named
from tritstream.engines.csim import CsimEngine
from tritstream.engines.spec import SpecEngine
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image import Image, open_image
from tritstream.kernels.memories import Take

pytestmark = pytest.mark.usefixtures("what_csim_needs")


def image_of(folder: Path, name: str, geometry: Geometry) -> Image:
    write_synthetic(folder / "random.trit", configuration_named(name).layout, geometry)
    return open_image(folder / "random.trit")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return image_of(tmp_path_factory.mktemp("images"), "tiny", Geometry(192, 256, 2, 512))


@pytest.mark.parametrize("seed", range(6))
def test_passes_over_random_geometries(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden, intermediate, vocabulary = rng.integers(16, (193, 257, 600)).tolist()
    image = image_of(tmp_path, "tiny", Geometry(hidden, intermediate, 1 + seed % 3, vocabulary))
    same_passes(CsimEngine(image), image, 12, seed)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_passes_of_a_released_size(tmp_path: Path) -> None:
    image = image_of(tmp_path, "kv260", GEOMETRIES["demo"])
    same_passes(CsimEngine(image, configuration_named("kv260")), image, 20, 1)


def test_a_text_continued_from_any_kept_state(image: Image) -> None:
    """500 tokens in starts of several, some of them guessed wrongly, as in one go."""
    source, engine = random.Random(4), CsimEngine(image)
    text = [source.randrange(512) for _ in range(500)]
    expected = SpecEngine(image).logits(text)
    at, slot = 0, 0
    while at < len(text):
        right = source.randint(1, engine.tokens)
        read = text[at : at + right]
        guessed = read + [source.randrange(512) for _ in range(engine.tokens - len(read))]
        kept = [n for n in range(engine.tokens + 1) if n != slot][: len(guessed)]
        found = engine.run(guessed, [slot] * len(guessed), keep=kept)
        assert np.array_equal(found[: len(read)], expected[at : at + len(read)])
        at, slot = at + len(read), kept[len(read) - 1]


def test_a_start_refuses_states_that_two_sequences_need(image: Image) -> None:
    engine = CsimEngine(image)
    x = np.zeros((2, image.geometry.hidden), np.int64)
    for takes, told in (
        ([Take(0, 1), Take(1, 2)], "another sequence needs it"),
        ([Take(0, 1), Take(2, 0)], "another sequence needs it"),
        ([Take(None)], "the first token"),
        ([Take(99)], "there are 32 states"),
        ([Take()] * 9, "takes 1 to 3 tokens, not 9"),
        ([], "takes 1 to 3 tokens, not 0"),
    ):
        with pytest.raises(ValueError, match=told):
            engine.plan(takes, x)


@pytest.mark.parametrize("seed", range(4))
def test_random_takes_are_allowed(image: Image, seed: int) -> None:
    source, engine = random.Random(seed), CsimEngine(image)
    for _ in range(200):
        takes = random_takes(source, engine.tokens)
        engine.plan(takes, np.zeros((len(takes), image.geometry.hidden), np.int64))
        assert not all(take.silent for take in takes)
