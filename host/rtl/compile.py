"""The compiler as a whole: from a function of an MLIR module to SystemVerilog text and a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tritstream.rtl._ir.program import BasicBlock, Branch, Design, Item, Repeat
from tritstream.rtl._ir.storage import Channel, Master, Memory, Variable
from tritstream.rtl._legalise import legalise
from tritstream.rtl._lower import lower
from tritstream.rtl._mlir import Function, Module, StreamType
from tritstream.rtl._schedule import FABRICS, Fabric, Schedule, Timing, schedule_block
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.emit import (
    Port,
    Style,
    channel_ports,
    design_ports,
    emit_design,
    master_ports,
    memory_ports,
    memory_read_ports,
    module_header,
)
from tritstream.rtl.targets import VENDOR, Target, library


@dataclass(frozen=True)
class Options:
    """``period`` in ns. ``strict``: refuse a loop that cannot start an iteration every cycle; else
    it runs one iteration after the other, which the report says. ``masters``: arrays that are not
    partitioned are behind a bus; None: in dataflow regions only."""

    period: float = 10.0
    fabric: Fabric = FABRICS["xc7"]
    memory_latency: int = 1
    read_ports: int = 2
    strict: bool = True
    masters: bool | None = None
    prefix: str = ""
    """What the names of all modules start with, so that several kernels fit into one design."""
    target: Target = VENDOR
    """One that instantiates memories has a memory latency of two."""

    @property
    def latency(self) -> int:
        return 2 if self.target.instantiated_memories else self.memory_latency

    @property
    def timing(self) -> Timing:
        return Timing(self.period, self.fabric, self.latency, self.read_ports, self.target)

    @property
    def style(self) -> Style:
        return Style(self.latency, self.target, self.prefix)


@dataclass(frozen=True)
class BlockReport:
    """One leaf: ``interval`` 1 for a pipelined loop, 0 for what runs once."""

    process: str
    name: str
    where: str
    depth: int
    interval: int
    longest_ns: float
    note: str = ""


@dataclass(eq=False)
class Compiled:
    """SystemVerilog of ``top`` and all it contains. ``arguments``: the port of every argument."""

    top: str
    text: str
    arguments: list[Variable | Channel | Memory | Master]
    inputs: set[Variable]
    channels_in: set[Channel]
    blocks: list[BlockReport] = field(default_factory=list)
    memory_latency: int = 1


def compile_function(module: Module, name: str, options: Options = Options()) -> Compiled:
    """RTL of a function: a kernel or a dataflow region. Raises UnsupportedError."""
    function = module.function(name)
    if function.is_dataflow:
        if options.masters is None:
            options = replace(options, masters=True)
        return _compile_region(module, function, options)
    design, schedules, reports = compile_design(module, function, options)
    modules: dict[str, str] = {}
    text = emit_design(design, schedules, options.style, modules)
    return Compiled(
        design.name,
        "".join([*modules.values(), text]),
        design.ports,
        set(design.inputs),
        set(design.channels_in),
        reports,
        options.latency,
    )


def compile_design(
    module: Module, function: Function, options: Options
) -> tuple[Design, dict[BasicBlock, Schedule], list[BlockReport]]:
    """The scheduled design of one process."""
    design = lower(module, function, bool(options.masters), options.target)
    design.name = options.prefix + design.name
    legalise(design)
    schedules: dict[BasicBlock, Schedule] = {}
    for unit in design.units:
        made = schedules[unit.block] = schedule_block(unit.block, options.timing)
        # A register takes the operands, another one the result.
        unit.latencies = [made.commit[v] + 2 for v in unit.outputs]
    notes: dict[BasicBlock, str] = {}
    design.items = _schedule_loops(design.items, options, schedules, notes)
    ports = memory_read_ports(schedules)
    for leaf in design.blocks():
        if leaf not in schedules:
            schedules[leaf] = schedule_block(leaf, options.timing, ports)
    inner = [unit.block for unit in design.units]
    ordered = {leaf: schedules[leaf] for leaf in (*inner, *design.blocks())}
    reports = [
        BlockReport(
            design.name,
            leaf.name,
            str(leaf.loop.origin) if leaf.loop else "",
            s.depth,
            int(leaf.loop is not None),
            round(s.longest, 2),
            notes.get(leaf, ""),
        )
        for leaf, s in ordered.items()
    ]
    return design, ordered, reports


def _schedule_loops(
    items: list[Item],
    options: Options,
    schedules: dict[BasicBlock, Schedule],
    notes: dict[BasicBlock, str],
) -> list[Item]:
    """Schedules the pipelined leaves; one that is refused becomes a sequential loop if allowed."""
    made: list[Item] = []
    for item in items:
        if isinstance(item, Repeat):
            item.body = _schedule_loops(item.body, options, schedules, notes)
        elif isinstance(item, Branch):
            item.then = _schedule_loops(item.then, options, schedules, notes)
            item.otherwise = _schedule_loops(item.otherwise, options, schedules, notes)
        elif item.loop is not None:
            try:
                schedules[item] = schedule_block(item, options.timing)
            except UnsupportedError as refusal:
                if options.strict:
                    raise
                loop, item.loop = item.loop, None
                item.nexts.pop(loop.counter, None)
                # The counter of a sequential loop also holds the value that ends it.
                loop.counter.high += loop.step
                notes[item] = str(refusal)
                made.append(Repeat(loop, [item]))
                continue
        made.append(item)
    return made


FIFO = """
// A FIFO whose output is a register behind the memory; DEPTH is a power of two.
module PREFIXtritstream_fifo #(
  parameter int WIDTH = 8,
  parameter int DEPTH = 2
) (
  input  logic clk,
  input  logic rst,
  input  logic in_valid,
  output logic in_ready,
  input  logic [WIDTH-1:0] in_data,
  output logic out_valid,
  input  logic out_ready,
  output logic [WIDTH-1:0] out_data
);
  localparam int BITS = $clog2(DEPTH);
  logic [WIDTH-1:0] words [0:DEPTH-1];
  logic [BITS:0] head, tail;
  wire logic [BITS:0] count = tail - head;
  assign in_ready = ~count[BITS];
  wire logic push = in_valid & in_ready;
  wire logic pull = (count != '0) & (~out_valid | out_ready);
  always_ff @(posedge clk) begin
    if (push) words[tail[BITS-1:0]] <= in_data;
    if (pull) out_data <= words[head[BITS-1:0]];
  end
  always_ff @(posedge clk)
    if (rst) begin
      head <= '0;
      tail <= '0;
      out_valid <= 1'b0;
    end else begin
      if (push) tail <= tail + 1'b1;
      if (pull) head <= head + 1'b1;
      if (pull | out_ready) out_valid <= pull;
    end
endmodule
"""


def _compile_region(module: Module, function: Function, options: Options) -> Compiled:
    """A dataflow region: its processes as modules of their own, its streams as FIFOs."""
    texts: list[str] = []
    modules: dict[str, str] = {}
    reports: list[BlockReport] = []
    streams: dict[object, tuple[str, StreamType]] = {}
    top_ports: list[Port] = []
    lines: list[str] = []
    wires: list[str] = []
    ends: dict[object, set[str]] = {}
    arguments: dict[object, Variable | Channel | Memory | Master] = {}
    inputs: set[Variable] = set()
    channels_in: set[Channel] = set()
    users: dict[object, str] = {}
    done: list[str] = []
    names = {a: a.name or f"arg{k}" for k, a in enumerate(function.arguments)}

    for op in function.body.ops:
        if op.name == "allo.stream_construct":
            t = op.results[0].type
            assert isinstance(t, StreamType)
            name = op.text("name") or op.results[0].name
            streams[op.results[0]] = (name, t)
            for side in ("in", "out"):
                wires += [f"logic {name}_{side}_valid, {name}_{side}_ready;"]
                wires += [f"logic [{t.width - 1}:0] {name}_{side}_data;"]
            continue
        if op.name == "func.return":
            continue
        if op.name != "func.call":
            raise UnsupportedError(f"{op}: a dataflow region contains calls and streams only")
        callee = module.function(op.callee)
        design, schedules, found = compile_design(module, callee, options)
        texts.append(emit_design(design, schedules, options.style, modules))
        reports += found
        pins = ["    .clk(clk)", "    .rst(rst)", "    .start(start & ~busy)"]
        pins.append(f"    .done({design.name}_done)")
        wires.append(f"logic {design.name}_done, {design.name}_ended;")
        done.append(design.name)
        for position, operand in enumerate(op.operands):
            port = design.ports[position]
            if operand in streams:
                assert isinstance(port, Channel)
                side = "out" if port in design.channels_in else "in"
                if side in ends.setdefault(operand, set()):
                    raise UnsupportedError(
                        f"{op}: stream {streams[operand][0]} has two readers or writers"
                    )
                ends[operand].add(side)
                prefix = f"{streams[operand][0]}_{side}"
                pins += [f"    .{port.name}_{x}({prefix}_{x})" for x in ("valid", "ready", "data")]
                continue
            top = names[operand]
            made = _ports_of(port, design)
            if not (isinstance(port, Variable) and port in design.inputs):
                if operand in users:
                    raise UnsupportedError(
                        f"{op}: argument {top} is used by {users[operand]} and {callee.name}: only "
                        f"scalars that are read can be shared"
                    )
                users[operand] = callee.name
            assert isinstance(port, Variable | Channel | Memory | Master)
            for p in made:
                outer = top + p.name[len(port.name) :]
                pins.append(f"    .{p.name}({outer})")
                if all(q.name != outer for q in top_ports):
                    top_ports.append(Port(p.direction, outer, p.width))
            if operand not in arguments:
                arguments[operand] = _renamed(port, top)
                if isinstance(port, Variable) and port in design.inputs:
                    inputs.add(arguments[operand])  # type: ignore[arg-type]
                if isinstance(port, Channel) and port in design.channels_in:
                    channels_in.add(arguments[operand])  # type: ignore[arg-type]
        lines += [f"  {design.name} {design.name}_i (", ",\n".join(pins), "  );"]
    for value, (name, t) in streams.items():
        if ends.get(value, set()) != {"in", "out"}:
            raise UnsupportedError(f"stream {name} of {function.where} lacks a reader or a writer")
        depth = max(2, 1 << max(t.depth - 1, 1).bit_length())
        lines.append(
            f"  {options.prefix}tritstream_fifo #(.WIDTH({t.width}), .DEPTH({depth})) {name}_i (\n"
            f"    .clk(clk), .rst(rst),\n    .in_valid({name}_in_valid), "
            f".in_ready({name}_in_ready), "
            f".in_data({name}_in_data),\n    .out_valid({name}_out_valid), "
            f".out_ready({name}_out_ready), .out_data({name}_out_data));"
        )
    # A process may end in any order; the region ends with the last.
    tail = ["  always_ff @(posedge clk)", "    if (rst) busy <= 1'b0;"]
    tail += ["    else if (done) busy <= 1'b0;", "    else if (start) busy <= 1'b1;"]
    for name in done:
        tail += [
            "  always_ff @(posedge clk)",
            f"    if (rst | done) {name}_ended <= 1'b0;",
            f"    else if ({name}_done) {name}_ended <= 1'b1;",
        ]
    ended = " & ".join(f"({n}_ended | {n}_done)" for n in done)
    tail.append(f"  assign done = busy & {ended};")
    text = "\n".join(
        [
            f"// {function.name}: a dataflow region, generated from Allo's MLIR, do not edit",
            *module_header(options.prefix + function.name, top_ports),
            "  logic busy;",
            *(f"  {w}" for w in wires),
            "",
            *lines,
            *tail,
            "endmodule",
            "",
        ]
    )
    fifo = FIFO.replace("PREFIX", options.prefix)
    if options.target.instantiated_memories:
        for name in ("tritstream_ram", "tritstream_fifo"):
            modules[options.prefix + name] = library(name, options.prefix)
        fifo = ""
    unused = [names[a] for a in function.arguments if a not in arguments]
    if unused:
        raise UnsupportedError(f"argument {unused[0]} of {function.where} is used by no process")
    return Compiled(
        options.prefix + function.name,
        "\n".join([*modules.values(), *texts, fifo, text]),
        [arguments[a] for a in function.arguments],
        inputs,
        channels_in,
        reports,
        options.latency,
    )


def _ports_of(port: object, design: Design) -> list[Port]:
    if isinstance(port, Variable):
        direction = "input" if port in design.inputs else "output"
        return [Port(direction, port.name, port.width)]
    if isinstance(port, Channel):
        return channel_ports(port, port in design.channels_in)
    if isinstance(port, Memory):
        return memory_ports(port)
    assert isinstance(port, Master)
    return master_ports(port)


def _renamed(
    port: Variable | Channel | Memory | Master, name: str
) -> Variable | Channel | Memory | Master:
    """The port under the name that the region gives it."""
    if isinstance(port, Variable):
        return Variable(name, port.low, port.high)
    if isinstance(port, Channel):
        return Channel(name, port.width)
    if isinstance(port, Memory):
        return Memory(name, port.width, port.banks, port.depth, True)
    return Master(
        name,
        port.width,
        port.size,
        Channel(f"{name}_r", port.width),
        Channel(f"{name}_w", port.width),
        port.reads,
        port.writes,
    )


__all__ = [
    "BlockReport",
    "Compiled",
    "Options",
    "compile_design",
    "compile_function",
    "design_ports",
]
