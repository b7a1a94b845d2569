"""Stages of the compiler by themselves: what parse keeps, legalise joins and schedule places."""

from __future__ import annotations

import pytest

from tritstream.cosim.resources import dsp_places
from tritstream.rtl import FABRICS, Memory, MemRefType, UnsupportedError, parse
from tritstream.rtl._mlir import IntType, StreamType
from tritstream.rtl.graph import Node, Variable
from tritstream.rtl.legalise import legalise
from tritstream.rtl.program import Design, Leaf, Load, Loop, Store
from tritstream.rtl.schedule import Schedule, Timing, schedule_leaf

XC7 = FABRICS["xc7"]
COUNT, A, B, S = (Variable(n, -(1 << 15), (1 << 15) - 1) for n in "iabs")


def loop_leaf() -> Leaf:
    leaf = Leaf("work")
    leaf.loop = Loop(COUNT, 0, 9, 1, "i", "kernel.py:3")
    return leaf


def store(leaf: Leaf, memory: Memory, address: Node, value: Node, order: int, on: Node) -> None:
    literals = frozenset() if on.op == "const" else frozenset({(on, True)})
    leaf.stores.append(Store(memory, 0, address, value, on, order, literals, f"k.py:{order}"))


def stages(period: float, additions: int) -> Schedule:
    """Of a store of a + i + i + ..."""
    leaf = loop_leaf()
    g = leaf.graph
    value = g.variable(A)
    for k in range(additions):
        value = g.add(value, g.shlc(g.variable(COUNT), 2 * k))
    leaf.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    store(leaf, Memory("m", 64, 1, 16), g.wrapu(g.variable(COUNT), 4), value, 1, g.const(1))
    return schedule_leaf(leaf, Timing(period, XC7))


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
    leaf = loop_leaf()
    g = leaf.graph
    term = g.mul(g.variable(COUNT), g.variable(A))
    leaf.nexts[S] = g.wraps(g.add(g.variable(S), term), 16)
    leaf.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    return schedule_leaf(leaf, Timing(period, XC7))


def test_what_an_iteration_hands_on_is_computed_in_one_stage() -> None:
    schedule = accumulator(6.0)
    reads = next(n for n in schedule.stage if n.op == "variable" and n.data is S)
    assert schedule.stage[reads] == schedule.commit[S] > 0
    product = next(n for n in schedule.stage if n.op == "mul")
    assert (schedule.stage[product] or 0) < schedule.commit[S]


def test_a_recurrence_longer_than_the_clock_is_refused() -> None:
    leaf = loop_leaf()
    g = leaf.graph
    leaf.nexts[S] = g.wraps(g.mul(g.variable(S), g.add(g.variable(S), g.variable(A))), 16)
    leaf.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
    with pytest.raises(UnsupportedError, match="hands to the next takes"):
        schedule_leaf(leaf, Timing(6.0, XC7))


def test_a_load_waits_for_the_store_of_an_earlier_iteration() -> None:
    """m[i + 1] = f(m[i]) goes through memory; m[i] = f(m[i]) does not."""
    for offset, refused in ((0, False), (1, True)):
        leaf = loop_leaf()
        g = leaf.graph
        memory = Memory("m", 16, 1, 16)
        at = g.variable(Variable("i", 0, 8))
        node = g.source("load", (at,), (memory, 0, 0), 16)
        counter = at.data
        leaf.loop = Loop(counter, 0, 9, 1, "i", "kernel.py:3")
        leaf.loads.append(Load(node, memory, 0, at, 1, frozenset(), "k.py:1"))
        value = g.wraps(g.add(node, g.variable(A)), 16)
        store(leaf, memory, g.add(at, g.const(offset)), value, 2, g.const(1))
        leaf.nexts[counter] = g.add(at, g.const(1))
        if refused:
            with pytest.raises(UnsupportedError, match="goes through memory"):
                schedule_leaf(leaf, Timing(10.0, XC7))
        else:
            schedule = schedule_leaf(leaf, Timing(10.0, XC7))
            assert schedule.access[leaf.stores[0]] > schedule.access[leaf.loads[0]]


def test_exclusive_writes_share_a_port_and_others_do_not() -> None:
    for same in (False, True):
        leaf = loop_leaf()
        g = leaf.graph
        flag = g.variable(Variable("flag", 0, 1))
        memory = Memory("m", 16, 1, 16)
        at = g.wrapu(g.variable(COUNT), 3)
        store(leaf, memory, at, g.variable(A), 1, flag)
        other = flag if same else g.invert(flag)
        store(leaf, memory, g.add(at, g.const(8)), g.variable(B), 2, other)
        leaf.nexts[COUNT] = g.add(g.variable(COUNT), g.const(1))
        design = Design("d", [leaf], memories=[memory])
        legalise(design)
        assert len(leaf.stores) == (2 if same else 1)
        if not same:
            assert len(leaf.stores[0].parts) == 2
            schedule_leaf(leaf, Timing(10.0, XC7))
        else:
            with pytest.raises(UnsupportedError, match="one write port"):
                schedule_leaf(leaf, Timing(10.0, XC7))


def test_dsps_are_counted_for_the_function_they_come_from() -> None:
    text = """module core (
);
  // arith.muli (kernels/a.py:4, line 9 of the MLIR, function weigh)
  assign x = $signed(a) * $signed(b);
endmodule
module other (
  assign y = c * d;
"""

    def cell(source: str) -> dict[str, object]:
        return {"type": "DSP48E1", "attributes": {"src": source}}

    cells = {"p": cell("top.sv:4.10-4.30"), "l": {"type": "LUT2", "attributes": {}}}
    net = {"modules": {"core": {"cells": cells}, "other": {"cells": {"q": cell("top.sv:7.1")}}}}
    assert dsp_places(net, text) == {"weigh": 1, "other": 1}
