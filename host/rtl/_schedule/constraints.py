"""What a schedule must keep: the order of accesses to one place, one access of a port a cycle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from itertools import pairwise

from tritstream.rtl._ir.graph import linear
from tritstream.rtl._ir.operations import Node, ReadVariable, UnitResult
from tritstream.rtl._ir.program import Access, Load, Store
from tritstream.rtl._ir.storage import Memory
from tritstream.rtl._legalise import exclusive
from tritstream.rtl._mlir import INDEX_BITS
from tritstream.rtl._schedule.dependence import Problem
from tritstream.rtl._schedule.schedule import Schedule, Slot
from tritstream.rtl._unsupported import UnsupportedError

GATHERINGS = 6
"""How often the streams that a loop reads may be brought together in its latest reading stage."""


def check_ports(problem: Problem) -> None:
    """One access to a channel, and one write to a bank, an iteration. Raises UnsupportedError."""
    block = problem.block
    loop = block.loop
    assert loop is not None
    seen: set[Hashable] = set()
    for kind, accesses in (("read", block.gets), ("write", block.puts)):
        for access in accesses:
            if (kind, access.channel) in seen:
                raise UnsupportedError(
                    f"{access.origin}: stream {access.channel.name} has a second {kind} in an "
                    f"iteration of {loop.name}, so it cannot start one every cycle"
                )
            seen.add((kind, access.channel))
    for store in block.stores:
        if (store.memory, store.bank) in seen:
            raise UnsupportedError(
                f"{store.origin}: array {store.memory.name} is written twice in an iteration of "
                f"{loop.name}, and a bank has one write port: partition it"
            )
        seen.add((store.memory, store.bank))
    counts: dict[tuple[Memory, int], int] = defaultdict(int)
    allowed = problem.timing.read_ports
    for load in block.loads:
        counts[load.memory, load.bank] += 1
        if (count := counts[load.memory, load.bank]) > allowed:
            raise UnsupportedError(
                f"{load.origin}: array {load.memory.name} is read {count} times in an "
                f"iteration of {loop.name}, and {allowed} read port(s) of a bank are "
                f"allowed: partition it"
            )
    for request in block.requests:
        first = next(r for r in block.requests if r.master is request.master)
        if first.is_write != request.is_write:
            raise UnsupportedError(
                f"{request.origin}: {request.master.name} is read and written in one iteration"
            )


class Constraints:
    """The lower bounds of what must not stand earlier, raised until a schedule keeps all."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.minimum: dict[Slot, int] = {}
        self.changed = False
        self._gatherings = GATHERINGS

    @property
    def latest(self) -> str:
        """What was moved furthest, for messages."""
        slot = max(self.minimum, key=lambda k: self.minimum[k], default=None)
        loop = self.problem.block.loop
        origin = slot.origin if isinstance(slot, Node | Access) else None
        return str(origin or (loop.origin if loop else ""))

    def repair(self, schedule: Schedule) -> bool:
        """Raises the lower bounds of what stands too early; False if nothing does."""
        self.changed = False
        block = self.problem.block
        for load in block.loads:
            for store in block.stores:
                if load.memory is store.memory and load.bank == store.bank:
                    self._order_pair(schedule, load, store)
        if not self.problem.pipelined:
            self._order_accesses(schedule)
        return self.changed

    def _at_least(self, schedule: Schedule, slot: Slot, stage: int) -> None:
        if schedule.access[slot] < stage:
            self.minimum[slot] = max(self.minimum.get(slot, 0), stage)
            self.changed = True

    # Memory

    def _order_pair(self, schedule: Schedule, load: Load, store: Store) -> None:
        read, written = schedule.access[load], schedule.access[store]
        for a in load.parts or (load,):
            for b in store.parts or (store,):
                if not exclusive(a.predicate, b.predicate) and not _differ(a.address, b.address):
                    if a.order > b.order:
                        self._at_least(schedule, load, written + 1)
                    else:
                        self._at_least(schedule, store, read)
                if not self.problem.pipelined or load.memory.independent:
                    continue
                distance = self._distance(b.address, a.address)
                if distance is not None:
                    self._at_least(schedule, load, written + 1 - distance)
                distance = self._distance(a.address, b.address)
                if distance is not None:
                    self._at_least(schedule, store, read - distance)

    def _distance(self, first: Node, second: Node) -> int | None:
        """Iterations, at least, from ``first`` to a ``second`` at the same address; None: never."""
        x, c = linear(first, INDEX_BITS)
        y, d = linear(second, INDEX_BITS)
        loop = self.problem.block.loop
        assert loop is not None
        if x != y:
            return 1
        stride = 0
        for atom, factor in x.items():
            if not isinstance(atom, ReadVariable):
                return 1
            if atom.variable is loop.counter:
                stride = factor * loop.step
            elif atom.variable in self.problem.block.nexts:
                return 1
        if stride == 0:
            return 1 if c == d else None
        if (c - d) % stride:
            return None
        steps = (c - d) // stride
        return steps if steps >= 1 else None

    # Streams

    def gather(self, schedule: Schedule) -> bool:
        """Brings a loop's stream reads into one stage and what has state of its own behind it.

        Then few registers are held while a stream has nothing, and everything behind runs on.
        """
        block = self.problem.block
        if not (self.problem.pipelined and self.problem.target.free_running):
            late = any(schedule.access[x] for x in block.waiting)
            schedule.last_enabled = schedule.depth if late else 0
            if late and block.calls:
                raise UnsupportedError(
                    f"{block.name}: a shared function's result does not wait for a stream"
                )
            return False
        blocking: list[Access] = [
            *block.gets,
            *block.requests,
            *(p for p in block.puts if id(p.channel) in self.problem.bus_channels),
        ]
        last = max([schedule.access[x] for x in blocking], default=0)
        schedule.last_enabled = last
        schedule.reserved = [
            p for p in block.puts if p not in blocking and schedule.access[p] > last
        ]
        wanted: list[Slot] = []
        if self._gatherings > 0:
            wanted = [*block.gets, *block.loads, *block.tables]
        for node in schedule.products:
            # One that ends before the held stages do is held with them; none may reach across.
            if (schedule.stage[node] or 0) > last:
                wanted.append(node)
        early = [slot for slot in wanted if schedule.access[slot] < last]
        for slot in early:
            self.minimum[slot] = last
        self._gatherings -= 1
        return bool(early)

    # Blocks that run once

    def _order_accesses(self, schedule: Schedule) -> None:
        """One after the other: accesses of one port, in a block that runs once."""
        block = self.problem.block
        groups: dict[Hashable, list[Access]] = defaultdict(list)
        for get in block.gets:
            groups["get", get.channel].append(get)
        for put in block.puts:
            groups["put", put.channel].append(put)
        for request in block.requests:
            groups["request", request.master].append(request)
        for store in block.stores:
            groups["store", store.memory, store.bank].append(store)
        self._order_calls(schedule)
        for group in groups.values():
            group.sort(key=lambda x: x.order)
            for before, after in pairwise(group):
                self._at_least(schedule, after, schedule.access[before] + 1)
        self._order_loads(schedule)

    def _order_loads(self, schedule: Schedule) -> None:
        """As many reads of a bank a cycle as it has ports."""
        banks: dict[tuple[Memory, int], list[Load]] = defaultdict(list)
        for load in self.problem.block.loads:
            banks[load.memory, load.bank].append(load)
        for (memory, _), loads in banks.items():
            ports = self.problem.ports.get(memory, 1)
            used: dict[int, int] = defaultdict(int)
            for load in sorted(loads, key=lambda x: (schedule.access[x], x.order)):
                at = schedule.access[load]
                while used[at] >= ports:
                    at += 1
                used[at] += 1
                self._at_least(schedule, load, at)

    def _order_calls(self, schedule: Schedule) -> None:
        """One call of a unit a cycle."""
        used: dict[Hashable, set[int]] = defaultdict(set)
        calls = dict.fromkeys(n.call for n in self.problem.nodes if isinstance(n, UnitResult))
        for call in sorted(calls, key=lambda call: schedule.access[call]):
            at = schedule.access[call]
            while at in used[call[0]]:
                at += 1
            used[call[0]].add(at)
            self._at_least(schedule, call, at)


def _differ(a: Node, b: Node) -> bool:
    """Whether two addresses of one iteration are surely different."""
    x, c = linear(a, INDEX_BITS)
    y, d = linear(b, INDEX_BITS)
    return x == y and c != d
