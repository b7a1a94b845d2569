"""Stages of the compiler by themselves: what parse keeps, legalise joins and schedule places."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import tritstream.rtl
from tritstream.configurations import configuration_named
from tritstream.cosim.resources import dsp_places
from tritstream.rtl import (
    FABRICS,
    ZYNQ7_OPEN,
    MappedText,
    MemRefType,
    Origin,
    UnsupportedError,
    compile_kernel,
    joined,
    parse,
)
from tritstream.rtl._ir.operations import Const, Mul, Node, ReadVariable
from tritstream.rtl._ir.program import BasicBlock, Design, Load, Loop, Store
from tritstream.rtl._ir.storage import Memory, Variable
from tritstream.rtl._legalise import legalise
from tritstream.rtl._mlir import IntType, StreamType
from tritstream.rtl._schedule import Schedule, Timing, schedule_block

XC7 = FABRICS["xc7"]
HERE = Origin("test", "", "kernel.py:3", 3, "f")
COUNT, A, B, S = (Variable(n, -(1 << 15), (1 << 15) - 1) for n in "iabs")


def loop_block() -> BasicBlock:
    block = BasicBlock("work")
    block.loop = Loop(COUNT, 0, 9, 1, "i", HERE)
    return block


def store(
    block: BasicBlock, memory: Memory, address: Node, value: Node, order: int, on: Node
) -> None:
    predicate = frozenset() if isinstance(on, Const) else frozenset({(on, True)})
    block.stores.append(Store(order, predicate, HERE, memory, 0, address, value, on))


def stages(period: float, additions: int) -> Schedule:
    """Of a store of a + i + i + ..."""
    block = loop_block()
    g = block.graph
    value = g.variable(A)
    for k in range(additions):
        value = g.add(value, g.shlc(g.variable(COUNT), 2 * k))
    block.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    store(block, Memory("m", 64, 1, 16), g.wrapu(g.variable(COUNT), 4), value, 1, g.const(1))
    return schedule_block(block, Timing(period, XC7))


def test_parse_knows_lines_names_and_types() -> None:
    module = parse(
        """
