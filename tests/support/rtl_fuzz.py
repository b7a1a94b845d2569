"""Random kernels as generic-form MLIR, of the operations and shapes that Allo makes.

Every kernel is legal: indices are inside their arrays, divisors are not zero, local memories are
written before they are read. A kernel comes with the arguments of its runs.
"""

# ruff: noqa: E501 - lines of MLIR are long
from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

WIDTHS = (1, 2, 7, 8, 13, 16, 17, 24, 32, 33, 40, 48, 64, 65, 98, 128)
COMMON = (8, 16, 32, 32, 32, 64)


@dataclass
class Argument:
    """kind: scalar, register, output, memory, stream_in or stream_out."""

    kind: str
    width: int
    size: int = 1
    shape: tuple[int, ...] = ()
    layout: str = ""

    @property
    def type(self) -> str:
        if self.kind == "scalar":
            return f"i{self.width}"
        if self.kind.startswith("stream"):
            return f"!allo.stream<i{self.width}, 8>"
        shape = "x".join(map(str, self.shape or (self.size,)))
        return f"memref<{shape}xi{self.width}{self.layout}>"


@dataclass
class Array:
    name: str
    type: str
    width: int
    size: int
    dims: tuple[int, ...]
    readable: bool = True
    writable: bool = True


@dataclass
class Kernel:
    """The text of a module, its top, and what its arguments are."""

    text: str
    top: str
    arguments: list[Argument] = field(default_factory=list)
    words: int = 400
    """In every input stream."""

    def values(self, rng: random.Random) -> list[Any]:
        """Random and extreme arguments: int for a scalar, list for the others."""
        made: list[Any] = []
        for a in self.arguments:
            if a.kind in ("scalar", "register"):
                made.append(number(rng, a.width))
            elif a.kind == "stream_in":
                made.append([number(rng, a.width) for _ in range(self.words)])
            elif a.kind == "memory":
                made.append([number(rng, a.width) for _ in range(a.size)])
            else:
                made.append(None)
        return made


def number(rng: random.Random, width: int) -> int:
    """A signed number of that width, often an extreme one; a bit is 0 or 1."""
    if width == 1:
        return rng.randrange(2)
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    kind = rng.randrange(6)
    if kind == 0:
        return rng.choice((low, high, 0, 1, -1, low + 1))
    if kind == 1:
        return max(low, min(high, rng.randrange(-8, 9)))
    return rng.randint(low, high)


