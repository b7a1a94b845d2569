"""The way of the engine's interrupt to the processor: AXI interrupt controller and UIO."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from tritstream.sim.engine import EngineBlock
from tritstream.sim.registers import RegisterBlock

# AXI INTC, PG099.
_STATUS, _PENDING, _ENABLE, _ACKNOWLEDGE, _SET, _CLEAR, _MASTER = 0, 4, 8, 0xC, 0x10, 0x14, 0x1C


class InterruptController(RegisterBlock):
    """An AXI INTC with one input of level kind: an acknowledged level that is still high stays."""

    def __init__(self, line: Callable[[], bool]) -> None:
        self._line = line
        self._status = self._enable = self._master = 0

    @property
    def output(self) -> bool:
        self._latch()
        return bool(self._status & self._enable) and self._master & 3 == 3

    def read(self, offset: int) -> int:
        self._latch()
        return {
            _STATUS: self._status,
            _PENDING: self._status & self._enable,
            _ENABLE: self._enable,
            _MASTER: self._master,
        }.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == _ENABLE:
            self._enable = value
        elif offset == _ACKNOWLEDGE:
            self._status &= ~value
            self._latch()
        elif offset == _SET:
            self._enable |= value
        elif offset == _CLEAR:
            self._enable &= ~value
        elif offset == _MASTER:
            self._master = value

    def _latch(self) -> None:
        self._status |= int(self._line())


class _Event(Protocol):
    def set(self) -> None: ...


class Uio:
    """What pynq waits on where a board has /dev/uio*: fires events while its line is high."""

    _LOOK_AGAIN_S = 1e-3

    def __init__(self, engine: EngineBlock, controller: InterruptController) -> None:
        self._engine, self._controller = engine, controller
        self._events: list[_Event] = []
        self._timer: asyncio.TimerHandle | None = None

    def add_event(self, event: _Event, number: int) -> None:
        self._events.append(event)
        self._look_in(self._engine.seconds_left)

    def close(self) -> None:
        self._events.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look_in(self, seconds: float) -> None:
        if seconds == float("inf"):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            asyncio.get_event_loop_policy().get_event_loop().call_later(seconds, self._look)
        )

    def _look(self) -> None:
        self._engine.finish_if_due()
        if not self._controller.output:
            if self._events and self._engine.busy:
                self._look_in(max(self._engine.seconds_left, self._LOOK_AGAIN_S))
            return
        events, self._events = self._events, []
        for event in events:
            event.set()
