"""Small images, and boards to run them on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.boards import QUICK, greedy
from support.random_checkpoint import random_checkpoint
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image, open_image
from tritstream.packing import hardware_for, pack
from tritstream.sim import simulated_board


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(scope="session")
def tiny_checkpoint(folder: Path) -> Path:
    return random_checkpoint(folder / "tiny", hidden=192, vocab=512, intermediate=256, layers=2)


def _packed(checkpoint: Path, target: str) -> Image:
    path = checkpoint.parent / f"{checkpoint.name}-{target}.trit"
    with pytest.warns(UserWarning, match="padding"):  # 259 tokens in a vocabulary of 512
        pack(checkpoint, path, layout=target)
    return open_image(path)


@pytest.fixture(scope="session")
def tiny(tiny_checkpoint: Path) -> Image:
    return _packed(tiny_checkpoint, "tiny")


@pytest.fixture(scope="session")
def small(tiny_checkpoint: Path) -> Image:
    """The same in the other profile, for `z7020`."""
    return _packed(tiny_checkpoint, "z7020")


@pytest.fixture(scope="session")
def deep(folder: Path) -> Image:
    """Seven layers and a head: enough records to place them in several ways."""
    return _packed(random_checkpoint(folder / "deep", layers=7), "tiny")


Board = Callable[..., tuple[Any, BoardRuntime]]


@pytest.fixture
def load() -> Iterator[Board]:
    """Load an image onto a simulated board: (device, runtime). In the end no buffer may be left."""
    with ExitStack() as stack:
        devices = []

        def make(
            image: Image, options: BoardOptions = QUICK, **board: Any
        ) -> tuple[Any, BoardRuntime]:
            configuration, _ = hardware_for(image)
            device, overlay = stack.enter_context(simulated_board(configuration, **board))
            devices.append(device)
            return device, stack.enter_context(BoardRuntime(image, overlay, device, options))

        yield make
        stack.close()
        for device in devices:
            assert device.memory.live == {}, "contiguous memory was not given back"


@pytest.fixture(scope="session")
def expected() -> Callable[[Image, int], list[int]]:
    """The specification's tokens for an image, computed once."""
    known: dict[tuple[str, int], list[int]] = {}

    def tokens(image: Image, count: int) -> list[int]:
        key = image.source, count
        if key not in known:
            known[key] = greedy(SpecEngine(image), count)
        return known[key]

    return tokens
