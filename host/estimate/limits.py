"""What memory allows: the roofline of a model on a board, and whether the model fits."""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.boards import Board
from tritstream.configurations import ROWS_PER_BYTE, Layout, round_up
from tritstream.geometry import Geometry
from tritstream.image.records import PAGE
from tritstream.kernels.memories import (
    DESCRIPTORS,
    LOGITS,
    MARGIN_BYTES,
    SLOTS,
    STATE,
    VECTOR,
    board_memories,
)

EFFICIENCY = 0.75
"""Share of the DDR peak that long sequential reads are assumed to get; nothing was measured."""


@dataclass(frozen=True)
class Limits:
    """Tokens a second that the DDR alone allows, at its peak and at an efficiency."""

    packing: str
    bytes_per_token: int
    """Ternary weights of one token, packed without padding."""
    tokens_per_s_at_peak: float
    tokens_per_s: float


@dataclass(frozen=True)
class Memory:
    """Contiguous bytes that a resident model takes, against what the board's image gives."""

    records: int
    vectors: int
    state: int
    logits: int
    available: int

    @property
    def needed(self) -> int:
        return self.records + self.vectors + self.state + self.logits

    @property
    def fits(self) -> bool:
        return self.needed <= self.available


def packed_bytes(geometry: Geometry, packing: str) -> int:
    """Bytes that one token reads of ternary weights, rows padded to whole bytes."""
    rows = ROWS_PER_BYTE[packing]
    matrices = [m for m in geometry.layer_matrices for _ in range(geometry.layers)]
    return sum(-(-m.rows // rows) * m.cols for m in (*matrices, geometry.head_matrix))


def limits(
    geometry: Geometry, board: Board, packing: str, efficiency: float = EFFICIENCY
) -> Limits:
    """The roofline: one token reads every ternary weight once (source: arithmetic intensity)."""
    size = packed_bytes(geometry, packing)
    peak = board.ddr_peak_bytes_per_s / size
    return Limits(packing, size, peak, peak * efficiency)


def memory(layout: Layout, geometry: Geometry, board: Board, tokens: int = 1) -> Memory:
    """What the runtime allocates for a resident model, its margin included, with an engine that
    takes up to so many tokens a start."""
    memories = board_memories(layout, geometry, tokens)
    sizes = {name: round_up(size, PAGE) for name, size in memories.sizes(SLOTS).items()}
    return Memory(
        records=memories.records_bytes,
        vectors=sizes[VECTOR] + sizes[DESCRIPTORS],
        state=sizes[STATE],
        logits=sizes[LOGITS],
        available=board.cma_default_bytes - MARGIN_BYTES,
    )
