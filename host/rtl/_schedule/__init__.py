"""Stage 4, schedule: which stage of a pipeline every operation of a block stands in.

As soon as possible, with chaining: operations share a stage while their delays fit the clock
period. A pipelined loop starts an iteration every cycle (II=1), which ties down three things: a
value that an iteration hands to the next must be computed within one stage; a word of memory that
an iteration writes must be there when a later one reads it; and a port serves one access an
iteration. Where that cannot be met the loop is refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from tritstream.rtl._ir.program import BasicBlock
from tritstream.rtl._ir.storage import Memory
from tritstream.rtl._schedule.constraints import Constraints, check_ports
from tritstream.rtl._schedule.delays import FABRICS, Fabric
from tritstream.rtl._schedule.dependence import Problem
from tritstream.rtl._schedule.placement import attempt
from tritstream.rtl._schedule.schedule import LogicProduct, Schedule, Slot, Timing
from tritstream.rtl._unsupported import UnsupportedError

MAX_ROUNDS = 400


def schedule_block(
    block: BasicBlock, timing: Timing, ports: Mapping[Memory, int] | None = None
) -> Schedule:
    """A schedule of the block. ``ports``: read ports that a memory has; one where it is not said.

    Raises UnsupportedError where there is none with one iteration a cycle.
    """
    problem = Problem(block, timing, ports or {})
    if block.loop is not None:
        check_ports(problem)
    constraints = Constraints(problem)
    for _ in range(MAX_ROUNDS):
        schedule = attempt(problem, constraints.minimum)
        if not constraints.repair(schedule) and not constraints.gather(schedule):
            _assign_ports(schedule)
            return schedule
    raise UnsupportedError(
        f"{block.name}: no schedule with one iteration a cycle: a value that goes through "
        f"memory, or several accesses to one port, need more than one cycle "
        f"({constraints.latest})"
    )


def _assign_ports(schedule: Schedule) -> None:
    """Which read port of its bank every load takes."""
    used: dict[tuple[Memory, int, int | None], int] = defaultdict(int)
    for load in schedule.block.loads:
        at = None if schedule.pipelined else schedule.access[load]
        slot = load.memory, load.bank, at
        schedule.port[load] = used[slot]
        used[slot] += 1


__all__ = [
    "FABRICS",
    "Fabric",
    "LogicProduct",
    "Schedule",
    "Slot",
    "Timing",
    "schedule_block",
]
