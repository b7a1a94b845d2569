"""One attempt: every node and access as soon as possible, but not before its lower bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tritstream.rtl._ir.operations import (
    Const,
    LoadedWord,
    Mul,
    Node,
    ReadVariable,
    StreamWord,
    TableWord,
    UnitResult,
)
from tritstream.rtl._schedule.delays import delay
from tritstream.rtl._schedule.dependence import Problem
from tritstream.rtl._schedule.schedule import LogicProduct, Schedule, Slot
from tritstream.rtl._schedule.widths import operand_width
from tritstream.rtl._unsupported import UnsupportedError

RESPONSE_DISTANCE = 2
"""Stages between a request to a bus and the earliest use of the answer."""


def attempt(problem: Problem, minimum: Mapping[Slot, int]) -> Schedule:
    """A schedule in which nothing stands before ``minimum``. Raises UnsupportedError where an
    operation, or what an iteration hands to the next, is longer than the clock."""
    return _Attempt(problem, minimum).schedule_of_all()


class _Attempt:
    def __init__(self, problem: Problem, minimum: Mapping[Slot, int]) -> None:
        self.problem = problem
        self.minimum = minimum
        self.timing = problem.timing
        self.target = problem.target
        self.start = problem.timing.fabric.register
        self.schedule = Schedule(problem.block, problem.widths)

    def schedule_of_all(self) -> Schedule:
        problem, schedule = self.problem, self.schedule
        for component in problem.components:
            if len(component) == 1 and component[0] not in problem.predecessors(component[0]):
                self.place(component[0])
            else:
                self.place_together(component)
        self.place_accesses()
        last = [*schedule.access.values(), *schedule.commit.values(), 0]
        schedule.depth = 1 + max(last)
        if not problem.pipelined:
            schedule.commit = {v: schedule.depth - 1 for v in schedule.commit}
        return schedule

    # Stages and times

    def stage(self, node: Node) -> int:
        return self.schedule.stage[node] or 0

    def put(self, node: Node, stage: int | None, time: float) -> None:
        self.schedule.stage[node], self.schedule.time[node] = stage, time

    def earliest(self, needs: Sequence[Node], slot: Slot) -> int:
        return max([*map(self.stage, needs), self.minimum.get(slot, 0)])

    def from_registers(self, needs: Sequence[Node], slot: Slot) -> int:
        """As earliest, in a stage of its own behind logic where memories want registers."""
        at = self.earliest(needs, slot)
        if self.target.instantiated_memories:
            at += self.arrival(needs, at) > self.start
        return at

    def arrival(self, args: Sequence[Node], stage: int) -> float:
        """When the last of the arguments is there, in that stage."""
        latest = self.start
        for a in args:
            if isinstance(a, Const):
                continue
            own = self.schedule.stage[a]
            if own is None or own == stage:
                latest = max(latest, self.schedule.time[a])
        return latest

    # Nodes

    def place(self, node: Node) -> None:
        match node:
            case Const():
                self.put(node, None, 0.0)
            case ReadVariable():
                self.place_variable(node)
            case LoadedWord() | TableWord():
                self.place_word(node)
            case UnitResult():
                self.place_call(node)
            case StreamWord():
                self.place_get(node)
            case Mul() if self.target.logic_products:
                self.place_product(node)
            case _:
                self.place_logic(node)

    def place_variable(self, node: ReadVariable) -> None:
        if node.variable in self.problem.inputs:
            self.put(node, 0, self.start)
            return
        pipelined = self.problem.pipelined
        following = self.problem.block.nexts.get(node.variable) if pipelined else None
        # The register holds an iteration's value in the stage where it takes the next one.
        self.put(node, None if following is None else self.stage(following), self.start)

    def place_word(self, node: Node) -> None:
        slot: Slot = self.problem.load_of.get(node, node)
        registered = self.target.instantiated_memories
        at = self.earliest(node.args, slot)
        if registered:
            at += self.arrival(node.args, at) > self.start
        self.schedule.access[slot] = at
        time = self.start if registered else self.timing.fabric.memory
        self.put(node, at + self.timing.memory_latency, time)

    def place_call(self, node: UnitResult) -> None:
        at = self.earliest(node.args, node.call)
        # Two tables to choose between the calls.
        choice = 2 * self.timing.fabric.lut
        at += self.arrival(node.args, at) + choice > self.timing.period
        self.schedule.access[node.call] = at
        self.put(node, at + node.unit.latencies[node.output], self.start)

    def place_product(self, node: Mul) -> None:
        at = self.earliest(node.args, node)
        at += self.arrival(node.args, at) > self.start
        a, b = (operand_width(x, self.problem.widths[node]) for x in node.args)
        rows, cycles = self.timing.product((a, b))
        self.schedule.products[node] = LogicProduct(a, b, rows)
        self.schedule.access[node] = at
        self.put(node, at + cycles, self.start)

    def place_get(self, node: StreamWord) -> None:
        get = self.problem.get_of[node]
        at = self.earliest((get.condition,), get)
        request = self.problem.request_of.get(node)
        if request is not None:
            needs = (request.address, request.condition)
            at = max(at, self.earliest(needs, request) + RESPONSE_DISTANCE)
        self.put(node, at, self.start + self.timing.fabric.lut)

    def place_logic(self, node: Node) -> None:
        period = self.timing.period
        d = delay(node, self.timing.fabric, self.problem.widths[node])
        if all(self.schedule.stage[a] is None for a in node.args):
            time = self.arrival(node.args, 0) + d
            if time <= period:
                self.put(node, None, time)
                return
        at = max(map(self.stage, node.args))
        time = self.arrival(node.args, at) + d
        if time > period:
            at += 1
            time = self.start + d
            if time > period and d > 0:
                raise UnsupportedError(
                    f"{node.origin}: {node.mnemonic} of {self.problem.widths[node]} bits takes "
                    f"{time:.1f} ns with its register, more than the clock period of "
                    f"{period:.1f} ns"
                )
            if time > period:
                time = min(time, period)
        self.put(node, at, time)
        self.schedule.longest = max(self.schedule.longest, time)

    # Recurrences

    def place_together(self, component: list[Node]) -> None:
        """Values that an iteration hands on through themselves: all in one stage."""
        problem, schedule = self.problem, self.schedule
        members = set(component)
        period = max(self.timing.period, self.timing.recurrence)
        loop = problem.block.loop
        assert loop is not None
        self.check_recurrence(component, loop.name)
        outside = [
            p
            for n in component
            for p in problem.predecessors(n)
            if p not in members and schedule.stage[p] is not None
        ]
        at = max(map(self.stage, outside), default=0)
        for n in component:
            get = problem.get_of.get(n)
            at = max(at, self.minimum.get(get, 0) if get else 0)
        order = problem.order_inside(component)
        worst, longest = component[0], 0.0
        for further in range(2):
            at += further
            longest = 0.0
            for node in order:
                time = self.time_inside(node, members, at)
                self.put(node, at, time)
                if time > longest:
                    worst, longest = node, time
            if longest <= period:
                schedule.longest = max(schedule.longest, longest)
                return
        raise UnsupportedError(
            f"{worst.origin}: what an iteration of {loop.name} hands to the next takes "
            f"{longest:.1f} ns, more than the clock period of {period:.1f} ns, so it cannot start "
            f"one every cycle"
        )

    def time_inside(self, node: Node, members: set[Node], at: int) -> float:
        """When a node of a component is there, all of which stands in stage ``at``."""
        time = self.start
        if isinstance(node, ReadVariable):
            return time
        for a in self.problem.inputs_of(node):
            if isinstance(a, Const):
                continue
            if a in members or self.schedule.stage[a] in (None, at):
                time = max(time, self.schedule.time[a])
        return time + delay(node, self.timing.fabric, self.problem.widths[node])

    def check_recurrence(self, component: list[Node], loop: str) -> None:
        for node in component:
            if isinstance(node, Mul) and self.target.logic_products:
                raise UnsupportedError(
                    f"{node.origin}: the next iteration of {loop} depends on this product, "
                    f"which takes several cycles without a DSP, so it cannot start one every cycle"
                )
            if isinstance(node, LoadedWord | TableWord) or node in self.problem.request_of:
                raise UnsupportedError(
                    f"{node.origin}: the next iteration of {loop} depends on this read of "
                    f"memory, so it cannot start one every cycle"
                )

    # Accesses

    def place_accesses(self) -> None:
        block, access = self.problem.block, self.schedule.access
        for store in block.stores:
            needs = (store.address, store.value, store.condition)
            access[store] = self.from_registers(needs, store)
        for request in block.requests:
            access[request] = self.earliest((request.address, request.condition), request)
        for put in block.puts:
            at = self.earliest((put.value, put.condition), put)
            if at:
                at = self.from_registers((put.value, put.condition), put)
            for request in block.requests:
                # A bus may take no data before it knows where they belong.
                if request.master.write is put.channel and request.order == put.order:
                    at = max(at, access[request] + 1)
            access[put] = at
        for get in block.gets:
            access[get] = self.stage(get.node)
        for variable, node in block.nexts.items():
            self.schedule.commit[variable] = self.stage(node)
