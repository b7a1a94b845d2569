"""Before scheduling: drop what is dead, let exclusive accesses share a port, regroup reductions."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import TypeVar

from tritstream.rtl._ir.graph import live_nodes
from tritstream.rtl._ir.operations import (
    Add,
    And,
    Const,
    Equal,
    Node,
    Not,
    Or,
    ReadVariable,
    Xor,
)
from tritstream.rtl._ir.program import (
    Access,
    BasicBlock,
    Branch,
    Design,
    Get,
    Item,
    Load,
    Predicate,
    Put,
    Repeat,
    Request,
    Store,
)
from tritstream.rtl._ir.storage import Variable


def legalise(design: Design) -> None:
    """Changes the design in place."""
    prune(design)
    for block in design.blocks():
        _share_channels(block)
        if block.loop is not None:
            _share_stores(block)
            _share_loads(block)
            _reassociate(block)
    prune(design)


def roots(block: BasicBlock) -> list[Node]:
    """The nodes that a block computes something for."""
    found: list[Node] = list(block.nexts.values())
    for s in block.stores:
        found += [s.address, s.value, s.condition]
    for g in block.gets:
        found += [g.node, g.condition]
    for p in block.puts:
        found += [p.value, p.condition]
    for r in block.requests:
        found += [r.address, r.condition]
    return found


def needed_nodes(block: BasicBlock) -> list[Node]:
    """Live nodes in topological order; the addresses of loads are arguments of their nodes."""
    return live_nodes(roots(block))


def prune(design: Design) -> None:
    """Removes assignments that nothing reads, then what only they needed."""
    blocks = design.blocks()
    live: set[Variable] = set(design.outputs)
    live |= _control_variables(design.items)
    while True:
        before = len(live)
        for block in blocks:
            kept = dict(block.nexts)
            block.nexts = {v: n for v, n in kept.items() if v in live}
            for node in needed_nodes(block):
                if isinstance(node, ReadVariable):
                    live.add(node.variable)
            block.nexts = kept
        if len(live) == before:
            break
    for block in blocks:
        block.nexts = {v: n for v, n in block.nexts.items() if v in live}
        alive = set(needed_nodes(block))
        block.loads = [x for x in block.loads if x.node in alive]
        block.tables = [x for x in block.tables if x in alive]
    design.items = _without_empty(design.items)


def _control_variables(items: list[Item]) -> set[Variable]:
    found: set[Variable] = set()
    for item in items:
        loop = item.loop if isinstance(item, BasicBlock | Repeat) else None
        if loop is not None:
            bounds = [loop.low, loop.high, *(b.base for b in loop.bursts)]
            found |= {b for b in bounds if isinstance(b, Variable)} | {loop.counter}
        if isinstance(item, Repeat):
            found |= _control_variables(item.body)
        elif isinstance(item, Branch):
            found.add(item.condition)
            found |= _control_variables(item.then) | _control_variables(item.otherwise)
    return found


def _without_empty(items: list[Item]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, BasicBlock):
            own = {item.loop.counter} if item.loop else set()
            if item.has_effects or set(item.nexts) - own:
                kept.append(item)
        elif isinstance(item, Repeat):
            item.body = _without_empty(item.body)
            if item.body:
                kept.append(item)
        else:
            item.then, item.otherwise = _without_empty(item.then), _without_empty(item.otherwise)
            if item.then or item.otherwise:
                kept.append(item)
    return kept


def exclusive(a: Predicate, b: Predicate) -> bool:
    """Whether two conditions cannot hold in the same iteration."""
    equal_to = {}
    for node, polarity in a:
        if (node, not polarity) in b:
            return True
        if isinstance(node, Not) and (node.args[0], polarity) in b:
            return True
        if isinstance(node, Equal) and polarity and isinstance(node.args[1], Const):
            equal_to[node.args[0]] = node.args[1].value
    for node, polarity in b:
        if isinstance(node, Not) and (node.args[0], polarity) in a:
            return True
        if isinstance(node, Equal) and polarity and isinstance(node.args[1], Const):
            value = equal_to.get(node.args[0])
            if value is not None and value != node.args[1].value:
                return True
    return False


def _substitute(block: BasicBlock, old: Node, new: Node) -> None:
    def swap(node: Node) -> Node:
        return new if node is old else node

    def swap_predicate(access: Access) -> None:
        access.predicate = frozenset((swap(n), polarity) for n, polarity in access.predicate)

    for node in block.graph.nodes:
        if old in node.args:
            node.args = tuple(swap(a) for a in node.args)
    block.nexts = {v: swap(n) for v, n in block.nexts.items()}
    shared: list[Load | Store] = [*block.loads, *block.stores]
    shared += [part for access in shared for part in access.parts]
    for access in shared:
        access.address = swap(access.address)
        swap_predicate(access)
    for s in block.stores:
        s.value, s.condition = swap(s.value), swap(s.condition)
    for g in block.gets:
        g.condition = swap(g.condition)
        swap_predicate(g)
    for p in block.puts:
        p.value, p.condition = swap(p.value), swap(p.condition)
        swap_predicate(p)
    for r in block.requests:
        r.address, r.condition = swap(r.address), swap(r.condition)
        swap_predicate(r)


A = TypeVar("A", Load, Store, Get, Put, Request)


def _groups(
    accesses: list[A],
    key: Callable[[A], Hashable],
    may_join: Callable[[A, A], bool],
    ordered: bool = True,
) -> list[list[A]]:
    """Accesses in groups all of whose members let each other join.

    ``ordered``: an access joins the latest group of its key or opens one, so that no access of a
    port overtakes another that stood before it.
    """
    found: list[list[A]] = []
    for access in accesses:
        same = [group for group in found if key(group[0]) == key(access)]
        for group in same[-1:] if ordered else same:
            if all(may_join(member, access) for member in group):
                group.append(access)
                break
        else:
            found.append([access])
    return found


def _depends(node: Node, on: Node) -> bool:
    return on in live_nodes([node])


def _reassociate(block: BasicBlock) -> None:
    """Reductions: ((r | a) | b) | c becomes r | ((a | b) | c), and an iteration hands on one OR.

    Bitwise operations and exact additions may be regrouped freely.
    """
    g = block.graph
    for variable, node in block.nexts.items():
        if not isinstance(node, Or | And | Xor | Add):
            continue
        kind = type(node)
        combine = g.add if isinstance(node, Add) else partial(g.bitwise, type(node))
        operands: list[Node] = []
        stack: list[Node] = [node]
        while stack and len(operands) < 4096:
            n = stack.pop()
            if type(n) is kind:
                stack += reversed(n.args)
            else:
                operands.append(n)
        own = [n for n in operands if isinstance(n, ReadVariable) and n.variable is variable]
        if stack or len(own) != 1 or len(operands) < 3:
            continue
        level = [n for n in operands if n is not own[0]]
        while len(level) > 1:
            pairs = [combine(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
            level = pairs + level[len(pairs) * 2 :]
        block.nexts[variable] = combine(own[0], level[0])


def _share_channels(block: BasicBlock) -> None:
    """Gets, puts and requests that exclude each other share the port."""
    g = block.graph
    gets = _groups(
        block.gets,
        lambda a: a.channel,
        lambda a, b: exclusive(a.predicate, b.predicate) and not _depends(b.condition, a.node),
    )
    for first, *others in gets:
        for get in others:
            first.condition = g.either(first.condition, get.condition)
            first.predicate = first.predicate & get.predicate
        for get in others:
            block.gets = [x for x in block.gets if x is not get]
            _substitute(block, get.node, first.node)
    block.gets = [group[0] for group in gets]
    puts = _groups(
        block.puts, lambda a: a.channel, lambda a, b: exclusive(a.predicate, b.predicate)
    )
    for head, *rest in puts:
        for put in rest:
            head.value = g.mux(put.condition, put.value, head.value)
            head.condition = g.either(head.condition, put.condition)
            head.predicate = head.predicate & put.predicate
    block.puts = [group[0] for group in puts]
    requests = _groups(
        block.requests,
        lambda a: (a.master, a.is_write),
        lambda a, b: exclusive(a.predicate, b.predicate),
    )
    for joint, *more in requests:
        for request in more:
            joint.address = g.mux(request.condition, request.address, joint.address)
            joint.condition = g.either(joint.condition, request.condition)
            joint.predicate = joint.predicate & request.predicate
    block.requests = [group[0] for group in requests]


def _share_stores(block: BasicBlock) -> None:
    g = block.graph
    merged: list[Store] = []
    for group in _groups(
        block.stores,
        lambda a: (a.memory, a.bank),
        lambda a, b: exclusive(a.predicate, b.predicate) or a.address is b.address,
    ):
        first: Store = group[0]
        if len(group) > 1:
            address, value, condition = first.address, first.value, first.condition
            for other in group[1:]:
                # The later of two writes to one word wins.
                address = g.mux(other.condition, other.address, address)
                value = g.mux(other.condition, other.value, value)
                condition = g.either(condition, other.condition)
            first = Store(
                first.order,
                frozenset(),
                first.origin,
                first.memory,
                first.bank,
                address,
                value,
                condition,
                parts=tuple(group),
            )
        merged.append(first)
    block.stores = merged


def _share_loads(block: BasicBlock) -> None:
    g = block.graph
    kept: list[Load] = []
    for group in _groups(
        block.loads,
        lambda a: (a.memory, a.bank),
        lambda a, b: (
            exclusive(a.predicate, b.predicate)
            and not _depends(b.address, a.node)
            and not any(_depends(n, x.node) for n, _ in b.predicate for x in (a, b))
        ),
        ordered=False,
    ):
        first: Load = group[0]
        if len(group) == 1:
            kept.append(first)
            continue
        parts = tuple(
            Load(x.order, x.predicate, x.origin, x.node, x.memory, x.bank, x.address) for x in group
        )
        address = first.address
        for other in group[1:]:
            condition: Node = g.const(1)
            for node, polarity in other.predicate:
                condition = g.both(condition, node if polarity else g.invert(node))
            address = g.mux(condition, other.address, address)
        joint = g.load(first.memory, first.bank, address, first.order, shared=True)
        for other in group:
            block.loads = [x for x in block.loads if x is not other]
            _substitute(block, other.node, joint)
        kept.append(
            Load(
                first.order,
                frozenset(),
                first.origin,
                joint,
                first.memory,
                first.bank,
                address,
                parts=parts,
            )
        )
    block.loads = kept
