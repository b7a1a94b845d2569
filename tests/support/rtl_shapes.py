"""Random kernels in the shapes of the real ones, beyond what `rtl_fuzz` makes.

Affine addresses, counters as numbers, slices at variable positions, long and strided loops, bounds
that may be negative or zero, phases chosen by a number, procedures on arrays and streams, arrays
declared independent, large tables; and dataflow regions: loaders, FIFOs and a core.
"""

# ruff: noqa: E501 - lines of MLIR are long
from __future__ import annotations

from support.rtl_fuzz import COMMON, Argument, Array, Generator, Kernel, number

FOR = '"affine.for"({operands}) <{{lowerBoundMap = affine_map<{low}>, operandSegmentSizes = array<i32: {sizes}>, step = {step} : index, upperBoundMap = affine_map<{high}>}}> ({{'


class Shapes(Generator):
    """One kernel from one seed; ``Generator`` with more kinds of expressions and statements."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.procedures: list[tuple[str, list[tuple[str, int, str]], bool]] = []
        self.texts: list[str] = []
        self.tall = False

    # Values

    def expression(self, width: int, depth: int = 2) -> str:
        roll = self.rng.random()
        if depth and roll < 0.07 and self.counters:
            return self.convert(self.counter_number(), 32, width)
        if depth and roll < 0.11 and 3 <= width <= 64:
            return self.part(width)
        if depth and roll < 0.13 and 4 <= width <= 24:
            return self.rounded(width)
        return super().expression(width, depth)

    def counter_number(self) -> str:
        """A loop's counter as a number, often scaled, as kernels compute addresses."""
        counter, _ = self.rng.choice(self.counters)
        made = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
        if self.rng.random() < 0.5:
            factor = self.constant(self.rng.choice((2, 3, 4, 5, 8, 24)), 32)
            made = self.define(f'"arith.muli"({made}, {factor}) : (i32, i32) -> i32', 32)
        return made

    def part(self, width: int) -> str:
        """A slice of ``width`` bits at a position that is computed."""
        word_width = self.rng.choice([w for w in (32, 64, 128) if w >= 2 * width] or [128])
        word = self.expression(word_width, 1)
        places = word_width // width
        mask = self.constant((1 << (places.bit_length() - 1)) - 1, 32)
        at = self.expression(32, 0)
        at = self.define(f'"arith.andi"({at}, {mask}) : (i32, i32) -> i32', 32)
        scale, over = self.constant(width, 32), self.constant(width - 1, 32)
        low = self.define(f'"arith.muli"({at}, {scale}) : (i32, i32) -> i32', 32)
        high = self.define(f'"arith.addi"({low}, {over}) : (i32, i32) -> i32', 32)
        names = []
        for bound in (high, low):
            names.append(self.new())
            self.emit(f'{names[-1]} = "arith.index_cast"({bound}) : (i32) -> index')
        return self.define(
            f'"allo.get_slice"({word}, {names[0]}, {names[1]}) : (i{word_width}, index, index) -> i{width}',
            width,
        )

    def rounded(self, width: int) -> str:
        """A division of what cannot be negative, rounded down or up, often by a constant."""
        t = f"i{width}"
        mask = self.constant((1 << (width - 1)) - 1, width)
        a = self.expression(width, 0)
        a = self.define(f'"arith.andi"({a}, {mask}) : ({t}, {t}) -> {t}', width)
        if self.rng.random() < 0.6:
            b = self.constant(self.rng.choice((1, 2, 3, 4, 5, 7)), width)
        else:
            b = self.expression(width, 0)
            b = self.define(f'"arith.andi"({b}, {mask}) : ({t}, {t}) -> {t}', width)
            one = self.constant(1, width)
            b = self.define(f'"arith.ori"({b}, {one}) : ({t}, {t}) -> {t}', width)
        op = self.rng.choice(("floordivsi", "ceildivsi", "divsi", "remui"))
        return self.define(f'"arith.{op}"({a}, {b}) : ({t}, {t}) -> {t}', width)

    # Addresses

    def affine_index(self, extent: int) -> tuple[list[str], str] | None:
        """Operands and the expression over d0, d1 of an index below ``extent``."""
        rng = self.rng
        fitting = [(n, top) for n, top in self.counters if top <= extent]
        if not fitting:
            return None
        name, top = rng.choice(fitting)
        kind = rng.randrange(6)
        if kind == 0:
            return [name], f"d0 + {rng.randrange(extent - top + 1)}"
        if kind == 1:
            return [name], f"d0 * -1 + {rng.randrange(top - 1, extent)}"
        if kind == 2 and 2 * (top - 1) < extent:
            return [name], f"d0 * 2 + {rng.randrange(extent - 2 * (top - 1))}"
        if kind == 3:
            return [name], rng.choice(("d0 mod 2", "d0 floordiv 2", f"d0 mod {min(4, extent) & 6}"))
        others = [(n, t) for n, t in self.counters if n != name and (t - 1) * top + top <= extent]
        if kind == 4 and others:
            other, _ = rng.choice(others)
            return [other, name], f"d0 * {top} + d1"
        return [name], "d0"

    def affine_access(self, array: Array) -> tuple[str, str] | None:
        """Operands and map of an access to ``array`` at affine indices."""
        operands: list[str] = []
        results = []
        for extent in array.dims:
            found = self.affine_index(extent)
            if found is None:
                results.append(str(self.rng.randrange(extent)))
                continue
            names, text = found
            for k in reversed(range(len(names))):
                text = text.replace(f"d{k}", f"d{k + len(operands)}")
            operands += names
            results.append(text)
        if not operands:
            return None
        dims = ", ".join(f"d{k}" for k in range(len(operands)))
        return ", ".join(operands), f"({dims}) -> ({', '.join(results)})"

    def load(self, readable: list[Array], width: int) -> str:
        if readable and self.rng.random() < 0.35:
            array = self.rng.choice(readable)
            access = self.affine_access(array)
            if access is not None:
                operands, table = access
                types = ", ".join(["index"] * (operands.count(",") + 1))
                made = self.define(
                    f'"affine.load"({array.name}, {operands}) <{{map = affine_map<{table}>}}> {{from = "m"}} : ({array.type}, {types}) -> i{array.width}',
                    array.width,
                )
                return self.convert(made, array.width, width)
        return super().load(readable, width)

    # Statements

    def statement(self, in_pipeline: bool) -> None:
        roll = self.rng.random()
        if self.budget <= 0:
            return
        if roll < 0.06:
            self.budget -= 1
            self.affine_store()
        elif roll < 0.11 and self.deep <= 2:
            self.budget -= 2
            self.phases(in_pipeline)
        elif roll < 0.15 and self.procedures:
            self.budget -= 1
            self.invoke(in_pipeline)
        elif roll < 0.17:
            self.budget -= 1
            self.chosen()
        elif roll < 0.19 and not in_pipeline and self.deep <= 1:
            self.budget -= 2
            self.permuted()
        elif roll < 0.21:
            self.fresh()
        else:
            super().statement(in_pipeline)

    def affine_store(self) -> None:
        writable = [a for a in self.arrays if a.writable]
        if not writable:
            return
        array = self.rng.choice(writable)
        value = self.expression(array.width)
        access = self.affine_access(array)
        if access is None:
            return
        operands, table = access
        types = ", ".join(["index"] * (operands.count(",") + 1))
        self.emit(
            f'"affine.store"({value}, {array.name}, {operands}) <{{map = affine_map<{table}>}}> {{to = "m"}} : (i{array.width}, {array.type}, {types}) -> ()'
        )

    def fresh(self) -> None:
        """A variable that is read before anything is written to it: zero, every time."""
        if len(self.variables) < 2:
            return
        width = self.rng.choice(COMMON)
        name = self.new()
        self.emit(
            f'{name} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "z"}} : () -> memref<i{width}>'
        )
        self.variables[-1].append((name, width))

    def chosen(self) -> None:
        """A branch that gives a value."""
        width = self.rng.choice(COMMON)
        condition = self.condition()
        made = self.new()
        self.emit(f'{made} = "scf.if"({condition}) ({{')
        for k in range(2):
            self.scopes.append([])
            value = self.expression(width, 1)
            self.emit(f'"scf.yield"({value}) : (i{width}) -> ()')
            self.scopes.pop()
            self.emit("}, {" if k == 0 else f"}}) : (i1) -> i{width}")
        self.scopes[-1].append((made, width))

    def phases(self, in_pipeline: bool) -> None:
        """What a number selects: accesses of the same port in arms that exclude one another."""
        rng = self.rng
        self.deep += 1
        width = rng.choice((8, 32, 32))
        mask = self.constant(rng.choice((1, 3, 3, 7)), width)
        selector = self.expression(width, 1)
        t = f"i{width}"
        selector = self.define(f'"arith.andi"({selector}, {mask}) : ({t}, {t}) -> {t}', width)
        values = rng.sample(range(4), rng.randrange(2, 4))
        before = set(self.used_streams)
        used = set(before)
        nested = rng.random() < 0.5
        array = rng.choice([a for a in self.arrays if a.writable])
        for value in values:
            constant = self.constant(value, width)
            condition = self.define(
                f'"arith.cmpi"({selector}, {constant}) <{{predicate = 0 : i64}}> : ({t}, {t}) -> i1',
                1,
            )
            self.emit(f'"scf.if"({condition}) ({{')
            self.used_streams = set(before)
            self.scopes.append([])
            self.variables.append([])
            known = list(self.arrays)
            if rng.random() < 0.6:
                self.arm(array)
            for _ in range(rng.randrange(1, 3)):
                self.statement(in_pipeline)
            self.arrays = known
            self.scopes.pop()
            self.variables.pop()
            used |= self.used_streams
            self.emit('"scf.yield"() : () -> ()')
            self.emit("}, {")
            if not nested:
                self.emit("}) : (i1) -> ()")
            else:
                # The next test is in the other arm, as `elif` makes it.
                self.scopes.append([])
        if nested:
            for _ in values:
                self.scopes.pop()
                self.emit('"scf.yield"() : () -> ()')
                self.emit("}) : (i1) -> ()")
        self.used_streams = used
        self.deep -= 1

    def arm(self, array: Array) -> None:
        """A read, a write or both, of an array that other arms touch too."""
        rng = self.rng
        types = ", ".join(["index"] * len(array.dims))
        if rng.random() < 0.6:
            at = ", ".join(self.index(d) for d in array.dims)
            self.define(
                f'"memref.load"({array.name}, {at}) {{from = "m"}} : ({array.type}, {types}) -> i{array.width}',
                array.width,
            )
        if rng.random() < 0.6:
            value = self.expression(array.width, 1)
            at = ", ".join(self.index(d) for d in array.dims)
            self.emit(
                f'"memref.store"({value}, {array.name}, {at}) {{to = "m"}} : (i{array.width}, {array.type}, {types}) -> ()'
            )

    def permuted(self) -> None:
        """An array declared independent: every iteration reads and writes a word of its own."""
        rng = self.rng
        width, size = rng.choice(COMMON), rng.choice((8, 16, 32))
        name, t = self.new(), f"memref<{size}xi{width}>"
        self.emit(
            f'{name} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "held", tritstream.independent}} : () -> {t}'
        )
        for update in (False, True, True):
            counter = self.open(size)
            self.scopes.append([])
            number_ = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
            mask = self.constant(rng.randrange(size), 32)
            number_ = self.define(f'"arith.xori"({number_}, {mask}) : (i32, i32) -> i32', 32)
            at = self.new()
            self.emit(f'{at} = "arith.index_cast"({number_}) : (i32) -> index')
            if update:
                old = self.define(
                    f'"memref.load"({name}, {at}) {{from = "held"}} : ({t}, index) -> i{width}',
                    width,
                )
            else:
                old = self.convert(number_, 32, width)
            value = self.expression(width, 1)
            value = self.define(
                f'"arith.{rng.choice(("addi", "xori"))}"({old}, {value}) : (i{width}, i{width}) -> i{width}',
                width,
            )
            self.emit(
                f'"memref.store"({value}, {name}, {at}) {{to = "held"}} : (i{width}, {t}, index) -> ()'
            )
            self.scopes.pop()
            self.counters.pop()
            self.close()
        self.arrays.append(Array(name, t, width, size, (size,), writable=False))

    def body(self, statements: int, in_pipeline: bool) -> None:
        known = list(self.arrays)
        super().body(statements, in_pipeline)
        self.arrays = known

    def open(self, trips: int, low: int = 0, step: int = 1) -> str:
        """The head of a loop with constant bounds; its counter."""
        counter = self.new()
        self.emit(
            FOR.format(
                operands="",
                low=f"() -> ({low})",
                sizes="0, 0, 0",
                step=step,
                high=f"() -> ({trips})",
            )
        )
        self.emit(f"^bb0({counter}: index):")
        self.counters.append((counter, trips))
        return counter

    def close(self, pipelined: bool = True) -> None:
        self.emit('"affine.yield"() : () -> ()')
        extra = ", pipeline_ii = 1 : ui32" if pipelined else ""
        self.emit(f'}}) {{loop_name = "i", op_name = "S_i_{self.count}"{extra}}} : () -> ()')

    def loop(self) -> None:
        rng = self.rng
        if self.deep > 2:
            return
        roll = rng.random()
        if roll < 0.25 and not self.tall and self.deep <= 1:
            self.shaped(rng.choice((12, 16, 20, 33)), 0, 1)
        elif roll < 0.35:
            self.shaped(rng.choice((8, 12, 16)), rng.randrange(3), rng.choice((2, 3, 4)))
        elif roll < 0.45 and self.counters:
            self.triangle()
        elif roll < 0.55:
            self.signed_bounds()
        else:
            super().loop()

    def shaped(self, trips: int, low: int, step: int) -> None:
        """A long or strided pipelined loop; nothing around it is long."""
        self.deep += 1
        was, self.tall = self.tall, self.tall or trips > 8
        before, self.used_streams = self.used_streams, set()
        self.open(trips, low, step)
        self.body(self.rng.randrange(2, 6), True)
        self.counters.pop()
        self.close()
        self.used_streams, self.tall = before, was
        self.deep -= 1

    def triangle(self) -> None:
        """A loop as long as the counter around it says."""
        self.deep += 1
        before, self.used_streams = self.used_streams, set()
        outer, top = self.rng.choice(self.counters)
        counter = self.new()
        more = self.rng.randrange(2)
        self.emit(
            FOR.format(
                operands=outer,
                low="() -> (0)",
                sizes="0, 1, 0",
                step=1,
                high=f"(d0) -> (d0 + {more})",
            )
        )
        self.emit(f"^bb0({counter}: index):")
        self.counters.append((counter, max(top - 1 + more, 1)))
        self.body(self.rng.randrange(1, 5), True)
        self.counters.pop()
        self.emit('"affine.yield"() : () -> ()')
        self.emit(
            f'}}) {{loop_name = "j", op_name = "S_j_{self.count}", pipeline_ii = 1 : ui32}} : (index) -> ()'
        )
        self.used_streams = before
        self.deep -= 1

    def signed_bounds(self) -> None:
        """Runtime bounds on both sides, which may be negative, or leave no iteration."""
        rng = self.rng
        self.deep += 1
        pipelined = rng.random() < 0.75
        before = self.used_streams
        if pipelined:
            self.used_streams = set()
        names = []
        for mask in (3, 15):
            bound = self.expression(32, 1)
            kept = self.constant(mask, 32)
            bound = self.define(f'"arith.andi"({bound}, {kept}) : (i32, i32) -> i32', 32)
            if mask == 15:
                shift = self.constant(rng.choice((0, 3, 7)), 32)
                bound = self.define(f'"arith.subi"({bound}, {shift}) : (i32, i32) -> i32', 32)
            names.append(self.new())
            self.emit(f'{names[-1]} = "arith.index_cast"({bound}) : (i32) -> index')
        step, counter = self.index_constant(1), self.new()
        self.emit(f'"scf.for"({names[0]}, {names[1]}, {step}) ({{')
        self.emit(f"^bb0({counter}: index):")
        self.counters.append((counter, 16))
        self.body(rng.randrange(1, 5), pipelined)
        self.counters.pop()
        self.emit('"scf.yield"() : () -> ()')
        extra = ", pipeline_ii = 1 : ui32" if pipelined else ""
        self.emit(
            f'}}) {{loop_name = "i", op_name = "S_i_{self.count}"{extra}}} : (index, index, index) -> ()'
        )
        if pipelined:
            self.used_streams = before
        self.deep -= 1

    # Functions

    def invoke(self, in_pipeline: bool) -> None:
        name, parameters, loops = self.rng.choice(self.procedures)
        if loops and (in_pipeline or self.deep > 1):
            return
        operands, types = [], []
        for kind, width, t in parameters:
            if kind == "scalar":
                operands.append(self.pick(width))
            else:
                fitting = [a for a in self.arrays if a.type == t and a.writable]
                if not fitting:
                    return
                operands.append(self.rng.choice(fitting).name)
            types.append(t)
        if len({o for o, (k, *_) in zip(operands, parameters, strict=True) if k != "scalar"}) < sum(
            k != "scalar" for k, *_ in parameters
        ):
            return
        self.emit(
            f'"func.call"({", ".join(operands)}) <{{callee = @{name}}}> : ({", ".join(types)}) -> ()'
        )

    def procedure(self, k: int, arrays: list[Array]) -> None:
        """A function on one or two arrays and a number, with or without loops."""
        rng = self.rng
        saved = (self.lines, self.scopes, self.variables, self.arrays, self.counters, self.budget,
                 self.streams_in, self.streams_out, self.deep)  # fmt: skip
        loops = rng.random() < 0.6
        width = rng.choice(COMMON)
        parameters = [("scalar", width, f"i{width}")]
        name = self.new()
        self.lines, self.counters, self.budget = [], [], rng.randrange(3, 9)
        self.streams_in, self.streams_out, self.deep = [], [], 1 if loops else 3
        self.scopes, self.variables, self.arrays = [[(name, width)]], [[]], []
        heads = [f"{name}: i{width}"]
        for array in rng.sample(arrays, min(len(arrays), rng.randrange(1, 3))):
            inner = self.new()
            parameters.append(("array", array.width, array.type))
            heads.append(f"{inner}: {array.type}")
            self.arrays.append(Array(inner, array.type, array.width, array.size, array.dims))
        local = self.new()
        local_width = rng.choice(COMMON)
        self.emit(
            f'{local} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "p"}} : () -> memref<i{local_width}>'
        )
        self.variables[0].append((local, local_width))
        self.affine_loop(4, True, True) if loops else self.affine_store()
        for _ in range(3):
            self.statement(not loops)
        # What was computed shows in an array.
        array = self.arrays[0]
        value = self.convert(self.read(local, local_width), local_width, array.width)
        at = ", ".join(self.index_constant(rng.randrange(d)) for d in array.dims)
        types = ", ".join(["index"] * len(array.dims))
        self.emit(
            f'"memref.store"({value}, {array.name}, {at}) {{to = "m"}} : (i{array.width}, {array.type}, {types}) -> ()'
        )
        body = self.lines
        (self.lines, self.scopes, self.variables, self.arrays, self.counters, self.budget,
         self.streams_in, self.streams_out, self.deep) = saved  # fmt: skip
        types = ", ".join(t for *_, t in parameters)
        made = f"proc{k}"
        self.texts += [
            f'  "func.func"() <{{function_type = ({types}) -> (), sym_name = "{made}"}}> ({{',
            f"  ^bb0({', '.join(heads)}):",
            *body,
            '    "func.return"() : () -> ()',
            f'  }}) {{itypes = "{"s" * len(parameters)}", otypes = ""}} : () -> ()',
        ]
        self.procedures.append((made, parameters, loops))

    def locals(self) -> None:
        """Arguments are known by now: procedures on their arrays, and a large table."""
        arrays = [a for a in self.arrays if a.writable]
        for k in range(self.rng.randrange(3)):
            self.procedure(k, arrays)
        if self.rng.random() < 0.3:
            width, size = self.rng.choice((16, 32)), self.rng.choice((64, 256))
            values = ", ".join(str(number(self.rng, width)) for _ in range(size))
            self.texts.append(
                f'  "memref.global"() <{{initial_value = dense<[{values}]> : tensor<{size}xi{width}>, '
                f'sym_name = "large", sym_visibility = "private", type = memref<{size}xi{width}>}}> : () -> ()'
            )
            self.tables.append(("large", width, size))
        super().locals()

    def kernel(self) -> Kernel:
        made = super().kernel()
        head, rest = made.text.split("\n", 1)
        return Kernel("\n".join([head, *self.texts, rest]), made.top, made.arguments, words=4000)


