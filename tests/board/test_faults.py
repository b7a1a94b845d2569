"""Every fault has its own error, frees its memory, and leaves a board that works again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.boards import QUICK, greedy, limit_of, needs_pynq
from tritstream.board.errors import (
    BoardError,
    BusError,
    CacheError,
    EngineTimeoutError,
    MemoryShortError,
    NoResultError,
    OverlayError,
    WrongResultError,
)
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.configurations import CONFIGURATIONS
from tritstream.engines.pynq import BoardEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.kernels.memories import board_memories
from tritstream.sim import Faults, simulated_board

needs_pynq()

TESTED = BoardOptions(time_limit_s=0.2)

# Faults of a board that is loaded, by what they do to the next step.
STEP = {
    "never_done": (
        EngineTimeoutError,
        r"on layer 0 to head, is still not done: CTRL=0x1 \(start\)",
    ),
    "axi_error": (NoResultError, "AXI error"),
    "axi_error_reported": (
        BusError,
        r"ended its start early: a read and a write .*CTRL=0x70",
    ),
    "lost_invalidates": (NoResultError, "caches .* not synchronised"),
}
# The same from the start, as the self-test sees them.
LOADING = {
    "never_done": (EngineTimeoutError, "on layer 0, is still not done"),
    "axi_error": (NoResultError, "layer 0.* AXI error"),
    "axi_error_reported": (BusError, "on layer 0, ended its start early"),
    "wrong_bit": (WrongResultError, "in 1 of 192 elements of the residual"),
    "lost_flushes": (CacheError, "uncached memory but not through cached"),
    "lost_invalidates": (CacheError, "uncached memory but not through cached"),
}


@pytest.mark.parametrize("interrupt", [True, False], ids=["interrupt", "polling"])
@pytest.mark.parametrize("fault", STEP)
def test_a_fault_while_writing(
    tiny: Image, load: Any, expected: Any, fault: str, interrupt: bool
) -> None:
    faults = Faults()
    device, runtime = load(
        tiny, replace(TESTED, self_test=False, interrupt=interrupt), faults=faults
    )
    runtime.step(1)
    held = dict(device.memory.live)
    kind, message = STEP[fault]
    setattr(faults, fault, True)
    with pytest.raises(kind, match=message) as error:
        runtime.step(1)
    assert type(error.value) is kind
    assert "reset() makes the engine ready" in str(error.value)
    assert device.memory.live == held
    with pytest.raises(EngineError, match="lost the text's state"):
        runtime.step(1)
    setattr(faults, fault, False)
    assert greedy(runtime, 16) == expected(tiny, 16)
    assert device.memory.live == held


@pytest.mark.parametrize("fault", LOADING)
def test_a_fault_while_loading(tiny: Image, expected: Any, fault: str) -> None:
    faults = Faults(**{fault: True})
    kind, message = LOADING[fault]
    with simulated_board(CONFIGURATIONS["tiny"], faults=faults) as (device, overlay):
        with pytest.raises(kind, match=message) as error:
            BoardRuntime(tiny, overlay, device, TESTED)
        assert type(error.value) is kind
        assert device.memory.live == {}
        setattr(faults, fault, False)
        with BoardRuntime(tiny, overlay, device, TESTED) as runtime:
            assert greedy(runtime, 8) == expected(tiny, 8)
        assert device.memory.live == {}


def test_a_streamed_record_is_named(deep: Image, load: Any, expected: Any) -> None:
    faults = Faults()
    options = replace(TESTED, self_test=False, cma_limit=limit_of(deep, 110_000))
    _, runtime = load(deep, options, faults=faults)
    start = runtime._start

    def break_down(first: int, last: int) -> None:
        faults.never_done = first % 8 == 4
        start(first, last)

    runtime._start = break_down
    with pytest.raises(EngineTimeoutError, match="on layer 4, is still not done"):
        runtime.step(1)
    del runtime._start
    faults.never_done = False
    assert greedy(runtime, 16) == expected(deep, 16)


def test_a_wrong_bit_is_found_by_comparing_every_token(tiny: Image) -> None:
    from contextlib import ExitStack

    faults = Faults()
    with ExitStack() as stack:
        device, overlay = stack.enter_context(
            simulated_board(CONFIGURATIONS["tiny"], faults=faults)
        )
        runtime = stack.enter_context(BoardRuntime(tiny, overlay, device, QUICK))
        engine = BoardEngine("pynq-sim", tiny, runtime, stack.pop_all(), check=True)
    engine.prefill([1, 2])
    faults.wrong_bit = True
    with pytest.raises(WrongResultError, match=r"after token 3 .* first for token id 0"):
        engine.step(1)
    faults.wrong_bit = False
    engine.reset()
    engine.step(1)
    engine.close()
    assert device.memory.live == {}


@pytest.mark.parametrize("left", range(5))
def test_memory_that_runs_out_is_given_back(tiny: Image, expected: Any, left: int) -> None:
    faults = Faults(allocations_left=left)
    with simulated_board(CONFIGURATIONS["tiny"], faults=faults) as (device, overlay):
        with pytest.raises(MemoryShortError, match=r"CMA has .* free of .* cma="):
            BoardRuntime(tiny, overlay, device, QUICK)
        assert device.memory.live == {}
        faults.allocations_left = None
        with BoardRuntime(tiny, overlay, device, QUICK) as runtime:
            assert greedy(runtime, 4) == expected(tiny, 4)


def test_too_little_memory_is_told_in_numbers(tiny: Image, load: Any) -> None:
    with pytest.raises(MemoryShortError) as error:
        load(tiny, replace(QUICK, cma_limit=100_000))
    tokens = CONFIGURATIONS["tiny"].tokens
    others = board_memories(tiny.header.layout, tiny.geometry, tokens).pages_bytes()
    needed = sum(r.length for r in tiny.header.records) + others
    assert f"needs {needed / 1e6:.3g} MB of contiguous memory to be resident" in str(error.value)
    # The limit is the user's own, and no measurement.
    assert "but --cma-limit allows 0.1 MB: raise it" in str(error.value)
    with (
        simulated_board(CONFIGURATIONS["tiny"], cma_bytes=100_000) as (device, overlay),
        pytest.raises(MemoryShortError, match=r"free of 0\.1 MB \(measured\).* cma=512M"),
    ):
        BoardRuntime(tiny, overlay, device, QUICK)


def test_an_overlay_with_other_number_formats(small: Image) -> None:
    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):
        with pytest.raises(OverlayError, match=r"\(default there, small here\).* --layout tiny"):
            BoardRuntime(small, overlay, device)
        assert device.downloads == 0
        assert device.memory.live == {}


def test_an_overlay_that_is_too_small(deep: Image) -> None:
    less = replace(CONFIGURATIONS["kv260"], name="less", intermediate=320, hidden=320)
    more = replace(deep, header=replace(deep.header, geometry=Geometry(321, 128, 7, 259)))
    with simulated_board(less) as (device, overlay):
        with pytest.raises(OverlayError, match="'less' holds models up to hidden size 320"):
            BoardRuntime(more, overlay, device)
        assert device.downloads == 0


def test_an_overlay_of_another_layout_gets_the_image_packed_again(
    deep: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    two = replace(CONFIGURATIONS["kv260"], name="two", lanes=32, ports=2)
    with simulated_board(two) as (device, overlay):
        with pytest.warns(UserWarning, match=r"has base3-default-32x2: packing it again into"):
            runtime = BoardRuntime(deep, overlay, device, TESTED)
        with runtime:
            assert np.array_equal(runtime.step(3), SpecEngine(deep).step(3))


def test_a_bitstream_that_is_not_what_its_manifest_says(tiny: Image) -> None:
    really = replace(CONFIGURATIONS["tiny"], packing="base3")
    board = simulated_board(CONFIGURATIONS["tiny"], built=really)
    with board as (device, overlay):
        with pytest.raises(BoardError):
            BoardRuntime(tiny, overlay, device, TESTED)
        assert device.memory.live == {}


def test_an_overlay_with_other_registers(tiny: Image) -> None:
    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):
        hwh = overlay.bit.with_suffix(".hwh")
        hwh.write_text(hwh.read_text().replace('VALUE="0x20"', 'VALUE="0x120"'))
        with pytest.raises(OverlayError, match=r"'descriptors_1' at 0x120, 0x20 is expected"):
            BoardRuntime(tiny, overlay, device)
        assert device.memory.live == {}


def test_a_missing_interrupt_only_costs_the_first_time_limit(
    tiny: Image, load: Any, expected: Any
) -> None:
    _, runtime = load(tiny, replace(TESTED, self_test=False), faults=Faults(no_interrupt=True))
    assert greedy(runtime, 8) == expected(tiny, 8)


def test_registers_where_nothing_answers(tiny: Image, load: Any) -> None:
    import pynq

    from tritstream.sim.device import RegisterAccessError

    device, _ = load(tiny)
    with pytest.raises(RegisterAccessError, match="0x12340000"):
        pynq.MMIO(0x1234_0000, 16, device=device).read(0)


def test_no_board_and_no_pynq(tiny: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "pynq":
            raise ImportError("No module named 'pynq'")
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BoardError, match=r"pip install 'tritstream\[board\]'"):
        simulated_board(CONFIGURATIONS["tiny"]).__enter__()