class Generator:
    """One kernel from one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seed = seed
        self.lines: list[str] = []
        self.indent = 2
        self.count = 0
        self.scopes: list[list[tuple[str, int]]] = [[]]
        self.variables: list[list[tuple[str, int]]] = [[]]
        self.arrays: list[Array] = []
        self.streams_in: list[tuple[str, int]] = []
        self.streams_out: list[tuple[str, int]] = []
        self.helpers: list[tuple[str, list[int], int]] = []
        self.tables: list[tuple[str, int, int]] = []
        self.counters: list[tuple[str, int]] = []
        self.used_streams: set[str] = set()
        self.budget = self.rng.randrange(12, 45)
        self.deep = 0

    # Text

    def emit(self, text: str) -> None:
        self.lines.append("  " * self.indent + text)

    def new(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def define(self, text: str, width: int, note: str = "") -> str:
        name = self.new()
        self.emit(f"{name} = {text}")
        self.scopes[-1].append((name, width))
        return name

    def constant(self, value: int, width: int) -> str:
        half = 1 << (width - 1)
        value = ((value + half) & (2 * half - 1)) - half
        return self.define(
            f'"arith.constant"() <{{value = {value} : i{width}}}> : () -> i{width}', width
        )

    def index_constant(self, value: int) -> str:
        name = self.new()
        self.emit(f'{name} = "arith.constant"() <{{value = {value} : index}}> : () -> index')
        return name

    # Values

    def pick(self, width: int) -> str:
        """A value of that width from what there is, or a new constant."""
        choices = [n for scope in self.scopes for n, w in scope if w == width]
        variables = [n for scope in self.variables for n, w in scope if w == width]
        roll = self.rng.random()
        if variables and roll < 0.45:
            return self.read(self.rng.choice(variables), width)
        if choices and roll < 0.85:
            return self.rng.choice(choices[-12:])
        others = [(n, w) for scope in self.scopes for n, w in scope if w != width]
        if others and roll < 0.95:
            return self.convert(*self.rng.choice(others[-12:]), width)
        return self.constant(number(self.rng, width), width)

    def convert(self, name: str, have: int, want: int) -> str:
        if have == want:
            return name
        if have > want:
            op = "trunci"
        else:
            op = self.rng.choice(("extsi", "extui"))
        return self.define(f'"arith.{op}"({name}) : (i{have}) -> i{want}', want)

    def read(self, variable: str, width: int) -> str:
        return self.define(
            f'"affine.load"({variable}) <{{map = affine_map<() -> ()>}}> '
            f": (memref<i{width}>) -> i{width}",
            width,
        )

    def write(self, variable: str, width: int, value: str) -> None:
        self.emit(
            f'"affine.store"({value}, {variable}) <{{map = affine_map<() -> ()>}}> '
            f": (i{width}, memref<i{width}>) -> ()"
        )

    def expression(self, width: int, depth: int = 2) -> str:
        rng = self.rng
        if depth == 0:
            return self.pick(width)
        kind = rng.randrange(14)
        t = f"i{width}"
        if kind <= 4:
            op = rng.choice(
                ("addi", "addi", "subi", "muli" if width <= 64 else "addi", "andi", "ori", "xori")
            )
            a, b = self.expression(width, depth - 1), self.expression(width, depth - 1)
            return self.define(f'"arith.{op}"({a}, {b}) : ({t}, {t}) -> {t}', width)
        if kind == 5:
            other = rng.choice(WIDTHS)
            return self.convert(self.expression(other, depth - 1), other, width)
        if kind == 6:
            a = self.expression(width, depth - 1)
            amount = self.constant(rng.randrange(width), width)
            op = rng.choice(("shli", "shrsi", "shrui"))
            return self.define(f'"arith.{op}"({a}, {amount}) : ({t}, {t}) -> {t}', width)
        if kind == 7 and width > 4:
            a = self.expression(width, depth - 1)
            amount = self.expression(width, depth - 1)
            # Seldom out of range, which has a meaning on both sides.
            limit = rng.choice((7, 15, (1 << (width.bit_length() - 1)) - 1, 255))
            mask = self.constant(min(limit, (1 << (width - 1)) - 1), width)
            amount = self.define(f'"arith.andi"({amount}, {mask}) : ({t}, {t}) -> {t}', width)
            op = rng.choice(("shli", "shrsi", "shrui"))
            return self.define(f'"arith.{op}"({a}, {amount}) : ({t}, {t}) -> {t}', width)
        if kind in (8, 9):
            c = self.condition(depth - 1)
            a, b = self.expression(width, depth - 1), self.expression(width, depth - 1)
            return self.define(f'"arith.select"({c}, {a}, {b}) : (i1, {t}, {t}) -> {t}', width)
        if kind == 10 and width > 1:
            op = rng.choice(("minsi", "maxsi", "minui", "maxui"))
            a, b = self.expression(width, depth - 1), self.expression(width, depth - 1)
            return self.define(f'"arith.{op}"({a}, {b}) : ({t}, {t}) -> {t}', width)
        if kind == 11 and width < 128:
            wide = rng.choice([w for w in (32, 64, 128) if w > width] or [128])
            word = self.expression(wide, depth - 1)
            low = rng.randrange(wide - width + 1)
            lo, hi = self.index_constant(low), self.index_constant(low + width - 1)
            return self.define(
                f'"allo.get_slice"({word}, {hi}, {lo}) : (i{wide}, index, index) -> {t}', width
            )
        if kind == 12 and width > 2:
            part = rng.randrange(1, width)
            low = rng.randrange(width - part + 1)
            word, value = self.expression(width, depth - 1), self.expression(part, depth - 1)
            lo, hi = self.index_constant(low), self.index_constant(low + part - 1)
            return self.define(
                f'"allo.set_slice"({word}, {hi}, {lo}, {value}) : (i{width}, index, index, i{part}) -> {t}',
                width,
            )
        if kind == 13:
            if self.helpers and rng.random() < 0.4:
                name, widths, result = rng.choice(self.helpers)
                args = [self.expression(w, 0) for w in widths]
                types = ", ".join(f"i{w}" for w in widths)
                made = self.define(
                    f'"func.call"({", ".join(args)}) <{{callee = @{name}}}> : ({types}) -> i{result}',
                    result,
                )
                return self.convert(made, result, width)
            if rng.random() < 0.15 and 4 <= width <= 33:
                return self.division(width)
            readable = [a for a in self.arrays if a.readable]
            if readable or self.tables:
                return self.load(readable, width)
        return self.pick(width)

    def division(self, width: int) -> str:
        t = f"i{width}"
        a, b = self.expression(width, 0), self.expression(width, 0)
        one = self.constant(1, width)
        b = self.define(f'"arith.ori"({b}, {one}) : ({t}, {t}) -> {t}', width)
        op = self.rng.choice(("divsi", "divui", "remsi", "remui"))
        return self.define(f'"arith.{op}"({a}, {b}) : ({t}, {t}) -> {t}', width)

    def condition(self, depth: int = 1) -> str:
        if self.rng.random() < 0.15:
            return self.pick(1)
        width = self.rng.choice(COMMON + (1, 17, 33, 65))
        a, b = self.expression(width, depth), self.expression(width, 0)
        predicate = self.rng.randrange(10)
        return self.define(
            f'"arith.cmpi"({a}, {b}) <{{predicate = {predicate} : i64}}> : (i{width}, i{width}) -> i1',
            1,
        )

    def index(self, extent: int) -> str:
        """An index below ``extent``: a counter, a constant, or something computed."""
        rng = self.rng
        fitting = [n for n, top in self.counters if top <= extent]
        roll = rng.random()
        if fitting and roll < 0.55:
            return rng.choice(fitting)
        if roll < 0.7 or extent & (extent - 1):
            return self.index_constant(rng.randrange(extent))
        a = self.expression(32, 1)
        mask = self.constant(extent - 1, 32)
        a = self.define(f'"arith.andi"({a}, {mask}) : (i32, i32) -> i32', 32)
        name = self.new()
        self.emit(f'{name} = "arith.index_cast"({a}) : (i32) -> index')
        return name

    def load(self, readable: list[Array], width: int) -> str:
        rng = self.rng
        if self.tables and (not readable or rng.random() < 0.3):
            name, w, size = rng.choice(self.tables)
            at = self.index(size)
            got = self.new()
            self.emit(
                f'{got} = "memref.get_global"() <{{name = @{name}}}> : () -> memref<{size}xi{w}>'
            )
            made = self.define(
                f'"memref.load"({got}, {at}) : (memref<{size}xi{w}>, index) -> i{w}', w
            )
            return self.convert(made, w, width)
        array = rng.choice(readable)
        at = ", ".join(self.index(d) for d in array.dims)
        types = ", ".join(["index"] * len(array.dims))
        made = self.define(
            f'"memref.load"({array.name}, {at}) {{from = "m"}} : ({array.type}, {types}) -> i{array.width}',
            array.width,
        )
        return self.convert(made, array.width, width)

    # Statements

    def statement(self, in_pipeline: bool) -> None:
        rng = self.rng
        if self.budget <= 0:
            return
        self.budget -= 1
        kind = rng.randrange(12)
        writable = [a for a in self.arrays if a.writable]
        if kind <= 4 or (kind == 5 and not writable):
            name, width = rng.choice([v for scope in self.variables for v in scope])
            self.write(name, width, self.expression(width))
        elif kind in (5, 6) and writable:
            array = rng.choice(writable)
            value = self.expression(array.width)
            at = ", ".join(self.index(d) for d in array.dims)
            types = ", ".join(["index"] * len(array.dims))
            self.emit(
                f'"memref.store"({value}, {array.name}, {at}) {{to = "m"}} '
                f": (i{array.width}, {array.type}, {types}) -> ()"
            )
        elif kind == 7 and self.streams_out:
            name, width = rng.choice(self.streams_out)
            if not in_pipeline or name not in self.used_streams or rng.random() < 0.1:
                self.used_streams.add(name)
                value = self.expression(width)
                self.emit(
                    f'"allo.stream_put"({name}, {value}) <{{indices = array<i64>}}> '
                    f": (!allo.stream<i{width}, 8>, i{width}) -> ()"
                )
        elif kind == 8 and self.streams_in:
            name, width = rng.choice(self.streams_in)
            if not in_pipeline or name not in self.used_streams or rng.random() < 0.1:
                self.used_streams.add(name)
                self.define(
                    f'"allo.stream_get"({name}) <{{indices = array<i64>}}> '
                    f": (!allo.stream<i{width}, 8>) -> i{width}",
                    width,
                )
        elif kind in (9, 10):
            self.branch(in_pipeline)
        elif kind == 11:
            if in_pipeline:
                self.unrolled()
            else:
                self.loop()

    def body(self, statements: int, in_pipeline: bool) -> None:
        self.scopes.append([])
        self.variables.append([])
        self.indent += 1
        if self.rng.random() < 0.4:
            width = self.rng.choice(COMMON)
            name = self.new()
            self.emit(
                f'{name} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "t"}} : () -> memref<i{width}>'
            )
            self.write(name, width, self.expression(width))
            self.variables[-1].append((name, width))
        for _ in range(statements):
            self.statement(in_pipeline)
        self.indent -= 1
        self.scopes.pop()
        self.variables.pop()

    def branch(self, in_pipeline: bool) -> None:
        if self.deep > 3:
            return
        self.deep += 1
        condition = self.condition()
        self.emit(f'"scf.if"({condition}) ({{')
        before = set(self.used_streams)
        self.body(self.rng.randrange(1, 4), in_pipeline)
        self.emit('  "scf.yield"() : () -> ()')
        if self.rng.random() < 0.5:
            self.emit("}, {")
            after, self.used_streams = self.used_streams, before
            self.body(self.rng.randrange(1, 3), in_pipeline)
            self.used_streams |= after
            self.emit('  "scf.yield"() : () -> ()')
            self.emit("}) : (i1) -> ()")
        else:
            self.emit("}, {")
            self.emit("}) : (i1) -> ()")
        self.deep -= 1

    def unrolled(self) -> None:
        if self.deep > 2:
            return
        trips = self.rng.randrange(1, 5)
        self.affine_loop(trips, False, True)

    def affine_loop(self, trips: int, pipelined: bool, in_pipeline: bool) -> None:
        self.deep += 1
        counter = self.new()
        low = self.rng.choice((0, 0, 0, 1))
        self.emit(
            f'"affine.for"() <{{lowerBoundMap = affine_map<() -> ({low})>, operandSegmentSizes = '
            f"array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> ({trips})>}}> ({{"
        )
        self.emit(f"^bb0({counter}: index):")
        self.counters.append((counter, trips))
        self.body(self.rng.randrange(1, 7 if pipelined else 4), in_pipeline)
        self.counters.pop()
        self.emit('  "affine.yield"() : () -> ()')
        extra = ", pipeline_ii = 1 : ui32" if pipelined else ""
        self.emit(f'}}) {{loop_name = "i", op_name = "S_i_{self.count}"{extra}}} : () -> ()')
        self.deep -= 1

    def loop(self) -> None:
        rng = self.rng
        if self.deep > 2:
            return
        pipelined = rng.random() < 0.75
        if pipelined:
            before, self.used_streams = self.used_streams, set()
        trips = rng.choice((1, 2, 3, 4, 5, 8, 8))
        if rng.random() < 0.5:
            self.affine_loop(trips, pipelined, pipelined)
        else:
            self.deep += 1
            bound = self.expression(32, 1)
            mask = self.constant(7, 32)
            bound = self.define(f'"arith.andi"({bound}, {mask}) : (i32, i32) -> i32', 32)
            high, counter = self.new(), self.new()
            self.emit(f'{high} = "arith.index_cast"({bound}) : (i32) -> index')
            low, step = self.index_constant(rng.choice((0, 0, 0, 2))), self.index_constant(1)
            self.emit(f'"scf.for"({low}, {high}, {step}) ({{')
            self.emit(f"^bb0({counter}: index):")
            self.counters.append((counter, 8))
            self.body(rng.randrange(1, 7), pipelined)
            self.counters.pop()
            self.emit('  "scf.yield"() : () -> ()')
            extra = ", pipeline_ii = 1 : ui32" if pipelined else ""
            self.emit(
                f'}}) {{loop_name = "i", op_name = "S_i_{self.count}"{extra}}} : (index, index, index) -> ()'
            )
            self.deep -= 1
        if pipelined:
            self.used_streams = before

    # The whole

    def helper(self, k: int) -> str:
        saved = self.lines, self.scopes, self.variables, self.arrays, self.tables, self.budget
        self.lines, self.arrays, self.tables = [], [], []
        widths = [self.rng.choice(COMMON) for _ in range(self.rng.randrange(1, 3))]
        result = self.rng.choice(COMMON)
        arguments = [(self.new(), w) for w in widths]
        self.scopes, self.variables = [list(arguments)], [[]]
        value = self.expression(result, 3)
        self.emit(f'"func.return"({value}) : (i{result}) -> ()')
        body = self.lines
        self.lines, self.scopes, self.variables, self.arrays, self.tables, self.budget = saved
        types = ", ".join(f"i{w}" for w in widths)
        heads = ", ".join(f"{n}: i{w}" for n, w in arguments)
        name = f"help{k}"
        text = [
            f'  "func.func"() <{{function_type = ({types}) -> i{result}, sym_name = "{name}"}}> ({{'
        ]
        text += [
            f"  ^bb0({heads}):",
            *body,
            f'  }}) {{itypes = "{"s" * len(widths)}", otypes = "s"}} : () -> ()',
        ]
        self.helpers.append((name, widths, result))
        return "\n".join(text)

    def kernel(self) -> Kernel:
        rng = self.rng
        parts = []
        for k in range(rng.randrange(3)):
            width, size = rng.choice(COMMON), rng.choice((4, 8, 16))
            values = ", ".join(str(number(rng, width)) for _ in range(size))
            parts.append(
                f'  "memref.global"() <{{initial_value = dense<[{values}]> : tensor<{size}xi{width}>, '
                f'sym_name = "tab{k}", sym_visibility = "private", type = memref<{size}xi{width}>}}> : () -> ()'
            )
            self.tables.append((f"tab{k}", width, size))
        for k in range(rng.randrange(3)):
            parts.append(self.helper(k))
        arguments: list[Argument] = []
        names: list[str] = []
        for _ in range(rng.randrange(3)):
            arguments.append(Argument("scalar", rng.choice(COMMON)))
        for _ in range(rng.randrange(3)):
            arguments.append(Argument("stream_in", rng.choice(COMMON + (128,))))
        for _ in range(rng.randrange(1, 3)):
            arguments.append(Argument("stream_out", rng.choice(COMMON + (128,))))
        for _ in range(rng.randrange(1, 3)):
            arguments.append(self.memory_argument())
        for a in arguments:
            name = self.new()
            names.append(name)
            if a.kind == "scalar":
                self.scopes[0].append((name, a.width))
            elif a.kind == "stream_in":
                self.streams_in.append((name, a.width))
            elif a.kind == "stream_out":
                self.streams_out.append((name, a.width))
            else:
                self.arrays.append(Array(name, a.type, a.width, a.size, a.shape))
        self.locals()
        while self.budget > 0:
            rng.choice((self.loop, self.loop, lambda: self.statement(False)))()
            self.budget -= 1
        self.finish()
        types = ", ".join(a.type for a in arguments)
        heads = ", ".join(f"{n}: {a.type}" for n, a in zip(names, arguments, strict=True))
        top = f"fuzz{self.seed}"
        parts.append(
            f'  "func.func"() <{{function_type = ({types}) -> (), sym_name = "{top}"}}> ({{'
        )
        parts.append(f"  ^bb0({heads}):")
        parts += self.lines
        parts.append('    "func.return"() : () -> ()')
        parts.append(f'  }}) {{itypes = "{"s" * len(arguments)}", otypes = ""}} : () -> ()')
        return Kernel(
            '"builtin.module"() ({\n' + "\n".join(parts) + "\n}) : () -> ()\n", top, arguments
        )

    def memory_argument(self) -> Argument:
        width = self.rng.choice(COMMON)
        if self.rng.random() < 0.4:
            rows, lanes = self.rng.choice((8, 16)), self.rng.choice((2, 4))
            layout = self.rng.choice(
                (
                    "",
                    ", affine_map<(d0, d1) -> (0, d1, d0, 0)>",
                    ", affine_map<(d0, d1) -> (d0 mod 2, 0, d0 floordiv 2, d1)>",
                )
            )
            return Argument("memory", width, rows * lanes, (rows, lanes), layout)
        return Argument("memory", width, size := self.rng.choice((8, 16)), (size,))

    def locals(self) -> None:
        rng = self.rng
        for _ in range(rng.randrange(2, 6)):
            width = rng.choice(COMMON + WIDTHS)
            name = self.new()
            self.emit(
                f'{name} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "x"}} : () -> memref<i{width}>'
            )
            self.write(name, width, self.constant(number(rng, width), width))
            self.variables[0].append((name, width))
        for _ in range(rng.randrange(3)):
            width = rng.choice(COMMON)
            name = self.new()
            if rng.random() < 0.4:
                size = rng.choice((2, 4, 5))
                kind, dims = f"memref<{size}xi{width}, affine_map<(d0) -> (d0, 0)>>", (size,)
            elif rng.random() < 0.4:
                size = 16
                kind, dims = f"memref<8x2xi{width}, affine_map<(d0, d1) -> (0, d1, d0, 0)>>", (8, 2)
            else:
                size = rng.choice((8, 16))
                kind, dims = f"memref<{size}xi{width}>", (size,)
            self.emit(
                f'{name} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "m"}} : () -> {kind}'
            )
            # Written first: a memory holds what the last run left.
            counters = []
            for d in dims:
                counter = self.new()
                self.emit(
                    f'"affine.for"() <{{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes = '
                    f"array<i32: 0, 0, 0>, step = 1 : index, upperBoundMap = affine_map<() -> ({d})>}}> ({{"
                )
                self.emit(f"^bb0({counter}: index):")
                counters.append(counter)
            self.scopes.append([])
            value = self.pick(width)
            types = ", ".join(["index"] * len(dims))
            self.emit(
                f'"memref.store"({value}, {name}, {", ".join(counters)}) {{to = "m"}} : (i{width}, {kind}, {types}) -> ()'
            )
            self.scopes.pop()
            for k, _ in enumerate(dims):
                self.emit('"affine.yield"() : () -> ()')
                extra = ", pipeline_ii = 1 : ui32" if k == 0 and len(dims) == 1 else ""
                self.emit(f'}}) {{loop_name = "z"{extra}}} : () -> ()')
            self.arrays.append(Array(name, kind, width, size, dims))

    def finish(self) -> None:
        """Everything that was computed shows: variables and local arrays go to the first output."""
        name, width = self.streams_out[0]
        for variable, w in self.variables[0]:
            value = self.convert(self.read(variable, w), w, width)
            self.emit(
                f'"allo.stream_put"({name}, {value}) <{{indices = array<i64>}}> '
                f": (!allo.stream<i{width}, 8>, i{width}) -> ()"
            )


def generate(seed: int) -> Kernel:
    """The kernel of a seed, the same on every machine."""
    return Generator(seed).kernel()
