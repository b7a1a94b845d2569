"""Normalise: runs a function symbolically and leaves dataflow graphs under structured control.

One walk does what compilers usually do in many passes, because running code with graph nodes for
values inlines calls, unrolls loops, turns scalar variables and partitioned arrays into edges, turns
branches into multiplexers, and folds constants by itself. What it cannot run that way, it cuts: a
loop that stays a loop, or a branch around one, ends the current leaf.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tritstream.rtl._mlir import (
    INDEX_BITS,
    AffineExpression,
    Argument,
    Block,
    Constant,
    Function,
    IntType,
    MemRefType,
    Module,
    Op,
    StreamType,
    Value,
)
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.graph import Graph, Node, Variable, integer_variable, linear, live_nodes
from tritstream.rtl.program import (
    Bound,
    Branch,
    Burst,
    Channel,
    Design,
    Get,
    Item,
    Leaf,
    Literals,
    Load,
    Loop,
    Master,
    Memory,
    Put,
    Repeat,
    Request,
    Store,
    Table,
    Unit,
)
from tritstream.rtl.targets import VENDOR, Target

RESERVED = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit break buf bufif0 bufif1 busy byte case casex casez cell
    chandle checker class clk clocking cmos config const constraint context continue cover
    covergroup coverpoint cross deassign default defparam design disable dist do done edge else
    end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endsequence endspecify
    endtable endtask enum event eventually expect export extends extern final finish first_match
    for force foreach forever fork forkjoin function generate genvar global highz0 highz1 idle if
    iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout
    input inside instance int integer interconnect interface intersect join join_any join_none
    large let liblist library local localparam logic longint macromodule matches medium modport
    module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
    output package packed parameter pmos posedge primitive priority program property protected
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos
    rst rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared
    sequence shortint shortreal showcancelled signed small soft solve specify specparam start
    state state_t static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on
    sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0
    tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until
    until_with untyped use uwire var vectored virtual void wait wait_order wand weak weak0 weak1
    while wildcard wire with within wor xnor xor
    """.split()  # noqa: SIM905 - a list would be 250 lines
)
"""Words of SystemVerilog, and the names that every module uses itself."""
INDEPENDENT = "tritstream.independent"
"""Attribute of an array: what an iteration of a loop reads of it, no earlier iteration wrote."""
SHORT_LOOP = 8
"""Iterations up to which a loop on scalars is unrolled without being told."""
MAX_UNROLLED = 200_000
"""Nodes of one leaf, beyond which a kernel is surely unrolled by mistake."""


@dataclass(eq=False)
class Scalar:
    """An SSA value: a node of the leaf that made it, and a register once another leaf needs it."""

    node: Node
    leaf: Leaf
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


def normalise(
    module: Module, function: Function, masters: bool = False, target: Target = VENDOR
) -> Design:
    """The design of one function that is not a dataflow region.

    Arguments become ports: integers and one-element arrays registers, streams channels, and arrays
    memories with one-cycle ports, or masters of a bus where ``masters`` is set and the array is not
    partitioned. Raises UnsupportedError for what is not supported.
    """
    return _Normaliser(module, masters, target).design(function)


def mentions_loop(module: Module, block: Block) -> bool:
    """Whether a block contains a loop, through calls as well."""
    for op in block.walk():
        if op.name in ("scf.for", "affine.for", "scf.while"):
            return True
        if op.name == "func.call" and mentions_loop(module, module.function(op.callee).body):
            return True
    return False


