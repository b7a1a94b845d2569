"""Runs of a simulation: arguments to words in a file, and words in a file to results."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.files import scratch_folder
from tritstream.rtl._compiled import Compiled
from tritstream.rtl._interpret import signed, unsigned
from tritstream.rtl._ports import ArgumentPort, MemoryPort, RegisterPort, StreamPort
from tritstream.toolchain.programs import run

TIME_LIMIT_S = 3600.0
"""For one run of a simulated program, which ends by itself after a number of cycles."""


@dataclass(frozen=True)
class Stalls:
    """How the surroundings behave: a stall with probability ``stall`` / 256 wherever one is
    possible, ``latency`` cycles from a request to a bus to its first beat."""

    seed: int = 1
    stall: int = 0
    latency: int = 1


@dataclass(eq=False)
class Outcome:
    """``values`` by argument, as uint32 words: (1, words) of a register, (n, words) of a stream or
    of what is behind a bus, (banks, depth, words) of a memory; the words left in an input stream;
    None for an input register."""

    cycles: int
    values: list[Any]
    beats: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Beats read and written by bus."""
    states: list[int] = field(default_factory=list)
    """Cycles by state of the controller, where the simulation was built to watch it."""


class Simulation:
    """A built simulator of one or several kernels."""

    def __init__(
        self, kernels: Sequence[Compiled], program: Path, folder: ExitStack, watch: bool = False
    ) -> None:
        self.kernels = list(kernels)
        self.watch = watch
        self.program = program
        # A folder of its own goes with it, at the latest when Python ends.
        self._end = weakref.finalize(self, folder.close)

    def run(
        self,
        arguments: Sequence[Any],
        kernel: int = 0,
        stalls: Stalls = Stalls(),
        limit: int = 10_000_000,
        trace: Path | None = None,
    ) -> Outcome:
        """One run. Arguments by type of port: an integer; integers; for a memory, those of each
        bank. Integers may be an array of uint32 words instead.

        Raises EngineError if it does not end within ``limit`` cycles.
        """
        return self.run_many([(kernel, arguments, stalls)], limit, trace)[0]

    def run_many(
        self,
        jobs: Sequence[tuple[int, Sequence[Any], Stalls]],
        limit: int = 10_000_000,
        trace: Path | None = None,
    ) -> list[Outcome]:
        """Several runs in one process: (kernel, arguments, stalls) each."""
        words: list[npt.NDArray[np.uint32]] = [np.array([len(jobs)], np.uint32)]
        for kernel, arguments, stalls in jobs:
            header = [kernel, stalls.seed, stalls.stall, stalls.latency, limit]
            words.append(np.array(header, np.uint32))
            for port, value in zip(self.kernels[kernel].arguments, arguments, strict=True):
                words += _encode(port, value)
        with scratch_folder("run") as folder:
            source, target = folder / "in", folder / "out"
            source.write_bytes(np.concatenate(words).tobytes())
            command: list[str | Path] = [self.program, source, target]
            command += ["+verilator+rand+reset+2", f"+verilator+seed+{jobs[0][2].seed % 65535 + 1}"]
            if trace is not None:
                command.append(trace)
            run(command, "the simulation", limit_s=TIME_LIMIT_S)
            data = np.fromfile(target, np.uint32)
        at = 0
        outcomes = []
        for kernel, _, _ in jobs:
            compiled = self.kernels[kernel]
            finished, cycles = int(data[at]), int(data[at + 1])
            at += 2
            if not finished:
                raise EngineError(f"{compiled.top} did not end within {limit} cycles (simulated)")
            outcome = Outcome(cycles, [])
            if self.watch:
                outcome.states = data[at + 1 : at + 1 + int(data[at])].tolist()
                at += 1 + len(outcome.states)
            for port in compiled.arguments:
                value, at = _decode(port, data, at, outcome)
                outcome.values.append(value)
            outcomes.append(outcome)
        return outcomes


def _encode(port: ArgumentPort, value: Any) -> list[npt.NDArray[np.uint32]]:
    if isinstance(port, RegisterPort):
        return [_words([value], port.width)] if port.is_input else []
    if isinstance(port, StreamPort):
        if not port.is_input:
            return []
        words = _words(value, port.width)
        return [np.array([len(words) // -(-port.width // 32)], np.uint32), words]
    if isinstance(port, MemoryPort):
        return [_words(bank, port.width) for bank in value]
    # A memory behind a bus is as long as what is in it.
    words = _words(value, port.width)
    return [np.array([len(words) // -(-port.width // 32)], np.uint32), words]


def _words(values: Any, width: int) -> npt.NDArray[np.uint32]:
    """Integers, or an array that already has the words of every integer, as one run of words."""
    if isinstance(values, np.ndarray) and values.dtype == np.uint32:
        return values.reshape(-1)
    count = -(-width // 32)
    raw = b"".join(unsigned(int(v), width).to_bytes(4 * count, "little") for v in values)
    return np.frombuffer(raw, np.uint32)


def integers(words: npt.NDArray[np.uint32], width: int) -> list[int]:
    """(n, words of an integer) as signed integers; a bit is 0 or 1."""
    raw = np.ascontiguousarray(words).tobytes()
    each = 4 * words.shape[1]
    return [
        signed(int.from_bytes(raw[at : at + each], "little"), width)
        for at in range(0, len(raw), each)
    ]


def _decode(
    port: ArgumentPort, data: npt.NDArray[np.uint32], at: int, outcome: Outcome
) -> tuple[Any, int]:
    each = -(-port.width // 32)

    def take(start: int, count: int) -> npt.NDArray[np.uint32]:
        return data[start : start + count * each].reshape(count, each)

    if isinstance(port, RegisterPort):
        if port.is_input:
            return None, at
        return take(at, 1), at + each
    if isinstance(port, StreamPort):
        count = int(data[at])
        if port.is_input:
            return count, at + 1
        return take(at + 1, count), at + 1 + count * each
    if isinstance(port, MemoryPort):
        banks = take(at, port.banks * port.depth).reshape(port.banks, port.depth, each)
        return banks, at + banks.size
    values = take(at + 1, int(data[at]))
    at += 1 + values.size
    outcome.beats[port.name] = (int(data[at]), int(data[at + 1]))
    return values, at + 2
