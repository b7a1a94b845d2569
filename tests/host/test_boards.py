"""A model over several simulated boards: the same numbers as on one."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritstream
from support.random_checkpoint import random_checkpoint
from tritstream.batching import Batch, Text
from tritstream.cli import main
from tritstream.cluster.boards import BoardsEngine, split_layers
from tritstream.cluster.connection import connected
from tritstream.configurations import CONFIGURATIONS
from tritstream.engines.spec import SpecEngine
from tritstream.errors import ImageError, OptionError
from tritstream.generation import Limits
from tritstream.geometry import Geometry
from tritstream.image import Image, open_image
from tritstream.packing import pack
from tritstream.sampling import Sampling

pytest.importorskip("distributed", reason="the extra `dask` is not installed")
pytest.importorskip("pynq", reason="pynq is not installed: pip install '.[board]'")

SAMPLED: Any = {"max_tokens": 12, "temperature": 1.0, "seed": 5}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("boards") / "model"
    random_checkpoint(folder, hidden=64, vocab=259, intermediate=96, layers=4, eos_token_id=None)
    path = folder.parent / "model.trit"
    pack(folder, path, layout=CONFIGURATIONS["tiny"].layout)
    return open_image(path)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with connected("local:3") as client:
        yield client


@pytest.fixture
def engine(image: Image, client: Any) -> Iterator[BoardsEngine]:
    engine = BoardsEngine(image, client, checkpoint_tokens=5)
    yield engine
    engine.close()


def test_a_part_of_an_image_is_a_model_of_its_layers(image: Image) -> None:
    ids = [5, 6, 7]
    whole = SpecEngine(image)
    expected = whole.residuals(ids)
    engines = [SpecEngine(image.part(*layers)) for layers in ((0, 1), (1, 4))]
    x = image.embedding.residual(np.array(ids))
    for engine in engines:
        engine.weights = type(engine.weights)(
            **{**engine.weights.__dict__, "embed": lambda ids, x=x: x}
        )
        x = engine.residuals(ids)
    np.testing.assert_array_equal(x, expected)
    for wrong in ((0, 5), (2, 2), (-1, 2)):
        with pytest.raises(ImageError, match="has 4 layers"):
            image.part(*wrong)


def test_layers_are_divided_evenly() -> None:
    geometry = Geometry(8, 8, 24, 9)
    assert split_layers(geometry, 3) == [(0, 8), (8, 16), (16, 24)]
    assert split_layers(Geometry(8, 8, 4, 9), 3) == [(0, 2), (2, 3), (3, 4)]


def test_three_boards_equal_one(image: Image, client: Any, engine: BoardsEngine) -> None:
    spec = SpecEngine(image)
    ids = np.random.default_rng(1).integers(0, 259, 14).tolist()
    np.testing.assert_array_equal(engine.logits(ids), spec.logits(ids))
    np.testing.assert_array_equal(engine.state, spec.state)
    np.testing.assert_array_equal(engine.step(3), spec.step(3))
    state = spec.state.copy()
    spec.step(9)
    engine.load_state(state)
    np.testing.assert_array_equal(
        engine.prefill([4, 5]), (spec.load_state(state), spec.prefill([4, 5]))[1]
    )
    note = engine.info.note
    assert note is not None and "layers 0 to 1 on" in note and note.count("resident") == 3

    # Sessions, and several sequences that fill the pipeline.
    model = tritstream.load(image.source)
    boards = model.with_engine(engine)
    assert boards.generate("ab", **SAMPLED).text() == model.generate("ab", **SAMPLED).text()
    batch = Batch(boards.sequences(4))
    encode = model.tokenizer.encode_prompt
    texts = [
        Text(encode("x" * n), model.tokenizer, Sampling(1.0, seed=n), Limits(6)) for n in range(5)
    ]
    for text in texts:
        batch.add(text)
    batch.run()
    for n, text in enumerate(texts):
        alone = model.generate("x" * n, max_tokens=6, temperature=1.0, seed=n)
        assert text.writer.result.text == alone.text()
    with pytest.raises(OptionError, match="4 layers go on as many boards"):
        BoardsEngine(image, client, 5)


@pytest.mark.long
def test_a_lost_board_costs_no_text(image: Image, client: Any, engine: BoardsEngine) -> None:
    model = tritstream.load(image.source)
    expected = model.generate("a lost board", max_tokens=40, temperature=1.0, seed=2).text()
    found = ""
    for count, piece in enumerate(
        model.with_engine(engine).generate("a lost board", max_tokens=40, temperature=1.0, seed=2)
    ):
        found += piece
        if count in (3, 9):
            os.kill(max(client.run(os.getpid).values()), signal.SIGKILL)
    assert found == expected and engine.restored >= 2


@pytest.mark.long
def test_the_command(image: Image, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["generate", "ab", "-m", image.source, "-n", "8", "-t", "1", "--seed", "3"]
    assert main(command) == 0
    alone = capsys.readouterr().out
    state = ["--save-state", str(tmp_path / "state")]
    assert main([*command, "--engine", "boards", "--dask", "local:2", *state]) == 0
    out, err = capsys.readouterr()
    assert out == alone and "layers 0 to 1 on" in err
    assert (tmp_path / "state").exists()


def test_options_that_do_not_go_together(image: Image, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["generate", "ab", "-m", image.source]
    for more, told in (
        (["--engine", "boards"], "needs --dask"),
        (["--dask", "local:2"], "go with --engine boards"),
        (["--engine", "boards", "--dask", "local:2", "--threads", "1"], "neither --trace"),
    ):
        assert main([*command, *more]) == 2
        assert told in capsys.readouterr().err
