"""The AXI-Lite slave of a block that Vitis HLS made: block control, interrupt registers, arguments.

Semantics: UG1399, "S_AXILITE Control Register Map". Done and ready are cleared by reading; writing
a one to the interrupt status toggles it; arguments read back what was written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

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

AUTO_RESTART = 0x80


class RegisterBlock(ABC):
    """Something that decodes registers of 32 bits at byte offsets."""

    @abstractmethod
    def read(self, offset: int) -> int: ...

    @abstractmethod
    def write(self, offset: int, value: int) -> None: ...


class HlsBlock(RegisterBlock):
    """Subclasses begin work in `_begin` and report its end with `_finish`."""

    def __init__(self) -> None:
        self.arguments: dict[int, int] = {}
        self.busy = False
        self.flags = 0
        """Further bits that the control register shows with done."""
        self._done = False
        self._global_enable = self._enable = self._status = 0

    @property
    def interrupt(self) -> bool:
        """The level of the interrupt line."""
        return bool(self._global_enable and self._status)

    def read(self, offset: int) -> int:
        if offset == CONTROL:
            self._look()
            value = START if self.busy else IDLE
            if self._done:
                value |= DONE | READY | self.flags
                self._done = False
            return value | (0x200 if self.interrupt else 0)
        if offset == GLOBAL_INTERRUPT_ENABLE:
            return self._global_enable
        if offset == INTERRUPT_ENABLE:
            return self._enable
        if offset == INTERRUPT_STATUS:
            self._look()
            return self._status
        return self.arguments.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == CONTROL:
            if value & AUTO_RESTART:
                raise NotImplementedError("auto restart is not simulated: the driver never asks it")
            if value & START and not self.busy:
                self.busy = True
                self._done = False
                self._begin()
        elif offset == GLOBAL_INTERRUPT_ENABLE:
            self._global_enable = value & 1
        elif offset == INTERRUPT_ENABLE:
            self._enable = value & 3
        elif offset == INTERRUPT_STATUS:
            self._status ^= value & 3
        else:
            self.arguments[offset] = value

    def _finish(self) -> None:
        self.busy = False
        self._done = True
        self._status |= self._enable & 1

    def _look(self) -> None:
        """Called before a status is read: the moment at which a running block may finish."""

    @abstractmethod
    def _begin(self) -> None: ...
