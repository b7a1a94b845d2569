"""Units: pure functions of scalars that exist once, where a target wants functions shared."""

from __future__ import annotations

from tritstream.rtl._ir.graph import live_nodes
from tritstream.rtl._ir.operations import Node, ReadVariable
from tritstream.rtl._ir.program import Unit
from tritstream.rtl._ir.storage import Channel, Variable, integer_variable
from tritstream.rtl._lower.state import Array, Lowering, Scalar, SharedFunction
from tritstream.rtl._mlir import Function, IntType, MemRefType, Module, Op, Value


def accessed(module: Module, function: Function) -> tuple[set[Value], set[Value]]:
    """Arguments that are written, and that are read, here or in callees."""
    written: set[Value] = set()
    read: set[Value] = set()
    for op in function.body.walk():
        if op.name in ("affine.store", "memref.store"):
            written.add(op.operands[1])
        elif op.name in ("affine.load", "memref.load"):
            read.add(op.operands[0])
        elif op.name == "allo.stream_put":
            written.add(op.operands[0])
        elif op.name == "allo.stream_get":
            read.add(op.operands[0])
        elif op.name == "func.call":
            callee = module.function(op.callee)
            w, r = accessed(module, callee)
            for outer, inner in zip(op.operands, callee.arguments, strict=True):
                if inner in w:
                    written.add(outer)
                if inner in r:
                    read.add(outer)
    return written, read


def count_call_sites(lowering: Lowering, function: Function) -> None:
    """How often every function is called, through others too."""
    for op in function.body.walk():
        if op.name == "func.call":
            callee = lowering.module.function(op.callee)
            count = lowering.call_sites[callee.name] = lowering.call_sites.get(callee.name, 0) + 1
            if count < 100:
                count_call_sites(lowering, callee)


def call_unit(lowering: Lowering, op: Op, callee: Function) -> bool:
    """Calls the function as a unit, if it is one; False where it is to be inlined."""
    if (
        lowering.straight_line
        or lowering.predicate
        or lowering.call_sites.get(callee.name, 0) < 2
        or not _fits(lowering, op, callee)
    ):
        return False
    if callee.name not in lowering.shared:
        lowering.shared[callee.name] = _make_unit(lowering, callee)
    shared = lowering.shared[callee.name]
    if shared is None:
        return False
    if lowering.block.waiting:
        lowering.end_block("s")
    given: dict[Variable, Node] = {}
    taken: dict[Variable, Variable] = {}
    for operand, inner in zip(op.operands, shared.arguments, strict=True):
        binding = lowering.frame[operand]
        if isinstance(binding, Array):
            for own, outer in zip(inner, binding.variables or [], strict=True):
                given[own], taken[own] = lowering.read(outer), outer
        else:
            given[inner[0]] = lowering.node(operand)
    arguments = tuple(given[v] for v in shared.unit.inputs)
    lowering.block.calls = True
    for k, target in enumerate(shared.targets):
        node = lowering.graph.result(shared.unit, arguments, k)
        if isinstance(target, Variable):
            lowering.write(taken[target], node)
        else:
            lowering.bind(op.results[target], node)
    return True


def _fits(lowering: Lowering, op: Op, callee: Function) -> bool:
    """Whether the arguments are scalars alone, and no two of them one."""
    bindings = [lowering.frame[o] for o in op.operands]
    arrays = [b for b in bindings if isinstance(b, Array)]
    for binding, argument in zip(bindings, callee.arguments, strict=True):
        t = argument.type
        if isinstance(binding, Array) and not (
            isinstance(t, MemRefType) and t.shape == binding.type.shape
        ):
            return False
    if any(a.variables is None for a in arrays):
        return False
    if len({id(a) for a in arrays}) < len(arrays):
        # One array twice: whether a write of the one shows in the other is for inlining.
        written, _ = accessed(lowering.module, callee)
        twice = {
            a for b, a in zip(bindings, callee.arguments, strict=True)
            if sum(b is other for other in bindings) > 1
        }  # fmt: skip
        if written & twice:
            return False
    return not any(isinstance(b, Channel) for b in bindings)


def _make_unit(lowering: Lowering, callee: Function) -> SharedFunction | None:
    """The function as a unit, if it is work on scalars alone and large enough."""
    unique = lowering.names.unique
    kept = (
        lowering.block, lowering.env, lowering.sequence, lowering.frame, lowering.predicate,
        lowering.call_sites,
    )  # fmt: skip
    block = lowering.new_block(unique(f"{callee.name}_unit"))
    lowering.block, lowering.env, lowering.sequence = block, {}, []
    lowering.frame, lowering.predicate, lowering.call_sites = {}, [], {}
    arguments: list[list[Variable]] = []
    for position, argument in enumerate(callee.arguments):
        name = argument.name or f"arg{position}"
        own: list[Variable] = []
        if isinstance(t := argument.type, IntType):
            own = [integer_variable(unique(name), t.width)]
            lowering.frame[argument] = Scalar(block.graph.variable(own[0]), block)
        elif isinstance(t, MemRefType):
            own = [integer_variable(unique(f"{name}_{k}"), t.width) for k in range(t.size)]
            lowering.frame[argument] = Array(name, t, variables=own)
        arguments.append(own)
    lowering.callers.append(callee.name)
    try:
        returned = [lowering.node(v) for v in lowering.run(callee.body)]
    finally:
        lowering.callers.pop()
        env, blocks, same = lowering.env, lowering.sequence, lowering.block is block
        (
            lowering.block, lowering.env, lowering.sequence, lowering.frame, lowering.predicate,
            lowering.call_sites,
        ) = kept  # fmt: skip
    if not same or blocks or block.loads or block.stores or block.waiting:
        return None
    every = [v for own in arguments for v in own]
    found: list[tuple[Variable | int, Node]] = [(v, env[v]) for v in every if v in env]
    found += list(enumerate(returned))
    nodes = live_nodes([n for _, n in found])
    if len(nodes) < lowering.target.shared_functions:
        return None
    read = {n.variable for n in nodes if isinstance(n, ReadVariable)}
    outputs = []
    for k, (_, node) in enumerate(found):
        output = Variable(unique(f"{block.name}_out{k}"), node.low, node.high)
        outputs.append(output)
        block.nexts[output] = node
    block.unit = Unit(block.name, block, [v for v in every if v in read], outputs)
    lowering.design.units.append(block.unit)
    return SharedFunction(block.unit, arguments, [target for target, _ in found])
