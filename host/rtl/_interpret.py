"""The oracle: runs a function of the operation tree on integers, one operation after the other.

Exact at every width. An integer value is held as the signed number of its width, an i1 as 0 or 1.
Dataflow regions run their processes one after the other, which is what they mean where no process
feeds an earlier one. What C++ leaves undefined is either an error here (a load or store outside its
array, a stream read when it is empty, division by zero) or has one meaning on both sides (a shift
by the width or more shifts everything out; variables start as zero).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tritstream.errors import TritstreamError
from tritstream.rtl._mlir import Block, Function, IntType, MemRefType, Module, Op, Value


class InterpretError(TritstreamError):
    """The program did something that has no meaning."""


@dataclass(eq=False)
class Array:
    """A memory: row-major signed integers."""

    shape: tuple[int, ...]
    width: int
    data: list[int]

    def flat(self, index: Sequence[int], op: Op) -> int:
        at = 0
        for i, extent in zip(index, self.shape, strict=True):
            if not 0 <= i < extent:
                raise InterpretError(f"{op}: index {list(index)} is outside {list(self.shape)}")
            at = at * extent + i
        return at


@dataclass(eq=False)
class Fifo:
    """A stream."""

    width: int
    queue: deque[int] = field(default_factory=deque)


def signed(value: int, width: int) -> int:
    """The signed number in the low ``width`` bits; an i1 is 0 or 1."""
    if width == 1:
        return value & 1
    half = 1 << (width - 1)
    return ((value + half) & (2 * half - 1)) - half


def unsigned(value: int, width: int) -> int:
    """The low ``width`` bits."""
    return value & ((1 << width) - 1)


def truncated_quotient(a: int, b: int) -> int:
    """a / b rounded towards zero, as C divides."""
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


def compare(predicate: int, a: int, b: int, width: int) -> int:
    """MLIR's cmpi on signed numbers of that width."""
    if predicate >= 6:
        a, b = unsigned(a, width), unsigned(b, width)
    elif width == 1:
        a, b = -a, -b
    return int(
        (a == b, a != b, a < b, a <= b, a > b, a >= b, a < b, a <= b, a > b, a >= b)[predicate]
    )


def shift_left(a: int, amount: int, width: int) -> int:
    return 0 if amount >= width else a << amount


def run(module: Module, function: Function, arguments: Sequence[Any]) -> list[int]:
    """Call ``function`` with integers, Arrays (changed in place) and Fifos, by argument type."""
    return _Interpreter(module).call(function, arguments)


