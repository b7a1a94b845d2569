"""Units: a function that exists once, as a module, and the choice of whose operands it takes."""

from __future__ import annotations

from collections.abc import Sequence

from tritstream.rtl._emit.block import BlockWriter
from tritstream.rtl._emit.scope import Call, Scope, Uses
from tritstream.rtl._emit.text import mapped
from tritstream.rtl._ir.program import Unit
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import Instance, Layout, Module, Port, pin, pins


def write_unit(
    scope: Scope, process: str, unit: Unit, schedule: Schedule, calls: Sequence[Call]
) -> None:
    """The module of a unit of that process, and its instance in the scope."""
    inner = Scope(scope.style)
    writer = BlockWriter(inner, Uses(), schedule)
    writer.nodes()
    for variable, node in unit.block.nexts.items():
        value = writer.bits(node, schedule.commit[variable], 0, variable.width)
        inner.clocked(f"{variable.name} <= {value};")
    writer.finish()
    prefix = scope.style.prefix
    name = f"{prefix}{process.removeprefix(prefix)}_{unit.name}"
    ports = [Port("input", "clk"), *(Port("input", v.name, v.width) for v in unit.inputs)]
    ports += [Port("output", v.name, v.width) for v in unit.outputs]
    comment = f"{unit.name}: a function of several calls, depth {schedule.depth}"
    items = [*inner.declarations, *inner.body]
    scope.modules |= inner.modules
    scope.modules[name] = mapped(Module(name, ports, items, comment, aligned=True), "\n")
    rows = pins(["clk"])
    for k, v in enumerate(unit.inputs):
        scope.declare(f"{v.name}_in", v.width)
        chosen = " | ".join(f"({{{v.width}{{{c.when}}}}} & {c.operands[k]})" for c in calls)
        scope.clocked(f"{v.name}_in <= {chosen};")
        rows.append(pin(v.name, f"{v.name}_in"))
    for v in unit.outputs:
        scope.declare(v.name, v.width)
        rows.append(pin(v.name, v.name))
    scope.add(Instance(name, f"{unit.name}_i", tuple(rows), layout=Layout.HANGING))