PLAN = "!allo.stream<i32, 4>"
COUNT = 15
"""Words of a phase, at most."""


class Region(Shapes):
    """A dataflow region as the engine is one: who plans, who loads, who computes, who stores.

    A word of the plan says what a phase is: how many words (possibly none), from where, and which
    of three computations. All processes take the same number of phases.
    """

    def words(self, name: str, parameters: list[tuple[str, str]], body: list[str]) -> None:
        types = ", ".join(t for _, t in parameters)
        heads = ", ".join(f"{n}: {t}" for n, t in parameters)
        self.texts += [
            f'  "func.func"() <{{function_type = ({types}) -> (), sym_name = "{name}"}}> ({{',
            f"  ^bb0({heads}):",
            *body,
            '    "func.return"() : () -> ()',
            f'  }}) {{itypes = "{"s" * len(parameters)}", otypes = ""}} : () -> ()',
        ]

    def begin(self) -> None:
        self.lines, self.scopes, self.variables, self.arrays = [], [[]], [[]], []
        self.streams_in, self.streams_out, self.counters, self.deep = [], [], [], 1
        self.budget = 6

    def over_phases(self) -> str:
        """The head of the loop over phases; its counter."""
        counter = self.new()
        if self.phase_bound is not None:
            got = self.define(
                f'"affine.load"({self.phase_bound}) <{{map = affine_map<() -> (0)>}}> : (memref<1xi32>) -> i32',
                32,
            )
            mask = self.constant(7, 32)
            got = self.define(f'"arith.andi"({got}, {mask}) : (i32, i32) -> i32', 32)
            high = self.new()
            self.emit(f'{high} = "arith.index_cast"({got}) : (i32) -> index')
        else:
            high = self.index_constant(self.phase_count)
        low, step = self.index_constant(0), self.index_constant(1)
        self.emit(f'"scf.for"({low}, {high}, {step}) ({{')
        self.emit(f"^bb0({counter}: index):")
        self.scopes.append([])
        self.counters.append((counter, 8))
        return counter

    def end(self, pipelined: bool) -> None:
        self.scopes.pop()
        self.counters.pop()
        self.emit('"scf.yield"() : () -> ()')
        extra = ", pipeline_ii = 1 : ui32" if pipelined else ""
        self.emit(
            f'}}) {{loop_name = "i", op_name = "S_i_{self.count}"{extra}}} : (index, index, index) -> ()'
        )

    def field(self, word: str, low: int, mask: int) -> str:
        shift, kept = self.constant(low, 32), self.constant(mask, 32)
        made = self.define(f'"arith.shrui"({word}, {shift}) : (i32, i32) -> i32', 32)
        return self.define(f'"arith.andi"({made}, {kept}) : (i32, i32) -> i32', 32)

    def over_words(self, count: str) -> str:
        high, counter = self.new(), self.new()
        self.emit(f'{high} = "arith.index_cast"({count}) : (i32) -> index')
        low, step = self.index_constant(0), self.index_constant(1)
        self.emit(f'"scf.for"({low}, {high}, {step}) ({{')
        self.emit(f"^bb0({counter}: index):")
        self.scopes.append([])
        self.counters.append((counter, COUNT))
        return counter

    def take(self, stream: str, width: int, depth: int) -> str:
        return self.define(
            f'"allo.stream_get"({stream}) <{{indices = array<i64>}}> : (!allo.stream<i{width}, {depth}>) -> i{width}',
            width,
        )

    def give(self, stream: str, width: int, depth: int, value: str) -> None:
        self.emit(
            f'"allo.stream_put"({stream}, {value}) <{{indices = array<i64>}}> : (!allo.stream<i{width}, {depth}>, i{width}) -> ()'
        )

    def address(self, counter: str, base: str, mask: int) -> str:
        at = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
        at = self.define(f'"arith.addi"({at}, {base}) : (i32, i32) -> i32', 32)
        kept = self.constant(mask, 32)
        at = self.define(f'"arith.andi"({at}, {kept}) : (i32, i32) -> i32', 32)
        made = self.new()
        self.emit(f'{made} = "arith.index_cast"({at}) : (i32) -> index')
        return made

    def kernel(self) -> Kernel:
        rng = self.rng
        loaders = rng.randrange(1, 3)
        widths = [rng.choice(COMMON + (128,)) for _ in range(loaders)]
        out_width = rng.choice(COMMON + (128,))
        bound = rng.random() < 0.5
        self.phase_count = rng.randrange(1, 6)
        self.phase_bound: str | None = "%phases" if bound else None
        phases = [("%phases", "memref<1xi32>")] if bound else []
        depths = [rng.choice((2, 4, 16, 33)) for _ in range(loaders)]
        out_depth = rng.choice((2, 4, 16))
        plans = [f"%plan{k}" for k in range(loaders + 2)]

        # Who plans: words of a phase, computed from a register and the phase's number.
        self.begin()
        setting = self.define(
            '"affine.load"(%setting) <{map = affine_map<() -> (0)>}> : (memref<1xi32>) -> i32', 32
        )
        counter = self.over_phases()
        word = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
        factor = self.constant(rng.choice((1, 17, 273, 4369, 123457)), 32)
        word = self.define(f'"arith.muli"({word}, {factor}) : (i32, i32) -> i32', 32)
        word = self.define(f'"arith.xori"({word}, {setting}) : (i32, i32) -> i32', 32)
        if rng.random() < 0.5:
            more = self.expression(32)
            word = self.define(f'"arith.addi"({word}, {more}) : (i32, i32) -> i32', 32)
        for plan in plans:
            self.give(plan, 32, 4, word)
        self.end(False)
        self.words(
            "plan",
            [("%setting", "memref<1xi32>"), *phases, *((p, PLAN) for p in plans)],
            self.lines,
        )

        # Who loads.
        for k, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            self.begin()
            self.over_phases()
            word = self.take("%plan", 32, 4)
            count, base = self.field(word, 0, COUNT), self.field(word, 4 + k, 63)
            bursts = rng.random() < 0.6
            counter = self.over_words(count)
            if bursts:
                # Consecutive words, as one request: 64 + 15 of them are there.
                at = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
                at = self.define(f'"arith.addi"({at}, {base}) : (i32, i32) -> i32', 32)
                index = self.new()
                self.emit(f'{index} = "arith.index_cast"({at}) : (i32) -> index')
            else:
                index = self.address(counter, base, 63)
            value = self.define(
                f'"memref.load"(%array, {index}) {{from = "m"}} : (memref<80xi{width}>, index) -> i{width}',
                width,
            )
            self.give("%to", width, depth, value)
            self.end(True)
            self.end(False)
            self.words(
                f"load{k}",
                [
                    ("%array", f"memref<80xi{width}>"),
                    *phases,
                    ("%plan", PLAN),
                    ("%to", f"!allo.stream<i{width}, {depth}>"),
                ],
                self.lines,
            )

        # Who computes: one of three things, each as many words in as out.
        self.begin()
        held_width = widths[0]
        held = f"memref<16xi{held_width}>"
        self.emit(
            f'%held = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "held"}} : () -> {held}'
        )
        total = self.new()
        self.emit(
            f'{total} = "memref.alloc"() <{{operandSegmentSizes = array<i32: 0, 0>}}> {{name = "total"}} : () -> memref<i{out_width}>'
        )
        self.over_phases()
        word = self.take("%plan", 32, 4)
        count, kind = self.field(word, 0, COUNT), self.field(word, rng.choice((4, 9)), 3)
        ends = 0
        for choice in range(3):
            if choice < 2:
                constant = self.constant(choice, 32)
                condition = self.define(
                    f'"arith.cmpi"({kind}, {constant}) <{{predicate = 0 : i64}}> : (i32, i32) -> i1',
                    1,
                )
                self.emit(f'"scf.if"({condition}) ({{')
            self.scopes.append([])
            self.compute(choice, count, widths, depths, out_width, out_depth, total, held)
            self.scopes.pop()
            self.emit('"scf.yield"() : () -> ()')
            if choice < 2:
                self.emit("}, {")
                self.scopes.append([])
                ends += 1
        for k in range(ends):
            if k:
                self.emit('"scf.yield"() : () -> ()')
            self.scopes.pop()
            self.emit("}) : (i1) -> ()")
        self.end(False)
        self.words(
            "core",
            [*phases, ("%plan", PLAN),
             *((f"%from{k}", f"!allo.stream<i{w}, {d}>") for k, (w, d) in enumerate(zip(widths, depths, strict=True))),
             ("%to", f"!allo.stream<i{out_width}, {out_depth}>")],
            self.lines,
        )  # fmt: skip

        # Who stores.
        self.begin()
        phase = self.over_phases()
        word = self.take("%plan", 32, 4)
        count = self.field(word, 0, COUNT)
        start = self.define(f'"arith.index_cast"({phase}) : (index) -> i32', 32)
        scale = self.constant(16, 32)
        start = self.define(f'"arith.muli"({start}, {scale}) : (i32, i32) -> i32', 32)
        counter = self.over_words(count)
        value = self.take("%from", out_width, out_depth)
        at = self.define(f'"arith.index_cast"({counter}) : (index) -> i32', 32)
        at = self.define(f'"arith.addi"({at}, {start}) : (i32, i32) -> i32', 32)
        index = self.new()
        self.emit(f'{index} = "arith.index_cast"({at}) : (i32) -> index')
        self.emit(
            f'"memref.store"({value}, %array, {index}) {{to = "m"}} : (i{out_width}, memref<128xi{out_width}>, index) -> ()'
        )
        self.end(True)
        self.end(False)
        self.words(
            "store",
            [
                ("%array", f"memref<128xi{out_width}>"),
                *phases,
                ("%plan", PLAN),
                ("%from", f"!allo.stream<i{out_width}, {out_depth}>"),
            ],
            self.lines,
        )
        return self.region(bound, widths, depths, out_width, out_depth, plans)

    def compute(
        self,
        choice: int,
        count: str,
        widths: list[int],
        depths: list[int],
        out_width: int,
        out_depth: int,
        total: str,
        held: str,
    ) -> None:
        rng = self.rng
        if choice == 0:
            # Straight through, with an expression on the way.
            self.over_words(count)
            for k, (width, depth) in enumerate(zip(widths, depths, strict=True)):
                self.take(f"%from{k}", width, depth)
            self.give("%to", out_width, out_depth, self.expression(out_width))
            self.end(True)
            return
        # First everything in, into a local array or a sum; then as many words out.
        counter = self.over_words(count)
        taken = [
            self.take(f"%from{k}", w, d)
            for k, (w, d) in enumerate(zip(widths, depths, strict=True))
        ]
        if choice == 1:
            self.emit(
                f'"memref.store"({taken[0]}, %held, {counter}) {{to = "held"}} : (i{widths[0]}, {held}, index) -> ()'
            )
        term = self.convert(taken[-1], widths[-1], out_width)
        old = self.read(total, out_width)
        new = self.define(
            f'"arith.addi"({old}, {term}) : (i{out_width}, i{out_width}) -> i{out_width}', out_width
        )
        self.write(total, out_width, new)
        self.end(True)
        counter = self.over_words(count)
        self.read(total, out_width)
        if choice == 1:
            value = self.define(
                f'"memref.load"(%held, {counter}) {{from = "held"}} : ({held}, index) -> i{widths[0]}',
                widths[0],
            )
            value = self.convert(value, widths[0], out_width)
            other = self.expression(out_width)
            value = self.define(
                f'"arith.{rng.choice(("addi", "xori", "subi"))}"({value}, {other}) : (i{out_width}, i{out_width}) -> i{out_width}',
                out_width,
            )
        else:
            value = self.expression(out_width)
        self.give("%to", out_width, out_depth, value)
        self.end(True)

    def region(
        self,
        bound: bool,
        widths: list[int],
        depths: list[int],
        out_width: int,
        out_depth: int,
        plans: list[str],
    ) -> Kernel:
        arguments = [Argument("register", 32)]
        names = ["%setting"]
        if bound:
            arguments.append(Argument("register", 32))
            names.append("%phases")
        for k, width in enumerate(widths):
            arguments.append(Argument("memory", width, 80, (80,)))
            names.append(f"%in{k}")
        arguments.append(Argument("memory", out_width, 128, (128,)))
        names.append("%out")
        lines = []
        for plan in plans:
            lines.append(f'"allo.stream_construct"() {{name = "{plan[1:]}"}} : () -> {PLAN}')
            lines[-1] = f"{plan} = {lines[-1]}"
        links = [
            (f"%link{k}", f"!allo.stream<i{w}, {d}>")
            for k, (w, d) in enumerate(zip(widths, depths, strict=True))
        ]
        links.append(("%result", f"!allo.stream<i{out_width}, {out_depth}>"))
        for name, t in links:
            lines.append(f'{name} = "allo.stream_construct"() {{name = "{name[1:]}"}} : () -> {t}')
        shared = [("%phases", "memref<1xi32>")] if bound else []

        def call(name: str, operands: list[tuple[str, str]]) -> None:
            values, types = ", ".join(n for n, _ in operands), ", ".join(t for _, t in operands)
            lines.append(f'"func.call"({values}) <{{callee = @{name}}}> : ({types}) -> ()')

        call("plan", [("%setting", "memref<1xi32>"), *shared, *((p, PLAN) for p in plans)])
        for k, width in enumerate(widths):
            call(
                f"load{k}",
                [(f"%in{k}", f"memref<80xi{width}>"), *shared, (plans[k], PLAN), links[k]],
            )
        call("core", [*shared, (plans[-2], PLAN), *links])
        call(
            "store", [("%out", f"memref<128xi{out_width}>"), *shared, (plans[-1], PLAN), links[-1]]
        )
        top = f"fuzz{self.seed}"
        types = ", ".join(a.type for a in arguments)
        heads = ", ".join(f"{n}: {a.type}" for n, a in zip(names, arguments, strict=True))
        text = [
            '"builtin.module"() ({',
            *self.texts,
            f'  "func.func"() <{{function_type = ({types}) -> (), sym_name = "{top}"}}> ({{',
            f"  ^bb0({heads}):",
            *(f"    {x}" for x in lines),
            '    "func.return"() : () -> ()',
            f'  }}) {{dataflow, itypes = "{"s" * len(arguments)}", otypes = ""}} : () -> ()',
            "}) : () -> ()",
        ]
        return Kernel("\n".join(text) + "\n", top, arguments)


def generate(seed: int) -> Kernel:
    """The kernel of a seed, the same on every machine; every sixth is a dataflow region."""
    return (Region if seed % 6 == 0 else Shapes)(seed).kernel()
