"""Parse: generic-form MLIR text to the operation tree. xdsl reads the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from tritstream.rtl._mlir import tree
from tritstream.rtl._unsupported import UnsupportedError


def parse(text: str, source: str = "<mlir>") -> tree.Module:
    """The module in ``text``.

    Raises UnsupportedError if it is not generic-form MLIR of this kind.
    """
    try:
        from xdsl.context import Context
        from xdsl.dialects.builtin import Builtin
        from xdsl.parser import Parser
        from xdsl.utils.exceptions import ParseError
    except ImportError as error:
        raise UnsupportedError(
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
        raise UnsupportedError(f"{source} is not generic-form MLIR: {reason}") from error
    made = _Reader(source, starts, lines, locations).module(module)
    _check_calls(made)
    return made


def _check_calls(module: tree.Module) -> None:
    """Every callee is there, and no function calls itself, directly or through others."""
    callees: dict[str, set[str]] = {}
    for name, function in module.functions.items():
        calls = [op for op in function.body.walk() if op.name == "func.call"]
        for op in calls:
            if op.callee not in module.functions:
                raise UnsupportedError(f"{op}: there is no function '{op.callee}'")
        callees[name] = {op.callee for op in calls}
    # Functions that call nothing go first, then those that only call such, until no more can.
    while leaves := {name for name, called in callees.items() if not called & callees.keys()}:
        callees = {name: called for name, called in callees.items() if name not in leaves}
    for name, called in callees.items():
        for op in module.functions[name].body.walk():
            if op.name == "func.call" and op.callee in called & callees.keys():
                raise UnsupportedError(f"{op}: {op.callee} calls itself in the end")


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
        self.values: dict[Any, tree.Value] = {}
        self.function_name = ""

    def line(self, op: Any) -> int:
        return bisect_right(self.starts, self.positions.get(id(op), (0, 0))[0])

    def place(self, op: Any) -> str:
        """Where the kernel's source has the operation: its location is the last before its end."""
        at, end = self.positions.get(id(op), (0, 0))
        k = bisect_right(self.offsets, end) - 1
        return self.locations[k][1] if k >= 0 and self.offsets[k] > at else ""

    def module(self, module: Any) -> tree.Module:
        result = tree.Module({}, {}, self.source)
        for op in module.body.block.ops:
            name, attributes = _name(op), _attributes(op)
            if name == "func.func":
                self.function_name = str(attributes["sym_name"])
                body = self.block(op.regions[0])
                function = tree.Function(
                    self.function_name,
                    body,
                    [_type(t) for t in _raw(op, "function_type").outputs.data],
                    self.line(op),
                    "dataflow" in attributes,
                )
                names = str(attributes.get("inputs", "")).split(",")
                for value, text in zip(function.arguments, names, strict=False):
                    value.name = text
                result.functions[function.name] = function
            elif name == "memref.global":
                table_type = _type(_raw(op, "type"))
                assert isinstance(table_type, tree.MemRefType)
                values = _raw(op, "initial_value")
                data = tuple(int(v) for v in values.get_values())
                if len(data) == 1:
                    data *= table_type.size
                half = 1 << (table_type.width - 1)
                data = tuple(((v + half) & (2 * half - 1)) - half for v in data)
                result.tables[str(attributes["sym_name"])] = (table_type, data)
            else:
                raise UnsupportedError(
                    f"{self.source}:{self.line(op)}: {name} at module level is not supported"
                )
        return result

    def block(self, region: Any) -> tree.Block:
        blocks = list(region.blocks)
        if not blocks:
            return tree.Block()
        if len(blocks) > 1:
            raise UnsupportedError(
                f"{self.source}:{self.line(region.parent_op())}: function {self.function_name} has "
                f"branches between blocks, "
                f"but only structured control flow is supported"
            )
        owner = region.parent_op()
        block = tree.Block([self.define(a, owner) for a in blocks[0].args])
        block.ops = [self.operation(op) for op in blocks[0].ops]
        return block

    def define(self, value: Any, op: Any) -> tree.Value:
        """The value, which ``op`` makes or takes; what its type may not be is blamed on it."""
        try:
            made = self.values[value] = tree.Value(_type(value.type), value.name_hint or "")
        except UnsupportedError as refusal:
            origin = tree.Origin(_name(op), "", self.place(op), self.line(op), self.function_name)
            raise UnsupportedError(f"{origin}: {refusal}") from None
        return made

    def operation(self, op: Any) -> tree.Op:
        operands = [self.values[o] for o in op.operands]
        results = [self.define(r, op) for r in op.results]
        name, attributes = _name(op), _attributes(op)
        origin = tree.Origin(
            name, _label(attributes), self.place(op), self.line(op), self.function_name
        )
        regions = [self.block(r) for r in op.regions]
        return tree.Op(name, operands, results, attributes, regions, origin)


