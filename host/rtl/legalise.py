"""Before scheduling: drop what is dead, let exclusive accesses share a port, regroup reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tritstream.rtl.graph import Node, Variable, live_nodes
from tritstream.rtl.program import (
    Branch,
    Design,
    Get,
    Item,
    Leaf,
    Literals,
    Load,
    Put,
    Repeat,
    Request,
    Store,
    leaves_of,
)


def legalise(design: Design) -> None:
    """Changes the design in place."""
    prune(design)
    for leaf in design.leaves():
        _share_channels(leaf)
        if leaf.loop is not None:
            _share_stores(leaf)
            _share_loads(leaf)
            _reassociate(leaf)
    prune(design)


def roots(leaf: Leaf) -> list[Node]:
    """The nodes that a leaf computes something for."""
    found: list[Node] = list(leaf.nexts.values())
    for s in leaf.stores:
        found += [s.address, s.value, s.condition]
    for g in leaf.gets:
        found += [g.node, g.condition]
    for p in leaf.puts:
        found += [p.value, p.condition]
    for r in leaf.requests:
        found += [r.address, r.condition]
    return found


def needed_nodes(leaf: Leaf) -> list[Node]:
    """Live nodes in topological order; the addresses of loads are arguments of their nodes."""
    return live_nodes(roots(leaf))


def prune(design: Design) -> None:
    """Removes assignments that nothing reads, then what only they needed."""
    leaves = design.leaves()
    live: set[Variable] = set(design.outputs)
    live |= _control_variables(design.items)
    while True:
        before = len(live)
        for leaf in leaves:
            kept = dict(leaf.nexts)
            leaf.nexts = {v: n for v, n in kept.items() if v in live}
            for node in needed_nodes(leaf):
                if node.op == "variable":
                    live.add(node.data)
            leaf.nexts = kept
        if len(live) == before:
            break
    for leaf in leaves:
        leaf.nexts = {v: n for v, n in leaf.nexts.items() if v in live}
        alive = set(needed_nodes(leaf))
        leaf.loads = [x for x in leaf.loads if x.node in alive]
        leaf.tables = [x for x in leaf.tables if x in alive]
    design.items = _without_empty(design.items)


def _control_variables(items: list[Item]) -> set[Variable]:
    found: set[Variable] = set()
    for item in items:
        loop = item.loop if isinstance(item, Leaf | Repeat) else None
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
        if isinstance(item, Leaf):
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


def exclusive(a: Literals, b: Literals) -> bool:
    """Whether two conditions cannot hold in the same iteration."""
    equal_to = {}
    for node, polarity in a:
        if (node, not polarity) in b:
            return True
        if node.op == "not" and (node.args[0], polarity) in b:
            return True
        if node.op == "eq" and polarity and node.args[1].op == "const":
            equal_to[node.args[0]] = node.args[1].data
    for node, polarity in b:
        if node.op == "not" and (node.args[0], polarity) in a:
            return True
        if node.op == "eq" and polarity and node.args[1].op == "const":
            value = equal_to.get(node.args[0])
            if value is not None and value != node.args[1].data:
                return True
    return False


def _substitute(leaf: Leaf, old: Node, new: Node) -> None:
    def swap(node: Node) -> Node:
        return new if node is old else node

    for node in leaf.graph.nodes:
        if old in node.args:
            node.args = tuple(swap(a) for a in node.args)
    leaf.nexts = {v: swap(n) for v, n in leaf.nexts.items()}
    for record in (*leaf.stores, *leaf.gets, *leaf.puts, *leaf.requests, *leaf.loads):
        for part in (record, *getattr(record, "parts", ())):
            part.literals = frozenset((swap(n), polarity) for n, polarity in part.literals)
            if hasattr(part, "address"):
                part.address = swap(part.address)
    for s in leaf.stores:
        s.value, s.condition = swap(s.value), swap(s.condition)
    for g in leaf.gets:
        g.condition = swap(g.condition)
    for p in leaf.puts:
        p.value, p.condition = swap(p.value), swap(p.condition)
    for r in leaf.requests:
        r.condition = swap(r.condition)


def _groups(
    accesses: list[Any],
    key: Callable[[Any], object],
    may_join: Callable[[Any, Any], bool],
    ordered: bool = True,
) -> list[list[Any]]:
    """Accesses in groups all of whose members let each other join.

    ``ordered``: an access joins the latest group of its key or opens one, so that no access of a
    port overtakes another that stood before it.
    """
    found: list[list[Any]] = []
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


def _reassociate(leaf: Leaf) -> None:
    """Reductions: ((r | a) | b) | c becomes r | ((a | b) | c), and an iteration hands on one OR.

    Bitwise operations and exact additions may be regrouped freely.
    """
    g = leaf.graph
    for variable, node in leaf.nexts.items():
        if node.op not in ("or", "and", "xor", "add"):
            continue
        op = node.op
        operands: list[Node] = []
        stack = [node]
        while stack and len(operands) < 4096:
            n = stack.pop()
            if n.op == op:
                stack += reversed(n.args)
            else:
                operands.append(n)
        own = [n for n in operands if n.op == "variable" and n.data is variable]
        if stack or len(own) != 1 or len(operands) < 3:
            continue
        level = [n for n in operands if n is not own[0]]
        while len(level) > 1:
            pairs = [
                g.add(a, b) if op == "add" else g.bitwise(op, a, b)
                for a, b in zip(level[::2], level[1::2], strict=False)
            ]
            level = pairs + level[len(pairs) * 2 :]
        last = g.add(own[0], level[0]) if op == "add" else g.bitwise(op, own[0], level[0])
        leaf.nexts[variable] = last


def _share_channels(leaf: Leaf) -> None:
    g = leaf.graph
    kept_gets: list[Get] = []
    for group in _groups(
        leaf.gets,
        lambda a: a.channel,
        lambda a, b: exclusive(a.literals, b.literals) and not _depends(b.condition, a.node),
    ):
        first = group[0]
        for other in group[1:]:
            first.condition = g.either(first.condition, other.condition)
            first.literals = first.literals & other.literals
        kept_gets.append(first)
        for other in group[1:]:
            leaf.gets = [x for x in leaf.gets if x is not other]
            _substitute(leaf, other.node, first.node)
    leaf.gets = kept_gets
    puts: list[Put] = []
    for group in _groups(
        leaf.puts,
        lambda a: a.channel,
        lambda a, b: exclusive(a.literals, b.literals),
    ):
        first = group[0]
        for other in group[1:]:
            first.value = g.mux(other.condition, other.value, first.value)
            first.condition = g.either(first.condition, other.condition)
            first.literals = first.literals & other.literals
        puts.append(first)
    leaf.puts = puts
    requests: list[Request] = []
    for group in _groups(
        leaf.requests,
        lambda a: (a.master, a.is_write),
        lambda a, b: exclusive(a.literals, b.literals),
    ):
        first = group[0]
        for other in group[1:]:
            first.address = g.mux(other.condition, other.address, first.address)
            first.condition = g.either(first.condition, other.condition)
            first.literals = first.literals & other.literals
        requests.append(first)
    leaf.requests = requests


def _share_stores(leaf: Leaf) -> None:
    g = leaf.graph
    merged: list[Store] = []
    for group in _groups(
        leaf.stores,
        lambda a: (a.memory, a.bank),
        lambda a, b: exclusive(a.literals, b.literals) or a.address is b.address,
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
                first.memory,
                first.bank,
                address,
                value,
                condition,
                first.order,
                frozenset(),
                first.where,
                parts=tuple(group),
            )
        merged.append(first)
    leaf.stores = merged


def _share_loads(leaf: Leaf) -> None:
    g = leaf.graph
    kept: list[Load] = []
    for group in _groups(
        leaf.loads,
        lambda a: (a.memory, a.bank),
        lambda a, b: (
            exclusive(a.literals, b.literals)
            and not _depends(b.address, a.node)
            and not any(_depends(n, x.node) for n, _ in b.literals for x in (a, b))
        ),
        ordered=False,
    ):
        first: Load = group[0]
        if len(group) == 1:
            kept.append(first)
            continue
        parts = tuple(
            Load(x.node, x.memory, x.bank, x.address, x.order, x.literals, x.where) for x in group
        )
        address = first.address
        for other in group[1:]:
            condition = g.const(1)
            for node, polarity in other.literals:
                condition = g.both(condition, node if polarity else g.invert(node))
            address = g.mux(condition, other.address, address)
        joint = g.source(
            "load", (address,), (first.memory, first.bank, "joint", first.order), first.memory.width
        )
        for other in group:
            leaf.loads = [x for x in leaf.loads if x is not other]
            _substitute(leaf, other.node, joint)
        kept.append(
            Load(
                joint,
                first.memory,
                first.bank,
                address,
                first.order,
                frozenset(),
                first.where,
                parts=parts,
            )
        )
    leaf.loads = kept


__all__ = ["exclusive", "leaves_of", "legalise", "needed_nodes", "prune"]
