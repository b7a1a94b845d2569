"""What the writers of a module share: its items, and who uses what of it when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tritstream.rtl._compiled import MappedText
from tritstream.rtl._ir.operations import Node
from tritstream.rtl._ir.program import Unit
from tritstream.rtl._ir.storage import Channel, Master, Memory, Variable
from tritstream.rtl._mlir import Origin
from tritstream.rtl.targets import VENDOR, Target, library
from tritstream.verilog import TRUE, Assign, Clocked, Item, Lines, Net


@dataclass(frozen=True)
class Style:
    """How a design is written: for which target, and what the names of all modules start with."""

    memory_latency: int = 1
    target: Target = VENDOR
    prefix: str = ""


@dataclass(frozen=True)
class From:
    """A comment: what follows comes from an operation of the kernel."""

    origin: Origin | None

    def lines(self) -> list[str]:
        return [f"// {self.origin or ''}"]


@dataclass(frozen=True)
class Heading:
    """A comment with an empty line before it: what follows is of another block."""

    text: str

    def lines(self) -> list[str]:
        return ["", f"// {self.text}"]


class Scope:
    """The inside of a module that is being written."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.declarations: list[Item] = []
        self.body: list[Item] = []
        self.modules: dict[str, MappedText] = {}
        """What else it needs, by name."""

    def declare(self, name: str, width: int, depth: int = 0, attribute: str = "") -> None:
        """A signal; a bit is a vector, too."""
        self.declarations.append(Net(name, width, depth, attribute))

    def declare_from_second(self, name: str, end: int) -> None:
        """A vector of bits 1 to ``end`` - 1."""
        self.declarations.append(Lines((f"logic [{end - 1}:1] {name};",)))

    def add(self, *items: Item) -> None:
        """Items behind what there is."""
        self.body += items

    def text(self, *lines: str) -> None:
        """Lines behind what there is."""
        self.body.append(Lines(lines))

    def assign(self, target: str, value: str) -> None:
        """A continuous assignment."""
        self.body.append(Assign(target, value))

    def clocked(self, *statements: str) -> None:
        """Statements at every edge of the clock."""
        self.body.append(Clocked(statements))

    def need_ram(self) -> str:
        """The name of the module of a RAM."""
        return self._need("tritstream_ram")

    def need_fifo(self) -> str:
        """The name of the module of a FIFO."""
        self.need_ram()
        return self._need("tritstream_fifo")

    def need_delay(self) -> str:
        """The name of the module of a delay in a memory."""
        self.need_ram()
        return self._need("tritstream_delay")

    def _need(self, module: str) -> str:
        prefix = self.style.prefix
        self.modules[prefix + module] = MappedText(library(module, prefix))
        return prefix + module


@dataclass(frozen=True)
class Stages:
    """The stages of a block, by the names of their signals."""

    name: str
    always: bool
    """Of a unit: every stage moves on in every cycle."""
    last_enabled: int

    def valid(self, stage: int) -> str:
        """The stage holds an iteration."""
        return f"{self.name}_fire" if stage == 0 else f"{self.name}_v[{stage}]"

    def active(self, stage: int) -> str:
        """The stage holds an iteration and moves on."""
        if self.always:
            return TRUE
        if stage == 0 or stage > self.last_enabled:
            return self.valid(stage)
        return f"({self.name}_v[{stage}] & {self.name}_ce)"


class Read(NamedTuple):
    """A read of a bank in a stage."""

    stages: Stages
    stage: int
    address: str

    def active(self, later: int = 0) -> str:
        """Whether it happens, or happened so many cycles before."""
        return self.stages.active(self.stage + later)


class Write(NamedTuple):
    """A write to a bank where ``condition``."""

    condition: str
    address: str
    value: str


class Asked(NamedTuple):
    """A request for so many ``beats`` where ``condition``."""

    condition: str
    address: str
    beats: str


@dataclass(eq=False)
class Credits:
    """A FIFO of the module's own behind a stream that iterations reserve room in: conditions under
    which room is taken, and given back unused."""

    depth: int
    taken: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)


class Call(NamedTuple):
    """A call of a unit: when, and the operands."""

    when: str
    operands: list[str]


@dataclass(eq=False)
class Uses:
    """What controller and blocks ask of the things that they share."""

    updates: dict[Variable, list[tuple[str, str]]] = field(default_factory=dict)
    """Of every register (condition, value)."""
    gets: dict[Channel, list[str]] = field(default_factory=lambda: defaultdict(list))
    puts: dict[Channel, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    requests: dict[tuple[Master, bool], list[Asked]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By master, and whether of writes."""
    reads: dict[tuple[Memory, int, int], list[Read]] = field(default_factory=dict)
    """By memory, bank and port."""
    writes: dict[tuple[Memory, int], list[Write]] = field(default_factory=dict)
    calls: dict[Unit, dict[tuple[Node, ...], Call]] = field(default_factory=dict)
    """Of every unit the calls by operands."""
    credits: dict[Channel, Credits] = field(default_factory=dict)

    def update(self, variable: Variable, condition: str, value: str) -> None:
        """A register takes a value."""
        self.updates.setdefault(variable, []).append((condition, value))


def active(reads: Iterable[Read], later: int = 0) -> list[str]:
    """Whether each of the reads happens, or happened so many cycles before."""
    return [read.active(later) for read in reads]
