"""Small images that several suites run."""

from pathlib import Path

import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.image import Image, open_image
from tritstream.packing import pack


def tiny_image(folder: Path) -> Image:
    """Random weights as large as the hardware of `tiny` takes, two layers."""
    checkpoint = random_checkpoint(
        folder / "tiny", hidden=192, vocab=512, intermediate=256, layers=2
    )
    with pytest.warns(UserWarning, match="padding"):  # 259 tokens in a vocabulary of 512
        pack(checkpoint, folder / "tiny.trit", layout="tiny")
    return open_image(folder / "tiny.trit")
