"""Emit: one SystemVerilog module for a scheduled design.

A leaf is a pipeline whose stages have valid bits; a controller of one state or two per leaf starts
them one after the other. Stage 0 of a leaf waits for the streams it reads there by starting no
iteration (a bubble); accesses that can block in later stages hold the whole leaf through its clock
enable ``<leaf>_ce``, which is left out where nothing blocks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tritstream.rtl._ir.operations import (
    Const,
    Insert,
    Node,
    ReadVariable,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRightBy,
    TableWord,
    UnitResult,
)
from tritstream.rtl._ir.program import (
    BasicBlock,
    Design,
    Get,
    Item,
    Loop,
    Put,
    Repeat,
    Request,
    Unit,
)
from tritstream.rtl._ir.storage import Channel, Master, Memory, Variable, address_bits, bits_of
from tritstream.rtl._mlir import Origin
from tritstream.rtl._schedule import Schedule
from tritstream.rtl.products import product_module, product_name
from tritstream.rtl.targets import VENDOR, Target, library

COUNT_BITS = 32
"""Width of trip counts and of the beats of a request."""
ZERO = "'0"
READ_PORTS = 2
"""Read ports of a bank of a memory that belongs to the caller."""
BLOCK_RAM_BITS = 4096
"""Banks larger than this ask for block RAM, smaller ones for LUT RAM."""


@dataclass(frozen=True)
class Port:
    """A port of the module: ``direction`` as SystemVerilog writes it."""

    direction: str
    name: str
    width: int


def literal(value: int, width: int) -> str:
    return f"{width}'h{value & ((1 << width) - 1):x}"


def any_of(terms: Iterable[str], default: str = "1'b0") -> str:
    found = list(dict.fromkeys(terms))
    return " | ".join(found) if found else default


def all_of(terms: Iterable[str], default: str = "1'b1") -> str:
    found = [t for t in dict.fromkeys(terms) if t != "1'b1"]
    return " & ".join(found) if found else default


def select(choices: list[tuple[str, str]], default: str) -> str:
    """A chain of conditions; the last choice needs none: it is asked for, or nobody cares."""
    if not choices:
        return default
    text = choices[-1][1]
    for condition, value in reversed(choices[:-1]):
        text = f"{condition} ? {value} : {text}"
    return text


def channel_ports(channel: Channel, incoming: bool) -> list[Port]:
    """Valid, ready and data of a stream."""
    there, back = ("input", "output") if incoming else ("output", "input")
    return [
        Port(there, f"{channel.name}_valid", 1),
        Port(back, f"{channel.name}_ready", 1),
        Port(there, f"{channel.name}_data", channel.width),
    ]


def master_ports(master: Master) -> list[Port]:
    """Requests of (address, count) in beats, answers, and one response per write request."""
    ports: list[Port] = []
    for wanted, letter in ((master.reads, "ar"), (master.writes, "aw")):
        if wanted:
            ports += [
                Port("output", f"{master.name}_{letter}_valid", 1),
                Port("input", f"{master.name}_{letter}_ready", 1),
                Port("output", f"{master.name}_{letter}_addr", address_bits(master.size)),
                Port("output", f"{master.name}_{letter}_count", COUNT_BITS),
            ]
    if master.reads:
        ports += channel_ports(master.read, True)
    if master.writes:
        ports += channel_ports(master.write, False)
        ports.append(Port("input", f"{master.name}_b_valid", 1))
    return ports


def memory_ports(memory: Memory) -> list[Port]:
    """Two read ports and a write port a bank; a word comes in the cycle after its address."""
    ports: list[Port] = []
    bits = address_bits(memory.depth)
    for bank in range(memory.banks):
        name = f"{memory.name}_{bank}"
        for k in range(READ_PORTS):
            ports += [
                Port("output", f"{name}_ren{k}", 1),
                Port("output", f"{name}_raddr{k}", bits),
                Port("input", f"{name}_rdata{k}", memory.width),
            ]
        ports += [
            Port("output", f"{name}_wen", 1),
            Port("output", f"{name}_waddr", bits),
            Port("output", f"{name}_wdata", memory.width),
        ]
    return ports


def design_ports(design: Design) -> list[Port]:
    """Every port of the module but clk, rst, start and done, in the order of the arguments."""
    ports: list[Port] = []
    ports += [Port("input", v.name, v.width) for v in design.inputs]
    ports += [Port("output", v.name, v.width) for v in design.outputs]
    for channel in design.channels_in:
        ports += channel_ports(channel, True)
    for channel in design.channels_out:
        ports += channel_ports(channel, False)
    for memory in design.memories:
        if memory.port:
            ports += memory_ports(memory)
    for master in design.masters:
        ports += master_ports(master)
    return ports


def module_header(name: str, ports: list[Port]) -> list[str]:
    lines = [f"module {name} ("]
    every = [Port("input", "clk", 1), Port("input", "rst", 1), Port("input", "start", 1)]
    every += [Port("output", "done", 1), *ports]
    for k, port in enumerate(every):
        vector = (
            f" [{port.width - 1}:0]" if port.name not in ("clk", "rst", "start", "done") else ""
        )
        comma = "," if k + 1 < len(every) else ""
        lines.append(f"  {port.direction} logic{vector} {port.name}{comma}")
    return [*lines, ");"]


@dataclass(frozen=True)
class Style:
    """How a design is written: for which target, and what the names of all modules start with."""

    memory_latency: int = 1
    target: Target = VENDOR
    prefix: str = ""


def emit_design(
    design: Design,
    schedules: dict[BasicBlock, Schedule],
    style: Style = Style(),
    modules: dict[str, str] | None = None,
) -> str:
    """The text of the module that carries the design's name; what else it needs for a target goes
    into ``modules``, by name."""
    emitter = _Emitter(design, schedules, style)
    text = emitter.text()
    if modules is not None:
        modules.update(emitter.modules)
    return text


@dataclass(eq=False)
class _State:
    name: str
    comment: str
    lines: list[str] = field(default_factory=list)


@dataclass(eq=False)
class _Room:
    """A FIFO of the module's own behind a stream that iterations reserve room in."""

    depth: int
    fires: list[str] = field(default_factory=list)
    spared: list[str] = field(default_factory=list)