class _Interpreter:
    def __init__(self, module: Module) -> None:
        self.module = module

    def call(self, function: Function, arguments: Sequence[Any]) -> list[int]:
        env: dict[Value, Any] = dict(zip(function.arguments, arguments, strict=True))
        return self.block(function.body, env)

    def block(self, block: Block, env: dict[Value, Any]) -> list[Any]:
        """Runs the block and returns the operands of its terminator."""
        for op in block.ops:
            if op.name in ("func.return", "scf.yield", "affine.yield"):
                return [env[o] for o in op.operands]
            self.operation(op, env)
        return []

    def index(self, op: Op, operands: Sequence[Value], env: dict[Value, Any]) -> list[int]:
        values = [env[o] for o in operands]
        table = op.map("map")
        return values if table is None else table(values)

    def operation(self, op: Op, env: dict[Value, Any]) -> None:
        name = op.name
        operands = op.operands
        if name.startswith("arith."):
            env[op.results[0]] = arithmetic(op, [env[o] for o in operands])
        elif name in ("affine.load", "memref.load"):
            array = env[operands[0]]
            env[op.results[0]] = array.data[array.flat(self.index(op, operands[1:], env), op)]
        elif name in ("affine.store", "memref.store"):
            array = env[operands[1]]
            array.data[array.flat(self.index(op, operands[2:], env), op)] = env[operands[0]]
        elif name == "memref.alloc":
            t = op.results[0].type
            assert isinstance(t, MemRefType)
            env[op.results[0]] = Array(t.shape, t.width, [0] * t.size)
        elif name == "memref.get_global":
            t, data = self.module.tables[op.text("name")]
            env[op.results[0]] = Array(t.shape, t.width, list(data))
        elif name in ("affine.for", "scf.for"):
            low, high, step = self.bounds(op, env)
            body = op.regions[0]
            for i in range(low, high, step):
                env[body.arguments[0]] = i
                self.block(body, env)
        elif name == "scf.if":
            taken = op.regions[0] if env[operands[0]] else op.regions[1]
            for result, value in zip(op.results, self.block(taken, env), strict=True):
                env[result] = value
        elif name == "func.call":
            callee = self.module.function(op.callee)
            values = self.call(callee, [env[o] for o in operands])
            for result, value in zip(op.results, values, strict=True):
                env[result] = value
        elif name == "allo.stream_construct":
            env[op.results[0]] = Fifo(op.results[0].type.width)
        elif name == "allo.stream_get":
            fifo = env[operands[0]]
            if not fifo.queue:
                raise InterpretError(f"{op}: the stream is empty")
            env[op.results[0]] = fifo.queue.popleft()
        elif name == "allo.stream_put":
            env[operands[0]].queue.append(env[operands[1]])
        elif name == "allo.get_slice":
            word, high, low = (env[o] for o in operands)
            t = op.results[0].type
            assert isinstance(t, IntType)
            if high - low + 1 != t.width:
                raise InterpretError(f"{op}: {high - low + 1} bits are read as {t.width}")
            env[op.results[0]] = signed(word >> low, t.width)
        elif name == "allo.set_slice":
            word, high, low, value = (env[o] for o in operands)
            t = op.results[0].type
            assert isinstance(t, IntType)
            mask = (1 << (high - low + 1)) - 1
            env[op.results[0]] = signed((word & ~(mask << low)) | ((value & mask) << low), t.width)
        else:
            raise InterpretError(f"{op} is not known to the interpreter")

    def bounds(self, op: Op, env: dict[Value, Any]) -> tuple[int, int, int]:
        if op.name == "scf.for":
            low, high, step = (env[o] for o in op.operands[:3])
            return low, high, step
        sizes = op.integers("operandSegmentSizes")
        values = [env[o] for o in op.operands]
        lows = values[: sizes[0]]
        highs = values[sizes[0] : sizes[0] + sizes[1]]
        low_map, high_map = op.map("lowerBoundMap"), op.map("upperBoundMap")
        assert low_map is not None and high_map is not None
        return max(low_map(lows)), min(high_map(highs)), op.integer("step")


def arithmetic(op: Op, values: Sequence[int]) -> int:
    """The result of an arith operation on signed numbers."""
    name = op.name[len("arith.") :]
    result = op.results[0].type
    assert isinstance(result, IntType)
    width = result.width
    if name == "constant":
        return signed(op.integer("value"), width)
    source = op.operands[0].type
    assert isinstance(source, IntType)
    w = source.width
    a = values[0]
    b = values[1] if len(values) > 1 else 0
    if name == "cmpi":
        return compare(op.integer("predicate"), a, b, w)
    if name == "select":
        return values[1] if a else values[2]
    if b == 0 and name.startswith(("floordiv", "ceildiv", "div", "rem")):
        raise InterpretError(f"{op}: division by zero")
    calculated = {
        "addi": lambda: a + b,
        "subi": lambda: a - b,
        "muli": lambda: a * b,
        "andi": lambda: a & b,
        "ori": lambda: a | b,
        "xori": lambda: a ^ b,
        "shli": lambda: shift_left(a, unsigned(b, w), w),
        "shrsi": lambda: (-a if w == 1 else a) >> unsigned(b, w),
        "shrui": lambda: unsigned(a, w) >> unsigned(b, w),
        "extsi": lambda: -a if w == 1 else a,
        "extui": lambda: unsigned(a, w),
        "trunci": lambda: a,
        "index_cast": lambda: a,
        "index_castui": lambda: unsigned(a, w),
        "minsi": lambda: min(a, b),
        "maxsi": lambda: max(a, b),
        "minui": lambda: min(unsigned(a, w), unsigned(b, w)),
        "maxui": lambda: max(unsigned(a, w), unsigned(b, w)),
        "floordivsi": lambda: a // b,
        "ceildivsi": lambda: -(-a // b),
        "divsi": lambda: truncated_quotient(a, b),
        "remsi": lambda: a - truncated_quotient(a, b) * b,
        "divui": lambda: unsigned(a, w) // unsigned(b, w),
        "remui": lambda: unsigned(a, w) % unsigned(b, w),
    }
    if name not in calculated:
        raise InterpretError(f"{op} is not known to the interpreter")
    return signed(calculated[name](), width)
