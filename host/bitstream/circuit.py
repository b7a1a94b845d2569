"""A netlist as data: look-up tables, flip-flops and halves of block RAM, and numbered signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.errors import BitstreamError

ZERO, ONE = 0, 1
"""The signals that are constant."""
INPUTS = 6

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class FlipFlop:
    """Takes ``data`` where ``enable`` is one, ``reset`` where ``clear`` is one, at the clock."""

    q: int
    data: int
    enable: int
    clear: int
    reset: int
    first: int


@dataclass(frozen=True)
class MemoryPort:
    """A port of a half: its signals, bit 0 first; ``width`` read and written, 18, 9 or 0 (unused);
    ``mode`` 0 writes first, 1 reads first, 2 keeps its output while it writes."""

    widths: tuple[int, int]
    mode: int
    reset: int
    first: int
    enable: int
    clear: int
    write: tuple[int, ...]
    address: tuple[int, ...]
    data: tuple[int, ...]
    q: tuple[int, ...]


@dataclass(frozen=True)
class Memory:
    """A half of a block RAM, ``upper`` or lower, with its rows of 18 bits (two of them parity)."""

    name: str
    upper: bool
    ports: tuple[MemoryPort, MemoryPort]
    rows: tuple[int, ...]


@dataclass
class Circuit:
    """Signals are numbered by name; all flip-flops and memories have one clock."""

    names: list[str] = field(default_factory=lambda: ["0", "1"])
    tables: dict[int, tuple[int, tuple[int, ...]]] = field(default_factory=dict)
    """By the signal behind it, a look-up table's bits and its inputs."""
    flip_flops: list[FlipFlop] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    _same: dict[int, int] = field(default_factory=dict)

    def signal(self, name: str) -> int:
        """A new signal."""
        self.names.append(name)
        return len(self.names) - 1

    def join(self, signal: int, other: int) -> None:
        """Say that a signal is the same as another."""
        self._same[signal] = other

    def lookup(self, name: str, table: int, inputs: Sequence[Callable[[], int]]) -> int:
        """The signal behind a look-up table, bit k of which is for the inputs that make k.

        Inputs that make no difference are not asked for, from the last one on: the two halves of a
        table share all pins but that, and an unused half must not bring in its own.
        """
        bits = [table >> n & 1 for n in range(1 << len(inputs))]
        used: list[int] = []
        for at in reversed(range(len(inputs))):
            low, high = halves(bits, at)
            signal = inputs[at]() if low != high else ZERO
            if signal in (ZERO, ONE):
                bits = high if signal == ONE else low
            else:
                used.insert(0, signal)
        for at in reversed(range(len(used))):  # what constants have made irrelevant since
            low, high = halves(bits, at)
            if low == high:
                bits = low
                del used[at]
        if not used:
            return ONE if bits[0] else ZERO
        if len(used) == 1 and bits == [0, 1]:
            return used[0]
        made = self.signal(name)
        self.tables[made] = (sum(b << n for n, b in enumerate(bits)), tuple(used))
        return made

    def find(self, signal: int) -> int:
        """The signal that one is the same as. Raises BitstreamError for a circle of names."""
        seen = set()
        while signal in self._same:
            if signal in seen:
                raise BitstreamError(f"{self.names[signal]} is driven by nothing but itself")
            seen.add(signal)
            signal = self._same[signal]
        return signal

    def ordered(self) -> list[int]:
        """The look-up tables, each behind those that it reads. Raises BitstreamError for a loop."""
        order: list[int] = []
        state: dict[int, int] = {}
        for root in self.tables:
            stack = [root]
            while stack:
                here = stack[-1]
                if state.get(here) == 2:
                    stack.pop()
                    continue
                before = [self.find(s) for s in self.tables[here][1]]
                waiting = [s for s in before if s in self.tables and state.get(s) != 2]
                if not waiting:
                    state[here] = 2
                    order.append(here)
                    stack.pop()
                    continue
                state[here] = 1
                for signal in waiting:
                    if state.get(signal) == 1:
                        raise BitstreamError(f"{self.names[signal]} is in a loop without a clock")
                stack += waiting
        return order

    def arrays(self) -> dict[str, npt.NDArray[np.int64] | npt.NDArray[np.uint64]]:
        """The circuit in numbers, as `lockstep.cpp` reads it."""
        order = self.ordered()
        inputs = np.zeros((len(order), INPUTS + 1), np.int64)
        tables = np.zeros(len(order), np.uint64)
        for n, signal in enumerate(order):
            table, used = self.tables[signal]
            # Inputs that are not there read as zero, and the rest of the table is never looked at.
            inputs[n, : len(used)] = [self.find(s) for s in used]
            inputs[n, INPUTS] = signal
            tables[n] = table
        find = self.find
        flip_flops = [
            (f.q, find(f.data), find(f.enable), find(f.clear), f.reset, f.first)
            for f in self.flip_flops
        ]
        memories, rows = [], []
        for m in self.memories:
            row = [int(m.upper)]
            for p in m.ports:
                row += [*p.widths, p.mode, p.reset, p.first, find(p.enable), find(p.clear)]
                row += [find(s) for s in (*p.write, *p.address, *p.data)] + list(p.q)
            memories.append(row)
            rows.append(m.rows)
        return {
            "tables": tables,
            "inputs": inputs,
            "flip_flops": np.array(flip_flops, np.int64).reshape(-1, 6),
            "memories": np.array(memories, np.int64),
            "rows": np.array(rows, np.int64),
        }


def halves(bits: list[int], at: int) -> tuple[list[int], list[int]]:
    """A table with one input at zero, and at one."""
    low = [bit for n, bit in enumerate(bits) if not n >> at & 1]
    return low, [bit for n, bit in enumerate(bits) if n >> at & 1]