def _label(attributes: dict[str, tree.Attribute]) -> str:
    """What the kernel calls an operation, or the array that it reads or writes."""
    if label := attributes.get("op_name") or attributes.get("loop_name"):
        return f" {label}"
    target = attributes.get("from") or attributes.get("to")
    return f" of {target}" if target else ""


def _name(op: Any) -> str:
    name = getattr(op, "op_name", None)
    return str(name.data) if name is not None else str(op.name)


def _raw(op: Any, key: str) -> Any:
    return op.properties[key] if key in op.properties else op.attributes[key]


def _attributes(op: Any) -> dict[str, tree.Attribute]:
    made: dict[str, tree.Attribute] = {}
    for key, value in {**op.properties, **op.attributes}.items():
        kind = type(value).__name__
        if key == "op_name__":
            continue
        if kind == "IntegerAttr":
            made[key] = int(value.value.data)
        elif kind == "StringAttr":
            made[key] = str(value.data)
        elif kind == "UnitAttr":
            made[key] = 1
        elif kind == "AffineMapAttr":
            made[key] = _affine(value.data)
        elif kind == "SymbolRefAttr":
            made[key] = str(value.root_reference.data)
        elif kind == "DenseArrayBase":
            made[key] = tuple(value.get_values())
    return made


def _type(t: Any) -> tree.Type:
    kind = type(t).__name__
    if kind == "IntegerType":
        return tree.IntType(t.width.data)
    if kind == "IndexType":
        return tree.IntType(tree.INDEX_BITS)
    if kind == "MemRefType":
        element = _type(t.element_type)
        if not isinstance(element, tree.IntType):
            raise UnsupportedError(f"arrays of {t.element_type} are not supported: use integers")
        layout = getattr(t.layout, "data", None)
        shape = tuple(int(s) for s in t.get_shape())
        if any(s < 1 for s in shape):
            raise UnsupportedError(f"arrays of type {t} are not supported: give every extent")
        return tree.MemRefType(
            shape,
            element.width,
            _affine(layout) if layout is not None else None,
        )
    match = re.match(r"!allo\.stream<\s*u?i(\d+)\s*,\s*(\d+)\s*>", str(t))
    if match:
        return tree.StreamType(int(match[1]), int(match[2]))
    raise UnsupportedError(
        f"values of type {t} are not supported: use integers, arrays or streams of them"
    )


def _affine(affine_map: Any) -> tree.AffineMap:
    dimensions = affine_map.num_dims
    return tree.AffineMap(tuple(_expression(e, dimensions) for e in affine_map.results))


_OPERATORS: dict[str, tree.AffineKind] = {
    "Add": "+", "Mul": "*", "Mod": "mod", "FloorDiv": "floordiv", "CeilDiv": "ceildiv",
}  # fmt: skip


def _expression(e: Any, dimensions: int) -> tree.AffineExpression:
    kind = type(e).__name__
    if kind == "AffineDimExpr":
        return tree.Argument(e.position)
    if kind == "AffineSymExpr":
        return tree.Argument(dimensions + e.position)
    if kind == "AffineConstantExpr":
        return tree.Constant(e.value)
    left, right = _expression(e.lhs, dimensions), _expression(e.rhs, dimensions)
    return tree.Binary(_OPERATORS[e.kind.name], left, right)
