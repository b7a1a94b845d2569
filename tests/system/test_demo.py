"""The demo model on the simulated accelerator, token by token, against the specification."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from support.counted import check_counters
from tritstream.board.options import BoardOptions
from tritstream.engines import Engine
from tritstream.engines.base import Logits
from tritstream.engines.rtl import RtlEngine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image, open_image
from tritstream.models import DEMO, model_path
from tritstream.rtl import ZYNQ7_OPEN

TOKENS = 32


@cache
def demo() -> Image:
    return open_image(model_path(DEMO))


@cache
def expected() -> list[tuple[int, Logits]]:
    """What the specification writes, greedily and from the first token: (token, logits) each."""
    engine, token = SpecEngine(demo()), demo().header.bos_token_id or 1
    written = []
    for _ in range(TOKENS):
        logits = engine.step(token)
        written.append((token, logits))
        token = int(np.argmax(logits))
    return written


def on_the_simulated_board(image: Image) -> Engine:
    pytest.importorskip("pynq", reason="the driver needs pynq (extra 'board')")
    from tritstream.engines.pynq import open_board_engine

    return open_board_engine(image, "pynq-sim", BoardOptions(simulate="rtl", time_limit_s=3600))


def for_open_tools(image: Image) -> Engine:
    """The RTL that the bitstream built with open tools is made of."""
    return RtlEngine(image, target=ZYNQ7_OPEN)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("make", "tokens"), [(RtlEngine, 32), (on_the_simulated_board, 32), (for_open_tools, 16)]
)
def test_tokens_of_the_demo_model(make: Callable[[Image], Engine], tokens: int) -> None:
    """Every token is the one with the largest logit of the last, so equal logits are tokens that
    the engine would have written itself."""
    engine = make(demo())
    for token, logits in expected()[:tokens]:
        assert np.array_equal(engine.step(token), logits)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_shell_counts_what_the_simulation_counts() -> None:
    check_counters(RtlEngine(demo()), 0, demo().geometry.layers)
