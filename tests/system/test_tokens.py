"""Several tokens of one start in RTL: every count, of one sequence and of several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.tokens import same_passes
from tritstream.bench.synthetic import write_synthetic
from tritstream.configurations import configuration_named
from tritstream.cosim.prompt import ddr, main, prompts
from tritstream.cosim.trial import Trial
from tritstream.engines.rtl import RtlEngine
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image import Image, open_image
from tritstream.kernels.memories import Take
from tritstream.system import Conditions

SMALL = (Geometry(192, 256, 2, 512), Geometry(70, 250, 1, 510), Geometry(130, 100, 2, 300))


def plans(tokens: int) -> Iterator[list[Take]]:
    """Every count: one text, its states kept, several texts, and both."""
    for count in range(1, tokens + 1):
        yield [Take(None if n else 0) for n in range(count)]
        yield [Take(None if n else 0, n, n != count - 1) for n in range(count)]
        yield [Take(n, n) for n in range(count)]
        yield [Take(n, n) for n in range(count - 1)] + [Take(None if count > 1 else 0, 8)]


def runs(name: str, geometry: Geometry, conditions: Conditions) -> None:
    trial = Trial(configuration_named(name), conditions, geometry=geometry)
    for takes in plans(trial.engine.tokens):
        run = trial.run(0, geometry.layers, takes)
        assert run.wrong == (), (takes, conditions)


@pytest.mark.parametrize("geometry", SMALL)
def test_every_count_of_tokens(tiny_simulator: None, geometry: Geometry) -> None:
    runs("tiny", geometry, Conditions())
    runs("tiny", geometry, Conditions(3, stall=64, latency=60))


def test_a_prompt_takes_fewer_cycles_with_more_tokens_a_start(
    tiny_simulator: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = configuration_named("tiny")
    conditions = ddr(configuration.board, 0.75, latency=60)
    found = list(prompts(configuration, SMALL[0], conditions, 12))
    assert [f.tokens for f in found] == [1, 2, 3]
    assert found[0].prompt > found[1].prompt > found[2].prompt
    assert found[0].layer < found[1].layer < found[2].layer
    main(["-c", "tiny", "--geometry", "192,256,2,512"])
    assert "3 a start" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_count_of_tokens_of_released_sizes() -> None:
    geometry = replace(GEOMETRIES["370m"], layers=2, vocabulary=512)
    runs("kv260", geometry, Conditions())
    runs("kv260", geometry, Conditions(3, stall=32, latency=60))
    runs("kv260", replace(GEOMETRIES["2.7b"], layers=1, vocabulary=512), Conditions())


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("images") / "random.trit"
    write_synthetic(path, configuration_named("tiny").layout, SMALL[0])
    return open_image(path)


def test_passes_in_rtl(tiny_simulator: None, image: Image) -> None:
    same_passes(RtlEngine(image), image, 8, 2)
