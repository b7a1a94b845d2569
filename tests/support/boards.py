"""What tests of boards share."""

from typing import Any

import pytest

from tritstream.board.options import BoardOptions


def needs_pynq() -> None:
    """Skip a module, or a test, where there is no pynq."""
    pytest.importorskip("pynq", reason="pynq is not installed (it exists for Python 3.10 to 3.12)")


QUICK = BoardOptions(self_test=False)


def greedy(engine: Any, count: int) -> list[int]:
    """The tokens that an engine or runtime draws, the likeliest each time, from token 3."""
    engine.reset()
    token, tokens = 3, []
    for _ in range(count):
        token = int(engine.step(token).argmax())
        tokens.append(token)
    return tokens
