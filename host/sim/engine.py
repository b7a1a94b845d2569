"""The engine on a simulated board: registers, an execution behind them, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tritstream.configurations import Configuration
from tritstream.kernels.arguments import BEAT_BYTES, CONTROL, argument_table
from tritstream.kernels.registers import (
    DECODE_ERROR,
    DESCRIPTORS_READ,
    FIRST_PAGE,
    IDENTITY,
    IDENTITY_VALUE,
    LAST_PAGE,
    OUTSIDE,
    READ_ERROR,
    REFUSED,
    STOP,
    STOPPED,
    WRITE_ERROR,
    Counters,
    counter_offsets,
)
from tritstream.sim.executions import Execution, counters_of_start
from tritstream.sim.faults import Faults
from tritstream.sim.memory import AxiError, Memory, OutsideError, RefusedError
from tritstream.sim.registers import HlsBlock


@dataclass(frozen=True)
class Timing:
    """When a start counts as done: after ``reads`` of the status and ``seconds`` of wall time.

    ``late`` works on the memory at the end of that time instead of its beginning: a host that
    changes a record too early then gives wrong results, as one that loads it too late does
    otherwise.
    """

    reads: int = 0
    seconds: float = 0.0
    late: bool = False


class StartWithoutBaseError(AssertionError):
    """The engine was started before every base address was written: no driver may do that."""


class EngineBlock(HlsBlock):
    """The engine's slave and masters."""

    def __init__(
        self,
        memory: Memory,
        configuration: Configuration,
        execution: Execution,
        faults: Faults,
        timing: Timing,
        report: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.timing = timing
        self.execution = execution
        self.starts = 0
        self._memory, self._configuration = memory, configuration
        self._table = argument_table(configuration)
        self._counters: Counters | None = None
        self._descriptors = 0
        self._arguments: dict[str, int] = {}
        self._faults = faults
        self._report = report
        self._hangs = False
        self._reads_left = 0
        self._ready_at = 0.0

    @property
    def seconds_left(self) -> float:
        """How long the running start still takes; infinite where it hangs."""
        if self._hangs:
            return float("inf")
        return max(self._ready_at - time.monotonic(), 0.0) if self.busy else 0.0

    def finish_if_due(self) -> None:
        """Finish a start whose time has passed without counting a read: for the interrupt line."""
        if self.busy and not self._hangs and time.monotonic() >= self._ready_at:
            self._end()

    @property
    def window(self) -> tuple[int, int] | None:
        """The pages that the host has named; None before it has."""
        pages = self.arguments.get(FIRST_PAGE), self.arguments.get(LAST_PAGE)
        return None if pages[0] is None or pages[1] is None else (pages[0], pages[1])

    def read(self, offset: int) -> int:
        if offset < IDENTITY or offset in (FIRST_PAGE, LAST_PAGE):
            return super().read(offset)
        if self._faults.no_shell:
            return super().read(offset % IDENTITY)  # the slave of HLS decodes no further
        if offset == IDENTITY:
            return IDENTITY_VALUE
        if offset == DESCRIPTORS_READ:
            return self._descriptors
        offsets = counter_offsets(self._configuration.ports)
        return self._counted()[offsets.index(offset)] if offset in offsets else 0

    def write(self, offset: int, value: int) -> None:
        if offset == CONTROL and value & STOP and self.busy and not self._faults.no_shell:
            self._hangs = False
            self.flags = STOPPED
            self._finish()
            return
        super().write(offset, value)

    def _counted(self) -> list[int]:
        if self._counters is None:
            if not self._arguments:
                return [0] * len(counter_offsets(self._configuration.ports))
            self._counters = counters_of_start(self._configuration, self._memory, self._arguments)
        c = self._counters
        ports = zip(c.words, c.starved, c.checksums, strict=True)
        return [c.cycles, *(value for port in ports for value in port)]

    def _begin(self) -> None:
        # On a board the engine would read and write from address zero on.
        unset = [a.name for a in self._table if a.words == 2 and a.offset not in self.arguments]
        if not self._faults.no_shell and self.window is None:
            unset.append("the window")
        if unset:
            raise StartWithoutBaseError(f"a start before {', '.join(unset)} was written")
        self.starts += 1
        self._hangs = self._faults.never_done
        self._reads_left = self.timing.reads
        self._ready_at = time.monotonic() + self.timing.seconds
        if not self._hangs and not self.timing.late:
            self._execute()

    def _look(self) -> None:
        if not self.busy or self._hangs:
            return
        self._reads_left -= 1
        if self._reads_left < 0 and time.monotonic() >= self._ready_at:
            self._end()

    def _end(self) -> None:
        if self.timing.late:
            self._execute()
        if not self._hangs:
            self._finish()

    def _execute(self) -> None:
        self.flags = 0
        if self._faults.axi_error_reported:
            self.flags = READ_ERROR | WRITE_ERROR | DECODE_ERROR
        if self._faults.axi_error or self._faults.axi_error_reported:
            return  # zeros are read and nothing is written: only the counters run, to the end
        self._counters = None
        self._arguments = arguments = {}
        for a in self._table:
            value = self.arguments.get(a.offset, 0)
            if a.words == 2:
                value |= self.arguments.get(a.offset + 4, 0) << 32
            arguments[a.name] = value
        self._memory.window = None if self._faults.no_shell else self.window
        try:
            outcome = self.execution(self._memory, arguments)
            if outcome is not None:
                self.flags, self._counters = outcome.control, outcome.counters
                self._descriptors = outcome.descriptors
            else:
                self._descriptors = arguments["last"] - arguments["first"] + 1
        except OutsideError as error:
            self._report(str(error))
            self.flags = OUTSIDE
            return
        except RefusedError as error:
            self._report(str(error))
            self._descriptors = error.descriptors
            # Without the shell nothing ends it.
            self.flags, self._hangs = REFUSED, self._faults.no_shell
            return
        except AxiError as error:
            # What hardware does with garbage is anybody's guess; this one stops.
            self._report(str(error))
            self._hangs = True
            return
        finally:
            self._memory.window = None
        if self._faults.wrong_bit:
            # The vectors lie behind a beat for each of them.
            for name, beat in (("vector_out", self._configuration.tokens), ("logits", 0)):
                at = arguments[name] + beat * BEAT_BYTES
                self._memory.view(at, BEAT_BYTES)[0] ^= 0x40
