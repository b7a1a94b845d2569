"""A module as text, with where its lines come from."""

from __future__ import annotations

from tritstream.rtl._compiled import MappedText
from tritstream.rtl._emit.scope import From, Heading
from tritstream.rtl._mlir import Origin
from tritstream.verilog import Module


def mapped(module: Module, before: str = "") -> MappedText:
    """The module's text, behind ``before``."""
    at = before.count("\n") + len(module.header())
    marks: list[tuple[int, Origin | None]] = []
    for item in module.items:
        if isinstance(item, From) and item.origin is not None:
            marks.append((at, item.origin))
        elif isinstance(item, Heading):
            marks.append((at, None))
        at += len(item.lines())
    return MappedText(before + module.text(), tuple(marks))
