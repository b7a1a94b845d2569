"""What tests of boards share."""

from typing import Any

from tritstream.board.options import BoardOptions

QUICK = BoardOptions(self_test=False)


def greedy(engine: Any, count: int) -> list[int]:
    """The tokens that an engine or runtime draws, the likeliest each time, from token 3."""
    engine.reset()
    token, tokens = 3, []
    for _ in range(count):
        token = int(engine.step(token).argmax())
        tokens.append(token)
    return tokens
