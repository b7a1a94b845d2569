"""The whole accelerator in RTL against the specification: as an engine and under the driver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.board.errors import BusError
from tritstream.board.options import BoardOptions
from tritstream.engines.rtl import RtlEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.image import Image, open_image
from tritstream.packing import pack
from tritstream.system import Conditions

TOKENS = (1, 5, 77, 200)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("images")
    checkpoint = random_checkpoint(
        folder / "tiny", hidden=192, vocab=512, intermediate=256, layers=2
    )
    with pytest.warns(UserWarning, match="padding"):
        pack(checkpoint, folder / "tiny.trit", target="tiny")
    return open_image(folder / "tiny.trit")


@pytest.mark.parametrize("conditions", [Conditions(), Conditions(3, stall=64, latency=60)])
def test_logits_and_state_equal_the_specification(tiny: Image, conditions: Conditions) -> None:
    engine, specification = RtlEngine(tiny, conditions), SpecEngine(tiny)
    for token in TOKENS:
        assert np.array_equal(engine.step(token), specification.step(token))
        assert np.array_equal(engine.state, specification.state)


@pytest.mark.parametrize("master", range(4))
def test_an_error_on_the_bus_is_the_engines_error(tiny: Image, master: int) -> None:
    engine, specification = RtlEngine(tiny), SpecEngine(tiny)
    engine.system.set_conditions(Conditions(error_master=master, error_burst=2, error_code=2))
    with pytest.raises(EngineError, match="SLVERR"):
        engine.step(1)
    engine.reset()
    engine.system.set_conditions(Conditions())
    assert np.array_equal(engine.step(1), specification.step(1))


def test_the_driver_runs_it_and_reports_errors(tiny: Image) -> None:
    pytest.importorskip("pynq", reason="the driver needs pynq (extra 'board')")
    from tritstream.board.runtime import BoardRuntime
    from tritstream.sim import simulated_board
    from tritstream.system.execution import RtlExecution

    configuration = tiny.header.configuration
    execution, specification = RtlExecution(configuration), SpecEngine(tiny)
    board = simulated_board(configuration, cma_bytes=128 << 20, execution=execution)
    with board as (device, overlay), BoardRuntime(tiny, overlay, device, BoardOptions()) as runtime:
        for token in TOKENS:
            assert np.array_equal(runtime.step(token), specification.step(token))
        execution.system.set_conditions(Conditions(error_master=1, error_burst=3, error_code=3))
        with pytest.raises(BusError, match="a read was answered with DECERR"):
            runtime.step(1)
        assert "DECERR" in execution.reports[-1]


def test_a_waveform_can_be_had(tiny: Image, tmp_path: Path) -> None:
    engine = RtlEngine(tiny, trace=tmp_path / "run.vcd")
    engine.system.advance(100)
    del engine
    assert "s_axi_control_AWVALID" in (tmp_path / "run.vcd").read_text(errors="replace")[:200_000]
