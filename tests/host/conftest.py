"""A small model of random weights, as a checkpoint folder and as an image."""

from pathlib import Path

import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.packing import pack


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of 259 tokens, exactly those of its tokenizer, that never ends a text."""
    return random_checkpoint(tmp_path_factory.mktemp("checkpoint"), vocab=259, eos_token_id=None)


@pytest.fixture(scope="session")
def image_file(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model packed for the software engines."""
    path = tmp_path_factory.mktemp("image") / "model.trit"
    pack(checkpoint_folder, path)
    return path
