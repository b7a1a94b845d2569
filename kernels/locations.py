"""How Allo reads sources here: with every weight port, and with whole source locations.

Every operation of the MLIR is to name the file and line that it comes from, but Allo 0.5 gives the
operations of a called function, and of a kernel in a region, no file name. Here every node of the
syntax tree remembers the file that it was parsed from.
"""

# mypy: ignore-errors
from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from tritstream.kernels.ports import for_every_port


@contextmanager
def source_locations(ports: int) -> Iterator[None]:
    """While it lasts, Allo reads sources for so many weight ports, and writes whole locations."""
    from allo.ir import builder, utils

    parse, build = utils.parse_ast, builder.ASTBuilder.__call__

    def parse_with_file(source, verbose=False):
        tree = for_every_port(parse(source, verbose=verbose), ports)
        if isinstance(source, Callable):
            file = inspect.getsourcefile(inspect.unwrap(source))
            for node in ast.walk(tree):
                node.source_file = file
        return tree

    def build_with_file(self, context, node, file_name=None, **options):
        context.file_name = getattr(node, "source_file", context.file_name)
        return build(self, context, node, file_name, **options)

    patches = [patch.object(builder.ASTBuilder, "__call__", build_with_file)]
    for name, module in list(sys.modules.items()):
        if name.startswith("allo.") and getattr(module, "parse_ast", None) is parse:
            patches.append(patch.object(module, "parse_ast", parse_with_file))
    for p in patches:
        p.start()
    try:
        yield
    finally:
        for p in reversed(patches):
            p.stop()
