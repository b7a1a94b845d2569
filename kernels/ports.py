"""What a kernel does with a weight port is written once, and there for every port.

A region's signature cannot depend on a constant, but the number of weight ports does. So sources
are written for one port, and their syntax trees are what is executed and what Allo reads: a
statement, an argument, an imported name or a whole process with a name that ends in `_0` comes once
for every port, with `_1` and so on in its place. Copies keep the line numbers of their source.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
_FIELDS = ("id", "arg", "name")
"""Of syntax nodes, those that hold a name."""


def for_every_port(tree: Node, ports: int) -> Node:
    """The tree, changed in place, with everything of port 0 there for all ports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            node.args = list(_repeated(node.args, ports))
        elif isinstance(node, ast.ImportFrom):
            node.names = list(_repeated(node.names, ports))
        elif isinstance(node, (ast.Module, ast.FunctionDef, ast.For, ast.With)):
            node.body = list(_repeated(node.body, ports))
        elif isinstance(node, ast.If):
            node.body = list(_repeated(node.body, ports))
            node.orelse = list(_repeated(node.orelse, ports))
    return tree


def _repeated(nodes: Sequence[Node], ports: int) -> Iterator[Node]:
    for node in nodes:
        if not _is_of_port_0(node):
            yield node
            continue
        for port in range(ports):
            made = copy.deepcopy(node)
            for inner in ast.walk(made):
                for field in _FIELDS:
                    name = getattr(inner, field, None)
                    if isinstance(name, str) and name.endswith("_0"):
                        setattr(inner, field, f"{name[:-1]}{port}")
            yield made


def _is_of_port_0(node: ast.AST) -> bool:
    """A process by its own name; what holds statements never, it is they that may be."""
    if isinstance(node, ast.FunctionDef):
        return node.name.endswith("_0")
    if hasattr(node, "body") or isinstance(node, ast.ImportFrom):
        return False
    return any(
        isinstance(name := getattr(inner, field, None), str) and name.endswith("_0")
        for inner in ast.walk(node)
        for field in _FIELDS
    )