"builtin.module"() ({
  "func.func"() <{function_type = (memref<4x2xi7>, !allo.stream<i9, 3>) -> (), sym_name = "f"}> ({
  ^bb0(%m: memref<4x2xi7>, %s: !allo.stream<i9, 3>):
    %c = "arith.constant"() <{value = 3 : index}> : () -> index loc("kernel.py":12:4)
    "func.return"() : () -> ()
  }) : () -> ()
}) : () -> ()
"""
    )
    function = module.function("f")
    assert [a.type for a in function.arguments] == [MemRefType((4, 2), 7), StreamType(9, 3)]
    op = function.body.ops[0]
    assert (op.name, op.origin.place, op.origin.line) == ("arith.constant", "kernel.py:12", 5)
    assert op.integer("value") == 3 and op.results[0].type == IntType(32)


def test_operations_chain_while_they_fit_the_clock() -> None:
    depths = [stages(period, 4).depth for period in (20.0, 6.0, 3.5)]
    assert depths[0] == 1 and depths[0] < depths[1] < depths[2]
    for period in (20.0, 6.0, 3.5):
        assert stages(period, 4).longest <= period


def test_an_operation_longer_than_the_clock_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="more than the clock period"):
        stages(2.0, 1)


def accumulator(period: float) -> Schedule:
    """s += a product of what does not depend on s."""
    block = loop_block()
    g = block.graph
    term = g.mul(g.variable(COUNT), g.variable(A))
    block.nexts[S] = g.wraps(g.add(g.variable(S), term), 16)
    block.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    return schedule_block(block, Timing(period, XC7))


def test_what_an_iteration_hands_on_is_computed_in_one_stage() -> None:
    schedule = accumulator(6.0)
    reads = next(n for n in schedule.stage if isinstance(n, ReadVariable) and n.variable is S)
    assert schedule.stage[reads] == schedule.commit[S] > 0
    product = next(n for n in schedule.stage if isinstance(n, Mul))
    assert (schedule.stage[product] or 0) < schedule.commit[S]


def test_a_recurrence_longer_than_the_clock_is_refused() -> None:
    block = loop_block()
    g = block.graph
    block.nexts[S] = g.wraps(g.mul(g.variable(S), g.add(g.variable(S), g.variable(A))), 16)
    block.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    with pytest.raises(UnsupportedError, match="hands to the next takes"):
        schedule_block(block, Timing(6.0, XC7))


def test_a_load_waits_for_the_store_of_an_earlier_iteration() -> None:
    """m[i + 1] = f(m[i]) goes through memory; m[i] = f(m[i]) does not."""
    for offset, refused in ((0, False), (1, True)):
        block = loop_block()
        g = block.graph
        memory = Memory("m", 16, 1, 16)
        counter = Variable("i", 0, 8)
        at = g.variable(counter)
        node = g.load(memory, 0, at, 0)
        block.loop = Loop(counter, 0, 9, 1, "i", HERE)
        block.loads.append(Load(1, frozenset(), HERE, node, memory, 0, at))
        value = g.wraps(g.add(node, g.variable(A)), 16)
        store(block, memory, g.add(at, g.const(offset)), value, 2, g.const(1))
        block.nexts[counter] = g.add(at, g.const(1))
        if refused:
            with pytest.raises(UnsupportedError, match="goes through memory"):
                schedule_block(block, Timing(10.0, XC7))
        else:
            schedule = schedule_block(block, Timing(10.0, XC7))
            assert schedule.access[block.stores[0]] > schedule.access[block.loads[0]]


def test_exclusive_writes_share_a_port_and_others_do_not() -> None:
    for same in (False, True):
        block = loop_block()
        g = block.graph
        flag = g.variable(Variable("flag", 0, 1))
        memory = Memory("m", 16, 1, 16)
        at = g.wrapu(g.variable(COUNT), 3)
        store(block, memory, at, g.variable(A), 1, flag)
        other = flag if same else g.invert(flag)
        store(block, memory, g.add(at, g.const(8)), g.variable(B), 2, other)
        block.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
        design = Design("d", [block], memories=[memory])
        legalise(design)
        assert len(block.stores) == (2 if same else 1)
        if not same:
            assert len(block.stores[0].parts) == 2
            schedule_block(block, Timing(10.0, XC7))
        else:
            with pytest.raises(UnsupportedError, match="one write port"):
                schedule_block(block, Timing(10.0, XC7))


def test_dsps_are_counted_for_the_function_they_come_from() -> None:
    weigh = Origin("arith.muli", "", "kernels/a.py:4", 9, "weigh")
    lines = ["module core (", ");", "  // a comment", "  assign x = a * b;", "endmodule"]
    core = MappedText("\n".join(lines), ((2, weigh),))
    other = MappedText("module other (\n  assign y = c * d;\nendmodule")

    def cell(source: str) -> dict[str, object]:
        return {"type": "DSP48E1", "attributes": {"src": source}}

    cells = {"p": cell("top.sv:4.10-4.30"), "l": {"type": "LUT2", "attributes": {}}}
    net = {"modules": {"core": {"cells": cells}, "other": {"cells": {"q": cell("top.sv:7.1")}}}}
    assert dsp_places(net, joined([core, other], "\n")) == {"weigh": 1, "other": 1}


def test_every_line_of_an_operation_knows_it() -> None:
    """The map agrees with the comments of the text, in every module."""
    source = compile_kernel(configuration_named("tiny"), "engine", target=ZYNQ7_OPEN).source
    inside, found = "", 0
    for number, line in enumerate(source.text.splitlines()):
        comment = re.match(r"  // (.*function (\w+)\))$", line)
        if comment:
            inside = comment[1]
        elif not line or line == "endmodule" or line.startswith("module"):
            inside = ""
        if inside:
            assert str(source.origin_at(number)) == inside, number
            found += 1
    assert found > 1000


COMPILER = Path(tritstream.rtl.__file__).parent
STAGES = [
    p for p in COMPILER.rglob("*.py") if p.parent.name in ("_ir", "_lower", "_schedule", "_emit")
]


@pytest.mark.parametrize("path", STAGES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_compiler_stays_readable(path: Path) -> None:
    """No class is longer than 400 lines, and what the stages hand on has types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno is not None and node.end_lineno - node.lineno < 400, node.name
        assert not (isinstance(node, ast.Name) and node.id == "Any"), f"{path}:{node.lineno}"
