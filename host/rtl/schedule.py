"""Schedule: which stage of a pipeline every operation of a leaf stands in.

As soon as possible, with chaining: operations share a stage while their delays fit the clock
period. A loop leaf starts an iteration every cycle (II=1), which ties down three things: a value
that an iteration hands to the next must be computed within one stage; a word of memory that an
iteration writes must be there when a later one reads it; and a port serves one access an iteration.
Where that cannot be met the loop is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tritstream.rtl._mlir import INDEX_BITS
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.delays import Fabric, delay
from tritstream.rtl.graph import Node, Variable, linear
from tritstream.rtl.legalise import exclusive, needed_nodes
from tritstream.rtl.products import product_latency, rows_per_stage
from tritstream.rtl.program import Leaf, Load, Put, Store
from tritstream.rtl.targets import VENDOR, Target

MAX_ROUNDS = 400
GATHERINGS = 6
"""How often the streams that a loop reads may be brought together in its latest reading stage."""
RESPONSE_DISTANCE = 2
"""Stages between a request to a bus and the earliest use of the answer."""


@dataclass(frozen=True)
class Timing:
    """What the scheduler aims at. ``memory_latency``: cycles from an address to its word."""

    period: float
    fabric: Fabric
    memory_latency: int = 1
    read_ports: int = 2
    """Copies of a memory that may be made for reads in one cycle."""
    target: Target = VENDOR

    def product(self, widths: tuple[int, int]) -> tuple[int, int]:
        """Of a product in logic, operands of these widths with sign: rows a stage, and cycles."""
        rows = rows_per_stage(widths[0], self.period, self.fabric)
        return rows, product_latency(widths[1], rows)


@dataclass(eq=False)
class Schedule:
    """``stage`` of nodes (None: steady through the leaf), of accesses and of assignments."""

    leaf: Leaf
    widths: dict[Node, int]
    stage: dict[Node, int | None] = field(default_factory=dict)
    time: dict[Node, float] = field(default_factory=dict)
    access: dict[Any, int] = field(default_factory=dict)
    """Load, Store, Get, Put or Request -> stage."""
    commit: dict[Variable, int] = field(default_factory=dict)
    port: dict[Load, int] = field(default_factory=dict)
    depth: int = 1
    longest: float = 0.0
    held: int = 0
    """The last stage that an access can hold; the stages behind it always move on."""
    reserved: list[Put] = field(default_factory=list)
    """Writes behind that stage, for which room is reserved when an iteration starts."""
    products: dict[Node, tuple[int, int, int]] = field(default_factory=dict)
    """Of a product in logic: the widths of its operands, with sign, and its rows a stage."""

    @property
    def pipelined(self) -> bool:
        return self.leaf.loop is not None or self.leaf.unit is not None


def needed_widths(leaf: Leaf, nodes: list[Node]) -> dict[Node, int]:
    """How many low bits of every node anything looks at."""
    need: dict[Node, int] = {n: 0 for n in nodes}

    def ask(node: Node, bits: int) -> None:
        need[node] = max(need[node], min(bits, node.width))

    for s in leaf.stores:
        ask(s.address, address_bits(s.memory.depth))
        ask(s.value, s.memory.width)
        ask(s.condition, 1)
    for g in leaf.gets:
        ask(g.node, g.channel.width)
        ask(g.condition, 1)
    for p in leaf.puts:
        ask(p.value, p.channel.width)
        ask(p.condition, 1)
    for r in leaf.requests:
        ask(r.address, address_bits(r.master.size))
        ask(r.condition, 1)
    for variable, node in leaf.nexts.items():
        ask(node, variable.width)
    for node in reversed(nodes):
        bits = need[node]
        op, args = node.op, node.args
        if op in ("add", "sub", "mul", "and", "or", "xor", "wraps", "wrapu", "not"):
            for a in args:
                ask(a, bits)
        elif op == "mux":
            ask(args[0], 1)
            ask(args[1], bits)
            ask(args[2], bits)
        elif op == "shlc":
            ask(args[0], max(bits - node.data, 1))
        elif op == "shrc":
            ask(args[0], bits + node.data)
        elif op == "shl":
            ask(args[0], bits)
            ask(args[1], args[1].width)
        elif op == "insert":
            low, count, _ = node.data
            ask(args[0], bits)
            ask(args[1], max(min(count, bits - low), 1))
        elif op == "load":
            ask(args[0], address_bits(node.data[0].depth))
        elif op == "table":
            ask(args[0], address_bits(len(node.data.values)))
        else:
            for a in args:
                ask(a, a.width)
    return need


def operand_width(node: Node, bits: int) -> int:
    """Bits, with sign, of a factor of which a product needs the low ``bits``."""
    return max(min(node.width, bits), 1) + (node.low >= 0 and node.width < bits)


def address_bits(depth: int) -> int:
    return max((depth - 1).bit_length(), 1)


def schedule_leaf(leaf: Leaf, timing: Timing, ports: dict[Any, int] | None = None) -> Schedule:
    """A schedule of the leaf. ``ports``: read ports that a memory has. Raises UnsupportedError."""
    return _Scheduler(leaf, timing, ports or {}).run()


class _Scheduler:
    def __init__(self, leaf: Leaf, timing: Timing, ports: dict[Any, int]) -> None:
        self.leaf = leaf
        self.timing = timing
        self.ports = ports
        self.nodes = needed_nodes(leaf)
        self.widths = needed_widths(leaf, self.nodes)
        self.pipelined = leaf.loop is not None or leaf.unit is not None
        self.inputs = set(leaf.unit.inputs) if leaf.unit else set()
        self.load_of = {x.node: x for x in leaf.loads}
        self.get_of = {x.node: x for x in leaf.gets}
        self.request_of = {
            g.node: r
            for g in leaf.gets
            for r in leaf.requests
            if r.master.read is g.channel and r.order == g.order
        }
        self.variables = {n.data: n for n in self.nodes if n.op == "variable"}
        self.components = self.condense()
        self.minimum: dict[Any, int] = {}
        self.target = timing.target
        self.gatherings = GATHERINGS
        self.bus_channels = {id(r.master.write) for r in leaf.requests}

    # The dependence graph: arguments, and in a pipeline the step from one iteration to the next.

    def predecessors(self, node: Node) -> list[Node]:
        found = list(node.args)
        get = self.get_of.get(node)
        if get is not None:
            found.append(get.condition)
        request = self.request_of.get(node)
        if request is not None:
            found += [request.address, request.condition]
        if self.pipelined and node.op == "variable" and node.data in self.leaf.nexts:
            found.append(self.leaf.nexts[node.data])
        return found

    def condense(self) -> list[list[Node]]:
        """Strongly connected components, those that others depend on first (Tarjan)."""
        index: dict[Node, int] = {}
        low: dict[Node, int] = {}
        on_stack: set[Node] = set()
        stack: list[Node] = []
        found: list[list[Node]] = []
        for root in self.nodes:
            if root in index:
                continue
            work = [(root, iter(self.predecessors(root)))]
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
            while work:
                node, rest = work[-1]
                for other in rest:
                    if other not in index:
                        index[other] = low[other] = len(index)
                        stack.append(other)
                        on_stack.add(other)
                        work.append((other, iter(self.predecessors(other))))
                        break
                    if other in on_stack:
                        low[node] = min(low[node], index[other])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        component = []
                        while True:
                            member = stack.pop()
                            on_stack.discard(member)
                            component.append(member)
                            if member is node:
                                break
                        found.append(component)
        return found

    def run(self) -> Schedule:
        if self.leaf.loop is not None:
            self.check_ports()
        for _ in range(MAX_ROUNDS):
            schedule = self.attempt()
            if not self.repair(schedule) and not self.gather(schedule):
                return self.finish(schedule)
        raise UnsupportedError(
            f"{self.leaf.name}: no schedule with one iteration a cycle: a value that goes through "
            f"memory, or several accesses to one port, need more than one cycle ({self.blame()})"
        )

    def blame(self) -> str:
        latest = max(self.minimum, key=lambda k: self.minimum[k], default=None)
        return getattr(latest, "where", "") or (self.leaf.loop.where if self.leaf.loop else "")

    def check_ports(self) -> None:
        """One access to a channel, and one write to a bank, an iteration."""
        leaf = self.leaf
        assert leaf.loop is not None
        seen: dict[Any, Any] = {}
        for kind, accesses in (("read", leaf.gets), ("write", leaf.puts)):
            for access in accesses:
                key = (kind, access.channel)
                if key in seen:
                    raise UnsupportedError(
                        f"{access.where}: stream {access.channel.name} has a second {kind} in an "
                        f"iteration of {leaf.loop.name}, so it cannot start one every cycle"
                    )
                seen[key] = access
        for store in leaf.stores:
            slot = (store.memory, store.bank)
            if slot in seen:
                raise UnsupportedError(
                    f"{store.where}: array {store.memory.name} is written twice in an iteration of "
                    f"{leaf.loop.name}, and a bank has one write port: partition it"
                )
            seen[slot] = store
        counts: dict[Any, int] = {}
        for load in leaf.loads:
            slot = (load.memory, load.bank)
            counts[slot] = counts.get(slot, 0) + 1
            allowed = self.timing.read_ports
            if counts[slot] > allowed:
                raise UnsupportedError(
                    f"{load.where}: array {load.memory.name} is read {counts[slot]} times in an "
                    f"iteration of {leaf.loop.name}, and {allowed} read port(s) of a bank are "
                    f"allowed: partition it"
                )
        masters: dict[Any, Any] = {}
        for request in leaf.requests:
            other = masters.setdefault(request.master, request)
            if other.is_write != request.is_write:
                raise UnsupportedError(
                    f"{request.where}: {request.master.name} is read and written in one iteration"
                )

    def attempt(self) -> Schedule:
        schedule = Schedule(self.leaf, self.widths)
        start = self.timing.fabric.register
        for component in self.components:
            if len(component) == 1 and component[0] not in self.predecessors(component[0]):
                self.place_one(schedule, component[0], start)
            else:
                self.place_component(schedule, component, start)
        leaf = self.leaf
        for store in leaf.stores:
            parts = (store.address, store.value, store.condition)
            schedule.access[store] = self.from_registers(schedule, parts, store)
        for request in leaf.requests:
            needs = (request.address, request.condition)
            schedule.access[request] = self.earliest(schedule, needs, request)
        for put in leaf.puts:
            at = self.earliest(schedule, (put.value, put.condition), put)
            if at:
                at = self.from_registers(schedule, (put.value, put.condition), put)
            for request in leaf.requests:
                # A bus may take no data before it knows where they belong.
                if request.master.write is put.channel and request.order == put.order:
                    at = max(at, schedule.access[request] + 1)
            schedule.access[put] = at
        for get in leaf.gets:
            schedule.access[get] = schedule.stage[get.node] or 0
        for variable, node in leaf.nexts.items():
            schedule.commit[variable] = schedule.stage[node] or 0
        last = [*schedule.access.values(), *schedule.commit.values(), 0]
        schedule.depth = 1 + max(last)
        if not self.pipelined:
            schedule.commit = {v: schedule.depth - 1 for v in schedule.commit}
        return schedule

    def earliest(self, schedule: Schedule, needs: tuple[Node, ...], key: Any) -> int:
        stages = [schedule.stage[n] or 0 for n in needs]
        return max([*stages, self.minimum.get(key, 0)])

    def from_registers(self, schedule: Schedule, needs: tuple[Node, ...], key: Any) -> int:
        """As earliest, in a stage of its own behind logic where memories want registers."""
        at = self.earliest(schedule, needs, key)
        if self.target.instantiated_memories:
            at += self.arrival(schedule, list(needs), at) > self.timing.fabric.register
        return at

    def arrival(self, schedule: Schedule, args: list[Node], stage: int) -> float:
        """When the last of the arguments is there, in that stage."""
        start = self.timing.fabric.register
        latest = start
        for a in args:
            if a.op == "const":
                continue
            if schedule.stage[a] is None or schedule.stage[a] == stage:
                latest = max(latest, schedule.time[a])
        return latest

    def place_one(self, schedule: Schedule, node: Node, start: float) -> None:
        period = self.timing.period
        stage_of = schedule.stage
        if node.op == "const":
            stage_of[node], schedule.time[node] = None, 0.0
            return
        if node.op == "variable" and node.data in self.inputs:
            stage_of[node], schedule.time[node] = 0, start
            return
        if node.op == "variable":
            following = self.leaf.nexts.get(node.data) if self.pipelined else None
            # The register holds an iteration's value in the stage where it takes the next one.
            stage_of[node] = None if following is None else stage_of[following] or 0
            schedule.time[node] = start
            return
        if node.op in ("load", "table"):
            key = self.load_of.get(node, node)
            stages = [stage_of[a] or 0 for a in node.args]
            at = max([*stages, self.minimum.get(key, 0)])
            registered = self.target.instantiated_memories
            if registered:
                at += self.arrival(schedule, list(node.args), at) > start
            schedule.access[key] = at
            stage_of[node] = at + self.timing.memory_latency
            schedule.time[node] = start if registered else self.timing.fabric.memory
            return
        if node.op == "call":
            unit, k = node.data
            call = (unit, *node.args)
            at = max([*(stage_of[a] or 0 for a in node.args), self.minimum.get(call, 0)])
            # Two tables to choose between the calls.
            at += self.arrival(schedule, list(node.args), at) + 2 * self.timing.fabric.lut > period
            schedule.access[call] = at
            stage_of[node], schedule.time[node] = at + unit.latencies[k], start
            return
        if node.op == "mul" and self.target.logic_products:
            at = max([*(stage_of[a] or 0 for a in node.args), self.minimum.get(node, 0)])
            at += self.arrival(schedule, list(node.args), at) > start
            a, b = (operand_width(x, self.widths[node]) for x in node.args)
            rows, cycles = self.timing.product((a, b))
            schedule.products[node] = (a, b, rows)
            schedule.access[node] = at
            stage_of[node], schedule.time[node] = at + cycles, start
            return
        if node.op == "get":
            get = self.get_of[node]
            at = self.earliest(schedule, (get.condition,), get)
            request = self.request_of.get(node)
            if request is not None:
                needs = (request.address, request.condition)
                at = max(at, self.earliest(schedule, needs, request) + RESPONSE_DISTANCE)
            stage_of[node] = at
            schedule.time[node] = start + self.timing.fabric.lut
            return
        d = delay(node, self.timing.fabric, self.widths[node])
        steady = all(stage_of[a] is None for a in node.args)
        if steady:
            time = self.arrival(schedule, list(node.args), 0) + d
            if time <= period:
                stage_of[node], schedule.time[node] = None, time
                return
        at = max(stage_of[a] or 0 for a in node.args)
        time = self.arrival(schedule, list(node.args), at) + d
        if time > period:
            at += 1
            time = start + d
            if time > period and d > 0:
                raise UnsupportedError(
                    f"{node.where}: {node.op} of {self.widths[node]} bits takes {time:.1f} ns with "
                    f"its register, more than the clock period of {period:.1f} ns"
                )
            if time > period:
                time = min(time, period)
        stage_of[node] = at
        schedule.time[node] = time
        schedule.longest = max(schedule.longest, time)

    def place_component(self, schedule: Schedule, component: list[Node], start: float) -> None:
        """Values that an iteration hands on through themselves: all in one stage."""
        members = set(component)
        period = self.timing.period
        loop = self.leaf.loop
        assert loop is not None
        for node in component:
            if node.op == "mul" and self.target.logic_products:
                raise UnsupportedError(
                    f"{node.where}: the next iteration of {loop.name} depends on this product, "
                    f"which takes several cycles without a DSP, so it cannot start one every cycle"
                )
            if node.op in ("load", "table") or node in self.request_of:
                raise UnsupportedError(
                    f"{node.where}: the next iteration of {loop.name} depends on this read of "
                    f"memory, so it cannot start one every cycle"
                )
        outside = [
            p
            for n in component
            for p in self.predecessors(n)
            if p not in members and schedule.stage[p] is not None
        ]
        at = max([schedule.stage[p] or 0 for p in outside], default=0)
        for n in component:
            get = self.get_of.get(n)
            at = max(at, self.minimum.get(get, 0) if get else 0)
        order = self.inside_order(component, members)
        worst: Node | None = None
        for attempt in range(2):
            worst, longest = None, 0.0
            for node in order:
                if node.op == "variable":
                    time = start
                else:
                    inputs = list(node.args)
                    get = self.get_of.get(node)
                    if get is not None:
                        inputs.append(get.condition)
                    time = start
                    for a in inputs:
                        if a.op == "const":
                            continue
                        if a in members or schedule.stage[a] is None or schedule.stage[a] == at:
                            time = max(time, schedule.time[a])
                    time += delay(node, self.timing.fabric, self.widths[node])
                schedule.stage[node], schedule.time[node] = at, time
                if time > longest:
                    worst, longest = node, time
            if longest <= period:
                schedule.longest = max(schedule.longest, longest)
                return
            if attempt == 0:
                at += 1
        assert worst is not None
        raise UnsupportedError(
            f"{worst.where}: what an iteration of {loop.name} hands to the next takes "
            f"{longest:.1f} ns, more than the clock period of {period:.1f} ns, so it cannot start "
            f"one every cycle"
        )

    def inside_order(self, component: list[Node], members: set[Node]) -> list[Node]:
        """Topological order of a component, the registers first."""
        position = {n: k for k, n in enumerate(self.nodes)}
        state = [n for n in component if n.op == "variable"]
        rest = sorted((n for n in component if n.op != "variable"), key=lambda n: position[n])
        # The condition of a get is no argument of its node: order by depth-first search instead.
        order: list[Node] = list(state)
        done = set(state)

        def visit(node: Node) -> None:
            stack = [node]
            while stack:
                n = stack[-1]
                if n in done:
                    stack.pop()
                    continue
                inputs = list(n.args)
                get = self.get_of.get(n)
                if get is not None:
                    inputs.append(get.condition)
                waiting = [a for a in inputs if a in members and a not in done]
                if waiting:
                    stack += waiting
                else:
                    done.add(n)
                    order.append(n)
                    stack.pop()

        for n in rest:
            visit(n)
        return order

    # Memory and order

    def repair(self, schedule: Schedule) -> bool:
        """Raises the lower bounds of what stands too early; False if nothing does."""
        changed = False

        def at_least(key: Any, stage: int) -> None:
            nonlocal changed
            if schedule.access[key] < stage:
                if self.minimum.get(key, 0) < stage:
                    self.minimum[key] = stage
                changed = True

        leaf = self.leaf
        for load in leaf.loads:
            for store in leaf.stores:
                if load.memory is store.memory and load.bank == store.bank:
                    self.order_pair(schedule, load, store, at_least)
        if not self.pipelined:
            self.order_accesses(schedule, at_least)
        return changed

    def order_pair(self, schedule: Schedule, load: Load, store: Store, at_least: Any) -> None:
        read, written = schedule.access[load], schedule.access[store]
        for a in load.parts or (load,):
            for b in store.parts or (store,):
                if not exclusive(a.literals, b.literals) and not self.differ(a.address, b.address):
                    if a.order > b.order:
                        at_least(load, written + 1)
                    else:
                        at_least(store, read)
                if not self.pipelined or load.memory.independent:
                    continue
                distance = self.distance(b.address, a.address)
                if distance is not None:
                    at_least(load, written + 1 - distance)
                distance = self.distance(a.address, b.address)
                if distance is not None:
                    at_least(store, read - distance)

    def gather(self, schedule: Schedule) -> bool:
        """Brings a loop's stream reads into one stage and what has state of its own behind it.

        Then few registers are held while a stream has nothing, and everything behind runs on.
        """
        leaf = self.leaf
        waiting = [*leaf.gets, *leaf.puts, *leaf.requests]
        if not (self.pipelined and self.target.free_running):
            schedule.held = schedule.depth if any(schedule.access[x] for x in waiting) else 0
            if schedule.held and leaf.calls:
                raise UnsupportedError(
                    f"{leaf.name}: a shared function's result does not wait for a stream"
                )
            return False
        blocking = [
            *leaf.gets,
            *leaf.requests,
            *(p for p in leaf.puts if id(p.channel) in self.bus_channels),
        ]
        schedule.held = max([schedule.access[x] for x in blocking], default=0)
        schedule.reserved = [
            p for p in leaf.puts if p not in blocking and schedule.access[p] > schedule.held
        ]
        changed = False
        wanted: list[Any] = []
        if self.gatherings > 0:
            wanted = [*leaf.gets, *leaf.loads, *leaf.tables]
        for node in schedule.products:
            # One that ends before the held stages do is held with them; none may reach across.
            if schedule.stage[node] > schedule.held:  # type: ignore[operator]
                wanted.append(node)
        for key in wanted:
            if schedule.access[key] < schedule.held:
                self.minimum[key] = schedule.held
                changed = True
        self.gatherings -= 1
        return changed

    def differ(self, a: Node, b: Node) -> bool:
        """Whether two addresses of one iteration are surely different."""
        x, c = linear(a, INDEX_BITS)
        y, d = linear(b, INDEX_BITS)
        return x == y and c != d

    def distance(self, first: Node, second: Node) -> int | None:
        """Iterations, at least, from ``first`` to a ``second`` at the same address; None: never."""
        x, c = linear(first, INDEX_BITS)
        y, d = linear(second, INDEX_BITS)
        loop = self.leaf.loop
        assert loop is not None
        if x != y:
            return 1
        stride = 0
        for atom, factor in x.items():
            if atom.op != "variable":
                return 1
            if atom.data is loop.counter:
                stride = factor * loop.step
            elif atom.data in self.leaf.nexts:
                return 1
        if stride == 0:
            return 1 if c == d else None
        if (c - d) % stride:
            return None
        steps = (c - d) // stride
        return steps if steps >= 1 else None

    def order_accesses(self, schedule: Schedule, at_least: Any) -> None:
        """One after the other: accesses of one port, in a leaf that runs once."""
        leaf = self.leaf
        groups: dict[Any, list[Any]] = {}
        for get in leaf.gets:
            groups.setdefault(("get", get.channel), []).append(get)
        for put in leaf.puts:
            groups.setdefault(("put", put.channel), []).append(put)
        for request in leaf.requests:
            groups.setdefault(("request", request.master), []).append(request)
        for store in leaf.stores:
            groups.setdefault(("store", store.memory, store.bank), []).append(store)
        self.order_calls(schedule, at_least)
        for group in groups.values():
            group.sort(key=lambda x: x.order)
            for before, after in pairwise(group):
                at_least(after, schedule.access[before] + 1)
        banks: dict[Any, list[Load]] = {}
        for load in leaf.loads:
            banks.setdefault((load.memory, load.bank), []).append(load)
        for (memory, _), loads in banks.items():
            ports = self.ports.get(memory, 1)
            used: dict[int, int] = {}
            for load in sorted(loads, key=lambda x: (schedule.access[x], x.order)):
                at = schedule.access[load]
                while used.get(at, 0) >= ports:
                    at += 1
                used[at] = used.get(at, 0) + 1
                at_least(load, at)

    def order_calls(self, schedule: Schedule, at_least: Any) -> None:
        """One call of a unit a cycle."""
        used: dict[Any, set[int]] = {}
        keys = dict.fromkeys((n.data[0], *n.args) for n in self.nodes if n.op == "call")
        for key in sorted(keys, key=lambda key: schedule.access[key]):
            taken, at = used.setdefault(key[0], set()), schedule.access[key]
            while at in taken:
                at += 1
            taken.add(at)
            at_least(key, at)

    def finish(self, schedule: Schedule) -> Schedule:
        used: dict[Any, int] = {}
        for load in self.leaf.loads:
            slot = (load.memory, load.bank, None if self.pipelined else schedule.access[load])
            schedule.port[load] = used.get(slot, 0)
            used[slot] = used.get(slot, 0) + 1
        return schedule
