"""A running system simulation: registers, memory and what it counted."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.kernels.arguments import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT_ENABLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    START,
    VECTOR_BUNDLE,
)
from tritstream.kernels.registers import (
    WHOLE_WINDOW,
    Counters,
    counter_offsets,
    counters_of,
    fault_sentence,
    window_writes,
)
from tritstream.system.build import Parts, system_library
from tritstream.toolchain.programs import load_library

Bytes = npt.NDArray[np.uint8]

TRACE_CYCLES = 5_000
"""Cycles of a waveform where nothing else is asked for."""


@dataclass(frozen=True)
class Conditions:
    """How memory behaves. The defaults are a memory that never waits."""

    seed: int = 1
    stall: int = 0
    """Of 256: the probability of a wait wherever a port may wait."""
    latency: int = 1
    """Cycles from an address to the first beat, and from the last beat to its answer."""
    bandwidth: int = 0
    """Bytes a cycle of all ports together, times 256; 0: no limit."""
    error_master: int = 0
    error_burst: int = 0
    error_code: int = 0
    """If not 0, the AXI response (2 SLVERR, 3 DECERR) to burst ``error_burst`` of a master; masters
    that read are counted before those that write."""
    vector_cycles: int = 1
    """Cycles of a beat on the port for everything but weights: 2 where it is half as wide."""
    vector_shares: int = 0
    """Whether that port is the last weight master's, too: beats of both go one after another."""


@dataclass(frozen=True)
class Result:
    """One start. ``control`` is the register that reported done; beats by AXI master; ``begun``:
    the cycle in which the start began, after the arguments had been written."""

    cycles: int
    control: int
    read: dict[str, int]
    written: dict[str, int]
    begun: int = 0

    @property
    def error(self) -> str:
        """What went wrong on the buses, in words; empty if nothing did."""
        return fault_sentence(self.control)


@cache
def _load(path: Path) -> ctypes.CDLL:
    library = load_library(path, "XDG_CACHE_HOME")
    library.system_create.restype = ctypes.c_void_p
    library.system_problem.restype = ctypes.c_char_p
    library.system_cycles.restype = ctypes.c_uint64
    for name in ("read", "timeline", "visits"):
        getattr(library, f"system_{name}").restype = ctypes.c_uint32
    pointer, word = ctypes.c_void_p, ctypes.c_uint32
    signatures: dict[str, list[Any]] = {
        "destroy": [], "settings": [pointer], "regions": [word] + 4 * [pointer], "reset": [word],
        "read": [word], "write": [word, word], "run": [ctypes.c_uint64], "cycles": [],
        "counters": [pointer], "problem": [], "breach": [], "forget_problem": [], "bucket": [word],
        "timeline": [pointer, word], "visits": [pointer, word],
        "trace": [ctypes.c_char_p, ctypes.c_uint64],
    }  # fmt: skip
    for name, more in signatures.items():
        getattr(library, f"system_{name}").argtypes = [pointer, *more]
    return library


