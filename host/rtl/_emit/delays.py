"""Values that wait in a pipeline for many stages: which of them wait in a memory.

A register a bit and stage is what placing runs out of first on the targets that ask for this; their
block RAMs are 32 bits wide, and as deep as a pipeline is long.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

RAM_BITS = 32
SHORTEST = 4
"""Stages that a memory of `tritstream_delay` takes at least."""


@dataclass(frozen=True)
class Wait:
    """``width`` bits from a stage to a later one."""

    width: int
    begin: int
    end: int


def memory_lengths(waits: Iterable[Wait], worth: int) -> list[int]:
    """The lengths of the memories, longest savings first: of each as many pieces are cut from every
    wait as fit. A RAM must save ``worth`` registers."""
    left = [(w.width, w.end - w.begin) for w in waits]
    lengths: list[int] = []
    while True:
        best, chosen = float(worth), 0
        for length in range(SHORTEST, max((n for _, n in left), default=0) + 1):
            width = sum(w * (n // length) for w, n in left)
            # The memory's output is a register.
            saved = width * (length - 1) / -(-width // RAM_BITS)
            if saved >= best and length not in lengths:
                best, chosen = saved, length
        if not chosen:
            return lengths
        lengths.append(chosen)
        left = [(w, n % chosen) for w, n in left]


def pieces(wait: Wait, lengths: Iterable[int]) -> list[tuple[int, int]]:
    """The stages between which memories take the wait, (begin, length) each; registers take the
    rest, behind them."""
    found, at = [], wait.begin
    for length in lengths:
        while wait.end - at >= length:
            found.append((at, length))
            at += length
    return found