class _Normaliser:
    def __init__(self, module: Module, masters: bool, target: Target) -> None:
        self.module = module
        self.masters = masters
        self.target = target
        self.units: dict[str, Unit | None] = {}
        """By function: the unit, or None where there is none."""
        self.sites: dict[str, int] = {}
        """By function: how many calls there are of it."""
        self.unit_arguments: dict[str, list[list[Variable]]] = {}
        self.unit_targets: dict[str, list[Variable | int]] = {}
        """By function: of every output the array element or the result that it becomes."""
        self.names: dict[str, int] = dict.fromkeys(RESERVED, 0)
        self.sequence: list[Item] = []
        self.leaf = self.new_leaf("start")
        self.env: dict[Variable, Node] = {}
        self.frame: dict[Value, Binding] = {}
        self.literals: list[tuple[Node, bool]] = []
        self.inside_leaf = False
        self.order = 0
        self.versions: dict[Any, int] = {}
        self.result: Design
        self.top: Function
        self.calls: list[str] = []
        self.bus_reads: dict[Any, Get] = {}

    # Names and leaves

    def unique(self, name: str) -> str:
        name = "".join(c if c.isalnum() else "_" for c in name) or "v"
        if not name[0].isalpha():
            name = "v" + name
        base = re.sub(r"(__\d+)+$", "", name)
        made = base
        while made in self.names:
            self.names[base] = self.names.get(base, 0) + 1
            made = f"{base}__{self.names[base]}"
        self.names[made] = 0
        return made

    @property
    def graph(self) -> Graph:
        return self.leaf.graph

    def next_order(self) -> int:
        self.order += 1
        return self.order

    def new_leaf(self, name: str) -> Leaf:
        return Leaf(name, Graph(self.target.logic_products))

    def cut(self, name: str = "") -> None:
        """End the current leaf and open the next."""
        self.close()
        if self.leaf.graph.nodes:
            self.sequence.append(self.leaf)
        self.leaf = self.new_leaf(self.unique(name or "s"))
        self.env = {}

    def close(self) -> None:
        for variable, node in self.env.items():
            if not (node.op == "variable" and node.data is variable):
                self.leaf.nexts[variable] = node

    # Values

    def read(self, variable: Variable) -> Node:
        node = self.env.get(variable)
        return node if node is not None else self.graph.variable(variable)

    def write(self, variable: Variable, node: Node) -> None:
        if not node.hint:
            node.hint = variable.name
        self.env[variable] = node

    def node(self, value: Value) -> Node:
        binding = self.frame[value]
        assert isinstance(binding, Scalar)
        if binding.node.op == "const":
            return self.graph.const(binding.node.data)
        if binding.leaf is self.leaf:
            return binding.node
        if binding.register is None:
            source = binding.node
            if source.op == "variable" and source.data in self.steady:
                return self.graph.variable(source.data)
            binding.register = Variable(
                self.unique(value.name or source.hint or "kept"), source.low, source.high
            )
            binding.leaf.nexts[binding.register] = source
        return self.graph.variable(binding.register)

    def bind(self, value: Value, node: Node) -> None:
        if value.name and not node.hint:
            node.hint = value.name
        self.frame[value] = Scalar(node, self.leaf)

    def bound(self, node: Node) -> Bound:
        """A node of the current leaf as something that control can read after the leaf."""
        if node.op == "const":
            return int(node.data)
        register = Variable(self.unique("bound"), node.low, node.high)
        self.leaf.nexts[register] = node
        return register

    def array(self, value: Value) -> Array:
        binding = self.frame[value]
        assert isinstance(binding, Array)
        return binding

    # The whole

    def design(self, function: Function) -> Design:
        self.result = Design(function.name, [])
        self.top = function
        self.steady: set[Variable] = set()
        if function.results:
            raise UnsupportedError(f"{function.where} returns a value: a top writes to arguments")
        written, read = self.accessed(function)
        for position, argument in enumerate(function.arguments):
            name = self.unique(argument.name or f"arg{position}")
            port = self.port(argument, name, written, read)
            self.frame[argument] = port
            if isinstance(port, Scalar):
                kept: object = port.node.data
            elif isinstance(port, Array):
                kept = port.variables[0] if port.variables else port.memory or port.master
            else:
                kept = port
            self.result.ports[position] = kept
        if self.target.shared_functions:
            self.count_sites(function)
        self.block(function.body)
        self.cut()
        self.result.items = self.sequence
        return self.result

    def accessed(self, function: Function) -> tuple[set[Value], set[Value]]:
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
                callee = self.module.function(op.callee)
                w, r = self.accessed(callee)
                for outer, inner in zip(op.operands, callee.arguments, strict=True):
                    if inner in w:
                        written.add(outer)
                    if inner in r:
                        read.add(outer)
        return written, read

    def port(self, argument: Value, name: str, written: set[Value], read: set[Value]) -> Binding:
        t = argument.type
        if isinstance(t, IntType):
            variable = integer_variable(name, t.width)
            self.result.inputs.append(variable)
            self.steady.add(variable)
            return Scalar(self.graph.variable(variable), self.leaf)
        if isinstance(t, StreamType):
            channel = Channel(name, t.width)
            if argument in written and argument in read:
                raise UnsupportedError(
                    f"stream {name} is both read and written by {self.top.where}"
                )
            (self.result.channels_out if argument in written else self.result.channels_in).append(
                channel
            )
            return channel
        if t.size == 1:
            variable = integer_variable(name, t.width)
            if argument in written:
                if argument in read:
                    raise UnsupportedError(
                        f"argument {name} of {self.top.where} is read and written: a register "
                        f"argument is one or the other"
                    )
                self.result.outputs.append(variable)
            else:
                self.result.inputs.append(variable)
                self.steady.add(variable)
            return Array(name, t, variables=[variable])
        if self.masters and t.layout is None:
            master = Master(
                name,
                t.width,
                t.size,
                Channel(f"{name}_r", t.width),
                Channel(f"{name}_w", t.width),
                argument in read,
                argument in written,
            )
            self.result.masters.append(master)
            return Array(name, t, master=master)
        banks, depth = self.extents(t)
        memory = Memory(name, t.width, banks, depth, port=True)
        self.result.memories.append(memory)
        return Array(name, t, memory=memory)

    def block(self, block: Block) -> list[Value]:
        """Runs the operations; the operands of the terminator."""
        for op in block.ops:
            if op.name in ("func.return", "scf.yield", "affine.yield"):
                return op.operands
            self.graph.where = str(op)
            self.operation(op)
        return []

    def operation(self, op: Op) -> None:
        name = op.name
        if self.leaf.calls and not self.inside_leaf and self.may_wait(op):
            self.cut("s")
        if name.startswith("arith."):
            self.bind(op.results[0], self.arithmetic(op))
        elif name in ("affine.load", "memref.load"):
            array = self.array(op.operands[0])
            self.bind(op.results[0], self.load(op, array, self.indices(op, op.operands[1:])))
        elif name in ("affine.store", "memref.store"):
            array = self.array(op.operands[1])
            value = self.node(op.operands[0])
            self.store(op, array, self.indices(op, op.operands[2:]), value)
        elif name == "memref.alloc":
            self.frame[op.results[0]] = self.allocate(op)
        elif name == "memref.get_global":
            t, data = self.module.tables[op.text("name")]
            table = Table(op.text("name"), t.width, data)
            self.frame[op.results[0]] = Array(table.name, t, table=table)
        elif name in ("affine.for", "scf.for"):
            self.loop(op)
        elif name == "scf.if":
            self.branch(op)
        elif name == "func.call":
            self.call(op)
        elif name == "allo.stream_get":
            self.get(op)
        elif name == "allo.stream_put":
            self.put(op)
        elif name in ("allo.get_slice", "allo.set_slice"):
            self.slice(op)
        else:
            raise UnsupportedError(f"{op} is not supported by the RTL backend")
        if len(self.graph.nodes) > MAX_UNROLLED:
            raise UnsupportedError(f"{op} unrolls to more than {MAX_UNROLLED} operations")

    # Arithmetic

    def arithmetic(self, op: Op) -> Node:
        g = self.graph
        name = op.name[len("arith.") :]
        result = op.results[0].type
        assert isinstance(result, IntType)
        width = result.width
        if name == "constant":
            return g.wraps(g.const(op.integer("value")), width)
        source = op.operands[0].type
        assert isinstance(source, IntType)
        w = source.width
        v = [self.node(o) for o in op.operands]
        a, b = v[0], v[1] if len(v) > 1 else v[0]
        if name == "select":
            return g.mux(a, v[1], v[2])
        if name == "cmpi":
            return self.compare(op.integer("predicate"), a, b, w)
        if name in ("addi", "subi", "muli"):
            made = {"addi": g.add, "subi": g.sub, "muli": g.mul}[name](a, b)
        elif name in ("andi", "ori", "xori"):
            made = g.bitwise(name[:-1], a, b)
        elif name == "shli":
            made = g.shl(a, g.wrapu(b, w), w)
        elif name == "shrsi":
            made = g.shr(a if w > 1 else g.sub(g.const(0), a), g.wrapu(b, w))
        elif name == "shrui":
            made = g.shr(g.wrapu(a, w), g.wrapu(b, w))
        elif name == "extsi":
            made = a if w > 1 else g.sub(g.const(0), a)
        elif name in ("extui", "index_castui"):
            made = g.wrapu(a, w)
        elif name in ("trunci", "index_cast"):
            made = a
        elif name == "minsi":
            made = g.mux(g.less(a, b), a, b)
        elif name == "maxsi":
            made = g.mux(g.less(a, b), b, a)
        elif name in ("minui", "maxui"):
            a, b = g.wrapu(a, w), g.wrapu(b, w)
            made = g.mux(g.less(a, b), *((a, b) if name == "minui" else (b, a)))
        elif name in ("divui", "remui", "divsi", "remsi", "floordivsi", "ceildivsi"):
            made = self.division(op, name, a, b, w)
        else:
            raise UnsupportedError(f"{op} is not supported by the RTL backend")
        return self.graph.wraps(made, width)

    def compare(self, predicate: int, a: Node, b: Node, width: int) -> Node:
        g = self.graph
        if predicate >= 6:
            a, b = g.wrapu(a, width), g.wrapu(b, width)
            predicate -= 4
        elif width == 1 and predicate >= 2:
            a, b = b, a
        if predicate == 0:
            return g.equal(a, b)
        if predicate == 1:
            return g.invert(g.equal(a, b))
        if predicate == 2:
            return g.less(a, b)
        if predicate == 3:
            return g.invert(g.less(b, a))
        if predicate == 4:
            return g.less(b, a)
        return g.invert(g.less(a, b))

    def division(self, op: Op, name: str, a: Node, b: Node, width: int) -> Node:
        g = self.graph
        if name in ("divui", "remui"):
            a, b = g.wrapu(a, width), g.wrapu(b, width)
        power = b.op == "const" and b.data > 0 and b.data & (b.data - 1) == 0
        if name in ("floordivsi", "divsi") and power and a.low >= 0:
            return g.shrc(a, b.data.bit_length() - 1)
        if name in ("floordivsi", "ceildivsi") and (a.low < 0 or b.low < 0):
            # The emitted C++ divides towards zero there, MLIR does not.
            raise UnsupportedError(
                f"{op}: an operand may be negative, where C++ and MLIR round differently; "
                f"make it a shift, or give operands that cannot be negative"
            )
        negative_a, negative_b = g.less(a, g.const(0)), g.less(b, g.const(0))
        magnitude_a = g.mux(negative_a, g.sub(g.const(0), a), a)
        magnitude_b = g.mux(negative_b, g.sub(g.const(0), b), b)
        # Each arm of a mux keeps the other sign in its interval; a magnitude has none.
        magnitude_a = self.not_negative(magnitude_a, a)
        magnitude_b = self.not_negative(magnitude_b, b)
        flip, flip_rest = g.bitwise("xor", negative_a, negative_b), negative_a
        if self.inside_leaf or self.literals:
            quotient, remainder = g.divide(magnitude_a, magnitude_b)
        else:
            quotient, remainder, flips = self.iterate_division(
                op, magnitude_a, magnitude_b, flip, flip_rest
            )
            flip, flip_rest = flips
            g = self.graph
        if name == "ceildivsi":
            return g.add(quotient, g.invert(g.equal(remainder, g.const(0))))
        if name in ("remui", "remsi"):
            return g.mux(flip_rest, g.sub(g.const(0), remainder), remainder)
        return g.mux(flip, g.sub(g.const(0), quotient), quotient)

    def not_negative(self, node: Node, signed: Node) -> Node:
        largest = max(abs(signed.low), abs(signed.high))
        return self.graph.wrapu(node, max(largest.bit_length(), 1))

    def iterate_division(
        self, op: Op, a: Node, b: Node, flip: Node, flip_rest: Node
    ) -> tuple[Node, Node, tuple[Node, Node]]:
        """One bit of the quotient a cycle: a loop leaf of its own, outside of any pipeline."""
        count = a.width
        numerator = Variable(self.unique("numerator"), 0, (1 << count) - 1)
        divisor = Variable(self.unique("divisor"), 0, b.high)
        rest = Variable(self.unique("remainder"), 0, b.high)
        flips = [Variable(self.unique("negative"), 0, 1) for _ in range(2)]
        for variable, node in zip(
            (numerator, divisor, rest, *flips),
            (a, b, self.graph.const(0), flip, flip_rest),
            strict=True,
        ):
            self.env[variable] = node
        self.cut("divide")
        g = self.graph
        g.where = str(op)
        n, d, r = (g.variable(v) for v in (numerator, divisor, rest))
        trial = g.add(g.shlc(r, 1), g.shrc(n, count - 1))
        fits = g.invert(g.less(trial, d))
        width = divisor.width
        self.leaf.nexts[rest] = g.mux(fits, g.wrapu(g.sub(trial, d), width), g.wrapu(trial, width))
        self.leaf.nexts[numerator] = g.add(g.shlc(g.wrapu(n, count - 1), 1), fits)
        counter = Variable(self.unique("step"), 0, count)
        self.leaf.loop = Loop(counter, 0, count, 1, "division", str(op))
        self.leaf.nexts[counter] = g.add(g.variable(counter), g.const(1))
        self.sequence.append(self.leaf)
        self.leaf, self.env = self.new_leaf(self.unique("s")), {}
        g = self.graph
        return (
            g.variable(numerator),
            g.variable(rest),
            (g.variable(flips[0]), g.variable(flips[1])),
        )

    def slice(self, op: Op) -> None:
        g = self.graph
        word, high, low = (self.node(o) for o in op.operands[:3])
        t = op.results[0].type
        assert isinstance(t, IntType)
        terms, distance = linear(g.sub(high, low))
        if terms:
            terms, distance = _difference(high, low)
        if terms:
            raise UnsupportedError(f"{op}: the width of the slice is not constant")
        if op.name == "allo.get_slice":
            if distance + 1 != t.width:
                raise UnsupportedError(
                    f"{op}: a slice of {distance + 1} bits is read as {t.width} bits, which C++ "
                    f"and MLIR extend differently; assign it to a variable of its own width first"
                )
            made = g.wraps(g.shr(word, g.wrapu(low, 32)), t.width)
        else:
            if low.op != "const":
                raise UnsupportedError(f"{op}: writing a slice at a position that is not constant")
            if distance < 0 or low.data < 0 or low.data + distance >= t.width:
                raise UnsupportedError(f"{op}: bits {low.data + distance}:{low.data} of {t.width}")
            value = self.node(op.operands[3])
            made = g.insert(word, value, low.data, distance + 1, t.width)
        self.bind(op.results[0], made)

    # Memory

    def affine(self, expression: AffineExpression, dims: list[Node], op: Op | None = None) -> Node:
        g = self.graph
        if isinstance(expression, Argument):
            return dims[expression.position]
        if isinstance(expression, Constant):
            return g.const(expression.value)
        kind = expression.kind
        a = self.affine(expression.left, dims, op)
        b = self.affine(expression.right, dims, op)
        if kind == "+":
            return g.add(a, b)
        if kind == "*":
            return g.mul(a, b)
        k = b.data.bit_length() - 1 if b.op == "const" and b.data > 0 else -1
        if a.op == "const" and k >= 0:
            n = b.data
            return g.const(
                a.data % n
                if kind == "mod"
                else a.data // n
                if kind == "floordiv"
                else -(-a.data // n)
            )
        if k < 0 or b.data != 1 << k:
            raise UnsupportedError(
                f"{op or 'an array'}: {kind} by something that is not a power of two"
            )
        if kind == "mod":
            return g.wrapu(a, k)
        return g.shrc(g.add(a, g.const((1 << k) - 1)) if kind == "ceildiv" else a, k)

    def indices(self, op: Op, operands: list[Value]) -> list[Node]:
        nodes = [self.node(o) for o in operands]
        table = op.map("map")
        if table is not None:
            return [self.affine(e, nodes, op) for e in table.results]
        return nodes

    def extents(self, t: MemRefType) -> tuple[int, int]:
        """Banks, and words of a bank."""
        banks = depth = 1
        for extent in self.coordinate_extents(t)[: len(t.shape)]:
            banks *= extent
        for extent in self.coordinate_extents(t)[len(t.shape) :]:
            depth *= extent
        return banks, depth

    def coordinate_extents(self, t: MemRefType) -> list[int]:
        rank = len(t.shape)
        if t.layout is None or len(t.layout.results) != 2 * rank:
            return [1] * rank + list(t.shape)
        probe = Graph()
        dims = [
            probe.make("load", (), ("extent", i), 0, extent - 1) if extent > 1 else probe.const(0)
            for i, extent in enumerate(t.shape)
        ]
        saved, self.leaf = self.leaf, Leaf("probe", probe)
        try:
            return [self.affine(e, dims).high + 1 for e in t.layout.results]
        finally:
            self.leaf = saved

    def place(self, array: Array, index: list[Node]) -> tuple[Node, Node]:
        """Bank and address of an element."""
        g = self.graph
        t = array.type
        extents = self.coordinate_extents(t)
        rank = len(t.shape)
        if t.layout is None or len(t.layout.results) != 2 * rank:
            coordinates = [g.const(0)] * rank + index
        else:
            coordinates = [self.affine(e, index) for e in t.layout.results]
        bank = address = g.const(0)
        for k in range(rank):
            bank = g.add(g.mul(bank, g.const(extents[k])), coordinates[k])
        for k in range(rank, 2 * rank):
            address = g.add(g.mul(address, g.const(extents[k])), coordinates[k])
        return bank, address

    def allocate(self, op: Op) -> Array:
        t = op.results[0].type
        assert isinstance(t, MemRefType)
        name = self.unique(op.text("name") or op.results[0].name or "array")
        banks, depth = self.extents(t)
        if depth == 1:
            variables = [
                integer_variable(name if t.size == 1 else self.unique(f"{name}_{k}"), t.width)
                for k in range(t.size)
            ]
            for variable in variables:
                self.env[variable] = self.graph.const(0)
            return Array(name, t, variables=variables)
        declared = INDEPENDENT in op.attributes
        declared |= "inter false" in op.text("dependence")
        memory = Memory(name, t.width, banks, depth, independent=declared)
        self.result.memories.append(memory)
        return Array(name, t, memory=memory)

    def flat(self, array: Array, index: list[Node]) -> Node:
        at = self.graph.const(0)
        for extent, node in zip(array.type.shape, index, strict=True):
            at = self.graph.add(self.graph.mul(at, self.graph.const(extent)), node)
        return at

    def condition(self) -> Node:
        node = self.graph.const(1)
        for literal, polarity in self.literals:
            node = self.graph.both(node, literal if polarity else self.graph.invert(literal))
        return node

    def here(self) -> Literals:
        return frozenset(self.literals)

    def load(self, op: Op, array: Array, index: list[Node]) -> Node:
        g = self.graph
        if array.variables is not None:
            at = self.flat(array, index)
            if at.op == "const":
                self.check(op, array, at.data)
                return self.read(array.variables[at.data])
            chosen = self.read(array.variables[-1])
            for k in reversed(range(len(array.variables) - 1)):
                chosen = g.mux(g.equal(at, g.const(k)), self.read(array.variables[k]), chosen)
            return chosen
        if array.table is not None:
            at = self.flat(array, index)
            if at.op == "const":
                self.check(op, array, at.data)
                return g.const(array.table.values[at.data])
            values = array.table.values
            node = g.make("table", (at,), array.table, min(values), max(values))
            if node.op == "table" and node not in self.leaf.tables:
                self.leaf.tables.append(node)
            return node
        if array.master is not None:
            return self.load_from_bus(op, array.master, self.flat(array, index))
        memory = array.memory
        assert memory is not None
        bank, address = self.place(array, index)
        choices = [bank.data] if bank.op == "const" else range(memory.banks)
        made: Node | None = None
        for k in choices:
            key = (memory, k, self.versions.get((self.leaf, memory, k), 0))
            node = g.source("load", (address,), key, memory.width)
            if all(x.node is not node for x in self.leaf.loads):
                self.leaf.loads.append(
                    Load(node, memory, k, address, self.next_order(), self.here(), str(op))
                )
            else:
                # A second read of the same word needs no port, but it needs both conditions.
                record = next(x for x in self.leaf.loads if x.node is node)
                record.literals = record.literals & self.here()
            made = node if made is None else g.mux(g.equal(bank, g.const(k)), node, made)
        assert made is not None
        return made

    def check(self, op: Op, array: Array, at: int) -> None:
        if not 0 <= at < array.type.size:
            raise UnsupportedError(
                f"{op}: element {at} of {array.name}, which has {array.type.size}"
            )

    def store(self, op: Op, array: Array, index: list[Node], value: Node) -> None:
        g = self.graph
        if array.variables is not None:
            at = self.flat(array, index)
            if at.op == "const":
                self.check(op, array, at.data)
                self.write(array.variables[at.data], value)
                return
            for k, variable in enumerate(array.variables):
                self.env[variable] = g.mux(g.equal(at, g.const(k)), value, self.read(variable))
            return
        if array.table is not None:
            raise UnsupportedError(f"{op} writes to the constant table {array.name}")
        if array.master is not None:
            self.store_to_bus(op, array.master, self.flat(array, index), value)
            return
        memory = array.memory
        assert memory is not None
        bank, address = self.place(array, index)
        choices = [bank.data] if bank.op == "const" else range(memory.banks)
        for k in choices:
            condition = g.both(self.condition(), g.equal(bank, g.const(k)))
            literals = self.here()
            if bank.op != "const":
                literals |= {(g.equal(bank, g.const(k)), True)}
            if condition.op == "const" and not condition.data:
                continue
            self.leaf.stores.append(
                Store(memory, k, address, value, condition, self.next_order(), literals, str(op))
            )
            slot = (self.leaf, memory, k)
            self.versions[slot] = self.versions.get(slot, 0) + 1

    def load_from_bus(self, op: Op, master: Master, address: Node) -> Node:
        g = self.graph
        written = sum(r.is_write and r.master is master for r in self.leaf.requests)
        known = self.bus_reads.get((self.leaf, master, address, written))
        if known is not None and self.here() >= known.literals:
            return known.node
        condition = self.condition()
        order = self.next_order()
        self.leaf.requests.append(
            Request(master, False, address, condition, order, str(op), self.here())
        )
        node = g.source("get", (), (master.read, order), master.width)
        get = Get(node, master.read, condition, order, self.here(), str(op))
        self.leaf.gets.append(get)
        self.bus_reads[self.leaf, master, address, written] = get
        return node

    def store_to_bus(self, op: Op, master: Master, address: Node, value: Node) -> None:
        condition = self.condition()
        order = self.next_order()
        self.leaf.requests.append(
            Request(master, True, address, condition, order, str(op), self.here())
        )
        self.leaf.puts.append(Put(master.write, value, condition, order, self.here(), str(op)))

    def get(self, op: Op) -> None:
        channel = self.frame[op.operands[0]]
        assert isinstance(channel, Channel)
        order = self.next_order()
        node = self.graph.source("get", (), (channel, order), channel.width)
        self.leaf.gets.append(Get(node, channel, self.condition(), order, self.here(), str(op)))
        self.bind(op.results[0], node)

    def put(self, op: Op) -> None:
        channel = self.frame[op.operands[0]]
        assert isinstance(channel, Channel)
        value = self.node(op.operands[1])
        self.leaf.puts.append(
            Put(channel, value, self.condition(), self.next_order(), self.here(), str(op))
        )

    # Control

    def call(self, op: Op) -> None:
        callee = self.module.function(op.callee)
        if callee.name in self.calls:
            raise UnsupportedError(f"{op}: {callee.name} calls itself")
        if self.call_unit(op, callee):
            return
        outer = self.frame
        frame: dict[Value, Binding] = {}
        for argument, operand in zip(callee.arguments, op.operands, strict=True):
            binding = outer[operand]
            # Its own entry, so that a register made for it inside has the right name.
            frame[argument] = binding
            # The layout may differ: a callee may not know how the same array is partitioned.
            if (
                isinstance(binding, Array)
                and isinstance(argument.type, MemRefType)
                and argument.type.shape != binding.type.shape
            ):
                raise UnsupportedError(f"{op}: {callee.name} sees {binding.name} in another shape")
        self.calls.append(callee.name)
        self.frame = frame
        returned = [self.frame[v] for v in self.block(callee.body)]
        self.frame = outer
        self.calls.pop()
        for result, binding in zip(op.results, returned, strict=True):
            self.frame[result] = binding

    # Units: functions that exist once

    def count_sites(self, function: Function) -> None:
        """How often every function is called, through others too."""
        for op in function.body.walk():
            if op.name == "func.call":
                callee = self.module.function(op.callee)
                self.sites[callee.name] = self.sites.get(callee.name, 0) + 1
                if self.sites[callee.name] < 100:
                    self.count_sites(callee)

    def may_wait(self, op: Op) -> bool:
        """Whether an operation may hold the leaf, which a unit's results do not wait for."""
        if op.name in ("affine.load", "memref.load", "affine.store", "memref.store"):
            array = self.frame.get(op.operands["store" in op.name])
            return isinstance(array, Array) and array.master is not None
        return op.name in ("allo.stream_get", "allo.stream_put", "scf.if")

    def call_unit(self, op: Op, callee: Function) -> bool:
        """Calls the function as a unit, if it is one; False where it is to be inlined."""
        if self.inside_leaf or self.literals or self.sites.get(callee.name, 0) < 2:
            return False
        arrays = [b for o in op.operands if isinstance(b := self.frame[o], Array)]
        scalar = all(a.variables is not None for a in arrays)
        for o, a in zip(op.operands, callee.arguments, strict=True):
            b = self.frame[o]
            if isinstance(b, Array) and getattr(a.type, "shape", None) != b.type.shape:
                return False
        if not scalar or len({id(a) for a in arrays}) < len(arrays):
            # One array twice: whether a write of the one shows in the other is for inlining.
            written, _ = self.accessed(callee)
            twice = [
                a for o, a in zip(op.operands, callee.arguments, strict=True)
                if sum(self.frame[o] is self.frame[x] for x in op.operands) > 1
            ]  # fmt: skip
            if not scalar or written & set(twice):
                return False
        if any(isinstance(self.frame[o], Channel) for o in op.operands):
            return False
        if callee.name not in self.units:
            self.units[callee.name] = self.make_unit(callee)
        unit = self.units[callee.name]
        if unit is None:
            return False
        leaf = self.leaf
        if leaf.gets or leaf.puts or leaf.requests:
            self.cut("s")
        given: dict[Variable, Node] = {}
        taken: dict[Variable, Variable] = {}
        for operand, inner in zip(op.operands, self.unit_arguments[callee.name], strict=True):
            binding = self.frame[operand]
            if isinstance(binding, Array):
                for own, outer in zip(inner, binding.variables or [], strict=True):
                    given[own], taken[own] = self.read(outer), outer
            else:
                given[inner[0]] = self.node(operand)
        arguments = tuple(given[v] for v in unit.inputs)
        self.leaf.calls = True
        for k, (output, target) in enumerate(
            zip(unit.outputs, self.unit_targets[callee.name], strict=True)
        ):
            node = self.graph.make("call", arguments, (unit, k), output.low, output.high)
            if isinstance(target, Variable):
                self.write(taken[target], node)
            else:
                self.bind(op.results[target], node)
        return True

    def make_unit(self, callee: Function) -> Unit | None:
        """The function as a unit, if it is work on scalars alone and large enough."""
        kept = self.leaf, self.env, self.sequence, self.frame, self.literals
        leaf = self.new_leaf(self.unique(f"{callee.name}_unit"))
        self.leaf, self.env, self.sequence, self.frame, self.literals = leaf, {}, [], {}, []
        arguments: list[list[Variable]] = []
        for position, argument in enumerate(callee.arguments):
            name = argument.name or f"arg{position}"
            t = argument.type
            if isinstance(t, IntType):
                own = [integer_variable(self.unique(name), t.width)]
                self.frame[argument] = Scalar(self.graph.variable(own[0]), leaf)
            elif isinstance(t, MemRefType):
                own = [integer_variable(self.unique(f"{name}_{k}"), t.width) for k in range(t.size)]
                self.frame[argument] = Array(name, t, variables=own)
            arguments.append(own)
        sites, self.sites = self.sites, {}
        self.calls.append(callee.name)
        try:
            returned = [self.node(v) for v in self.block(callee.body)]
        finally:
            self.calls.pop()
            self.sites = sites
            env, cuts, same = self.env, self.sequence, self.leaf is leaf
            self.leaf, self.env, self.sequence, self.frame, self.literals = kept
        effects = leaf.loads or leaf.stores or leaf.gets or leaf.puts or leaf.requests
        if not same or cuts or effects:
            return None
        every = [v for own in arguments for v in own]
        found: list[tuple[Variable | int, Node]] = [(v, env[v]) for v in every if v in env]
        found += list(enumerate(returned))
        nodes = live_nodes([n for _, n in found])
        if len(nodes) < self.target.shared_functions:
            return None
        unit = Unit(leaf.name, leaf, [], [])
        read = {n.data for n in nodes if n.op == "variable"}
        unit.inputs = [v for v in every if v in read]
        for k, (_, node) in enumerate(found):
            output = Variable(self.unique(f"{leaf.name}_out{k}"), node.low, node.high)
            unit.outputs.append(output)
            leaf.nexts[output] = node
        leaf.unit = unit
        self.unit_arguments[callee.name] = arguments
        self.unit_targets[callee.name] = [target for target, _ in found]
        self.result.units.append(unit)
        return unit

    def branch(self, op: Op) -> None:
        condition = self.node(op.operands[0])
        if condition.op == "const":
            yielded = self.block(op.regions[0] if condition.data else op.regions[1])
            for result, value in zip(op.results, yielded, strict=True):
                self.frame[result] = self.frame[value]
            return
        loops = any(mentions_loop(self.module, r) for r in op.regions)
        if loops and not self.inside_leaf:
            self.branch_of_control(op, condition)
            return
        g = self.graph
        before = dict(self.env)
        arms: list[dict[Variable, Node]] = []
        values: list[list[Node]] = []
        for polarity, region in ((True, op.regions[0]), (False, op.regions[1])):
            self.env = dict(before)
            self.literals.append((condition, polarity))
            was_inside, self.inside_leaf = self.inside_leaf, True
            values.append([self.node(v) for v in self.block(region)])
            self.inside_leaf = was_inside
            self.literals.pop()
            arms.append(self.env)
        self.env = before
        for variable in {**arms[0], **arms[1]}:
            a, b = (arm[variable] if variable in arm else g.variable(variable) for arm in arms)
            self.env[variable] = g.mux(condition, a, b)
        for result, a, b in zip(op.results, *values, strict=True):
            self.bind(result, g.mux(condition, a, b))

    def branch_of_control(self, op: Op, condition: Node) -> None:
        if op.results:
            raise UnsupportedError(f"{op} gives a value and contains a loop")
        test = self.bound(condition)
        assert isinstance(test, Variable)
        self.cut("branch")
        outer = self.sequence
        bodies: list[list[Item]] = []
        for region in op.regions:
            self.sequence = []
            self.block(region)
            self.cut("s")
            bodies.append(self.sequence)
        self.sequence = outer
        self.sequence.append(Branch(test, *bodies))

    def loop(self, op: Op) -> None:
        low, high, step = self.bounds(op)
        if step <= 0:
            raise UnsupportedError(f"{op}: the step must be positive")
        if len(op.regions[0].arguments) != 1 or op.results:
            raise UnsupportedError(f"{op} carries values: use variables")
        body = op.regions[0]
        counter = body.arguments[0]
        constant = low.op == "const" and high.op == "const"
        short = constant and "pipeline_ii" not in op.attributes and self.is_short(op, low, high)
        if self.inside_leaf or short or "unroll" in op.attributes:
            if not constant:
                raise UnsupportedError(
                    f"{op}: a loop inside a pipelined loop is unrolled and needs constant bounds"
                )
            for i in range(low.data, high.data, step):
                self.bind(counter, self.graph.const(i))
                self.block(body)
            return
        name = op.text("op_name") or op.text("loop_name") or "loop"
        pipelined = op.attributes.get("pipeline_ii") == 1
        if constant and low.data >= high.data:
            return
        # The counter of a sequential loop also holds the value that ends it.
        over = 0 if pipelined else step
        limits = low.low, max(high.high - 1 + over, low.low)
        low_bound, high_bound = self.bound(low), self.bound(high)
        if step != 1 and not constant:
            raise UnsupportedError(f"{op}: a step of {step} needs constant bounds")
        self.cut(name)
        variable = Variable(self.unique(f"{counter.name or 'i'}_{name}"), *limits)
        made = Loop(variable, low_bound, high_bound, step, name, str(op))
        if pipelined:
            self.pipeline(op, made, body)
            return
        outer, self.sequence = self.sequence, []
        self.steady.add(variable)
        self.bind(counter, self.graph.variable(variable))
        self.block(body)
        self.cut("s")
        self.steady.discard(variable)
        items, self.sequence = self.sequence, outer
        self.sequence.append(Repeat(made, items))

    def is_short(self, op: Op, low: Node, high: Node) -> bool:
        """A few iterations on scalars alone: as straight-line code they take fewer cycles."""
        if high.data - low.data > SHORT_LOOP or mentions_loop(self.module, op.regions[0]):
            return False
        for inner in op.regions[0].walk():
            if inner.name.startswith("allo.stream"):
                return False
            for operand in inner.operands:
                if isinstance(operand.type, MemRefType) and operand.type.size > 1:
                    return False
        return True

    def pipeline(self, op: Op, loop: Loop, body: Block) -> None:
        self.leaf.loop = loop
        g = self.graph
        counter = g.variable(loop.counter)
        self.bind(body.arguments[0], counter)
        self.inside_leaf = True
        self.block(body)
        self.inside_leaf = False
        self.close()
        leaf = self.leaf
        leaf.nexts[loop.counter] = g.add(g.variable(loop.counter), g.const(loop.step))
        self.leaf, self.env = self.new_leaf(self.unique("s")), {}
        self.make_bursts(leaf)
        # What computes the bursts' addresses stands before the loop.
        self.cut("address")
        self.sequence.append(leaf)

    def make_bursts(self, leaf: Leaf) -> None:
        """Unconditional accesses at consecutive addresses become one request before the loop."""
        loop = leaf.loop
        assert loop is not None
        for request in list(leaf.requests):
            side = [r for r in leaf.requests if r.master is request.master]
            terms, offset = linear(request.address, INDEX_BITS)
            coefficient = next(
                (c for a, c in terms.items() if a.op == "variable" and a.data is loop.counter), 0
            )
            rest = {
                a: c
                for a, c in terms.items()
                if not (a.op == "variable" and a.data is loop.counter)
            }
            steady = all(
                a.op == "variable" and a.data not in leaf.nexts and c in (1, -1)
                for a, c in rest.items()
            )
            always = request.condition.op == "const"
            if len(side) > 1 or coefficient != 1 or loop.step != 1 or not steady or not always:
                continue
            g = self.graph
            base = g.const(offset)
            low = loop.low
            base = g.add(base, g.const(low) if isinstance(low, int) else g.variable(low))
            for atom, c in rest.items():
                term = g.variable(atom.data)
                base = g.add(base, term) if c == 1 else g.sub(base, term)
            leaf.requests.remove(request)
            loop.bursts.append(Burst(request.master, request.is_write, self.bound(base)))

    def bounds(self, op: Op) -> tuple[Node, Node, int]:
        if op.name == "scf.for":
            low, high, step = (self.node(o) for o in op.operands[:3])
            if step.op != "const":
                raise UnsupportedError(f"{op}: the step is not constant")
            return low, high, int(step.data)
        sizes = op.integers("operandSegmentSizes")
        values = [self.node(o) for o in op.operands]
        lows, highs = op.map("lowerBoundMap"), op.map("upperBoundMap")
        assert lows is not None and highs is not None
        if len(lows.results) != 1 or len(highs.results) != 1:
            raise UnsupportedError(f"{op}: a bound is the minimum or maximum of several")
        low = self.affine(lows.results[0], values[: sizes[0]], op)
        high = self.affine(highs.results[0], values[sizes[0] : sizes[0] + sizes[1]], op)
        return low, high, op.integer("step")


def _difference(a: Node, b: Node) -> tuple[dict[Node, int], int]:
    """linear(a) - linear(b), looking through wraps that both share."""
    while a.op == b.op and a.op in ("wraps", "wrapu") and a.data == b.data:
        a, b = a.args[0], b.args[0]
    x, c = linear(a)
    y, d = linear(b)
    terms = dict(x)
    for atom, k in y.items():
        terms[atom] = terms.get(atom, 0) - k
    return {k: v for k, v in terms.items() if v}, c - d
