"""What normalisation makes of a function: leaves of straight-line work under structured control."""

from __future__ import annotations

from dataclasses import dataclass, field

from tritstream.rtl.graph import Graph, Node, Variable

Literals = frozenset[tuple[Node, bool]]
"""Conditions that all hold where an access stands, with their polarity."""


@dataclass(eq=False)
class Memory:
    """An array in banks of ``depth`` words. ``port``: it belongs to the caller, with ports a bank.

    ``independent``: no iteration of a loop reads what an earlier one wrote, by declaration.
    """

    name: str
    width: int
    banks: int
    depth: int
    port: bool = False
    independent: bool = False


@dataclass(eq=False)
class Table:
    """A constant table of signed numbers."""

    name: str
    width: int
    values: tuple[int, ...]


@dataclass(eq=False)
class Channel:
    """A ready/valid stream of ``width``-bit words: a FIFO argument, or one side of a master."""

    name: str
    width: int


@dataclass(eq=False)
class Master:
    """An array argument behind a bus: requests of (address, count) and a channel each way."""

    name: str
    width: int
    size: int
    read: Channel
    write: Channel
    reads: bool = False
    writes: bool = False


@dataclass(eq=False)
class Load:
    """A read of one bank; ``node`` is its value. Speculative: it needs no condition."""

    node: Node
    memory: Memory
    bank: int
    address: Node
    order: int
    literals: Literals
    where: str
    parts: tuple[Load, ...] = ()
    """The reads that share this one."""


@dataclass(eq=False)
class Store:
    """A write to one bank where ``condition``."""

    memory: Memory
    bank: int
    address: Node
    value: Node
    condition: Node
    order: int
    literals: Literals
    where: str
    parts: tuple[Store, ...] = ()
    """The writes that share this one."""


@dataclass(eq=False)
class Get:
    """A read of a channel where ``condition``; ``node`` is the word."""

    node: Node
    channel: Channel
    condition: Node
    order: int
    literals: Literals
    where: str


@dataclass(eq=False)
class Put:
    """A write to a channel where ``condition``."""

    channel: Channel
    value: Node
    condition: Node
    order: int
    literals: Literals
    where: str


@dataclass(eq=False)
class Request:
    """A beat asked of, or announced to, a master inside a leaf: ``address`` where ``condition``."""

    master: Master
    is_write: bool
    address: Node
    condition: Node
    order: int
    where: str
    literals: Literals = frozenset()


@dataclass(eq=False)
class Burst:
    """A request for as many beats as the loop has iterations, made before it starts."""

    master: Master
    is_write: bool
    base: int | Variable


Bound = int | Variable


@dataclass(eq=False)
class Loop:
    """The counter of a loop leaf or of a sequential loop; step > 0."""

    counter: Variable
    low: Bound
    high: Bound
    step: int
    name: str
    where: str
    bursts: list[Burst] = field(default_factory=list)


@dataclass(eq=False)
class Leaf:
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
    """The unit that this leaf is the work of: a pipeline of which anyone may start an iteration."""
    calls: bool = False
    """Whether it uses units."""

    @property
    def has_effects(self) -> bool:
        bursts = self.loop.bursts if self.loop else []
        return bool(self.stores or self.gets or self.puts or self.requests or bursts)


@dataclass(eq=False)
class Unit:
    """A pure function of scalars that exists once, for several calls. ``outputs`` are the variables
    of its leaf's ``nexts``; ``latencies``, cycles from operands to each, come with its schedule."""

    name: str
    leaf: Leaf
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


Item = Leaf | Repeat | Branch


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
    ports: dict[int, object] = field(default_factory=dict)
    """Argument position -> Variable, Memory, Channel or Master."""

    def leaves(self) -> list[Leaf]:
        """Every leaf, in program order."""
        return leaves_of(self.items)


def leaves_of(items: list[Item]) -> list[Leaf]:
    found: list[Leaf] = []
    for item in items:
        if isinstance(item, Leaf):
            found.append(item)
        elif isinstance(item, Repeat):
            found += leaves_of(item.body)
        else:
            found += leaves_of(item.then) + leaves_of(item.otherwise)
    return found
