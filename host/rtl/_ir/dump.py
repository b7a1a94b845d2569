"""A design as text, with the stages of a schedule where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tritstream.rtl._ir.graph import live_nodes
from tritstream.rtl._ir.operations import Const, Node
from tritstream.rtl._ir.program import (
    Access,
    BasicBlock,
    Bound,
    Branch,
    Design,
    Get,
    Item,
    Load,
    Loop,
    Put,
    Repeat,
    Request,
    Store,
)
from tritstream.rtl._ir.storage import Channel, Master, Memory, Variable

Stage = Callable[[BasicBlock, Access | Node | Variable], str]
"""Text that says where something stands: before the line of a node, an access or an assignment."""


def _nowhere(block: BasicBlock, thing: Access | Node | Variable) -> str:
    return ""


def dump_design(design: Design, stage: Stage = _nowhere) -> str:
    """The whole design: what it has, then its items."""
    lines = [f"process {design.name}"]
    named: Sequence[tuple[str, Sequence[Variable | Channel | Memory | Master]]] = (
        ("input", design.inputs), ("output", design.outputs), ("reads", design.channels_in),
        ("writes", design.channels_out), ("memory", design.memories), ("master", design.masters),
    )  # fmt: skip
    for kind, things in named:
        lines += [f"  {kind} {_storage(thing)}" for thing in things]
    for unit in design.units:
        lines += [f"  unit {unit.name}", *_block(unit.block, stage, 2)]
    lines += [line for item in design.items for line in _item(item, stage, 1)]
    return "\n".join([*lines, ""])


def _storage(thing: Variable | Channel | Memory | Master) -> str:
    if isinstance(thing, Variable):
        return f"{thing.name} : [{thing.low}, {thing.high}]"
    if isinstance(thing, Memory):
        flags = " port" * thing.port + " independent" * thing.independent
        return f"{thing.name} : {thing.banks} x {thing.depth} x {thing.width} bits{flags}"
    if isinstance(thing, Master):
        sides = " reads" * thing.reads + " writes" * thing.writes
        return f"{thing.name} : {thing.size} x {thing.width} bits{sides}"
    return f"{thing.name} : {thing.width} bits"


def _item(item: Item, stage: Stage, depth: int) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(item, BasicBlock):
        yield from _block(item, stage, depth)
    elif isinstance(item, Repeat):
        yield f"{indent}repeat {_loop(item.loop)}"
        for inner in item.body:
            yield from _item(inner, stage, depth + 1)
    else:
        yield from _branch(item, stage, depth)


def _branch(item: Branch, stage: Stage, depth: int) -> Iterator[str]:
    for word, body in ((f"if {item.condition.name}", item.then), ("else", item.otherwise)):
        yield "  " * depth + word
        for inner in body:
            yield from _item(inner, stage, depth + 1)


def _block(block: BasicBlock, stage: Stage, depth: int) -> Iterator[str]:
    indent, inner = "  " * depth, "  " * (depth + 1)
    loop = f" pipeline {_loop(block.loop)}" if block.loop else ""
    yield f"{indent}block {block.name}{loop}"
    accesses: list[Access] = [*block.loads, *block.stores, *block.waiting]
    needed = [n for a in accesses for n in _operands(a)] + list(block.nexts.values())
    for node in live_nodes(needed):
        if not isinstance(node, Const):
            hint = f"  {node.hint}" if node.hint else ""
            yield f"{inner}{stage(block, node)}{_numbers(node)}{hint}"
    for access in sorted(accesses, key=lambda a: a.order):
        yield f"{inner}{stage(block, access)}{_access(access)}"
    for variable, node in block.nexts.items():
        yield f"{inner}{stage(block, variable)}{variable.name} <= {_value(node)}"


def _numbers(node: Node) -> str:
    """The node's text, with numbers for constants."""
    text = repr(node)
    for argument in node.args:
        if isinstance(argument, Const):
            text = text.replace(f" %{argument.id} ", f" {argument.value} ", 1)
    return text


def _value(node: Node) -> str:
    return str(node.value) if isinstance(node, Const) else f"%{node.id}"


def _operands(access: Access) -> list[Node]:
    match access:
        case Load():
            return [access.node]
        case Store():
            return [access.address, access.value, access.condition]
        case Get():
            return [access.node, access.condition]
        case Put():
            return [access.value, access.condition]
    return [access.address, access.condition]


def _access(access: Access) -> str:
    match access:
        case Load():
            what = f"load {access.memory.name}[{access.bank}] {_value(access.node)}"
        case Store():
            where = f"{access.memory.name}[{access.bank}][{_value(access.address)}]"
            what = f"store {where} = {_value(access.value)} if {_value(access.condition)}"
        case Get():
            what = f"get {access.channel.name} {_value(access.node)} if {_value(access.condition)}"
        case Put():
            what = f"put {access.channel.name} {_value(access.value)}"
            what += f" if {_value(access.condition)}"
        case Request():
            kind = "write" if access.is_write else "read"
            what = f"request {kind} {access.master.name}[{_value(access.address)}]"
            what += f" if {_value(access.condition)}"
    if isinstance(access, Load | Store) and access.parts:
        what += f", shared by {len(access.parts)}"
    predicate = sorted(f"{'' if p else '~'}{_value(n)}" for n, p in access.predicate)
    return f"{what} where {' & '.join(predicate)}" if predicate else what


def _bound(bound: Bound) -> str:
    return str(bound) if isinstance(bound, int) else bound.name


def _loop(loop: Loop) -> str:
    text = f"{loop.counter.name} in [{_bound(loop.low)}, {_bound(loop.high)}) by {loop.step}"
    for burst in loop.bursts:
        kind = "write" if burst.is_write else "read"
        text += f", burst {kind} {burst.master.name}[{_bound(burst.base)}]"
    return text
