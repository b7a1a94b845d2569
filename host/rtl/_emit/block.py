"""A block as the stages of a pipeline: registers between them, handshakes, and its accesses.

Stages have valid bits. Stage 0 waits for the streams it reads there by starting no iteration (a
bubble); accesses that can block in later stages hold the block through its clock enable
``<block>_ce``, which is left out where nothing blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tritstream.rtl._compiled import MappedText
from tritstream.rtl._emit.controller import hazards
from tritstream.rtl._emit.delays import Wait, memory_lengths, pieces
from tritstream.rtl._emit.expressions import items_of
from tritstream.rtl._emit.products import product_module, product_name
from tritstream.rtl._emit.scope import (
    Asked,
    Call,
    From,
    Heading,
    Read,
    Scope,
    Stages,
    Uses,
    Write,
)
from tritstream.rtl._ir.operations import (
    Const,
    LoadedWord,
    Node,
    ReadVariable,
    StreamWord,
    TableWord,
    UnitResult,
)
from tritstream.rtl._ir.program import Get, Put, Waiting
from tritstream.rtl._ir.storage import address_bits
from tritstream.rtl._mlir import Origin
from tritstream.rtl._ports import COUNT_BITS
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import Instance, Layout, all_of, extend, literal, pin, pins

BLOCK_RAM_BITS = 4096
"""Banks larger than this ask for block RAM, smaller ones for LUT RAM."""


def always(condition: Node) -> bool:
    """Whether a condition is known to hold."""
    return isinstance(condition, Const) and bool(condition.value & 1)


def stages_of(schedule: Schedule) -> Stages:
    """The names of a block's stages."""
    block = schedule.block
    return Stages(block.name, block.unit is not None, schedule.last_enabled)


@dataclass(frozen=True)
class _Waiting:
    """A node's value in a stage that nothing holds, ``begin``, and the later ones that want it."""

    source: str
    width: int
    begin: int
    stages: set[int]


