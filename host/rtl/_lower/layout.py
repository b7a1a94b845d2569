"""Where the elements of an array are: bank and address, as Allo's partitioning says."""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
import numpy.typing as npt

from tritstream.rtl._ir.graph import Graph
from tritstream.rtl._ir.operations import Const, Node
from tritstream.rtl._ir.storage import Variable
from tritstream.rtl._mlir import AffineExpression, Argument, Constant, MemRefType
from tritstream.rtl._unsupported import UnsupportedError


def affine(
    g: Graph, expression: AffineExpression, operands: list[Node], who: object = "an array"
) -> Node:
    """The expression for operands that are nodes. Raises UnsupportedError, of ``who``, where it
    divides by anything but a power of two."""
    if isinstance(expression, Argument):
        return operands[expression.position]
    if isinstance(expression, Constant):
        return g.const(expression.value)
    kind = expression.kind
    a = affine(g, expression.left, operands, who)
    b = affine(g, expression.right, operands, who)
    if kind == "+":
        return g.add(a, b)
    if kind == "*":
        return g.mul(a, b)
    n = b.value if isinstance(b, Const) else 0
    k = n.bit_length() - 1
    if isinstance(a, Const) and n > 0:
        whole = a.value // n if kind == "floordiv" else -(-a.value // n)
        return g.const(a.value % n if kind == "mod" else whole)
    if n <= 0 or n != 1 << k:
        raise UnsupportedError(f"{who}: {kind} by something that is not a power of two")
    if kind == "mod":
        return g.wrapu(a, k)
    return g.shrc(g.add(a, g.const((1 << k) - 1)) if kind == "ceildiv" else a, k)


@cache
def coordinate_extents(t: MemRefType) -> tuple[int, ...]:
    """How many banks there are in every dimension, then how many words of a bank."""
    rank = len(t.shape)
    if t.partition is None:
        return (1,) * rank + t.shape
    g = Graph()
    operands = [g.variable(Variable("extent", 0, extent - 1)) for extent in t.shape]
    return tuple(affine(g, e, operands).high + 1 for e in t.partition.results)


def extents(t: MemRefType) -> tuple[int, int]:
    """Banks, and words of a bank."""
    rank = len(t.shape)
    every = coordinate_extents(t)
    return prod(every[:rank]), prod(every[rank:])


def bank_and_address(g: Graph, t: MemRefType, index: list[Node]) -> tuple[Node, Node]:
    """Bank and address of an element."""
    rank = len(t.shape)
    if t.partition is None:
        coordinates = [*(g.const(0) for _ in range(rank)), *index]
    else:
        coordinates = [affine(g, e, index) for e in t.partition.results]
    bank: Node = g.const(0)
    address: Node = bank
    for k, extent in enumerate(coordinate_extents(t)):
        if k < rank:
            bank = g.add(g.mul(bank, g.const(extent)), coordinates[k])
        else:
            address = g.add(g.mul(address, g.const(extent)), coordinates[k])
    return bank, address


@cache
def places(t: MemRefType) -> npt.NDArray[np.intp]:
    """(size, 2): bank and address of every element, elements in row-major order."""
    rank = len(t.shape)
    points = list(np.ndindex(*t.shape))
    if t.partition is None:
        coordinates = np.array([(*[0] * rank, *p) for p in points], np.intp)
    else:
        coordinates = np.array([t.partition(p) for p in points], np.intp)
    bounds = coordinates.max(axis=0) + 1
    bank = np.ravel_multi_index(tuple(coordinates[:, :rank].T), tuple(bounds[:rank]))
    address = np.ravel_multi_index(tuple(coordinates[:, rank:].T), tuple(bounds[rank:]))
    return np.stack([bank, address], axis=1)
