"""What lowering makes of a function: blocks of straight-line work under structured control."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tritstream.rtl._ir.graph import Graph
from tritstream.rtl._ir.operations import Node
from tritstream.rtl._ir.storage import Channel, Master, Memory, Variable
from tritstream.rtl._mlir import Origin

Predicate = frozenset[tuple[Node, bool]]
"""Conditions that all hold where an access stands, with their polarity."""


@dataclass(eq=False)
class _Site:
    """Where in its block an access stands, under which conditions, and its line."""

    order: int
    predicate: Predicate
    origin: Origin


@dataclass(eq=False)
class Load(_Site):
    """A read of one bank; ``node`` is its value. Speculative: it needs no condition."""

    node: Node
    memory: Memory
    bank: int
    address: Node
    parts: tuple[Load, ...] = ()
    """The reads that share this one."""


@dataclass(eq=False)
class Store(_Site):
    """A write to one bank where ``condition``."""

    memory: Memory
    bank: int
    address: Node
    value: Node
    condition: Node
    parts: tuple[Store, ...] = ()
    """The writes that share this one."""


@dataclass(eq=False)
class Get(_Site):
    """A read of a channel where ``condition``; ``node`` is the word."""

    node: Node
    channel: Channel
    condition: Node


@dataclass(eq=False)
class Put(_Site):
    """A write to a channel where ``condition``."""

    channel: Channel
    value: Node
    condition: Node


@dataclass(eq=False)
class Request(_Site):
    """A beat asked of, or announced to, a master inside a block: ``address`` where
    ``condition``."""

    master: Master
    is_write: bool
    address: Node
    condition: Node


Waiting = Get | Put | Request
"""Accesses that may have to wait for the other side."""
Access = Load | Store | Waiting
Bound = int | Variable


@dataclass(eq=False)
class Burst:
    """A request for as many beats as the loop has iterations, made before it starts."""

    master: Master
    is_write: bool
    base: Bound


@dataclass(eq=False)
class Loop:
    """The counter of a pipelined or a sequential loop; step > 0."""

    counter: Variable
    low: Bound
    high: Bound
    step: int
    name: str
    origin: Origin
    bursts: list[Burst] = field(default_factory=list)


@dataclass(eq=False)
class BasicBlock:
    """Straight-line work: once, or pipelined over the iterations of ``loop``.

    ``nexts`` are the values that variables take at the end of an iteration.
    """

    name: str
    graph: Graph = field(default_factory=Graph)
    loop: Loop | None = None
    nexts: dict[Variable, Node] = field(default_factory=dict)
    loads: list[Load] = field(default_factory=list)
    stores: list[Store] = field(default_factory=list)
    gets: list[Get] = field(default_factory=list)
    puts: list[Put] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    tables: list[Node] = field(default_factory=list)
    unit: Unit | None = None
    """The unit that this block is the work of: a pipeline of which anyone may start an
    iteration."""
    calls: bool = False
    """Whether it uses units."""

    @property
    def pipelined(self) -> bool:
        """Whether an iteration may start every cycle."""
        return self.loop is not None or self.unit is not None

    @property
    def waiting(self) -> list[Waiting]:
        """The accesses that may have to wait for the other side."""
        return [*self.gets, *self.puts, *self.requests]

    @property
    def has_effects(self) -> bool:
        """Whether anything but its variables shows that it ran."""
        bursts = self.loop.bursts if self.loop else []
        return bool(self.stores or self.waiting or bursts)


@dataclass(eq=False)
class Unit:
    """A pure function of scalars that exists once, for several calls. ``outputs`` are the variables
    of its block's ``nexts``; ``latencies``, cycles from operands to each, come with its
    schedule."""

    name: str
    block: BasicBlock
    inputs: list[Variable]
    outputs: list[Variable]
    latencies: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Repeat:
    """A loop whose body runs one iteration after the other."""

    loop: Loop
    body: list[Item]


@dataclass(eq=False)
class Branch:
    """Runs one of two bodies."""

    condition: Variable
    then: list[Item]
    otherwise: list[Item]


Item = BasicBlock | Repeat | Branch
Port = Variable | Memory | Channel | Master
"""What an argument of a function becomes."""


@dataclass(eq=False)
class Design:
    """One process, ready to be scheduled."""

    name: str
    items: list[Item]
    inputs: list[Variable] = field(default_factory=list)
    outputs: list[Variable] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    channels_in: list[Channel] = field(default_factory=list)
    channels_out: list[Channel] = field(default_factory=list)
    masters: list[Master] = field(default_factory=list)
    units: list[Unit] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    """Of every argument."""

    def blocks(self) -> list[BasicBlock]:
        """Every block, in program order."""
        return list(blocks_of(self.items))


def blocks_of(items: list[Item]) -> Iterator[BasicBlock]:
    """The blocks of items, in program order."""
    for item in items:
        if isinstance(item, BasicBlock):
            yield item
        elif isinstance(item, Repeat):
            yield from blocks_of(item.body)
        else:
            yield from blocks_of(item.then)
            yield from blocks_of(item.otherwise)
