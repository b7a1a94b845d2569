"""The simulated board by itself: what it must get right for the driver's tests to mean
something."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.boards import needs_pynq
from tritstream.configurations import configuration_named
from tritstream.kernels.arguments import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT_ENABLE,
    IDLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    READY,
    START,
)
from tritstream.sim import simulated_board
from tritstream.sim.interrupts import InterruptController
from tritstream.sim.memory import FREED, FRESH, PAGE, AxiError, Memory
from tritstream.sim.registers import AUTO_RESTART, HlsBlock


class Block(HlsBlock):
    """Finishes at the second look."""

    begun = 0

    def _begin(self) -> None:
        self.begun += 1
        self.looks = 2

    def _look(self) -> None:
        if self.busy:
            self.looks -= 1
            if not self.looks:
                self._finish()


def test_done_is_cleared_by_reading_and_a_busy_start_is_ignored() -> None:
    block = Block()
    assert block.read(CONTROL) == IDLE
    block.write(CONTROL, START)
    block.write(CONTROL, START)
    assert block.begun == 1
    assert block.read(CONTROL) == START
    assert block.read(CONTROL) == DONE | IDLE | READY
    assert block.read(CONTROL) == IDLE
    with pytest.raises(NotImplementedError):
        block.write(CONTROL, START | AUTO_RESTART)


def test_the_interrupt_status_is_latched_and_toggled_by_writing() -> None:
    block = Block()
    block.write(CONTROL, START)
    assert [block.read(CONTROL) & DONE for _ in range(2)] == [0, DONE]
    assert block.read(INTERRUPT_STATUS) == 0  # it was not enabled
    block.write(INTERRUPT_ENABLE, 1)
    block.write(CONTROL, START)
    block.read(CONTROL), block.read(CONTROL)
    assert block.read(INTERRUPT_STATUS) == 1
    assert not block.interrupt
    block.write(GLOBAL_INTERRUPT_ENABLE, 1)
    assert block.interrupt
    block.write(INTERRUPT_STATUS, 1)
    assert not block.interrupt
    block.write(INTERRUPT_STATUS, 1)
    assert block.interrupt


def test_the_interrupt_controller_keeps_a_level_that_is_still_high() -> None:
    level = [True]
    controller = InterruptController(lambda: level[0])
    assert not controller.output
    controller.write(0x10, 1)
    controller.write(0x1C, 3)
    assert controller.output
    controller.write(0x0C, 1)
    assert controller.output
    level[0] = False
    assert controller.output
    controller.write(0x0C, 1)
    assert not controller.output
    level[0] = True
    controller.write(0x14, 1)
    assert controller.read(0x00) == 1
    assert controller.read(0x04) == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3 * PAGE)), max_size=30))
def test_buffers_never_overlap_and_all_memory_comes_back(steps: list[tuple[bool, int]]) -> None:
    memory = Memory(0x1000_0000, 8 * PAGE)
    for take, size in steps:
        if take:
            try:
                start = memory.allocate(size)
            except MemoryError:
                continue
            assert (memory.view(start, size) == FRESH).all()
            spans = sorted(memory.live.items())
            assert all(a + n <= b for (a, n), (b, _) in pairwise(spans))
        elif memory.live:
            memory.release(next(iter(memory.live)))
    for start in list(memory.live):
        memory.release(start)
    assert memory.free == memory.size
    assert memory.allocate(8 * PAGE) == memory.base


def test_memory_outside_buffers_does_not_answer() -> None:
    memory = Memory(0x1000_0000, 8 * PAGE)
    start = memory.allocate(PAGE)
    memory.allocate(PAGE)
    for address, size in ((start - 1, 2), (start + PAGE - 1, 2), (start + 4 * PAGE, 1)):
        with pytest.raises(AxiError):
            memory.view(address, size)
    memory.release(start)
    with pytest.raises(AxiError):
        memory.view(start, 1)
    assert (memory.behind(start)[:PAGE] == FREED).all()


def test_only_syncs_bring_cached_contents_to_memory_and_back() -> None:
    needs_pynq()
    import pynq

    with simulated_board(configuration_named("tiny")) as (device, overlay):
        pynq.Overlay(str(overlay.bit), device=device)

        def pair(cacheable: int) -> tuple[Any, Any]:
            buffer = pynq.allocate(16, "u1", cacheable=cacheable)
            return buffer, device.memory.view(buffer.device_address, 16)

        buffer, physical = pair(cacheable=1)
        buffer[:] = 7
        assert (physical == FRESH).all()
        buffer[3:5].sync_to_device()  # pynq 4.0 syncs all of the buffer for any slice
        assert (physical == 7).all()
        physical[:] = 9
        assert (np.asarray(buffer) == 7).all()
        buffer.sync_from_device()
        assert (np.asarray(buffer) == 9).all()

        direct, physical = pair(cacheable=0)
        direct[:] = 5
        assert (physical == 5).all()
        assert len(device.memory.live) == 2
        del buffer, direct
        assert device.memory.live == {}


def test_the_board_is_pynqs_active_device_only_meanwhile() -> None:
    needs_pynq()
    import pynq

    with simulated_board(configuration_named("tiny")) as (device, _):
        assert pynq.Device.active_device is device
    assert getattr(pynq.Device, "_active_device", None) is not device
