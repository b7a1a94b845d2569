"""How many bits of every value anything looks at."""

from __future__ import annotations

from tritstream.rtl._ir.operations import (
    Add,
    And,
    Insert,
    LoadedWord,
    Mul,
    Mux,
    Node,
    Not,
    Or,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRightBy,
    Sub,
    TableWord,
    WrapSigned,
    WrapUnsigned,
    Xor,
)
from tritstream.rtl._ir.program import BasicBlock
from tritstream.rtl._ir.storage import address_bits


def needed_widths(block: BasicBlock, nodes: list[Node]) -> dict[Node, int]:
    """How many low bits of every node anything looks at; ``nodes`` have arguments first."""
    need: dict[Node, int] = {n: 0 for n in nodes}

    def want(node: Node, bits: int) -> None:
        need[node] = max(need[node], min(bits, node.width))

    for s in block.stores:
        want(s.address, address_bits(s.memory.depth))
        want(s.value, s.memory.width)
        want(s.condition, 1)
    for g in block.gets:
        want(g.node, g.channel.width)
        want(g.condition, 1)
    for p in block.puts:
        want(p.value, p.channel.width)
        want(p.condition, 1)
    for r in block.requests:
        want(r.address, address_bits(r.master.size))
        want(r.condition, 1)
    for variable, node in block.nexts.items():
        want(node, variable.width)
    for node in reversed(nodes):
        for argument, bits in zip(node.args, _of_arguments(node, need[node]), strict=True):
            want(argument, bits)
    return need


def _of_arguments(node: Node, bits: int) -> list[int]:
    """How many bits of each argument the low ``bits`` of the node depend on."""
    args = node.args
    match node:
        case Add() | Sub() | Mul() | And() | Or() | Xor() | WrapSigned() | WrapUnsigned() | Not():
            return [bits] * len(args)
        case Mux():
            return [1, bits, bits]
        case ShiftLeftBy():
            return [max(bits - node.amount, 1)]
        case ShiftRightBy():
            return [bits + node.amount]
        case ShiftLeft():
            return [bits, args[1].width]
        case Insert():
            return [bits, max(min(node.count, bits - node.lowest), 1)]
        case LoadedWord():
            return [address_bits(node.memory.depth)]
        case TableWord():
            return [address_bits(len(node.table.values))]
        case _:
            return [a.width for a in args]


def operand_width(node: Node, bits: int) -> int:
    """Bits, with sign, of a factor of which a product needs the low ``bits``."""
    return max(min(node.width, bits), 1) + (node.low >= 0 and node.width < bits)
