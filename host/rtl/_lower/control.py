"""Control: calls, branches and loops."""

from __future__ import annotations

from tritstream.rtl._ir.graph import linear
from tritstream.rtl._ir.operations import Const, Node, ReadVariable
from tritstream.rtl._ir.program import BasicBlock, Branch, Burst, Item, Loop, Repeat
from tritstream.rtl._ir.storage import Variable
from tritstream.rtl._lower.layout import affine
from tritstream.rtl._lower.state import Array, Binding, Handler, Lowering
from tritstream.rtl._lower.units import call_unit
from tritstream.rtl._mlir import INDEX_BITS, Block, MemRefType, Module, Op, Value
from tritstream.rtl._unsupported import UnsupportedError

SHORT_LOOP = 8
"""Iterations up to which a loop on scalars is unrolled without being told."""


def mentions_loop(module: Module, block: Block) -> bool:
    """Whether a block contains a loop, through calls as well."""
    for op in block.walk():
        if op.name in ("scf.for", "affine.for", "scf.while"):
            return True
        if op.name == "func.call" and mentions_loop(module, module.function(op.callee).body):
            return True
    return False


# Calls


def call(lowering: Lowering, op: Op) -> None:
    """`func.call`: a unit's, or inlined."""
    callee = lowering.module.function(op.callee)
    if callee.name in lowering.callers:
        raise UnsupportedError(f"{op}: {callee.name} calls itself")
    if call_unit(lowering, op, callee):
        return
    outer = lowering.frame
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
    lowering.callers.append(callee.name)
    lowering.frame = frame
    returned = [lowering.frame[v] for v in lowering.run(callee.body)]
    lowering.frame = outer
    lowering.callers.pop()
    for result, binding in zip(op.results, returned, strict=True):
        lowering.frame[result] = binding


# Branches


def branch(lowering: Lowering, op: Op) -> None:
    """`scf.if`: one arm where the condition is known, states of the controller around loops, else
    multiplexers."""
    condition = lowering.node(op.operands[0])
    if isinstance(condition, Const):
        yielded = lowering.run(op.regions[0] if condition.value else op.regions[1])
        for result, value in zip(op.results, yielded, strict=True):
            lowering.frame[result] = lowering.frame[value]
        return
    loops = any(mentions_loop(lowering.module, r) for r in op.regions)
    if loops and not lowering.straight_line:
        _branch_of_control(lowering, op, condition)
    else:
        _select_between_arms(lowering, op, condition)


def _select_between_arms(lowering: Lowering, op: Op, condition: Node) -> None:
    g = lowering.graph
    before = dict(lowering.env)
    arms: list[dict[Variable, Node]] = []
    values: list[list[Node]] = []
    for polarity, region in ((True, op.regions[0]), (False, op.regions[1])):
        lowering.env = dict(before)
        lowering.predicate.append((condition, polarity))
        outside, lowering.straight_line = lowering.straight_line, True
        values.append([lowering.node(v) for v in lowering.run(region)])
        lowering.straight_line = outside
        lowering.predicate.pop()
        arms.append(lowering.env)
    lowering.env = before
    for variable in {**arms[0], **arms[1]}:
        a, b = (arm[variable] if variable in arm else g.variable(variable) for arm in arms)
        lowering.env[variable] = g.mux(condition, a, b)
    for result, a, b in zip(op.results, *values, strict=True):
        lowering.bind(result, g.mux(condition, a, b))


def _branch_of_control(lowering: Lowering, op: Op, condition: Node) -> None:
    if op.results:
        raise UnsupportedError(f"{op} gives a value and contains a loop")
    test = lowering.bound(condition)
    assert isinstance(test, Variable)
    lowering.end_block("branch")
    outer = lowering.sequence
    bodies: list[list[Item]] = []
    for region in op.regions:
        lowering.sequence = []
        lowering.run(region)
        lowering.end_block("s")
        bodies.append(lowering.sequence)
    lowering.sequence = outer
    lowering.sequence.append(Branch(test, *bodies))


# Loops


def loop(lowering: Lowering, op: Op) -> None:
    """`affine.for` and `scf.for`: unrolled, pipelined, or one iteration after the other."""
    low, high, step = _bounds(lowering, op)
    if step <= 0:
        raise UnsupportedError(f"{op}: the step must be positive")
    if len(op.regions[0].arguments) != 1 or op.results:
        raise UnsupportedError(f"{op} carries values: use variables")
    constant = isinstance(low, Const) and isinstance(high, Const)
    if constant and "pipeline_ii" not in op.attributes:
        short = _is_short(lowering, op, low, high)
    else:
        short = False
    if lowering.straight_line or short or "unroll" in op.attributes:
        _unroll(lowering, op, low, high, step)
        return
    name = op.text("op_name") or op.text("loop_name") or "loop"
    pipelined = op.attributes.get("pipeline_ii") == 1
    if constant and low.low >= high.low:
        return
    # The counter of a sequential loop also holds the value that ends it.
    over = 0 if pipelined else step
    limits = low.low, max(high.high - 1 + over, low.low)
    low_bound, high_bound = lowering.bound(low), lowering.bound(high)
    if step != 1 and not constant:
        raise UnsupportedError(f"{op}: a step of {step} needs constant bounds")
    lowering.end_block(name)
    counter = op.regions[0].arguments[0]
    variable = Variable(lowering.names.unique(f"{counter.name or 'i'}_{name}"), *limits)
    made = Loop(variable, low_bound, high_bound, step, name, op.origin)
    if pipelined:
        _pipeline(lowering, made, op.regions[0])
    else:
        _repeat(lowering, made, op.regions[0])


