"""The operation tree as text."""

from __future__ import annotations

from collections.abc import Iterator

from tritstream.rtl._mlir.tree import (
    AffineExpression,
    AffineMap,
    Argument,
    Attribute,
    Block,
    Constant,
    Function,
    IntType,
    MemRefType,
    Op,
    Type,
    Value,
)


def dump_function(function: Function) -> str:
    """A function with its operations, a line each."""
    names = _Names()
    arguments = ", ".join(f"{names(a)}: {_type(a.type)}" for a in function.arguments)
    kind = "region" if function.is_dataflow else "function"
    lines = [f"{kind} {function.name}({arguments})", *_block(function.body, names, 1)]
    return "\n".join([*lines, ""])


class _Names:
    """Numbers for values, in the order in which they are met."""

    def __init__(self) -> None:
        self._known: dict[Value, str] = {}

    def __call__(self, value: Value) -> str:
        hint = f"_{value.name}" if value.name else ""
        return self._known.setdefault(value, f"%{len(self._known)}{hint}")


def _block(block: Block, names: _Names, depth: int) -> Iterator[str]:
    for op in block.ops:
        yield "  " * depth + _op(op, names)
        for region in op.regions:
            if region.arguments:
                yield "  " * depth + f"({', '.join(names(a) for a in region.arguments)}):"
            yield from _block(region, names, depth + 1)


def _op(op: Op, names: _Names) -> str:
    words = [op.name, *map(names, op.operands)]
    words += [f"{key}={_attribute(value)}" for key, value in op.attributes.items()]
    if op.results:
        results = ", ".join(names(r) for r in op.results)
        types = ", ".join(_type(r.type) for r in op.results)
        words = [results, "=", *words, ":", types]
    return " ".join(words)


def _attribute(value: Attribute) -> str:
    if isinstance(value, AffineMap):
        return f"({', '.join(map(_expression, value.results))})"
    return str(value).replace(" ", "")


def _expression(e: AffineExpression) -> str:
    if isinstance(e, Argument):
        return f"d{e.position}"
    if isinstance(e, Constant):
        return str(e.value)
    return f"({_expression(e.left)} {e.kind} {_expression(e.right)})"


def _type(t: Type) -> str:
    if isinstance(t, IntType):
        return f"i{t.width}"
    if isinstance(t, MemRefType):
        shape = "x".join(map(str, t.shape)) or "scalar"
        layout = f", {_attribute(t.layout)}" if t.layout else ""
        return f"array<{shape} of i{t.width}{layout}>"
    return f"stream<i{t.width}, {t.depth}>"
