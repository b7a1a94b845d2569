"""The compiler as a whole: from a function of an MLIR module to SystemVerilog text and a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from tritstream.rtl._compiled import BlockReport, Compiled, Controller, MappedText, joined
from tritstream.rtl._emit.design import emit_design
from tritstream.rtl._emit.memory import memory_read_ports
from tritstream.rtl._emit.region import Region
from tritstream.rtl._emit.scope import Style
from tritstream.rtl._ir.dump import dump_design
from tritstream.rtl._ir.program import BasicBlock, Branch, Design, Item, Repeat
from tritstream.rtl._legalise import legalise
from tritstream.rtl._lower import lower
from tritstream.rtl._mlir import Function, Module
from tritstream.rtl._mlir.dump import dump_function
from tritstream.rtl._ports import port_of
from tritstream.rtl._schedule import FABRICS, Fabric, Schedule, Timing, schedule_block
from tritstream.rtl._schedule.schedule import stage_text
from tritstream.rtl._unsupported import UnsupportedError
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
    recurrence: float = 0.0
    """Nanoseconds that what an iteration hands to the next may take, where more than the period."""
    target: Target = VENDOR
    """One that instantiates memories has a memory latency of two."""

    @property
    def latency(self) -> int:
        """Cycles from an address of a memory to its word."""
        return 2 if self.target.instantiated_memories else self.memory_latency

    @property
    def timing(self) -> Timing:
        """What the scheduler aims at."""
        return Timing(
            self.period, self.fabric, self.latency, self.read_ports, self.target, self.recurrence
        )

    @property
    def style(self) -> Style:
        """How modules are written."""
        return Style(self.latency, self.target, self.prefix)


Trace = Callable[[str, str], None]
"""Is told the name of a stage and what it made, as text."""


def compile_function(
    module: Module, name: str, options: Options = Options(), trace: Trace | None = None
) -> Compiled:
    """RTL of a function: a kernel or a dataflow region. ``trace`` is told every stage.

    Raises UnsupportedError.
    """
    function = module.function(name)
    if function.is_dataflow:
        if options.masters is None:
            options = replace(options, masters=True)
        return _compile_region(module, function, options, trace)
    design, schedules, reports = compile_design(module, function, options, trace)
    modules: dict[str, MappedText] = {}
    text, controller = emit_design(design, schedules, options.style, modules)
    return Compiled(
        design.name,
        joined([*modules.values(), text]),
        tuple(port_of(port, design) for port in design.ports),
        (controller,),
        blocks=reports,
        memory_latency=options.latency,
    )


def compile_design(
    module: Module, function: Function, options: Options, trace: Trace | None = None
) -> tuple[Design, dict[BasicBlock, Schedule], list[BlockReport]]:
    """The scheduled design of one process."""
    design = lower(module, function, bool(options.masters), options.target)
    design.name = options.prefix + design.name
    if trace:
        trace("parse", dump_function(function))
        trace("lower", dump_design(design))
    legalise(design)
    if trace:
        trace("legalise", dump_design(design))
    schedules: dict[BasicBlock, Schedule] = {}
    for unit in design.units:
        made = schedules[unit.block] = schedule_block(unit.block, options.timing)
        # A register takes the operands, another one the result.
        unit.latencies = [made.commit[v] + 2 for v in unit.outputs]
    notes: dict[BasicBlock, str] = {}
    design.items = _schedule_loops(design.items, options, schedules, notes)
    ports = memory_read_ports(schedules)
    for block in design.blocks():
        if block not in schedules:
            schedules[block] = schedule_block(block, options.timing, ports)
    inner = [unit.block for unit in design.units]
    ordered = {block: schedules[block] for block in (*inner, *design.blocks())}
    if trace:
        trace("schedule", dump_design(design, partial(stage_text, ordered)))
    reports = [
        BlockReport(
            design.name,
            block.name,
            str(block.loop.origin) if block.loop else "",
            s.depth,
            int(block.loop is not None),
            round(s.longest, 2),
            notes.get(block, ""),
        )
        for block, s in ordered.items()
    ]
    return design, ordered, reports


def _schedule_loops(
    items: list[Item],
    options: Options,
    schedules: dict[BasicBlock, Schedule],
    notes: dict[BasicBlock, str],
) -> list[Item]:
    """Schedules the pipelined blocks; one that is refused becomes a sequential loop if allowed."""
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


def _compile_region(
    module: Module, function: Function, options: Options, trace: Trace | None
) -> Compiled:
    """A dataflow region: its processes as modules of their own, its streams as FIFOs."""
    texts: list[MappedText] = []
    modules: dict[str, MappedText] = {}
    reports: list[BlockReport] = []
    prefix = options.prefix

    def compile_process(callee: Function) -> tuple[Design, Controller]:
        design, schedules, found = compile_design(module, callee, options, trace)
        text, controller = emit_design(design, schedules, options.style, modules)
        texts.append(text)
        reports.extend(found)
        return design, replace(controller, instances=(f"{design.name}_i",))

    region = Region(function, prefix, f"{prefix}tritstream_fifo")
    region.build(module, compile_process)
    fifo = MappedText("\n" + library("stream_fifo", prefix))
    if options.target.instantiated_memories:
        for name in ("tritstream_ram", "tritstream_fifo"):
            modules[prefix + name] = MappedText(library(name, prefix))
        fifo = MappedText("")
    return Compiled(
        region.name,
        joined([*modules.values(), *texts, fifo, MappedText(region.text())], "\n"),
        tuple(region.arguments[a] for a in function.arguments),
        tuple(region.controllers),
        region.fifos(),
        reports,
        options.latency,
    )