def _unroll(lowering: Lowering, op: Op, low: Node, high: Node, step: int) -> None:
    if not (isinstance(low, Const) and isinstance(high, Const)):
        raise UnsupportedError(
            f"{op}: a loop inside a pipelined loop is unrolled and needs constant bounds"
        )
    body = op.regions[0]
    for i in range(low.value, high.value, step):
        lowering.bind(body.arguments[0], lowering.graph.const(i))
        lowering.run(body)


def _repeat(lowering: Lowering, loop: Loop, body: Block) -> None:
    outer, lowering.sequence = lowering.sequence, []
    lowering.invariants.add(loop.counter)
    lowering.bind(body.arguments[0], lowering.graph.variable(loop.counter))
    lowering.run(body)
    lowering.end_block("s")
    lowering.invariants.discard(loop.counter)
    items, lowering.sequence = lowering.sequence, outer
    lowering.sequence.append(Repeat(loop, items))


def _pipeline(lowering: Lowering, loop: Loop, body: Block) -> None:
    block, g = lowering.block, lowering.graph
    block.loop = loop
    lowering.bind(body.arguments[0], g.variable(loop.counter))
    lowering.straight_line = True
    lowering.run(body)
    lowering.straight_line = False
    lowering.close()
    block.nexts[loop.counter] = g.add(g.variable(loop.counter), g.const(loop.step))
    lowering.open_block()
    _make_bursts(lowering, block, loop)
    # What computes the bursts' addresses stands before the loop.
    lowering.end_block("address")
    lowering.sequence.append(block)


def _is_short(lowering: Lowering, op: Op, low: Node, high: Node) -> bool:
    """A few iterations on scalars alone: as straight-line code they take fewer cycles."""
    if high.low - low.low > SHORT_LOOP or mentions_loop(lowering.module, op.regions[0]):
        return False
    for inner in op.regions[0].walk():
        if inner.name.startswith("allo.stream"):
            return False
        for operand in inner.operands:
            if isinstance(operand.type, MemRefType) and operand.type.size > 1:
                return False
    return True


def _bounds(lowering: Lowering, op: Op) -> tuple[Node, Node, int]:
    if op.name == "scf.for":
        low, high, step = (lowering.node(o) for o in op.operands[:3])
        if not isinstance(step, Const):
            raise UnsupportedError(f"{op}: the step is not constant")
        return low, high, step.value
    sizes = op.integers("operandSegmentSizes")
    values = [lowering.node(o) for o in op.operands]
    lows, highs = op.map("lowerBoundMap"), op.map("upperBoundMap")
    assert lows is not None and highs is not None
    if len(lows.results) != 1 or len(highs.results) != 1:
        raise UnsupportedError(f"{op}: a bound is the minimum or maximum of several")
    g = lowering.graph
    low = affine(g, lows.results[0], values[: sizes[0]], op)
    high = affine(g, highs.results[0], values[sizes[0] : sizes[0] + sizes[1]], op)
    return low, high, op.integer("step")


def _make_bursts(lowering: Lowering, block: BasicBlock, loop: Loop) -> None:
    """Unconditional accesses at consecutive addresses become one request before the loop."""
    for request in list(block.requests):
        alone = sum(r.master is request.master for r in block.requests) == 1
        always = isinstance(request.condition, Const)
        terms, offset = linear(request.address, INDEX_BITS)
        of_counter, rest = 0, list[tuple[ReadVariable, int]]()
        invariant = True
        for atom, factor in terms.items():
            if not isinstance(atom, ReadVariable):
                invariant = False
            elif atom.variable is loop.counter:
                of_counter = factor
            else:
                invariant &= atom.variable not in block.nexts and factor in (1, -1)
                rest.append((atom, factor))
        if not (alone and always and invariant and of_counter == 1 and loop.step == 1):
            continue
        g = lowering.graph
        base: Node = g.const(offset)
        low = loop.low
        base = g.add(base, g.const(low) if isinstance(low, int) else g.variable(low))
        for atom, factor in rest:
            term = g.variable(atom.variable)
            base = g.add(base, term) if factor == 1 else g.sub(base, term)
        block.requests.remove(request)
        loop.bursts.append(Burst(request.master, request.is_write, lowering.bound(base)))


HANDLERS: dict[str, Handler] = {
    "affine.for": loop,
    "scf.for": loop,
    "scf.if": branch,
    "func.call": call,
}
