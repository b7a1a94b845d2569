"""What the compiler gives: text, and what users of it need to know without reading it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tritstream.rtl._mlir import Origin
from tritstream.rtl._ports import ArgumentPort


@dataclass(frozen=True)
class State:
    """A state of a controller. ``function`` and ``source`` (file:line): the loop that it sets up or
    runs; empty for everything that happens once."""

    name: str
    function: str = ""
    source: str = ""


@dataclass(frozen=True)
class Controller:
    """The controller of a process: its module, the kernel's function, the instances on the way
    there from the top, the states by their number, and how many operations it is in charge of."""

    module: str
    function: str
    instances: tuple[str, ...]
    states: tuple[State, ...]
    operations: int


@dataclass(frozen=True)
class StreamFifo:
    """A FIFO of a dataflow region between two of its processes, by their modules' names."""

    name: str
    width: int
    depth: int
    writer: str
    reader: str


@dataclass(frozen=True)
class BlockReport:
    """One block: ``interval`` 1 for a pipelined loop, 0 for what runs once."""

    process: str
    name: str
    where: str
    depth: int
    interval: int
    longest_ns: float
    note: str = ""


@dataclass(frozen=True)
class MappedText:
    """Lines of text, and where they come from: from each mark's line (from 0) on its origin."""

    text: str
    marks: tuple[tuple[int, Origin | None], ...] = ()

    def origin_at(self, line: int) -> Origin | None:
        """Where a line (from 0) comes from, if it comes from an operation of the kernel."""
        k = bisect_right(self.marks, line, key=lambda mark: mark[0]) - 1
        return self.marks[k][1] if k >= 0 else None


def joined(parts: Iterable[MappedText], separator: str = "") -> MappedText:
    """Texts one behind the other. No origin reaches from one into the next."""
    text, marks, first = "", list[tuple[int, Origin | None]](), True
    for part in parts:
        text += part.text if first else separator + part.text
        first = False
        at = text.count("\n") - part.text.count("\n")
        if part.marks:
            marks += [(at + line, origin) for line, origin in part.marks]
            marks.append((at + len(part.text.splitlines()), None))
    return MappedText(text, tuple(marks))


@dataclass(frozen=True)
class Compiled:
    """SystemVerilog of ``top`` and all it contains. ``arguments``: the port of every argument."""

    top: str
    source: MappedText
    arguments: tuple[ArgumentPort, ...]
    controllers: tuple[Controller, ...]
    streams: tuple[StreamFifo, ...] = ()
    blocks: list[BlockReport] = field(default_factory=list)
    memory_latency: int = 1

    @property
    def text(self) -> str:
        """The SystemVerilog."""
        return self.source.text

    @property
    def controller(self) -> Controller:
        """The controller whose states tell what the kernel does: of a dataflow region that of the
        process that computes, which has more operations than those that move data."""
        return max(self.controllers, key=lambda c: c.operations)


@dataclass(frozen=True)
class Spent:
    """Cycles of a run by source: a pipelined loop of ``function``, or with none all the rest."""

    function: str
    source: str
    cycles: float


def spent(states: Sequence[State], cycles: Sequence[float]) -> list[Spent]:
    """Cycles by source, in the order of the controller; what is not in a loop comes last."""
    sums: dict[tuple[str, str], float] = {}
    rest = 0.0
    for state, n in zip(states, cycles, strict=True):
        if state.source:
            key = (state.function, state.source)
            sums[key] = sums.get(key, 0.0) + n
        else:
            rest += n
    return [*(Spent(f, s, n) for (f, s), n in sums.items()), Spent("", "", rest)]
