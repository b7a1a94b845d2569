"""Several tokens of one start under the driver, on a simulated board."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from support.boards import QUICK, limit_of, needs_pynq
from support.tokens import same_passes
from tritstream.configurations import CONFIGURATIONS
from tritstream.engines.pynq import open_board_engine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image
from tritstream.reading import SharedEngine
from tritstream.sequences import advance_each, sequences_of

needs_pynq()


@pytest.mark.parametrize("limit", [None, 130_000], ids=["resident", "streamed"])
def test_passes_equal_the_specification(deep: Image, limit: int | None) -> None:
    options = replace(QUICK, cma_limit=limit and limit_of(deep, limit))
    with closing(open_board_engine(deep, "pynq-sim", options)) as engine:
        assert engine.shared_pass == CONFIGURATIONS["tiny"].tokens
        assert bool(engine.runtime.placement.streamed) == (limit is not None)
        same_passes(engine, deep, 12, 3)


def test_a_pass_is_checked_where_that_is_asked_for(deep: Image) -> None:
    with closing(open_board_engine(deep, "pynq-sim", replace(QUICK, check=True))) as engine:
        same_passes(engine, deep, 6, 4)


def test_a_prompt_takes_a_start_for_several_tokens(deep: Image) -> None:
    with closing(open_board_engine(deep, "pynq-sim", QUICK)) as engine:
        device = engine.runtime._device
        before = device.engine.starts
        engine.prefill([1, 2, 3, 4, 5, 6, 7])
        assert device.engine.starts - before == -(-7 // engine.shared_pass)


def test_sequences_share_starts_and_slots_are_given_back(deep: Image) -> None:
    with closing(open_board_engine(deep, "pynq-sim", QUICK)) as engine:
        device, shared = engine.runtime._device, SharedEngine(engine)
        expected = SpecEngine(deep)
        for round_ in range(12):
            sequences = sequences_of(shared, 3)
            before = device.engine.starts
            rows = advance_each(sequences, [5 + round_, 6, 7]).copy()
            assert device.engine.starts - before == 1
            for row, token in zip(rows, (5 + round_, 6, 7), strict=True):
                expected.reset()
                assert np.array_equal(row, expected.step(token))
