"""The delay model: what an operation costs in nanoseconds, by fabric.

A lookup table with its routing, a carry chain by its length, a DSP and a block RAM are what the
model knows. The numbers are rounded up from data sheets (DS187 for 7-series -1, DS925 for
UltraScale+ -2) with routing added by rule of thumb; they steer the scheduler and are not a timing
analysis.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.rtl._ir.operations import (
    Add,
    Const,
    Equal,
    Insert,
    Less,
    LoadedWord,
    Mul,
    Mux,
    Node,
    Not,
    ReadVariable,
    ShiftLeft,
    ShiftLeftBy,
    ShiftRight,
    ShiftRightBy,
    StreamWord,
    Sub,
    TableWord,
    WrapSigned,
    WrapUnsigned,
)


@dataclass(frozen=True)
class Fabric:
    """Delays in ns. ``lut`` includes the route behind it."""

    name: str
    register: float
    """Clock to output plus setup of the register behind: what every stage loses."""
    lut: float
    carry_start: float
    carry_bit: float
    multiply: float
    memory: float
    """Clock to output of a block RAM without output register."""
    spread: float = 0.0
    """What a net takes more that goes to all bits of a word."""


SERIES7 = Fabric("7-series -1", 1.0, 0.9, 1.1, 0.03, 4.2, 2.9)
SERIES7_OPEN = Fabric("7-series -1, open tools", 1.5, 1.3, 1.8, 0.03, 4.2, 2.9, 0.8)
ULTRASCALE_PLUS = Fabric("UltraScale+ -2", 0.4, 0.35, 0.5, 0.012, 2.2, 1.4)
FABRICS = {"xc7": SERIES7, "xc7-open": SERIES7_OPEN, "xcup": ULTRASCALE_PLUS}

FREE = (
    Const, ReadVariable, ShiftLeftBy, ShiftRightBy, WrapSigned, WrapUnsigned, Insert, Not,
    LoadedWord, TableWord, StreamWord,
)  # fmt: skip
"""Operations that are wires, or whose delay starts at a register; an inversion goes into the next
table."""


SPREAD_BITS = 8
"""A condition that chooses between wider words has many loads."""


def lut_levels(inputs: int) -> int:
    """Levels of six-input tables for a function of that many inputs."""
    levels, reach = 1, 6
    while reach < inputs:
        levels, reach = levels + 1, reach * 6
    return levels


def delay(node: Node, fabric: Fabric, width: int) -> float:
    """Nanoseconds from the arguments to the result, of which ``width`` bits are needed."""
    if isinstance(node, FREE):
        return 0.0
    if isinstance(node, Add | Sub):
        return fabric.carry_start + fabric.carry_bit * width
    if isinstance(node, Less):
        return fabric.carry_start + fabric.carry_bit * max(a.width for a in node.args)
    if isinstance(node, Equal):
        return fabric.lut * lut_levels(2 * max(a.width for a in node.args))
    if isinstance(node, Mux):
        return fabric.lut + (fabric.spread if width > SPREAD_BITS else 0.0)
    if isinstance(node, Mul):
        return fabric.multiply
    if isinstance(node, ShiftLeft | ShiftRight):
        # Two bits of the amount a level; amounts beyond the width cost one more.
        steps = (width if isinstance(node, ShiftLeft) else node.args[0].width).bit_length()
        amount = node.args[1].width
        return fabric.lut * (-(-min(amount, steps) // 2) + (amount > steps))
    return fabric.lut