class System:
    """One simulated IP with its memory. ``trace``: a file that gets the waveform (VCD) of the first
    ``trace_cycles`` cycles, 14 KB each for the smallest engine."""

    def __init__(
        self, parts: Parts, trace: Path | None = None, trace_cycles: int = TRACE_CYCLES
    ) -> None:
        self.parts = parts
        self._library = _load(system_library(parts, trace is not None))
        self._handle = self._library.system_create()
        self._regions: list[Bytes] = []
        self._readers, self._writers = parts.masters("in"), parts.masters("out")
        self._streams = parts.probe.streams if parts.probe else ()
        self.conditions = Conditions()
        self.window = WHOLE_WINDOW
        """First and last page of 4 KiB that a run may touch."""
        self._windowed: tuple[int, int] | None = None
        if trace is not None:
            name = str(trace).encode()
            if not self._library.system_trace(self._handle, name, trace_cycles):
                raise EngineError(f"cannot write the waveform to {trace}")

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.system_destroy(self._handle)

    def set_conditions(self, conditions: Conditions) -> None:
        """How memory behaves from now on; its bursts are counted anew."""
        self.conditions = conditions
        values = np.array(astuple(conditions), np.uint32)
        self._library.system_settings(self._handle, values.ctypes.data)

    def set_memory(self, regions: Sequence[tuple[int, Bytes, bool]]) -> None:
        """(address, bytes, whether they may be written) of all that answers; anything else DECERRs.

        The arrays are used in place and must be contiguous.
        """
        self._regions = [data for _, data, _ in regions]
        bases = np.array([base for base, _, _ in regions], np.uint64)
        sizes = np.array([data.nbytes for _, data, _ in regions], np.uint64)
        pointers = np.array([data.ctypes.data for _, data, _ in regions], np.uint64)
        writable = np.array([may for _, _, may in regions], np.uint32)
        self._library.system_regions(
            self._handle,
            len(regions),
            *(a.ctypes.data for a in (bases, sizes, pointers, writable)),
        )

    def reset(self, cycles: int = 4) -> None:
        """Pull the reset line, whatever is under way."""
        self._windowed = None
        self._library.system_reset(self._handle, cycles)

    def read(self, offset: int) -> int:
        """A register, over AXI4-Lite."""
        value = int(self._library.system_read(self._handle, offset))
        self._check()
        return value

    def write(self, offset: int, value: int) -> None:
        self._library.system_write(self._handle, offset, value & 0xFFFF_FFFF)
        self._check()

    def advance(self, cycles: int) -> bool:
        """Let time pass until the interrupt line is high, ``cycles`` at most; whether it is."""
        there = bool(self._library.system_run(self._handle, cycles))
        self._check()
        return there

    @property
    def cycles(self) -> int:
        """Clock cycles since the beginning (simulated)."""
        return int(self._library.system_cycles(self._handle))

    @property
    def problem(self) -> str:
        """The first access outside of memory, in words, since the last start; empty if none."""
        return self._library.system_problem(self._handle).decode()

    def arguments(self, values: Mapping[str, int]) -> None:
        """Write argument registers by name, base addresses as two words, and the window."""
        if self._windowed != self.window:
            for offset, page in window_writes(self.window):
                self.write(offset, page)
            self._windowed = self.window
        for a in self.parts.table:
            if a.name in values:
                for k in range(a.words):
                    self.write(a.offset + 4 * k, values[a.name] >> (32 * k))

    def start(self) -> None:
        """Set the interrupt up and start."""
        self._library.system_forget_problem(self._handle)
        self.write(GLOBAL_INTERRUPT_ENABLE, 1)
        self.write(INTERRUPT_ENABLE, 1)
        self.write(CONTROL, START)

    def run(self, values: Mapping[str, int], limit: int = 200_000_000) -> Result:
        """A start as the driver makes it, to its end. An AXI error ends a run too: see Result.

        Raises EngineError where the engine does not end or breaks the AXI protocol.
        """
        beats = self._counters()
        self.arguments(values)
        begun = self.cycles
        self.start()
        if not self.advance(limit):
            raise EngineError(
                f"the simulated engine was not done after {self.cycles - begun} cycles: "
                f"CTRL={self.read(CONTROL):#x}"
            )
        cycles = self.cycles - begun
        control = self.read(CONTROL)
        self.write(INTERRUPT_STATUS, 1)
        if not control & DONE:
            raise EngineError(f"the engine interrupts without being done: CTRL={control:#x}")
        moved = self._counters() - beats
        count = len(self._readers)
        return Result(
            cycles,
            control,
            dict(zip(self._readers, moved[:count, 1].tolist(), strict=True)),
            dict(zip(self._writers, moved[count:, 1].tolist(), strict=True)),
            begun,
        )

    def run_counters(self) -> Counters:
        """What the shell counted in the latest run."""
        ports = len([name for name in self._readers if name != VECTOR_BUNDLE])
        return counters_of(self.read(offset) for offset in counter_offsets(ports))

    def watch(self, bucket: int) -> None:
        """Record from now on: beats by port and words by stream in buckets of so many cycles, for
        `timeline`, and the states of the core's controller, for `visits`. 0 ends it."""
        self._library.system_bucket(self._handle, bucket)

    def timeline(self) -> npt.NDArray[np.uint32]:
        """(buckets, columns) since the beginning of time: beats of readers, of writers, then words
        of the watched streams."""
        count = self._library.system_timeline(self._handle, None, 0)
        values = np.zeros(count, np.uint32)
        self._library.system_timeline(self._handle, values.ctypes.data, count)
        return values.reshape(-1, len(self._readers) + len(self._writers) + len(self._streams))

    def visits(self) -> npt.NDArray[np.uint64]:
        """(stays in a state, 3 + 3 * streams) since `watch`: number of the state, first cycle,
        cycle behind the last; then for each stream words, first and last cycle of one."""
        count = self._library.system_visits(self._handle, None, 0)
        values = np.zeros((count, 3 + 3 * len(self._streams)), np.uint64)
        self._library.system_visits(self._handle, values.ctypes.data, count)
        return values

    @property
    def masters(self) -> list[str]:
        """Columns of `timeline` for AXI masters: readers, then writers."""
        return [*self._readers, *(f"{name} write" for name in self._writers)]

    def _counters(self) -> npt.NDArray[np.uint64]:
        values = np.zeros((len(self._readers) + len(self._writers), 2), np.uint64)
        self._library.system_counters(self._handle, values.ctypes.data)
        return values

    def _check(self) -> None:
        if self._library.system_breach(self._handle):
            raise EngineError(f"the engine breaks the AXI protocol: {self.problem}")
