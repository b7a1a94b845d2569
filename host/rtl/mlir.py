"""Parse: generic-form MLIR text, as Allo prints it, to a small operation tree.

xdsl reads the text; what follows works on the plain classes below, which know the line that every
operation came from. No operation is interpreted here beyond its attributes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tritstream.rtl.refusal import Refusal

INDEX_BITS = 32
"""Width of `index`: the emitted C++ holds it in an int."""


@dataclass(frozen=True)
class IntType:
    """An integer; ``index`` is one of INDEX_BITS."""

    width: int


@dataclass(frozen=True)
class Affine:
    """An affine map. Expressions: (d|s|c, n) or (+|*|mod|floordiv|ceildiv, a, b), nested."""

    dims: int
    results: tuple[Any, ...]


@dataclass(frozen=True)
class MemRefType:
    """An array, rank 0 being a scalar variable.

    ``layout`` is Allo's partitioning: as many bank coordinates as there are dimensions, then the
    coordinates inside a bank.
    """

    shape: tuple[int, ...]
    width: int
    layout: Affine | None = None

    @property
    def size(self) -> int:
        n = 1
        for extent in self.shape:
            n *= extent
        return n


@dataclass(frozen=True)
class StreamType:
    """A FIFO of ``width``-bit words."""

    width: int
    depth: int


Type = IntType | MemRefType | StreamType


@dataclass(eq=False)
class Value:
    """One SSA value."""

    type: Type
    name: str = ""


@dataclass(eq=False)
class Op:
    """One operation. ``attributes`` holds Python values: int, str, True, Affine, tuple of int."""

    name: str
    operands: list[Value]
    results: list[Value]
    attributes: dict[str, Any]
    regions: list[Block]
    line: int
    function: str = ""
    place: str = ""
    """File and line of the kernel's source, where the MLIR has locations."""

    def __str__(self) -> str:
        label = self.attributes.get("op_name") or self.attributes.get("loop_name")
        target = self.attributes.get("from") or self.attributes.get("to")
        what = f" {label}" if label else f" of {target}" if target else ""
        where = f"{self.place}, " if self.place else ""
        return f"{self.name}{what} ({where}line {self.line} of the MLIR, function {self.function})"


@dataclass(eq=False)
class Block:
    """The arguments and operations of a region; an empty region is an empty block."""

    arguments: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)

    def walk(self) -> Iterator[Op]:
        """Every operation, outermost first."""
        for op in self.ops:
            yield op
            for region in op.regions:
                yield from region.walk()


@dataclass(eq=False)
class Function:
    """A function; ``argument_names`` come from Allo where it gives them."""

    name: str
    body: Block
    results: list[Type]
    attributes: dict[str, Any]
    line: int

    @property
    def arguments(self) -> list[Value]:
        return self.body.arguments

    @property
    def where(self) -> str:
        return f"function {self.name} (line {self.line} of the MLIR)"

    @property
    def is_dataflow(self) -> bool:
        return "dataflow" in self.attributes


@dataclass(eq=False)
class Module:
    """Functions and constant tables (flat tuples of signed integers) by name."""

    functions: dict[str, Function]
    tables: dict[str, tuple[MemRefType, tuple[int, ...]]]
    source: str

    def function(self, name: str) -> Function:
        try:
            return self.functions[name]
        except KeyError:
            known = ", ".join(sorted(self.functions))
            raise Refusal(f"{self.source} has no function '{name}': it has {known}") from None


def parse(text: str, source: str = "<mlir>") -> Module:
    """The module in ``text``. Raises Refusal if it is not generic-form MLIR of this kind."""
    try:
        from xdsl.context import Context
        from xdsl.dialects.builtin import Builtin
        from xdsl.parser import Parser
        from xdsl.utils.exceptions import ParseError
    except ImportError as error:
        raise Refusal(
            "the RTL backend needs the package xdsl: pip install 'tritstream[rtl]'"
        ) from error

    starts = [0, *(m.end() for m in re.finditer("\n", text))]
    text, locations = _without_locations(text)
    lines: dict[int, tuple[int, int]] = {}

    class LineParser(Parser):
        """Remembers where operations start, which xdsl itself does not keep."""

        def parse_operation(self) -> Any:
            at = self.pos
            op = super().parse_operation()
            lines[id(op)] = (at, self.pos)
            return op

    context = Context(allow_unregistered=True)
    context.load_dialect(Builtin)
    try:
        module = LineParser(context, text, source).parse_module()
    except ParseError as error:
        reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else "?"
        raise Refusal(f"{source} is not generic-form MLIR: {reason}") from error
    made = _Reader(source, starts, lines, locations).module(module)
    _check_calls(made)
    return made


