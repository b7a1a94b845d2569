"""The dependence graph of a block: arguments, and in a pipeline the step from one iteration to the
next."""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.rtl._ir.operations import Node, ReadVariable
from tritstream.rtl._ir.program import BasicBlock
from tritstream.rtl._ir.storage import Memory
from tritstream.rtl._legalise import needed_nodes
from tritstream.rtl._schedule.schedule import Timing
from tritstream.rtl._schedule.widths import needed_widths


class Problem:
    """A block that is to be scheduled, and what depends on what in it. ``ports``: read ports that a
    memory has."""

    def __init__(self, block: BasicBlock, timing: Timing, ports: Mapping[Memory, int]) -> None:
        self.block = block
        self.timing = timing
        self.target = timing.target
        self.ports = ports
        self.nodes = needed_nodes(block)
        self.widths = needed_widths(block, self.nodes)
        self.pipelined = block.pipelined
        self.inputs = set(block.unit.inputs) if block.unit else set()
        self.load_of = {x.node: x for x in block.loads}
        self.get_of = {x.node: x for x in block.gets}
        self.request_of = {
            g.node: r
            for g in block.gets
            for r in block.requests
            if r.master.read is g.channel and r.order == g.order
        }
        self.bus_channels = {id(r.master.write) for r in block.requests}
        self.components = self._condense()

    def predecessors(self, node: Node) -> list[Node]:
        """What must be there before the node, of this iteration or the one before."""
        found = list(node.args)
        get = self.get_of.get(node)
        if get is not None:
            found.append(get.condition)
        request = self.request_of.get(node)
        if request is not None:
            found += [request.address, request.condition]
        if self.pipelined and isinstance(node, ReadVariable) and node.variable in self.block.nexts:
            found.append(self.block.nexts[node.variable])
        return found

    def _condense(self) -> list[list[Node]]:
        """Strongly connected components, those that others depend on first (Tarjan)."""
        index: dict[Node, int] = {}
        low: dict[Node, int] = {}
        on_stack: set[Node] = set()
        stack: list[Node] = []
        found: list[list[Node]] = []
        for root in self.nodes:
            if root in index:
                continue
            work = [(root, iter(self.predecessors(root)))]
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
            while work:
                node, rest = work[-1]
                for other in rest:
                    if other not in index:
                        index[other] = low[other] = len(index)
                        stack.append(other)
                        on_stack.add(other)
                        work.append((other, iter(self.predecessors(other))))
                        break
                    if other in on_stack:
                        low[node] = min(low[node], index[other])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        component = []
                        while True:
                            member = stack.pop()
                            on_stack.discard(member)
                            component.append(member)
                            if member is node:
                                break
                        found.append(component)
        return found

    def order_inside(self, component: list[Node]) -> list[Node]:
        """Topological order of a component, the registers first."""
        members = set(component)
        position = {n: k for k, n in enumerate(self.nodes)}
        order: list[Node] = [n for n in component if isinstance(n, ReadVariable)]
        rest = [n for n in component if not isinstance(n, ReadVariable)]
        # The condition of a get is no argument of its node: order by depth-first search instead.
        done = set(order)
        for root in sorted(rest, key=lambda n: position[n]):
            stack = [root]
            while stack:
                n = stack[-1]
                if n in done:
                    stack.pop()
                    continue
                waiting = [a for a in self.inputs_of(n) if a in members and a not in done]
                if waiting:
                    stack += waiting
                else:
                    done.add(n)
                    order.append(n)
                    stack.pop()
        return order

    def inputs_of(self, node: Node) -> list[Node]:
        """What the node is computed from in its own iteration."""
        get = self.get_of.get(node)
        return [*node.args, get.condition] if get is not None else list(node.args)
