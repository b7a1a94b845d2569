"""A small model behind a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tritstream
from support.random_checkpoint import random_checkpoint
from support.serving import Served, served
from tritstream.model import Model
from tritstream.packing import pack


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("server") / "model"
    random_checkpoint(folder, hidden=64, vocab=259, intermediate=96, layers=2, eos_token_id=None)
    pack(folder, folder.parent / "model.trit")
    return tritstream.load(folder.parent / "model.trit")


@pytest.fixture(scope="session")
def server(model: Model) -> Iterator[Served]:
    with served(model, sequences=4, queue=64) as running:
        yield running
