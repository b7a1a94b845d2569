"""Arrays and streams: where they are allocated, read and written."""

from __future__ import annotations

from collections.abc import Sequence

from tritstream.rtl._ir.graph import Graph
from tritstream.rtl._ir.operations import Const, Node, TableWord
from tritstream.rtl._ir.program import Get, Load, Put, Request, Store
from tritstream.rtl._ir.storage import Master, Memory, Table, Variable, integer_variable
from tritstream.rtl._lower.layout import affine, bank_and_address, extents
from tritstream.rtl._lower.state import Array, Handler, Lowering
from tritstream.rtl._mlir import MemRefType, Op, Value
from tritstream.rtl._unsupported import UnsupportedError

INDEPENDENT = "tritstream.independent"
"""Attribute of an array: what an iteration of a loop reads of it, no earlier iteration wrote."""


def allocate(lowering: Lowering, op: Op) -> None:
    """`memref.alloc`: registers where every bank has one word, else a memory."""
    t = op.results[0].type
    assert isinstance(t, MemRefType)
    unique = lowering.names.unique
    name = unique(op.text("name") or op.results[0].name or "array")
    banks, depth = extents(t)
    if depth == 1:
        variables = [
            integer_variable(name if t.size == 1 else unique(f"{name}_{k}"), t.width)
            for k in range(t.size)
        ]
        for variable in variables:
            lowering.env[variable] = lowering.graph.const(0)
        lowering.frame[op.results[0]] = Array(name, t, variables=variables)
        return
    declared = INDEPENDENT in op.attributes or "inter false" in op.text("dependence")
    memory = Memory(name, t.width, banks, depth, independent=declared)
    lowering.design.memories.append(memory)
    lowering.frame[op.results[0]] = Array(name, t, memory=memory)


def get_global(lowering: Lowering, op: Op) -> None:
    """`memref.get_global`: a constant table."""
    name = op.text("name")
    t, values = lowering.module.tables[name]
    lowering.frame[op.results[0]] = Array(name, t, table=Table(name, t.width, values))


def load(lowering: Lowering, op: Op) -> None:
    """`affine.load` and `memref.load`."""
    array = lowering.array(op.operands[0])
    index = _indices(lowering, op, op.operands[1:])
    lowering.bind(op.results[0], _loaded(lowering, op, array, index))


def store(lowering: Lowering, op: Op) -> None:
    """`affine.store` and `memref.store`."""
    array = lowering.array(op.operands[1])
    value = lowering.node(op.operands[0])
    index = _indices(lowering, op, op.operands[2:])
    if array.variables is not None:
        _write_variables(lowering, op, array, array.variables, index, value)
    elif array.master is not None:
        _store_to_bus(lowering, op, array.master, _flat(lowering.graph, array, index), value)
    elif array.memory is not None:
        _store_to_memory(lowering, op, array, array.memory, index, value)
    else:
        raise UnsupportedError(f"{op} writes to the constant table {array.name}")


def get(lowering: Lowering, op: Op) -> None:
    """`allo.stream_get`: a word of a stream."""
    channel, order = lowering.channel(op.operands[0]), lowering.next_order()
    node = lowering.graph.word(channel, order)
    lowering.block.gets.append(
        Get(order, lowering.here(), op.origin, node, channel, lowering.condition())
    )
    lowering.bind(op.results[0], node)


def put(lowering: Lowering, op: Op) -> None:
    """`allo.stream_put`: a word for a stream."""
    channel, value = lowering.channel(op.operands[0]), lowering.node(op.operands[1])
    condition, order = lowering.condition(), lowering.next_order()
    lowering.block.puts.append(Put(order, lowering.here(), op.origin, channel, value, condition))


def _indices(lowering: Lowering, op: Op, operands: Sequence[Value]) -> list[Node]:
    nodes = [lowering.node(o) for o in operands]
    table = op.map("map")
    if table is None:
        return nodes
    return [affine(lowering.graph, e, nodes, op) for e in table.results]


def _flat(g: Graph, array: Array, index: list[Node]) -> Node:
    """The number of an element, in row-major order."""
    at: Node = g.const(0)
    for extent, node in zip(array.type.shape, index, strict=True):
        at = g.add(g.mul(at, g.const(extent)), node)
    return at


def _checked(op: Op, array: Array, at: int) -> int:
    if not 0 <= at < array.type.size:
        raise UnsupportedError(f"{op}: element {at} of {array.name}, which has {array.type.size}")
    return at


# Reads


