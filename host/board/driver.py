"""The pynq driver of the engine: registers by argument name, start, wait, status.

Importing this module imports pynq and binds the driver to the engine's VLNV.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pynq

from tritstream.board.errors import BusError, EngineTimeoutError, LostOverlayError
from tritstream.kernels.arguments import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT_ENABLE,
    IDLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    READY,
    START,
    VLNV,
    Argument,
)
from tritstream.kernels.registers import (
    DESCRIPTORS_READ,
    FAULTS,
    IDENTITY,
    IDENTITY_VALUE,
    STOP,
    Counters,
    counter_offsets,
    counters_of,
    fault_sentence,
    window_writes,
)

_SHORTEST_POLL_S = 20e-6
_LONGEST_POLL_S = 1e-3
_LATE_S = 200e-6
"""How much longer than asked a sleep usually takes."""


@dataclass(frozen=True)
class EngineStatus:
    """The block control registers and the records named last, as read."""

    control: int
    interrupt_enable: int
    interrupt_status: int
    first: int
    last: int

    def __str__(self) -> str:
        names = ((START, "start"), (DONE, "done"), (IDLE, "idle"), (READY, "ready"))
        bits = " ".join(name for bit, name in names if self.control & bit) or "no bit set"
        return (
            f"CTRL={self.control:#x} ({bits}), IER={self.interrupt_enable:#x}, "
            f"ISR={self.interrupt_status:#x}, first={self.first}, last={self.last}"
        )


class EngineDriver(pynq.DefaultIP):
    """One engine in a loaded overlay; pynq makes it, `prepare` makes it usable."""

    bindto = [VLNV]  # noqa: RUF012  (the form that pynq's metaclass looks for)

    def __init__(self, description: dict[str, Any]) -> None:
        super().__init__(description=description)
        # pynq's interrupts fire in the event loop that was current when they were made.
        self._loop = _current_loop() if getattr(self, "interrupt", None) is not None else None
        self._use_interrupt = False
        self._offsets: dict[str, Argument] = {}
        self._bases: tuple[int, ...] = ()
        """Register offsets of the base addresses; `start` reads the first back."""
        self._written: dict[int, int] = {}
        """Low words of base addresses by register offset."""
        self.has_shell = False
        """Whether the engine stands in the project's own shell: known from `prepare` on."""

    @property
    def has_interrupt(self) -> bool:
        """Whether the overlay routes the engine's interrupt to the processor."""
        return self._loop is not None

    def prepare(self, table: tuple[Argument, ...], interrupt: bool) -> None:
        """Name the arguments; choose between interrupt (where there is one) and polling."""
        self._offsets = {a.name: a for a in table}
        self._bases = tuple(a.offset for a in table if a.words == 2)
        self._written = {}
        self.has_shell = self.read(IDENTITY) == IDENTITY_VALUE
        self._use_interrupt = interrupt and self.has_interrupt
        self.write(GLOBAL_INTERRUPT_ENABLE, int(self._use_interrupt))
        self.write(INTERRUPT_ENABLE, int(self._use_interrupt))

    def set_scalar(self, name: str, value: int) -> None:
        self.write(self._offsets[name].offset, value)

    def set_address(self, name: str, address: int) -> None:
        """The base address of a memory argument, low word first."""
        offset = self._offsets[name].offset
        self.write(offset, address & 0xFFFF_FFFF)
        self.write(offset + 4, address >> 32)
        self._written[offset] = address & 0xFFFF_FFFF

    def set_window(self, first_page: int, last_page: int) -> None:
        """Limit the engine's accesses to these pages of 4 KiB, where its shell can."""
        if self.has_shell:
            for offset, page in window_writes((first_page, last_page)):
                self.write(offset, page)

    def stop(self, time_limit_s: float) -> bool:
        """End the start that is under way, transfers included, where the shell can; whether it
        has ended."""
        if not self.has_shell:
            return False
        deadline = time.monotonic() + time_limit_s
        self.write(CONTROL, STOP)
        while not self.read(CONTROL) & IDLE:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_SHORTEST_POLL_S)
        if self._use_interrupt:
            self.write(INTERRUPT_STATUS, self.read(INTERRUPT_STATUS))
        return True

    def counters(self, ports: int) -> Counters | None:
        """What the shell counted in the latest start; None of an engine without one."""
        if not self.has_shell:
            return None
        return counters_of(self.read(offset) for offset in counter_offsets(ports))

    def start(self) -> None:
        """Start the engine, on the base addresses that were written and on no others.

        Raises LostOverlayError where one is missing, or where the register reads back differently:
        another program has configured the fabric, and a start would read and write at addresses
        that nobody has chosen.
        """
        if len(self._written) < len(self._bases):
            raise LostOverlayError("was to be started before its base addresses were written")
        witness = self._bases[0]
        found = self.read(witness)
        if found != self._written[witness]:
            raise LostOverlayError(
                f"was not started: its base address at {witness:#x} is {found:#x}, and "
                f"{self._written[witness]:#x} was written. Another program has loaded an overlay"
            )
        self.write(CONTROL, START)

    def wait(self, time_limit_s: float, shortest_s: float = 0.0) -> None:
        """Return when the engine has reported done, which clears that bit.

        ``shortest_s`` is the shortest that it ever took: most of that is slept through, so that a
        long run costs few register reads. Raises EngineTimeoutError with the status registers, and
        BusError where the engine reports that its accesses to memory failed.
        """
        deadline = time.monotonic() + time_limit_s
        if self._use_interrupt and self._loop is not None and self._loop_is_free():
            self._wait_for_interrupt(self._loop, deadline)
        else:
            self._poll(deadline, shortest_s)

    def status(self) -> EngineStatus:
        """The registers as they are now. Reading clears the done bit."""
        return EngineStatus(
            self.read(CONTROL),
            self.read(INTERRUPT_ENABLE),
            self.read(INTERRUPT_STATUS),
            self.read(self._offsets["first"].offset),
            self.read(self._offsets["last"].offset),
        )

    def _check_end(self, control: int) -> None:
        if control & FAULTS:
            read = self.read(DESCRIPTORS_READ) if self.has_shell else 0
            raise BusError(f"ended its start early: {fault_sentence(control, read)}", read)

    def _loop_is_free(self) -> bool:
        """Whether this thread may run the loop: in a notebook it is running already, so we poll."""
        return self._loop is _current_loop() and not self._loop.is_running()

    def _poll(self, deadline: float, shortest_s: float) -> None:
        # Runs take the same time again and again. Waking up before the shortest one ends is what
        # keeps a sleep that lasted too long from being taken for the engine's own time.
        asleep = 0.95 * shortest_s - _LATE_S
        if asleep > 0:
            time.sleep(min(asleep, max(deadline - time.monotonic(), 0.0)))
        pause = min(max(shortest_s / 100, _SHORTEST_POLL_S), _LONGEST_POLL_S)
        while not (control := self.read(CONTROL)) & DONE:
            if time.monotonic() >= deadline:
                raise EngineTimeoutError(f"is still not done: {self.status()}")
            time.sleep(pause)
            pause = min(1.5 * pause, _LONGEST_POLL_S)
        self._check_end(control)

    def _wait_for_interrupt(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        # The controller may hold a level that was acknowledged while still high: an early wake-up.
        while True:
            left = max(deadline - time.monotonic(), 0.0)
            try:
                loop.run_until_complete(asyncio.wait_for(self.interrupt.wait(), left))
            except RuntimeError:
                # Another overlay was loaded in this process, and pynq has forgotten the interrupt.
                self._use_interrupt = False
                self._poll(deadline, 0.0)
                return
            except asyncio.TimeoutError:
                status = self.status()
                if status.control & DONE:  # done, only the interrupt is missing
                    self._use_interrupt = False
                    self._check_end(status.control)
                    return
                raise EngineTimeoutError(f"is still not done: {status}") from None
            control = self.read(CONTROL)
            self.write(INTERRUPT_STATUS, 1)  # toggles the bit: the line falls
            if control & DONE:
                self._check_end(control)
                return


def _current_loop() -> asyncio.AbstractEventLoop:
    """The event loop of this thread, made if there is none yet."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        pass
    policy = asyncio.get_event_loop_policy()
    try:
        return policy.get_event_loop()
    except RuntimeError:
        loop = policy.new_event_loop()
        policy.set_event_loop(loop)
        return loop