def _check_calls(module: Module) -> None:
    """Every callee is there, and no function calls itself, directly or through others."""
    callees: dict[str, set[str]] = {}
    for name, function in module.functions.items():
        calls = [op for op in function.body.walk() if op.name == "func.call"]
        for op in calls:
            if op.attributes.get("callee") not in module.functions:
                raise Refusal(f"{op}: there is no function '{op.attributes.get('callee')}'")
        callees[name] = {op.attributes["callee"] for op in calls}
    # Functions that call nothing go first, then those that only call such, until no more can.
    while leaves := {name for name, called in callees.items() if not called & callees.keys()}:
        callees = {name: called for name, called in callees.items() if name not in leaves}
    for name, called in callees.items():
        for op in module.functions[name].body.walk():
            if op.name == "func.call" and op.attributes["callee"] in called & callees.keys():
                raise Refusal(f"{op}: {op.attributes['callee']} calls itself in the end")


_LOCATION = re.compile(r'loc\((?:[^()"]|"[^"]*"|\([^()]*\))*\)')
_ALIAS = re.compile(r"^(#loc\w*) = (.*)$", re.M)


def _without_locations(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The text with blanks for locations, which xdsl cannot read before their aliases are defined,
    and where each stood: (offset, "file:line" or "")."""
    aliases = {m[1]: m[2] for m in _ALIAS.finditer(text)}
    text = _ALIAS.sub(lambda m: " " * len(m[0]), text)
    found = []
    for match in _LOCATION.finditer(text):
        inside = match[0][4:-1]
        place = re.search(r'"([^"]+)":(\d+):\d+', aliases.get(inside, inside))
        found.append((match.start(), f"{place[1]}:{place[2]}" if place else ""))
    return _LOCATION.sub(lambda m: " " * len(m[0]), text), found


class _Reader:
    """Turns xdsl's objects into those of this module."""

    def __init__(
        self,
        source: str,
        starts: list[int],
        positions: dict[int, tuple[int, int]],
        locations: list[tuple[int, str]],
    ) -> None:
        self.source = source
        self.starts = starts
        self.positions = positions
        self.locations = locations
        self.offsets = [at for at, _ in locations]
        self.values: dict[Any, Value] = {}
        self.function_name = ""

    def line(self, op: Any) -> int:
        return bisect_right(self.starts, self.positions.get(id(op), (0, 0))[0])

    def place(self, op: Any) -> str:
        """Where the kernel's source has the operation: its location is the last before its end."""
        at, end = self.positions.get(id(op), (0, 0))
        k = bisect_right(self.offsets, end) - 1
        return self.locations[k][1] if k >= 0 and self.offsets[k] > at else ""

    def module(self, module: Any) -> Module:
        result = Module({}, {}, self.source)
        for op in module.body.block.ops:
            name, attributes = _name(op), _attributes(op)
            if name == "func.func":
                self.function_name = attributes["sym_name"]
                body = self.block(op.regions[0])
                function = Function(
                    self.function_name,
                    body,
                    [_type(t) for t in _raw(op, "function_type").outputs.data],
                    attributes,
                    self.line(op),
                )
                for value, text in zip(
                    function.arguments, attributes.get("inputs", "").split(","), strict=False
                ):
                    value.name = text
                result.functions[function.name] = function
            elif name == "memref.global":
                table_type = _type(_raw(op, "type"))
                assert isinstance(table_type, MemRefType)
                values = _raw(op, "initial_value")
                data = tuple(int(v) for v in values.get_values())
                if len(data) == 1:
                    data *= table_type.size
                half = 1 << (table_type.width - 1)
                data = tuple(((v + half) & (2 * half - 1)) - half for v in data)
                result.tables[attributes["sym_name"]] = (table_type, data)
            else:
                raise Refusal(
                    f"{self.source}:{self.line(op)}: {name} at module level is not supported"
                )
        return result

    def block(self, region: Any) -> Block:
        blocks = list(region.blocks)
        if not blocks:
            return Block()
        if len(blocks) > 1:
            raise Refusal(
                f"{self.source}:{self.line(region.parent_op())}: function {self.function_name} has "
                f"branches between blocks, "
                f"but only structured control flow is supported"
            )
        owner = region.parent_op()
        block = Block([self.define(a, owner) for a in blocks[0].args])
        block.ops = [self.operation(op) for op in blocks[0].ops]
        return block

    def define(self, value: Any, op: Any) -> Value:
        """The value, which ``op`` makes or takes; what its type may not be is blamed on it."""
        try:
            made = self.values[value] = Value(_type(value.type), value.name_hint or "")
        except Refusal as refusal:
            place = f"{self.place(op)}, " if self.place(op) else ""
            raise Refusal(
                f"{_name(op)} ({place}line {self.line(op)} of the MLIR, function "
                f"{self.function_name}): {refusal}"
            ) from None
        return made

    def operation(self, op: Any) -> Op:
        operands = [self.values[o] for o in op.operands]
        results = [self.define(r, op) for r in op.results]
        return Op(
            _name(op),
            operands,
            results,
            _attributes(op),
            [self.block(r) for r in op.regions],
            self.line(op),
            self.function_name,
            self.place(op),
        )


def _name(op: Any) -> str:
    name = getattr(op, "op_name", None)
    return str(name.data) if name is not None else str(op.name)


def _raw(op: Any, key: str) -> Any:
    return op.properties[key] if key in op.properties else op.attributes[key]


def _attributes(op: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in {**op.properties, **op.attributes}.items():
        kind = type(value).__name__
        if key == "op_name__":
            continue
        if kind == "IntegerAttr":
            made[key] = int(value.value.data)
        elif kind == "StringAttr":
            made[key] = value.data
        elif kind == "UnitAttr":
            made[key] = True
        elif kind == "AffineMapAttr":
            made[key] = _affine(value.data)
        elif kind == "SymbolRefAttr":
            made[key] = value.root_reference.data
        elif kind == "DenseArrayBase":
            made[key] = tuple(value.get_values())
    return made


def _type(t: Any) -> Type:
    kind = type(t).__name__
    if kind == "IntegerType":
        return IntType(t.width.data)
    if kind == "IndexType":
        return IntType(INDEX_BITS)
    if kind == "MemRefType":
        element = _type(t.element_type)
        if not isinstance(element, IntType):
            raise Refusal(f"arrays of {t.element_type} are not supported: use integers")
        layout = getattr(t.layout, "data", None)
        shape = tuple(int(s) for s in t.get_shape())
        if any(s < 1 for s in shape):
            raise Refusal(f"arrays of type {t} are not supported: give every extent")
        return MemRefType(
            shape,
            element.width,
            _affine(layout) if layout is not None else None,
        )
    match = re.match(r"!allo\.stream<\s*u?i(\d+)\s*,\s*(\d+)\s*>", str(t))
    if match:
        return StreamType(int(match[1]), int(match[2]))
    raise Refusal(f"values of type {t} are not supported: use integers, arrays or streams of them")


def _affine(affine_map: Any) -> Affine:
    return Affine(affine_map.num_dims, tuple(_expression(e) for e in affine_map.results))


def _expression(e: Any) -> Any:
    kind = type(e).__name__
    if kind == "AffineDimExpr":
        return ("d", e.position)
    if kind == "AffineSymExpr":
        return ("s", e.position)
    if kind == "AffineConstantExpr":
        return ("c", e.value)
    operators = {"Add": "+", "Mul": "*", "Mod": "mod", "FloorDiv": "floordiv", "CeilDiv": "ceildiv"}
    return (operators[e.kind.name], _expression(e.lhs), _expression(e.rhs))
