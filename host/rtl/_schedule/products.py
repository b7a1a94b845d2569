"""Products without DSPs: how many of their rows stand in a stage, and how long they take.

What they are made of is in `tritstream.rtl._emit.products`.
"""

from __future__ import annotations

from tritstream.rtl._schedule.delays import Fabric

MAX_ROWS = 2
"""Rows in a stage at most: placed and routed, the longest paths are through carry chains."""


def rows_per_stage(a: int, period: float, fabric: Fabric) -> int:
    """How many rows of an ``a``-bit multiplicand fit between two registers, one at least."""
    row = fabric.carry_start + fabric.carry_bit * (a + 3)
    return max(1, min(MAX_ROWS, int((period - fabric.register) / row)))


def product_latency(b: int, rows: int) -> int:
    """Cycles from the operands to the product; ``b`` bits with sign."""
    return 1 + -(-((b + 1) // 2) // rows)