class BlockWriter:
    """Writes one block into a scope, and what it asks of others into the uses."""

    def __init__(self, scope: Scope, uses: Uses, schedule: Schedule) -> None:
        self._scope = scope
        self._uses = uses
        self._schedule = schedule
        self._block = schedule.block
        self._name = schedule.block.name
        self._stages = stages_of(schedule)
        self._names: dict[tuple[Node, int | None], str] = {}
        self._origin: Origin | None = None
        self._waiting: dict[Node, _Waiting] = {}

    def write(self) -> None:
        """The block of a process."""
        scope, name, schedule = self._scope, self._name, self._schedule
        kind = "a pipeline" if schedule.pipelined else "once"
        scope.add(Heading(f"{name}: {kind}, {schedule.depth} stage(s)"))
        scope.declare(f"{name}_fire", 1)
        if schedule.depth > 1:
            scope.declare_from_second(f"{name}_v", schedule.depth)
        if any(schedule.access[x] for x in self._blocking):
            scope.declare(f"{name}_ce", 1)
        self.nodes()
        self._handshakes()
        self._accesses()
        self._valid_bits()
        if not schedule.pipelined:
            self._end()
        for variable, node in self._block.nexts.items():
            stage = schedule.commit[variable]
            value = self.bits(node, stage, 0, variable.width)
            self._uses.update(variable, self._stages.active(stage), value)
        self.finish()

    def nodes(self) -> None:
        """Every node."""
        for node in self._schedule.stage:
            self._node(node)

    # Signals

    def _signal(self, node: Node) -> tuple[str, int]:
        """The name of a node's signal in its own stage, and its width."""
        if isinstance(node, ReadVariable):
            return node.variable.name, node.variable.width
        key = (node, self._schedule.stage[node])
        if key not in self._names:
            self._names[key] = f"{self._name}_{_hint(node)}_{node.id}"
        return self._names[key], self._schedule.widths[node]

    def _at(self, node: Node, stage: int) -> tuple[str, int]:
        """The name of a node's signal in a stage, through registers, and its width."""
        own = self._schedule.stage[node]
        name, have = self._signal(node)
        if own is None or own == stage:
            return name, have
        assert stage > own, (self._name, node, own, stage)
        width = min(have, max(self._schedule.widths[node], 1))
        first = extend(name, have, False, width)
        if self._schedule.pipelined:
            return self._delayed(node, first, width, own, stage), width
        key = (node, -1)
        if key not in self._names:
            kept = self._names[key] = f"{self._name}_{node.mnemonic}_{node.id}_q"
            self._scope.declare(kept, width)
            self._scope.clocked(f"if ({self._stages.active(own)}) {kept} <= {first};")
        return self._names[key], width

    def _delayed(self, node: Node, previous: str, width: int, own: int, stage: int) -> str:
        """The node's value in a later stage of a pipeline, a register a stage."""
        held = self._schedule.last_enabled
        in_memory = bool(self._scope.style.target.delay_memories)
        for k in range(own + 1, min(stage, held) + 1 if in_memory else stage + 1):
            enable = f"if ({self._name}_ce) " if k <= held else ""
            previous = self._register(node, k, width, f"{enable}%s <= {previous};")
        if not in_memory or stage <= held:
            return previous
        waiting = self._waiting.setdefault(node, _Waiting(previous, width, max(own, held), set()))
        waiting.stages.add(stage)
        return self._name_at(node, stage)

    def _name_at(self, node: Node, stage: int) -> str:
        return f"{self._name}_{_hint(node)}_{node.id}_d{stage}"

    def _register(self, node: Node, stage: int, width: int, statement: str = "") -> str:
        """A signal of the node's value in a later stage, made if it is new; the statement that sets
        it has %s for its name."""
        key = (node, stage)
        if key not in self._names:
            name = self._names[key] = self._name_at(node, stage)
            self._scope.declare(name, width)
            if statement:
                self._scope.clocked(statement % name)
        return self._names[key]

    def finish(self) -> None:
        """What waits for stages that nothing holds: in memories, and the rest in registers."""
        waits: dict[tuple[Node, int], Wait] = {}
        for node, waiting in self._waiting.items():
            begin = waiting.begin
            for stage in sorted(waiting.stages):
                waits[node, stage] = Wait(waiting.width, begin, stage)
                begin = stage
        lengths = memory_lengths(waits.values(), self._scope.style.target.delay_memories)
        through: dict[int, list[tuple[str, str, int]]] = {length: [] for length in lengths}
        for (node, _), wait in waits.items():
            waiting = self._waiting[node]

            def at(stage: int, node: Node = node, waiting: _Waiting = waiting) -> str:
                return waiting.source if stage == waiting.begin else self._name_at(node, stage)

            begin = wait.begin
            for begin, length in pieces(wait, lengths):
                out = self._register(node, begin + length, wait.width)
                through[length].append((at(begin), out, wait.width))
                begin += length
            for k in range(begin + 1, wait.end + 1):
                self._register(node, k, wait.width, f"%s <= {at(k - 1)};")
        for length, words in through.items():
            width = sum(w for *_, w in words)
            sources = ", ".join(source for source, _, _ in words)
            targets = ", ".join(target for _, target, _ in words)
            rows = (*pins(["clk"]), pin("in", f"{{{sources}}}"), pin("out", f"{{{targets}}}"))
            parameters = f".WIDTH({width}), .LENGTH({length})"
            module, name = self._scope.need_delay(), f"{self._name}_wait{length}"
            self._scope.add(Instance(module, name, rows, parameters, Layout.LINE))

    def bits(self, node: Node, stage: int, low: int, width: int) -> str:
        """Bits [low, low + width) of the integer that a node denotes."""
        if isinstance(node, Const):
            return literal(node.value >> low, width)
        name, have = self._at(node, stage)
        if low == 0:
            assert width <= have or have >= node.width, (node, width, have)
            return extend(name, have, node.low < 0, width)
        if low + width <= have:
            return f"{name}[{low + width - 1}:{low}]"
        assert have >= node.width, (node, low, width, have)
        if low >= have:
            return f"{{{width}{{{name}[{have - 1}]}}}}" if node.low < 0 else literal(0, width)
        more = low + width - have
        rest = f"{name}[{have - 1}:{low}]"
        if node.low < 0:
            return f"{{{{{more}{{{name}[{have - 1}]}}}}, {rest}}}"
        return f"{{{more}'d0, {rest}}}"

    # Nodes

    def _node(self, node: Node) -> None:
        if isinstance(node, Const | ReadVariable) or self._schedule.widths[node] == 0:
            return
        name, width = self._signal(node)
        if node.origin != self._origin:
            self._origin = node.origin
            self._scope.add(From(node.origin))
        self._scope.declare(name, width)
        match node:
            case TableWord():
                self._table(node, name, width)
            case LoadedWord():
                load = next(x for x in self._block.loads if x.node is node)
                word = f"{load.memory.name}_{load.bank}_q{self._schedule.port[load]}"
                self._scope.assign(name, extend(word, load.memory.width, False, width))
            case StreamWord():
                get = next(x for x in self._block.gets if x.node is node)
                word = f"{get.channel.name}_data"
                self._scope.assign(name, extend(word, get.channel.width, False, width))
            case UnitResult():
                self._call(node, name, width)
            case _ if node in self._schedule.products:
                self._product(node, name, width)
            case _:
                stage = self._schedule.stage[node] or 0
                bits = partial(_in_stage, self, stage)
                self._scope.add(*items_of(node, name, width, bits, self._scope))

    def _call(self, node: UnitResult, name: str, width: int) -> None:
        at = self._schedule.access[node.call]
        operands = [
            self.bits(n, at, 0, v.width) for n, v in zip(node.args, node.unit.inputs, strict=True)
        ]
        calls = self._uses.calls.setdefault(node.unit, {})
        calls[node.args] = Call(self._stages.active(at), operands)
        output = node.unit.outputs[node.output]
        self._scope.assign(name, extend(output.name, output.width, False, width))

    def _product(self, node: Node, name: str, width: int) -> None:
        at, product = self._schedule.access[node], self._schedule.products[node]
        a, b, rows = product.a, product.b, product.rows
        held = (self._schedule.stage[node] or 0) <= self._schedule.last_enabled
        prefix = self._scope.style.prefix
        module = prefix + product_name(a, b, width, rows, held)
        text = product_module(prefix, a, b, width, rows, held)
        self._scope.modules[module] = MappedText(text)
        pins = [pin("clk", "clk"), *([pin("ce", f"{self._name}_ce")] if held else [])]
        for x, n, w in zip("ab", node.args, (a, b), strict=True):
            pins.append(pin(x, self.bits(n, at, 0, w)))
        pins.append(pin("p", name))
        self._scope.add(Instance(module, f"{name}_i", tuple(pins), layout=Layout.LINE))

    def _table(self, node: TableWord, name: str, width: int) -> None:
        scope, at = self._scope, self._schedule.access[node]
        values, latency = node.table.values, scope.style.memory_latency
        array, index, bits = f"{name}_rom", f"{name}_addr", address_bits(len(node.table.values))
        # A small one is left to the tools: Yosys has no cell for a "distributed" one, and stops.
        style = 'rom_style = "block"' if len(values) * width > BLOCK_RAM_BITS else ""
        if scope.style.target.instantiated_memories:
            style = 'rom_style = "logic"'
        scope.declare(array, width, len(values), style)
        address = self.bits(node.args[0], at, 0, bits)
        lines = [f"  {array}[{k}] = {literal(v, width)};" for k, v in enumerate(values)]
        scope.text("initial begin", *lines, "end")
        scope.declare(index, bits)
        scope.assign(index, address)
        names = [*(f"{name}_r{k}" for k in range(1, latency)), name]
        scope.clocked(f"if ({self._stages.active(at)}) {names[0]} <= {array}[{index}];")
        for k in range(1, latency):
            scope.declare(names[k - 1], width)
            scope.clocked(f"if ({self._stages.active(at + k)}) {names[k]} <= {names[k - 1]};")

    # Handshakes

    @property
    def _blocking(self) -> list[Waiting]:
        reserved = self._schedule.reserved
        return [x for x in self._block.waiting if all(x is not y for y in reserved)]

    def _condition(self, access: Waiting) -> str:
        return self.bits(access.condition, self._schedule.access[access], 0, 1)

    def _possible(self, access: Waiting) -> str:
        """The other side is ready for a blocking access."""
        if isinstance(access, Get):
            other = f"{access.channel.name}_valid"
        elif isinstance(access, Put):
            own = "_own" if access.channel in self._uses.credits else ""
            other = f"{access.channel.name}{own}_ready"
        else:
            other = f"{access.master.name}_{'aw' if access.is_write else 'ar'}_ready"
        condition = self._condition(access)
        return other if always(access.condition) else f"(~{condition} | {other})"

    def _handshakes(self) -> None:
        name, schedule, stages = self._name, self._schedule, self._stages
        first = [x for x in self._blocking if schedule.access[x] == 0]
        later = [x for x in self._blocking if schedule.access[x] > 0]
        running = [f"(state == run_{name})"]
        running.append(f"{name}_more" if schedule.pipelined else f"~{name}_started")
        if not schedule.pipelined:
            running += hazards(self._block)
        enable = [f"{name}_ce"] if later else []
        reserved = dict.fromkeys(put.channel for put in schedule.reserved)
        running += [f"{channel.name}_room" for channel in reserved]
        ok_first = {a: self._possible(a) for a in first}
        ok_later = {a: f"(~{name}_v[{schedule.access[a]}] | {self._possible(a)})" for a in later}
        self._scope.assign(f"{name}_fire", all_of([*running, *enable, *ok_first.values()]))
        if later:
            self._scope.assign(f"{name}_ce", all_of(ok_later.values()))
        for put in schedule.reserved:
            self._reserved(put)
        for access in (*first, *later):
            stage = schedule.access[access]
            terms = [*running, *enable] if stage == 0 else [stages.valid(stage)]
            condition = self._condition(access)
            if not always(access.condition):
                terms.append(condition)
            others = ok_first if stage == 0 else ok_later
            terms += [text for a, text in others.items() if a is not access]
            self._ask(access, f"({all_of(terms)})")

    def _ask(self, access: Waiting, when: str) -> None:
        stage, uses = self._schedule.access[access], self._uses
        if isinstance(access, Get):
            uses.gets[access.channel].append(when)
        elif isinstance(access, Put):
            data = self.bits(access.value, stage, 0, access.channel.width)
            if access.channel in uses.credits:
                # Asked for in every cycle that it waits; the word is there in the last of them.
                taken = f"({when} & {access.channel.name}_own_ready)"
                uses.credits[access.channel].taken.append(taken)
            uses.puts[access.channel].append((when, data))
        else:
            address = self.bits(access.address, stage, 0, address_bits(access.master.size))
            uses.requests[access.master, access.is_write].append(
                Asked(when, address, literal(1, COUNT_BITS))
            )

    def _reserved(self, put: Put) -> None:
        """A write that has room, which the iteration took when it started."""
        stage, credits = self._schedule.access[put], self._uses.credits[put.channel]
        condition, active = self._condition(put), self._stages.active(stage)
        known = always(put.condition)
        asked = all_of([active] if known else [active, condition])
        data = self.bits(put.value, stage, 0, put.channel.width)
        self._uses.puts[put.channel].append((f"({asked})", data))
        credits.taken.append(f"{self._name}_fire")
        if not known:
            credits.returned.append(f"({active} & ~{condition})")

    # Memory

    def _accesses(self) -> None:
        schedule, uses = self._schedule, self._uses
        for load in self._block.loads:
            stage = schedule.access[load]
            address = self.bits(load.address, stage, 0, address_bits(load.memory.depth))
            slot = load.memory, load.bank, schedule.port[load]
            uses.reads.setdefault(slot, []).append(Read(self._stages, stage, address))
        for store in self._block.stores:
            stage = schedule.access[store]
            condition = self.bits(store.condition, stage, 0, 1)
            enable = self._stages.active(stage)
            if not always(store.condition):
                enable = f"({enable} & {condition})"
            address = self.bits(store.address, stage, 0, address_bits(store.memory.depth))
            value = self.bits(store.value, stage, 0, store.memory.width)
            writes = uses.writes.setdefault((store.memory, store.bank), [])
            writes.append(Write(enable, address, value))

    # Progress

    def _valid_bits(self) -> None:
        name, held, last = self._name, self._schedule.last_enabled, self._schedule.depth - 1
        if not last:
            return
        if 0 < held < last:
            moved = f"{name}_v[{held - 1}:1], {name}_fire" if held > 1 else f"{name}_fire"
            behind = f"{name}_v[{last - 1}:{held + 1}], " if last > held + 1 else ""
            leaving = self._stages.active(held)
            self._scope.clocked(
                f"if (rst) {name}_v <= '0;",
                "else begin",
                f"  if ({name}_ce) {name}_v[{held}:1] <= {{{moved}}};",
                f"  {name}_v[{last}:{held + 1}] <= {{{behind}{leaving}}};",
                "end",
            )
            return
        moved = f"{name}_v[{last - 1}:1], {name}_fire" if last > 1 else f"{name}_fire"
        enable = f"if ({name}_ce) " if held else ""
        self._scope.clocked(f"if (rst) {name}_v <= '0;", f"else {enable}{name}_v <= {{{moved}}};")

    def _end(self) -> None:
        """What tells the controller that a block that runs once is done."""
        scope, name = self._scope, self._name
        scope.declare(f"{name}_started", 1)
        scope.declare(f"{name}_end", 1)
        scope.assign(f"{name}_end", self._stages.active(self._schedule.depth - 1))
        scope.clocked(
            f"if (rst | {name}_end) {name}_started <= '0;",
            f"else if ({name}_fire) {name}_started <= 1'b1;",
        )


def _in_stage(writer: BlockWriter, stage: int, node: Node, low: int, width: int) -> str:
    return writer.bits(node, stage, low, width)


def _hint(node: Node) -> str:
    """What a node's signal is called after."""
    return "".join(c if c.isalnum() else "_" for c in node.hint) or node.mnemonic
