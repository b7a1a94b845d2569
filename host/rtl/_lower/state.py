"""Where lowering stands: the block that is being filled, what values are bound to, and what holds.

Lowering runs a function symbolically, with graph nodes for values. What an operation of MLIR does
to this state is in the modules beside this one, a function an operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tritstream.rtl._ir.graph import Graph
from tritstream.rtl._ir.operations import Const, Node, ReadVariable
from tritstream.rtl._ir.program import BasicBlock, Bound, Design, Get, Item, Predicate, Unit
from tritstream.rtl._ir.storage import Channel, Master, Memory, Table, Variable
from tritstream.rtl._lower.names import Names
from tritstream.rtl._mlir import Block, MemRefType, Module, Op, Value
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.targets import Target

MAX_UNROLLED = 200_000
"""Nodes of one block, beyond which a kernel is surely unrolled by mistake."""


@dataclass(eq=False)
class Scalar:
    """An SSA value: a node of the block that made it, and a register once another block needs
    it."""

    node: Node
    block: BasicBlock
    register: Variable | None = None


@dataclass(eq=False)
class Array:
    """Where an array lives: exactly one of the four is given."""

    name: str
    type: MemRefType
    variables: list[Variable] | None = None
    memory: Memory | None = None
    table: Table | None = None
    master: Master | None = None


Binding = Scalar | Array | Channel


@dataclass(frozen=True)
class SharedFunction:
    """A function that exists once: the variables of its unit by argument, and what every output
    becomes, an array's element or the result of that number."""

    unit: Unit
    arguments: list[list[Variable]]
    targets: list[Variable | int]


Handler = Callable[["Lowering", Op], None]


class Lowering:
    """The state of lowering one function."""

    def __init__(
        self,
        module: Module,
        name: str,
        handlers: Mapping[str, Handler],
        target: Target,
        masters: bool,
    ) -> None:
        self.module = module
        self.handlers = handlers
        self.target = target
        self.masters = masters
        """Whether arrays that are not partitioned are behind a bus."""
        self.design = Design(name, [])
        self.names = Names()
        self.sequence: list[Item] = []
        self.block = self.new_block("start")
        self.env: dict[Variable, Node] = {}
        """What variables hold, where that is not what they held at the block's start."""
        self.frame: dict[Value, Binding] = {}
        self.predicate: list[tuple[Node, bool]] = []
        self.straight_line = False
        """Inside a pipeline or an arm of a multiplexer, where loops are unrolled."""
        self.invariants: set[Variable] = set()
        """Registers that do not change while the present loops run."""
        self.versions: dict[tuple[BasicBlock, Memory, int], int] = {}
        """Writes so far to a bank in a block."""
        self.bus_reads: dict[tuple[BasicBlock, Master, Node, int], Get] = {}
        """By block, address and how many writes there were before."""
        self.callers: list[str] = []
        self.call_sites: dict[str, int] = {}
        self.shared: dict[str, SharedFunction | None] = {}
        """By function; None where it is to be inlined."""
        self._order = 0

    # Blocks

    @property
    def graph(self) -> Graph:
        """The graph of the present block."""
        return self.block.graph

    def next_order(self) -> int:
        """A number that says which of two accesses comes first."""
        self._order += 1
        return self._order

    def new_block(self, name: str) -> BasicBlock:
        """A block without anything in it."""
        return BasicBlock(name, Graph(self.target.logic_products))

    def end_block(self, name: str = "") -> None:
        """End the present block and open the next."""
        self.close()
        if self.block.graph.nodes:
            self.sequence.append(self.block)
        self.open_block(name)

    def open_block(self, name: str = "") -> None:
        """Go on in a new block."""
        self.block, self.env = self.new_block(self.names.unique(name or "s")), {}

    def close(self) -> None:
        """Have the present block's variables take what they hold."""
        for variable, node in self.env.items():
            if not (isinstance(node, ReadVariable) and node.variable is variable):
                self.block.nexts[variable] = node

    # Values

    def read(self, variable: Variable) -> Node:
        """What a variable holds."""
        node = self.env.get(variable)
        return node if node is not None else self.graph.variable(variable)

    def write(self, variable: Variable, node: Node) -> None:
        """Have a variable hold the node."""
        if not node.hint:
            node.hint = variable.name
        self.env[variable] = node

    def node(self, value: Value) -> Node:
        """A value as a node of the present block, through a register if another one made it."""
        binding = self.frame[value]
        assert isinstance(binding, Scalar)
        source = binding.node
        if isinstance(source, Const):
            return self.graph.const(source.value)
        if binding.block is self.block:
            return source
        if binding.register is None:
            if isinstance(source, ReadVariable) and source.variable in self.invariants:
                return self.graph.variable(source.variable)
            binding.register = Variable(
                self.names.unique(value.name or source.hint or "kept"), source.low, source.high
            )
            binding.block.nexts[binding.register] = source
        return self.graph.variable(binding.register)

    def bind(self, value: Value, node: Node) -> None:
        """Have the value be that node of the present block."""
        if value.name and not node.hint:
            node.hint = value.name
        self.frame[value] = Scalar(node, self.block)

    def bound(self, node: Node) -> Bound:
        """A node of the present block as something that control can read after the block."""
        if isinstance(node, Const):
            return node.value
        register = Variable(self.names.unique("bound"), node.low, node.high)
        self.block.nexts[register] = node
        return register

    def array(self, value: Value) -> Array:
        """The array that a value is."""
        binding = self.frame[value]
        assert isinstance(binding, Array)
        return binding

    def channel(self, value: Value) -> Channel:
        """The stream that a value is."""
        binding = self.frame[value]
        assert isinstance(binding, Channel)
        return binding

    # Conditions

    def condition(self) -> Node:
        """Whether the present place is reached."""
        node: Node = self.graph.const(1)
        for literal, polarity in self.predicate:
            node = self.graph.both(node, literal if polarity else self.graph.invert(literal))
        return node

    def here(self) -> Predicate:
        """The conditions that hold at the present place."""
        return frozenset(self.predicate)

    # Operations

    def run(self, body: Block) -> list[Value]:
        """Lowers the operations; the operands of the terminator."""
        for op in body.ops:
            if op.name in ("func.return", "scf.yield", "affine.yield"):
                return op.operands
            self.graph.origin = op.origin
            if self.block.calls and not self.straight_line and self._may_wait(op):
                self.end_block("s")
            handler = self.handlers.get(op.name)
            if handler is None:
                raise UnsupportedError(f"{op} is not supported by the RTL backend")
            handler(self, op)
            if len(self.graph.nodes) > MAX_UNROLLED:
                raise UnsupportedError(f"{op} unrolls to more than {MAX_UNROLLED} operations")
        return []

    def _may_wait(self, op: Op) -> bool:
        """Whether an operation may hold the block, which a unit's results do not wait for."""
        if op.name in ("affine.load", "memref.load", "affine.store", "memref.store"):
            array = self.frame.get(op.operands["store" in op.name])
            return isinstance(array, Array) and array.master is not None
        return op.name in ("allo.stream_get", "allo.stream_put", "scf.if")
