"""Stage 5, emit: one SystemVerilog module for a scheduled design.

A block is a pipeline whose stages have valid bits; a controller of one state or two a block starts
them one after the other. Both say what they want of registers, memories, streams and buses, which
are written last.
"""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.rtl._compiled import Controller, MappedText
from tritstream.rtl._emit.block import BlockWriter
from tritstream.rtl._emit.controller import ControllerWriter
from tritstream.rtl._emit.memory import memory_read_ports, write_memory
from tritstream.rtl._emit.scope import Scope, Style, Uses
from tritstream.rtl._emit.stream import credits_of, write_channels, write_masters
from tritstream.rtl._emit.text import mapped
from tritstream.rtl._emit.unit import write_unit
from tritstream.rtl._ir.operations import ReadVariable
from tritstream.rtl._ir.program import BasicBlock, Design
from tritstream.rtl._ports import CONTROL, design_signals
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import Assign, Lines, Module, all_of


def emit_design(
    design: Design,
    schedules: Mapping[BasicBlock, Schedule],
    style: Style,
    modules: dict[str, MappedText],
) -> tuple[MappedText, Controller]:
    """The text of the module that carries the design's name, and its controller; what else it needs
    goes into ``modules``, by name."""
    scope, uses = Scope(style), Uses(credits=credits_of(schedules.values()))
    pending = [f"({m.name}_pending == 0)" for m in design.masters if m.writes]
    for channel in uses.credits:
        pending += [f"({channel.name}_owed == 0)", f"~{channel.name}_took"]
    controller = ControllerWriter(scope, uses, schedules)
    controller.write(design.items, pending)
    for block, schedule in schedules.items():
        if block.unit is None:
            BlockWriter(scope, uses, schedule).write()
    for unit, calls in uses.calls.items():
        write_unit(scope, design.name, unit, schedules[unit.block], list(calls.values()))
    _write_registers(scope, uses, design, schedules)
    copies = memory_read_ports(schedules)
    for memory in design.memories:
        write_memory(scope, uses, memory, copies.get(memory, 1))
    write_channels(scope, uses, design)
    write_masters(scope, uses, design)
    modules |= scope.modules
    items = [
        Lines(tuple(controller.declaration())),
        *scope.declarations,
        Lines(("", *controller.transitions())),
        Assign("done", all_of(["(state == finish)", *pending])),
        Lines(("",)),
        *scope.body,
    ]
    comment = f"{design.name}: generated from Allo's MLIR, do not edit"
    module = Module(design.name, [*CONTROL, *design_signals(design)], items, comment)
    function = design.name.removeprefix(style.prefix)
    operations = sum(len(schedule.stage) for schedule in schedules.values())
    return mapped(module), Controller(design.name, function, (), controller.states, operations)


def _write_registers(
    scope: Scope, uses: Uses, design: Design, schedules: Mapping[BasicBlock, Schedule]
) -> None:
    ports = {*design.inputs, *design.outputs}
    for variable, updates in uses.updates.items():
        if variable not in ports:
            scope.declare(variable.name, variable.width)
        words = ["if", *["else if"] * (len(updates) - 1)]
        lines = [
            f"{word} ({condition}) {variable.name} <= {value};"
            for word, (condition, value) in zip(words, updates, strict=True)
        ]
        scope.text("always_ff @(posedge clk)", *(f"  {line}" for line in lines))
    nodes = [n for s in schedules.values() for n in s.stage if isinstance(n, ReadVariable)]
    used = {n.variable for n in nodes}
    for variable in sorted(used - ports - set(uses.updates), key=lambda v: v.name):
        # Read before anything was written: zero, as in the interpreter.
        scope.declare(variable.name, variable.width)
        scope.assign(variable.name, "'0")
    for variable in (v for v in design.outputs if v not in uses.updates):
        scope.assign(variable.name, "'0")
