"""What tests of boards share."""

from typing import Any

import pytest

from tritstream.board.options import BoardOptions
from tritstream.image import Image
from tritstream.kernels.memories import board_memories
from tritstream.packing import hardware_for


def needs_pynq() -> None:
    """Skip a module, or a test, where there is no pynq."""
    pytest.importorskip("pynq", reason="pynq is not installed (it exists for Python 3.10 to 3.12)")


QUICK = BoardOptions(self_test=False)


def limit_of(image: Image, bytes_: int) -> int:
    """A limit for contiguous memory that leaves the records of an image as much as ``bytes_`` did
    beside the arrays of an engine with one token a start."""
    configuration, image = hardware_for(image)
    one, own = (
        board_memories(configuration.layout, image.geometry, tokens).pages_bytes()
        for tokens in (1, configuration.tokens)
    )
    return bytes_ + own - one


def greedy(engine: Any, count: int) -> list[int]:
    """The tokens that an engine or runtime draws, the likeliest each time, from token 3."""
    engine.reset()
    token, tokens = 3, []
    for _ in range(count):
        token = int(engine.step(token).argmax())
        tokens.append(token)
    return tokens