class _Emitter:
    """The inside of a module, and the modules that it needs."""

    def __init__(self, design: Design, schedules: dict[BasicBlock, Schedule], style: Style) -> None:
        self.style = style
        self.design = design
        self.schedules = schedules
        self.latency = style.memory_latency
        self.target = style.target
        self.prefix = style.prefix
        self.declarations: list[str] = []
        self.body: list[str] = []
        self.modules: dict[str, str] = {}
        self.leaf_emitters: dict[BasicBlock, _LeafEmitter] = {}
        self.calls: dict[Unit, dict[tuple[Node, ...], tuple[str, list[str]]]] = {}
        """Of every unit the calls by operands: when, and the operands' text."""
        self.rooms = {
            put.channel: _Room(
                1
                << (
                    max(s.access[p] for s in schedules.values() for p in s.reserved) + 8
                ).bit_length()
            )
            for schedule in schedules.values()
            for put in schedule.reserved
        }
        self.states: list[_State] = []
        self.updates: dict[Variable, list[tuple[str, str]]] = {}
        self.gets: dict[Channel, list[str]] = {}
        self.puts: dict[Channel, list[tuple[str, str]]] = {}
        self.requests: dict[tuple[Master, bool], list[tuple[str, str, str]]] = {}
        self.reads: dict[Any, list[tuple[Schedule, int, str]]] = {}
        self.writes: dict[Any, list[tuple[str, str, str]]] = {}
        self.memory_ports = memory_read_ports(schedules)

    # The controller

    def text(self) -> str:
        d = self.design
        finish = _State("finish", "wait for the answers to all writes")
        pending = [f"({m.name}_pending == 0)" for m in d.masters if m.writes]
        pending += [f"({channel.name}_owed == 0)" for channel in self.rooms]
        finish.lines = [f"if ({all_of(pending)}) state <= idle;"]
        self.states = [finish]
        entry = self.items(d.items, "finish")
        idle = _State("idle", "")
        idle.lines = [f"if (start) state <= {entry};"]
        self.states.append(idle)
        self.states.reverse()
        for leaf, schedule in self.schedules.items():
            if leaf.unit is None:
                _LeafEmitter(self, leaf, schedule).emit()
        for unit, calls in self.calls.items():
            self.unit(unit, list(calls.values()))
        self.registers()
        self.memories()
        self.channels()
        self.masters()
        return "\n".join(self.assemble(pending)) + "\n"

    def assemble(self, pending: list[str]) -> list[str]:
        bits = max((len(self.states) - 1).bit_length(), 1)
        lines = [f"// {self.design.name}: generated from Allo's MLIR, do not edit"]
        lines += module_header(self.design.name, design_ports(self.design))
        lines.append(f"  typedef enum logic [{bits - 1}:0] {{")
        for k, state in enumerate(self.states):
            comma = "," if k + 1 < len(self.states) else ""
            note = f"  // {state.comment}" if state.comment else ""
            lines.append(f"    {state.name}{comma}{note}")
        lines.append("  } state_t;")
        lines.append("  state_t state;")
        lines += [f"  {x}" for x in self.declarations]
        lines.append("")
        lines.append("  always_ff @(posedge clk)")
        lines.append("    if (rst) state <= idle;")
        lines.append("    else case (state)")
        for state in self.states:
            lines.append(f"      {state.name}: begin")
            lines += [f"        {x}" for x in state.lines]
            lines.append("      end")
        lines.append("      default: state <= idle;")
        lines.append("    endcase")
        lines.append(f"  assign done = {all_of(['(state == finish)', *pending])};")
        lines.append("")
        lines += [f"  {x}" if x else "" for x in self.body]
        lines.append("endmodule")
        return lines

    def items(self, items: list[Item], after: str) -> str:
        entry = after
        for item in reversed(items):
            entry = self.item(item, entry)
        return entry

    def item(self, item: Item, after: str) -> str:
        if isinstance(item, BasicBlock):
            return self.leaf_states(item, after)
        if isinstance(item, Repeat):
            return self.repeat_states(item, after)
        then = self.items(item.then, after)
        otherwise = self.items(item.otherwise, after)
        state = _State(f"test_{item.condition.name}", "")
        state.lines = [f"state <= {item.condition.name}[0] ? {then} : {otherwise};"]
        self.states.append(state)
        return state.name

    def bound(self, bound: int | Variable, width: int) -> str:
        if isinstance(bound, int):
            return literal(bound, width)
        return extend(bound.name, bound.width, bound.low < 0, width)

    def trip_count(self, loop: Loop) -> tuple[str, int | None]:
        """Iterations of a loop: text of COUNT_BITS, and the number where it is constant."""
        if isinstance(loop.low, int) and isinstance(loop.high, int):
            trips = max(0, -(-(loop.high - loop.low) // loop.step))
            return literal(trips, COUNT_BITS), trips
        width = COUNT_BITS + 1
        low, high = self.bound(loop.low, width), self.bound(loop.high, width)
        self.declare(f"{loop.counter.name}_trips", width)
        self.body.append(
            f"assign {loop.counter.name}_trips = ($signed({high}) > $signed({low})) ? "
            f"{high} - {low} : '0;"
        )
        return f"{loop.counter.name}_trips[{COUNT_BITS - 1}:0]", None

    def declare(self, name: str, width: int) -> None:
        self.declarations.append(f"logic [{width - 1}:0] {name};")

    def assign_variable(self, variable: Variable, condition: str, value: str) -> None:
        self.updates.setdefault(variable, []).append((condition, value))

    def hazards(self, leaf: BasicBlock) -> list[str]:
        """A read of a master waits until what was written there has arrived."""
        reading = [b.master for b in (leaf.loop.bursts if leaf.loop else []) if not b.is_write]
        reading += [r.master for r in leaf.requests if not r.is_write]
        return [f"({m.name}_pending == 0)" for m in dict.fromkeys(reading) if m.writes]

    def start_loop(self, loop: Loop, body: str, after: str, waits: list[str]) -> tuple[str, str]:
        """The states that set a loop up: its counter, then the requests of its bursts."""
        trips, constant = self.trip_count(loop)
        name = loop.counter.name
        target = body
        for k, burst in enumerate(reversed(loop.bursts)):
            state = _State(f"request_{name}_{k}", "")
            letter = "aw" if burst.is_write else "ar"
            ready = f"{burst.master.name}_{letter}_ready"
            state.lines = [f"if ({ready}) state <= {target};"]
            self.states.append(state)
            self.requests.setdefault((burst.master, burst.is_write), []).append(
                (
                    f"(state == {state.name})",
                    self.bound(burst.base, address_bits(burst.master.size)),
                    trips,
                )
            )
            target = state.name
        init = _State(f"init_{name}", str(loop.origin))
        go = f"state <= {target};"
        if constant == 0:
            go = f"state <= {after};"
        elif constant is None:
            go = f"state <= ({trips} == 0) ? {after} : {target};"
        init.lines = [f"if ({all_of(waits)}) {go}" if waits else go]
        self.states.append(init)
        self.assign_variable(
            loop.counter, f"(state == {init.name})", self.bound(loop.low, loop.counter.width)
        )
        return init.name, trips

    def leaf_states(self, leaf: BasicBlock, after: str) -> str:
        schedule = self.schedules[leaf]
        run = _State(f"run_{leaf.name}", f"depth {schedule.depth}")
        busy = f"(|{leaf.name}_v)" if schedule.depth > 1 else "1'b0"
        if leaf.loop is None:
            run.lines = [f"if ({leaf.name}_end) state <= {after};"]
            self.states.append(run)
            return run.name
        run.lines = [f"if (({leaf.name}_left == 0) & ~{busy}) state <= {after};"]
        self.states.append(run)
        init, trips = self.start_loop(leaf.loop, run.name, after, self.hazards(leaf))
        name = leaf.name
        self.declare(f"{name}_left", COUNT_BITS)
        self.body += [
            "always_ff @(posedge clk)",
            f"  if (state == {init}) {name}_left <= {trips};",
            f"  else if ({name}_fire) {name}_left <= {name}_left - 1;",
        ]
        return init

    def repeat_states(self, item: Repeat, after: str) -> str:
        loop = item.loop
        counter = loop.counter
        test = _State(f"test_{counter.name}", "")
        step = _State(f"step_{counter.name}", "")
        body = self.items(item.body, step.name)
        width = max(counter.width, loop.high.width if isinstance(loop.high, Variable) else 0) + 2
        high = self.bound(loop.high, width)
        if isinstance(loop.high, int):
            width = max(width, bits_of(min(loop.high, -1), loop.high))
            high = literal(loop.high, width)
        at = extend(counter.name, counter.width, counter.low < 0, width)
        test.lines = [f"state <= ($signed({at}) < $signed({high})) ? {body} : {after};"]
        step.lines = [f"state <= {test.name};"]
        self.states += [test, step]
        self.assign_variable(
            counter,
            f"(state == {step.name})",
            f"{counter.name} + {literal(loop.step, counter.width)}",
        )
        init, _ = self.start_loop(loop, test.name, after, [])
        return init

    # What the leaves share

    def registers(self) -> None:
        ports = {*self.design.inputs, *self.design.outputs}
        for variable, updates in self.updates.items():
            if variable not in ports:
                self.declare(variable.name, variable.width)
            self.body.append("always_ff @(posedge clk)")
            for k, (condition, value) in enumerate(updates):
                word = "if" if k == 0 else "else if"
                self.body.append(f"  {word} ({condition}) {variable.name} <= {value};")
        used = {
            n.variable
            for s in self.schedules.values()
            for n in s.stage
            if isinstance(n, ReadVariable)
        }
        for variable in sorted(used - ports - set(self.updates), key=lambda v: v.name):
            # Read before anything was written: zero, as in the interpreter.
            self.declare(variable.name, variable.width)
            self.body.append(f"assign {variable.name} = '0;")
        for variable in (v for v in self.design.outputs if v not in self.updates):
            self.body.append(f"assign {variable.name} = '0;")

    def memories(self) -> None:
        for memory in self.design.memories:
            if self.target.instantiated_memories and not memory.port:
                self.instances(memory)
                continue
            for bank in range(memory.banks):
                self.bank(memory, bank)

    def instances(self, memory: Memory) -> None:
        """The banks of a memory as RAMs; those that are always used together share one."""
        bits = address_bits(memory.depth)
        for port in range(self.memory_ports.get(memory, 1)):
            groups: dict[Any, list[int]] = {}
            for bank in range(memory.banks):
                reads = self.reads.get((memory, bank, port), [])
                if not reads:
                    continue
                where = tuple((s.block.name, at, address) for s, at, address in reads)
                writes = tuple((c, a) for c, a, _ in self.writes.get((memory, bank), []))
                groups.setdefault((where, writes), []).append(bank)
            for banks in groups.values():
                self.instance(memory, port, banks, bits)

    def instance(self, memory: Memory, port: int, banks: list[int], bits: int) -> None:
        name = f"{memory.name}_{banks[0]}"
        reads = self.reads[memory, banks[0], port]
        leafed = self.leafed(reads)
        width = memory.width * len(banks)
        for bank in banks:
            self.declare(f"{memory.name}_{bank}_q{port}", memory.width)
        words = ", ".join(f"{memory.name}_{bank}_q{port}" for bank in reversed(banks))
        writes = [self.writes.get((memory, bank), []) for bank in banks]
        if not writes[0]:
            self.body.append(f"assign {{{words}}} = '0;")
            return
        data = [select([(c, v) for c, _, v in w], ZERO) for w in writes]
        # What no held stage reads may be read all the time.
        stops = any(at < x.s.last_enabled for x, at, _ in leafed)
        signals = {
            "wen": (1, any_of(w[0] for w in writes[0])),
            "waddr": (bits, select([(c, a) for c, a, _ in writes[0]], ZERO)),
            "wdata": (width, f"{{{', '.join(f'({d})' for d in reversed(data))}}}"),
            "ren": (1, any_of(x.active(at) for x, at, _ in leafed) if stops else "1'b1"),
            "raddr": (bits, select([(x.active(at), a) for x, at, a in leafed], ZERO)),
            "rce": (1, any_of(x.active(at + 1) for x, at, _ in leafed) if stops else "1'b1"),
        }
        for signal, (w, text) in signals.items():
            self.declare(f"{name}_{signal}{port}", w)
            self.body.append(f"assign {name}_{signal}{port} = {text};")
        pins = "".join(f", .{x}({name}_{x}{port})" for x in signals)
        if memory.depth * width > self.target.register_bits:
            self.use_ram()
            self.body += [
                f"{self.prefix}tritstream_ram #(.WIDTH({width}), .DEPTH({memory.depth})) "
                f"{name}_ram{port} (.clk(clk){pins}, .rdata({{{words}}}));"
            ]
            return
        array = f"{name}_mem{port}"
        self.declarations.append(
            f'(* ram_style = "logic" *) logic [{width - 1}:0] {array} [0:{memory.depth - 1}];'
        )
        self.declare(f"{name}_word{port}", width)
        self.body += [
            "always_ff @(posedge clk) begin",
            f"  if ({name}_wen{port}[0]) {array}[{name}_waddr{port}] <= {name}_wdata{port};",
            f"  if ({name}_ren{port}[0]) {name}_word{port} <= {array}[{name}_raddr{port}];",
            f"  if ({name}_rce{port}[0]) {{{words}}} <= {name}_word{port};",
            "end",
        ]

    def use_ram(self) -> None:
        name = f"{self.prefix}tritstream_ram"
        self.modules[name] = library("tritstream_ram", self.prefix)

    def use_fifo(self) -> None:
        self.use_ram()
        name = f"{self.prefix}tritstream_fifo"
        self.modules[name] = library("tritstream_fifo", self.prefix)

    def bank(self, memory: Memory, bank: int) -> None:
        name = f"{memory.name}_{bank}"
        bits = address_bits(memory.depth)
        writes = self.writes.get((memory, bank), [])
        ports = [
            k for k in range(self.memory_ports.get(memory, 1)) if (memory, bank, k) in self.reads
        ]
        if memory.port:
            for k in range(READ_PORTS):
                reads = self.reads.get((memory, bank, k), [])
                leafed = self.leafed(reads)
                address = select([(x.active(at), a) for x, at, a in leafed], ZERO)
                self.body += [
                    f"assign {name}_ren{k} = {any_of(x.active(at) for x, at, _ in leafed)};",
                    f"assign {name}_raddr{k} = {address};",
                ]
                self.output_registers(f"{name}_rdata{k}", f"{name}_q{k}", memory.width, reads)
            self.body += [
                f"assign {name}_wen = {any_of(w[0] for w in writes)};",
                f"assign {name}_waddr = {select([(c, a) for c, a, _ in writes], ZERO)};",
                f"assign {name}_wdata = {select([(c, v) for c, _, v in writes], ZERO)};",
            ]
            return
        if not ports:
            return
        style = "block" if memory.depth * memory.width > BLOCK_RAM_BITS else "distributed"
        for k in ports:
            reads = self.reads[memory, bank, k]
            array = f"{name}_mem{k}"
            self.declarations.append(
                f'(* ram_style = "{style}" *) logic [{memory.width - 1}:0] {array} '
                f"[0:{memory.depth - 1}];"
            )
            self.declare(f"{name}_word{k}", memory.width)
            self.declare(f"{name}_raddr{k}", bits)
            leafed = self.leafed(reads)
            address = select([(s.active(at), a) for s, at, a in leafed], ZERO)
            self.body += [
                f"assign {name}_raddr{k} = {address};",
                f"always_ff @(posedge clk) if ({any_of(s.active(at) for s, at, _ in leafed)}) "
                f"{name}_word{k} <= {array}[{name}_raddr{k}];",
            ]
            self.output_registers(f"{name}_word{k}", f"{name}_q{k}", memory.width, reads)
        if not writes:
            for k in ports:
                self.body.append(
                    f"initial for (int i = 0; i < {memory.depth}; i++) {name}_mem{k}[i] = '0;"
                )
            return
        self.declare(f"{name}_wen", 1)
        self.declare(f"{name}_waddr", bits)
        self.declare(f"{name}_wdata", memory.width)
        self.body += [
            f"assign {name}_wen = {any_of(w[0] for w in writes)};",
            f"assign {name}_waddr = {select([(c, a) for c, a, _ in writes], ZERO)};",
            f"assign {name}_wdata = {select([(c, v) for c, _, v in writes], ZERO)};",
        ]
        for k in ports:
            self.body.append(
                f"always_ff @(posedge clk) if ({name}_wen[0]) "
                f"{name}_mem{k}[{name}_waddr] <= {name}_wdata;"
            )

    def leafed(self, reads: list[tuple[Schedule, int, str]]) -> list[tuple[_LeafEmitter, int, str]]:
        return [(self.leaf_emitters[s.block], at, a) for s, at, a in reads]

    def output_registers(
        self, source: str, target: str, width: int, reads: list[tuple[Schedule, int, str]]
    ) -> None:
        """Further registers behind a memory, where its latency is more than one cycle."""
        if not reads:
            return
        self.declare(target, width)
        leafed = self.leafed(reads)
        for k in range(1, self.latency):
            name = f"{target}_r{k}"
            self.declare(name, width)
            self.body.append(
                f"always_ff @(posedge clk) if ({any_of(s.active(at + k) for s, at, _ in leafed)}) "
                f"{name} <= {source};"
            )
            source = name
        self.body.append(f"assign {target} = {source};")

    def unit(self, unit: Unit, calls: list[tuple[str, list[str]]]) -> None:
        """A function that exists once: its module, and whose operands it takes."""
        schedule = self.schedules[unit.block]
        scope = _Emitter(Design(unit.name, []), {}, self.style)
        leaf = _LeafEmitter(scope, unit.block, schedule)
        for node in schedule.stage:
            leaf.node(node)
        for variable, node in unit.block.nexts.items():
            value = leaf.bits(node, schedule.commit[variable], 0, variable.width)
            scope.body.append(f"always_ff @(posedge clk) {variable.name} <= {value};")
        name = f"{self.prefix}{self.design.name.removeprefix(self.prefix)}_{unit.name}"
        ports = [f"input  logic [{v.width - 1}:0] {v.name}" for v in unit.inputs]
        ports += [f"output logic [{v.width - 1}:0] {v.name}" for v in unit.outputs]
        lines = ["", f"// {unit.name}: a function of several calls, depth {schedule.depth}"]
        lines += [f"module {name} (", "  input  logic clk,", "  " + ",\n  ".join(ports), ");"]
        lines += [f"  {x}" for x in (*scope.declarations, *scope.body)]
        self.modules |= scope.modules
        self.modules[name] = "\n".join([*lines, "endmodule", ""])
        pins = ["    .clk(clk)"]
        for k, v in enumerate(unit.inputs):
            self.declare(f"{v.name}_in", v.width)
            chosen = " | ".join(
                f"({{{v.width}{{{when}}}}} & {operands[k]})" for when, operands in calls
            )
            self.body.append(f"always_ff @(posedge clk) {v.name}_in <= {chosen};")
            pins.append(f"    .{v.name}({v.name}_in)")
        for v in unit.outputs:
            self.declare(v.name, v.width)
            pins.append(f"    .{v.name}({v.name})")
        self.body += [f"{name} {unit.name}_i (", ",\n".join(pins), ");"]

    def channels(self) -> None:
        d = self.design
        for channel in [*d.channels_in, *(m.read for m in d.masters if m.reads)]:
            self.body.append(f"assign {channel.name}_ready = {any_of(self.gets.get(channel, []))};")
        for channel in [*d.channels_out, *(m.write for m in d.masters if m.writes)]:
            puts = self.puts.get(channel, [])
            name = channel.name
            if channel in self.rooms:
                name = f"{name}_own"
                self.room(channel, self.rooms[channel])
            self.body.append(f"assign {name}_valid = {any_of(c for c, _ in puts)};")
            self.body.append(f"assign {name}_data = {select(puts, ZERO)};")

    def room(self, channel: Channel, room: _Room) -> None:
        """The FIFO, and how many words are in it or may come: an iteration starts while few are."""
        name, depth = channel.name, room.depth
        bits = depth.bit_length() + 1
        self.use_fifo()
        for signal, width in (("valid", 1), ("ready", 1), ("data", channel.width)):
            self.declare(f"{name}_own_{signal}", width)
        self.declare(f"{name}_owed", bits)
        self.declare(f"{name}_room", 1)
        more = any_of(room.fires)
        self.body += [
            f"{self.prefix}tritstream_fifo #(.WIDTH({channel.width}), .DEPTH({depth}))",
            f"  {name}_fifo (.clk(clk), .rst(rst),",
            f"  .in_valid({name}_own_valid), .in_ready({name}_own_ready),",
            f"  .in_data({name}_own_data), .out_valid({name}_valid), .out_ready({name}_ready),",
            f"  .out_data({name}_data));",
            "always_ff @(posedge clk)",
            f"  if (rst) {name}_owed <= '0;",
            f"  else {name}_owed <= {name}_owed + {{{bits - 1}'d0, {more}}} "
            f"- {{{bits - 1}'d0, {name}_valid & {name}_ready}} "
            f"- {{{bits - 1}'d0, {any_of(room.spared)}}};",
            # A cycle late, in which one more may have come: hence the distance to the depth.
            f"always_ff @(posedge clk) {name}_room <= ~rst & ({name}_owed < {depth - 4});",
        ]

    def masters(self) -> None:
        for m in self.design.masters:
            for is_write, letter in ((False, "ar"), (True, "aw")):
                if not (m.writes if is_write else m.reads):
                    continue
                asked = self.requests.get((m, is_write), [])
                name = f"{m.name}_{letter}"
                self.body += [
                    f"assign {name}_valid = {any_of(c for c, _, _ in asked)};",
                    f"assign {name}_addr = {select([(c, a) for c, a, _ in asked], ZERO)};",
                    f"assign {name}_count = {select([(c, n) for c, _, n in asked], ZERO)};",
                ]
            if m.writes:
                self.declare(f"{m.name}_pending", 16)
                taken = f"{m.name}_aw_valid & {m.name}_aw_ready"
                self.body += [
                    "always_ff @(posedge clk)",
                    f"  if (rst) {m.name}_pending <= '0;",
                    f"  else {m.name}_pending <= {m.name}_pending + {{15'd0, {taken}}} "
                    f"- {{15'd0, {m.name}_b_valid}};",
                ]


def extend(name: str, width: int, is_signed: bool, wanted: int) -> str:
    """The text of a signal with more or fewer bits."""
    if wanted == width:
        return name
    if wanted < width:
        return f"{name}[{wanted - 1}:0]"
    more = wanted - width
    return (
        f"{{{{{more}{{{name}[{width - 1}]}}}}, {name}}}" if is_signed else f"{{{more}'d0, {name}}}"
    )


def memory_read_ports(schedules: dict[BasicBlock, Schedule]) -> dict[Memory, int]:
    """Read ports, that is copies, that each memory needs."""
    ports: dict[Memory, int] = {}
    for schedule in schedules.values():
        for load, port in schedule.port.items():
            ports[load.memory] = max(ports.get(load.memory, 1), port + 1)
    return ports


class _LeafEmitter:
    """The stages of one leaf."""

    def __init__(self, emitter: _Emitter, leaf: BasicBlock, schedule: Schedule) -> None:
        self.e = emitter
        self.leaf = leaf
        self.s = schedule
        self.p = leaf.name
        self.names: dict[tuple[Node, int | None], str] = {}
        self.origin: Origin | None = None
        emitter.leaf_emitters[leaf] = self
        blocking: list[Any] = [*leaf.gets, *leaf.puts, *leaf.requests]
        self.reserved = schedule.reserved
        blocking = [x for x in blocking if all(x is not y for y in self.reserved)]
        self.first = [x for x in blocking if schedule.access[x] == 0]
        self.later = [x for x in blocking if schedule.access[x] > 0]

    def valid(self, stage: int) -> str:
        return f"{self.p}_fire" if stage == 0 else f"{self.p}_v[{stage}]"

    def active(self, stage: int) -> str:
        """The stage holds an iteration and moves on."""
        if self.leaf.unit is not None:
            return "1'b1"
        if stage == 0 or stage > self.s.last_enabled:
            return self.valid(stage)
        return f"({self.p}_v[{stage}] & {self.p}_ce)"

    # Signals

    def raw(self, node: Node) -> tuple[str, int]:
        """The name of a node's signal in its own stage, and its width."""
        width = self.s.widths[node]
        if isinstance(node, ReadVariable):
            return node.variable.name, node.variable.width
        key = (node, self.s.stage[node])
        if key not in self.names:
            hint = "".join(c if c.isalnum() else "_" for c in node.hint) or node.mnemonic
            self.names[key] = f"{self.p}_{hint}_{node.id}"
        return self.names[key], width

    def at(self, node: Node, stage: int) -> tuple[str, int]:
        """The name of a node's signal in a stage, through registers, and its width."""
        own = self.s.stage[node]
        name, width = self.raw(node)
        if own is None or own == stage:
            return name, width
        assert stage > own, (self.p, node, own, stage)
        width = min(width, max(self.s.widths[node], 1))
        if not self.s.pipelined:
            key = (node, -1)
            if key not in self.names:
                kept = self.names[key] = f"{self.p}_{node.mnemonic}_{node.id}_q"
                self.e.declare(kept, width)
                self.e.body.append(
                    f"always_ff @(posedge clk) if ({self.active(own)}) "
                    f"{kept} <= {extend(name, self.raw(node)[1], False, width)};"
                )
            return self.names[key], width
        previous = extend(name, self.raw(node)[1], False, width)
        for k in range(own + 1, stage + 1):
            enable = f"if ({self.p}_ce) " if k <= self.s.last_enabled else ""
            key = (node, k)
            if key not in self.names:
                hint = "".join(c if c.isalnum() else "_" for c in node.hint) or node.mnemonic
                kept = self.names[key] = f"{self.p}_{hint}_{node.id}_d{k}"
                self.e.declare(kept, width)
                self.e.body.append(f"always_ff @(posedge clk) {enable}{kept} <= {previous};")
            previous = self.names[key]
        return previous, width

    def bits(self, node: Node, stage: int, low: int, width: int) -> str:
        """Bits [low, low + width) of the integer that a node denotes."""
        if isinstance(node, Const):
            return literal(node.value >> low, width)
        name, have = self.at(node, stage)
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

    def condition(self, node: Node, stage: int) -> str:
        return self.bits(node, stage, 0, 1)

    # Everything of the leaf

    def emit(self) -> None:
        e, p, s = self.e, self.p, self.s
        e.body += ["", f"// {p}: {'a pipeline' if s.pipelined else 'once'}, {s.depth} stage(s)"]
        e.declare(f"{p}_fire", 1)
        if s.depth > 1:
            e.declarations.append(f"logic [{s.depth - 1}:1] {p}_v;")
        if self.later:
            e.declare(f"{p}_ce", 1)
        for node in s.stage:
            self.node(node)
        self.handshakes()
        self.accesses()
        last = s.depth - 1
        if last and 0 < s.last_enabled < last:
            moved = (
                f"{p}_v[{s.last_enabled - 1}:1], {p}_fire" if s.last_enabled > 1 else f"{p}_fire"
            )
            behind = (
                f"{p}_v[{last - 1}:{s.last_enabled + 1}], " if last > s.last_enabled + 1 else ""
            )
            e.body += [
                "always_ff @(posedge clk)",
                f"  if (rst) {p}_v <= '0;",
                "  else begin",
                f"    if ({p}_ce) {p}_v[{s.last_enabled}:1] <= {{{moved}}};",
                f"    {p}_v[{last}:{s.last_enabled + 1}] <= "
                f"{{{behind}{self.active(s.last_enabled)}}};",
                "  end",
            ]
        elif s.depth > 1:
            moved = f"{p}_v[{s.depth - 2}:1], {p}_fire" if s.depth > 2 else f"{p}_fire"
            enable = f"if ({p}_ce) " if s.last_enabled else ""
            e.body += [
                "always_ff @(posedge clk)",
                f"  if (rst) {p}_v <= '0;",
                f"  else {enable}{p}_v <= {{{moved}}};",
            ]
        if not s.pipelined:
            e.declare(f"{p}_started", 1)
            e.declare(f"{p}_end", 1)
            e.body += [
                f"assign {p}_end = {self.active(s.depth - 1)};",
                "always_ff @(posedge clk)",
                f"  if (rst | {p}_end) {p}_started <= '0;",
                f"  else if ({p}_fire) {p}_started <= 1'b1;",
            ]
        for variable, node in self.leaf.nexts.items():
            stage = s.commit[variable]
            e.assign_variable(
                variable, self.active(stage), self.bits(node, stage, 0, variable.width)
            )

    def possible(self, access: Get | Put | Request) -> str:
        """The other side is ready for a blocking access."""
        if isinstance(access, Get):
            other = f"{access.channel.name}_valid"
        elif isinstance(access, Put):
            own = "_own" if access.channel in self.e.rooms else ""
            other = f"{access.channel.name}{own}_ready"
        else:
            other = f"{access.master.name}_{'aw' if access.is_write else 'ar'}_ready"
        condition = self.condition(access.condition, self.s.access[access])
        return other if condition == "1'h1" else f"(~{condition} | {other})"

    def handshakes(self) -> None:
        e, p = self.e, self.p
        running = [f"(state == run_{p})"]
        running.append(f"({p}_left != 0)" if self.s.pipelined else f"~{p}_started")
        if not self.s.pipelined:
            running += e.hazards(self.leaf)
        enable = [f"{p}_ce"] if self.later else []
        running += [f"{c.name}_room" for c in dict.fromkeys(put.channel for put in self.reserved)]
        ok_first = {a: self.possible(a) for a in self.first}
        ok_later = {a: f"(~{p}_v[{self.s.access[a]}] | {self.possible(a)})" for a in self.later}
        e.body.append(f"assign {p}_fire = {all_of([*running, *enable, *ok_first.values()])};")
        if self.later:
            e.body.append(f"assign {p}_ce = {all_of(ok_later.values())};")
        for put in self.reserved:
            stage, room = self.s.access[put], e.rooms[put.channel]
            condition = self.condition(put.condition, stage)
            asked = all_of([self.active(stage), *([] if condition == "1'h1" else [condition])])
            data = self.bits(put.value, stage, 0, put.channel.width)
            e.puts.setdefault(put.channel, []).append((f"({asked})", data))
            room.fires.append(f"{p}_fire")
            if condition != "1'h1":
                room.spared.append(f"({self.active(stage)} & ~{condition})")
        for access in (*self.first, *self.later):
            stage = self.s.access[access]
            others = ok_first if stage == 0 else ok_later
            terms = [*running, *enable] if stage == 0 else [self.valid(stage)]
            condition = self.condition(access.condition, stage)
            if condition != "1'h1":
                terms.append(condition)
            terms += [text for a, text in others.items() if a is not access]
            asked = f"({all_of(terms)})"
            if isinstance(access, Get):
                e.gets.setdefault(access.channel, []).append(asked)
            elif isinstance(access, Put):
                data = self.bits(access.value, stage, 0, access.channel.width)
                if access.channel in e.rooms:
                    # Asked for in every cycle that it waits; the word is there in the last of them.
                    e.rooms[access.channel].fires.append(
                        f"({asked} & {access.channel.name}_own_ready)"
                    )
                e.puts.setdefault(access.channel, []).append((asked, data))
            else:
                address = self.bits(access.address, stage, 0, address_bits(access.master.size))
                e.requests.setdefault((access.master, access.is_write), []).append(
                    (asked, address, literal(1, COUNT_BITS))
                )

    def accesses(self) -> None:
        e = self.e
        for load in self.leaf.loads:
            stage = self.s.access[load]
            address = self.bits(load.address, stage, 0, address_bits(load.memory.depth))
            e.reads.setdefault((load.memory, load.bank, self.s.port[load]), []).append(
                (self.s, stage, address)
            )
        for store in self.leaf.stores:
            stage = self.s.access[store]
            condition = self.condition(store.condition, stage)
            enable = self.active(stage)
            if condition != "1'h1":
                enable = f"({enable} & {condition})"
            e.writes.setdefault((store.memory, store.bank), []).append(
                (
                    enable,
                    self.bits(store.address, stage, 0, address_bits(store.memory.depth)),
                    self.bits(store.value, stage, 0, store.memory.width),
                )
            )

    def node(self, node: Node) -> None:
        if node.mnemonic in ("const", "variable") or self.s.widths[node] == 0:
            return
        e = self.e
        name, width = self.raw(node)
        if node.origin != self.origin:
            self.origin = node.origin
            e.body.append(f"// {node.origin or ''}")
        e.declare(name, width)
        if isinstance(node, TableWord):
            self.table(node, name, width)
            return
        if node.mnemonic == "load":
            load = next(x for x in self.leaf.loads if x.node is node)
            source = f"{load.memory.name}_{load.bank}_q{self.s.port[load]}"
            e.body.append(f"assign {name} = {extend(source, load.memory.width, False, width)};")
            return
        if node.mnemonic == "get":
            get = next(x for x in self.leaf.gets if x.node is node)
            data = extend(f"{get.channel.name}_data", get.channel.width, False, width)
            e.body.append(f"assign {name} = {data};")
            return
        if isinstance(node, UnitResult):
            unit, k = node.unit, node.output
            at = self.s.access[node.call]
            operands = [
                self.bits(n, at, 0, v.width) for n, v in zip(node.args, unit.inputs, strict=True)
            ]
            e.calls.setdefault(unit, {})[node.args] = (self.active(at), operands)
            output = unit.outputs[k]
            e.body.append(f"assign {name} = {extend(output.name, output.width, False, width)};")
            return
        if node in self.s.products:
            self.product(node, name, width)
            return
        e.body += self.expression(node, name, width, self.s.stage[node] or 0)

    def product(self, node: Node, name: str, width: int) -> None:
        e, at = self.e, self.s.access[node]
        product = self.s.products[node]
        a, b, rows = product.a, product.b, product.rows
        held = (self.s.stage[node] or 0) <= self.s.last_enabled
        module = e.prefix + product_name(a, b, width, rows, held)
        e.modules[module] = product_module(e.prefix, a, b, width, rows, held)
        pins = [
            f".{x}({self.bits(n, at, 0, w)})"
            for x, n, w in zip("ab", node.args, (a, b), strict=True)
        ]
        enable = [f".ce({self.p}_ce)"] if held else []
        e.body.append(
            f"{module} {name}_i ({', '.join(['.clk(clk)', *enable, *pins])}, .p({name}));"
        )

    def expression(self, node: Node, name: str, width: int, stage: int) -> list[str]:
        op, args = node.mnemonic, node.args

        def arg(k: int, bits: int) -> str:
            return self.bits(args[k], stage, 0, bits)

        signs = {"add": "+", "sub": "-", "and": "&", "or": "|", "xor": "^"}
        if op in signs:
            return [f"assign {name} = {arg(0, width)} {signs[op]} {arg(1, width)};"]
        if op == "not":
            return [f"assign {name} = ~{arg(0, 1)};"]
        if op in ("wraps", "wrapu"):
            return [f"assign {name} = {arg(0, width)};"]
        if isinstance(node, ShiftLeftBy):
            if node.amount >= width:
                return [f"assign {name} = '0;"]
            return [f"assign {name} = {{{arg(0, width - node.amount)}, {node.amount}'d0}};"]
        if isinstance(node, ShiftRightBy):
            return [f"assign {name} = {self.bits(args[0], stage, node.amount, width)};"]
        if op == "mux":
            return [f"assign {name} = {arg(0, 1)} ? {arg(1, width)} : {arg(2, width)};"]
        if op == "eq":
            common = self.common(args)
            return [f"assign {name} = {arg(0, common)} == {arg(1, common)};"]
        if op == "lt":
            common = self.common(args)
            if all(a.low >= 0 for a in args):
                return [f"assign {name} = {arg(0, common)} < {arg(1, common)};"]
            return [f"assign {name} = $signed({arg(0, common)}) < $signed({arg(1, common)});"]
        if op == "mul":
            # Operands keep their own widths, so that tools see the multiplier that is meant.
            factors = []
            for a in args:
                own = min(a.width, width) + (a.low >= 0 and a.width < width)
                factors.append(f"$signed({self.bits(a, stage, 0, own)})")
            return [
                "/* verilator lint_off WIDTH */",
                f"assign {name} = {factors[0]} * {factors[1]};",
                "/* verilator lint_on WIDTH */",
            ]
        if isinstance(node, ShiftLeft):
            shifted = f"{arg(0, width)} << {arg(1, args[1].width)}"
            if args[1].high >= node.limit:
                bits = args[1].width
                shifted = f"({arg(1, bits)} < {literal(node.limit, bits)}) ? ({shifted}) : '0"
            return [f"assign {name} = {shifted};"]
        if op == "shr":
            common = max(width, args[0].width)
            full = f"{name}_full"
            self.e.declare(full, common)
            word = arg(0, common)
            amount = arg(1, args[1].width)
            shifted = f"$signed({word}) >>> {amount}" if args[0].low < 0 else f"{word} >> {amount}"
            return [
                f"assign {full} = {shifted};",
                f"assign {name} = {extend(full, common, False, width)};",
            ]
        if isinstance(node, Insert):
            low, count = node.lowest, node.count
            pieces = []
            if width > low + count:
                pieces.append(self.bits(args[0], stage, low + count, width - low - count))
            if width > low:
                pieces.append(self.bits(args[1], stage, 0, min(count, width - low)))
            if low:
                pieces.append(self.bits(args[0], stage, 0, min(low, width)))
            return [f"assign {name} = {{{', '.join(pieces)}}};"]
        raise AssertionError(op)

    def common(self, args: tuple[Node, ...]) -> int:
        """A width that holds both, with the same signedness."""
        return bits_of(min(a.low for a in args), max(a.high for a in args))

    def table(self, node: TableWord, name: str, width: int) -> None:
        e = self.e
        at = self.s.access[node]
        values = node.table.values
        array = f"{name}_rom"
        # A small one is left to the tools: Yosys has no cell for a "distributed" one, and stops.
        style = '(* rom_style = "block" *) ' if len(values) * width > BLOCK_RAM_BITS else ""
        if e.target.instantiated_memories:
            style = '(* rom_style = "logic" *) '
        e.declarations.append(f"{style}logic [{width - 1}:0] {array} [0:{len(values) - 1}];")
        address = self.bits(node.args[0], at, 0, address_bits(len(values)))
        e.body.append("initial begin")
        e.body += [f"  {array}[{k}] = {literal(v, width)};" for k, v in enumerate(values)]
        e.body.append("end")
        first = name if e.latency == 1 else f"{name}_r1"
        address_name = f"{name}_addr"
        e.declare(address_name, address_bits(len(values)))
        e.body.append(f"assign {address_name} = {address};")
        e.body.append(
            f"always_ff @(posedge clk) if ({self.active(at)}) {first} <= {array}[{address_name}];"
        )
        for k in range(1, e.latency):
            target = name if k + 1 == e.latency else f"{name}_r{k + 1}"
            e.declare(f"{name}_r{k}", width)
            e.body.append(
                f"always_ff @(posedge clk) if ({self.active(at + k)}) {target} <= {name}_r{k};"
            )
