"""What a schedule says, and what it aims at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tritstream.rtl._ir.operations import Node
from tritstream.rtl._ir.program import Access, BasicBlock, Load, Put, Unit
from tritstream.rtl._ir.storage import Variable
from tritstream.rtl._schedule.delays import Fabric
from tritstream.rtl._schedule.products import product_latency, rows_per_stage
from tritstream.rtl.targets import VENDOR, Target

Slot = Access | Node | tuple[Unit, tuple[Node, ...]]
"""What stands in a stage of its own right: an access, a table's word or a product by its node, or
the call of a unit."""


@dataclass(frozen=True)
class Timing:
    """What the scheduler aims at: ``period`` in ns. ``memory_latency``: cycles from an address to
    its word."""

    period: float
    fabric: Fabric
    memory_latency: int = 1
    read_ports: int = 2
    """Copies of a memory that may be made for reads in one cycle."""
    target: Target = VENDOR
    recurrence: float = 0.0
    """Nanoseconds that what an iteration hands to the next may take where that is more than the
    period: no further stage could shorten it."""

    def product(self, widths: tuple[int, int]) -> tuple[int, int]:
        """Of a product in logic, operands of these widths with sign: rows a stage, and cycles."""
        rows = rows_per_stage(widths[0], self.period, self.fabric)
        return rows, product_latency(widths[1], rows)


@dataclass(frozen=True)
class LogicProduct:
    """A product in logic: the widths of its operands, with sign, and its rows a stage."""

    a: int
    b: int
    rows: int


@dataclass(eq=False)
class Schedule:
    """``stage`` of nodes (None: the same through the whole block), of accesses and assignments."""

    block: BasicBlock
    widths: dict[Node, int]
    stage: dict[Node, int | None] = field(default_factory=dict)
    time: dict[Node, float] = field(default_factory=dict)
    """Of every node when it is there, in ns after its stage begins."""
    access: dict[Slot, int] = field(default_factory=dict)
    commit: dict[Variable, int] = field(default_factory=dict)
    port: dict[Load, int] = field(default_factory=dict)
    depth: int = 1
    longest: float = 0.0
    last_enabled: int = 0
    """The last stage that an access can stall; the stages behind it always move on."""
    reserved: list[Put] = field(default_factory=list)
    """Writes behind that stage, for which room is reserved when an iteration starts."""
    products: dict[Node, LogicProduct] = field(default_factory=dict)

    @property
    def pipelined(self) -> bool:
        """Whether an iteration may start every cycle."""
        return self.block.pipelined


def stage_text(
    schedules: Mapping[BasicBlock, Schedule], block: BasicBlock, thing: Access | Node | Variable
) -> str:
    """Where something of a block stands, for dumps: its stage, and for a node when it is there."""
    schedule = schedules[block]
    if isinstance(thing, Variable):
        return f"{schedule.commit[thing]:2}          "
    if not isinstance(thing, Node):
        return f"{schedule.access[thing]:2}          "
    stage = schedule.stage.get(thing)
    time = schedule.time.get(thing, 0.0)
    return f"{'-' if stage is None else stage:>2} {time:5.2f} ns "