def _loaded(lowering: Lowering, op: Op, array: Array, index: list[Node]) -> Node:
    g = lowering.graph
    if array.variables is not None:
        return _read_variables(lowering, op, array, array.variables, index)
    if array.table is not None:
        return _read_table(lowering, op, array, array.table, index)
    if array.master is not None:
        return _load_from_bus(lowering, op, array.master, _flat(g, array, index))
    assert array.memory is not None
    return _load_from_memory(lowering, op, array, array.memory, index)


def _read_variables(
    lowering: Lowering, op: Op, array: Array, variables: list[Variable], index: list[Node]
) -> Node:
    g = lowering.graph
    at = _flat(g, array, index)
    if isinstance(at, Const):
        return lowering.read(variables[_checked(op, array, at.value)])
    chosen = lowering.read(variables[-1])
    for k in reversed(range(len(variables) - 1)):
        chosen = g.mux(g.equal(at, g.const(k)), lowering.read(variables[k]), chosen)
    return chosen


def _read_table(lowering: Lowering, op: Op, array: Array, table: Table, index: list[Node]) -> Node:
    g = lowering.graph
    at = _flat(g, array, index)
    if isinstance(at, Const):
        return g.const(table.values[_checked(op, array, at.value)])
    node = g.entry(table, at)
    if isinstance(node, TableWord) and node not in lowering.block.tables:
        lowering.block.tables.append(node)
    return node


def _load_from_memory(
    lowering: Lowering, op: Op, array: Array, memory: Memory, index: list[Node]
) -> Node:
    g, block = lowering.graph, lowering.block
    bank, address = bank_and_address(g, array.type, index)
    choices = [bank.value] if isinstance(bank, Const) else range(memory.banks)
    made: Node | None = None
    for k in choices:
        node = g.load(memory, k, address, lowering.versions.get((block, memory, k), 0))
        known = next((x for x in block.loads if x.node is node), None)
        if known is None:
            order, here = lowering.next_order(), lowering.here()
            block.loads.append(Load(order, here, op.origin, node, memory, k, address))
        else:
            # A second read of the same word needs no port, but it needs both conditions.
            known.predicate = known.predicate & lowering.here()
        made = node if made is None else g.mux(g.equal(bank, g.const(k)), node, made)
    assert made is not None
    return made


def _load_from_bus(lowering: Lowering, op: Op, master: Master, address: Node) -> Node:
    g, block = lowering.graph, lowering.block
    written = sum(r.is_write and r.master is master for r in block.requests)
    known = lowering.bus_reads.get((block, master, address, written))
    if known is not None and lowering.here() >= known.predicate:
        return known.node
    condition, order, here = lowering.condition(), lowering.next_order(), lowering.here()
    block.requests.append(Request(order, here, op.origin, master, False, address, condition))
    node = g.word(master.read, order)
    made = Get(order, here, op.origin, node, master.read, condition)
    block.gets.append(made)
    lowering.bus_reads[block, master, address, written] = made
    return node


# Writes


def _write_variables(
    lowering: Lowering,
    op: Op,
    array: Array,
    variables: list[Variable],
    index: list[Node],
    value: Node,
) -> None:
    g = lowering.graph
    at = _flat(g, array, index)
    if isinstance(at, Const):
        lowering.write(variables[_checked(op, array, at.value)], value)
        return
    for k, variable in enumerate(variables):
        chosen = g.mux(g.equal(at, g.const(k)), value, lowering.read(variable))
        lowering.env[variable] = chosen


def _store_to_memory(
    lowering: Lowering, op: Op, array: Array, memory: Memory, index: list[Node], value: Node
) -> None:
    g, block = lowering.graph, lowering.block
    bank, address = bank_and_address(g, array.type, index)
    constant = isinstance(bank, Const)
    for k in [bank.low] if constant else range(memory.banks):
        condition = g.both(lowering.condition(), g.equal(bank, g.const(k)))
        here = lowering.here()
        if not constant:
            here |= {(g.equal(bank, g.const(k)), True)}
        if isinstance(condition, Const) and not condition.value:
            continue
        order = lowering.next_order()
        block.stores.append(Store(order, here, op.origin, memory, k, address, value, condition))
        slot = (block, memory, k)
        lowering.versions[slot] = lowering.versions.get(slot, 0) + 1


def _store_to_bus(lowering: Lowering, op: Op, master: Master, address: Node, value: Node) -> None:
    condition, order, here = lowering.condition(), lowering.next_order(), lowering.here()
    block = lowering.block
    block.requests.append(Request(order, here, op.origin, master, True, address, condition))
    block.puts.append(Put(order, here, op.origin, master.write, value, condition))


HANDLERS: dict[str, Handler] = {
    "memref.alloc": allocate,
    "memref.get_global": get_global,
    "affine.load": load,
    "memref.load": load,
    "affine.store": store,
    "memref.store": store,
    "allo.stream_get": get,
    "allo.stream_put": put,
}
