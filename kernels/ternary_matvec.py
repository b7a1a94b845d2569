"""The ternary mat-vec: a word of bytes a cycle, each byte a column, the trits in it rows.

`multiply_word` is what the engine uses; `ternary_matvec` is a small top around it, for one square
matrix of the hidden size. What a name ending in `_0` stands in is there for every weight port, see
`ports.py`.

A word holds the trits of ROWS consecutive rows for LANES columns. No multiplier: each trit adds,
drops or subtracts the column's code; a tree of adders sums the lanes of every row, and an
accumulator per row the words of a row group. TOKENS vectors share a word: its trits are decoded
once, and every vector has trees and accumulators of its own.
"""

# mypy: ignore-errors
# ruff: noqa: F821, SIM102 - this is Allo's language, only its syntax is Python's
import allo
import allo.dataflow as df
from allo.ir.types import Stream

from tritstream.kernels.constants import (
    BASE3,
    COLUMN_WORDS,
    ELEMENT_LANES,
    GROUPS,
    HIDDEN,
    LANES,
    MATRIX_COLUMN_WORDS,
    MATRIX_WORDS,
    PORT_0,
    PORT_LANES,
    PORTS,
    ROWS,
    TOKENS,
)
from tritstream.kernels.schedules import partition
from tritstream.kernels.types import PortWord, Sum, int8, int16, int32

LEAVES = 2 * LANES
LEAVING = TOKENS * ROWS
"""Sums of a row group."""
IDLE = LEAVING - MATRIX_COLUMN_WORDS if LEAVING > MATRIX_COLUMN_WORDS else 0
"""Cycles for which a row group waits until the sums of the one before have left."""
TURNS = MATRIX_WORDS // MATRIX_COLUMN_WORDS * (MATRIX_COLUMN_WORDS + IDLE)
MATRIX_STEPS = TURNS + LEAVING
RESULTS = TOKENS * HIDDEN


def multiply_word(
    word: PortWord[PORTS],
    codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES],
    column: int32,
    sums: Sum[ROWS, TOKENS],
):
    """Add one word's share, columns [column * LANES, +LANES), to the sums of its row group."""
    lanes: int16[LANES]
    trits: int16[ROWS, LANES]
    tree: int16[ROWS, TOKENS, LEAVES]
    for p in range(PORTS):
        rest: PortWord = word[p]
        for j in range(PORT_LANES):
            low: int16 = rest
            lanes[PORT_LANES * p + j] = low & 255
            rest = rest >> 8
    for m in range(LANES):
        byte: int16 = lanes[m]
        for r in range(ROWS):
            with allo.meta_if(BASE3 == 1):
                # The byte is ceil(256 * x / 243): its digits are the carries of 3 * byte.
                triple: int16 = byte + (byte << 1)
                trits[r, m] = (triple >> 8) - 1
                byte = triple & 255
            with allo.meta_else():
                # Two's complement: 1, 0, -1 (3); the packer never writes 2.
                pair: int16 = byte & 3
                trits[r, m] = (pair ^ 2) - 2
                byte = byte >> 2
    for t, k, e in allo.grid(TOKENS, GROUPS, ELEMENT_LANES):
        code: int16 = codes[column, t, k, e]
        for r in range(ROWS):
            trit: int16 = trits[r, ELEMENT_LANES * k + e]
            added: int16 = code if trit == 1 else 0
            tree[r, t, LANES + ELEMENT_LANES * k + e] = -code if trit == -1 else added
    for r, t in allo.grid(ROWS, TOKENS):
        # A heap: node n sums its children 2n and 2n + 1, from the last inner node to the root, 1.
        for n in range(LANES - 1):
            tree[r, t, LANES - 1 - n] = (
                tree[r, t, 2 * (LANES - 1 - n)] + tree[r, t, 2 * (LANES - 1 - n) + 1]
            )
        before: Sum = 0 if column == 0 else sums[r, t]
        sums[r, t] = before + tree[r, t, 1]


@df.region()
def ternary_matvec(
    weights_0: PortWord[MATRIX_WORDS],
    codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES],
    sums: int32[RESULTS],
):
    trits_0: Stream[PortWord, 16]

    @df.kernel(mapping=[1], args=[weights_0])
    def load_0(memory: PortWord[MATRIX_WORDS]):
        for n in allo.grid(MATRIX_WORDS, pipeline=True):
            trits_0.put(memory[n])

    @df.kernel(mapping=[1], args=[codes, sums])
    def multiply(vector: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES], result: int32[RESULTS]):
        word: PortWord[PORTS]
        group: Sum[ROWS, TOKENS]
        leaving: Sum[LEAVING]
        column: int32 = 0
        position: int32 = 0
        pending: int32 = 0
        waiting: int32 = 0
        for n in allo.grid(MATRIX_STEPS, pipeline=True):
            taking: int32 = 1
            with allo.meta_if(IDLE > 0):
                if waiting > 0:
                    waiting -= 1
                    taking = 0
            if n < TURNS:
                if taking == 1:
                    word[PORT_0] = trits_0.get()
            multiply_word(word, vector, column, group)
            if pending > 0:
                pending -= 1
                if position < RESULTS:
                    result[position] = leaving[0]
                position += 1
                for r in range(LEAVING - 1):
                    leaving[r] = leaving[r + 1]
            if taking == 1:
                column += 1
                if column == MATRIX_COLUMN_WORDS:
                    column = 0
                    pending = LEAVING
                    waiting = IDLE
                    for r, t in allo.grid(ROWS, TOKENS):
                        leaving[TOKENS * r + t] = group[r, t]


INLINE = ("multiply_word",)
PARTITIONS = {"multiply_word": (("lanes", 0), ("trits", 0), ("tree", 0))}


def schedule():
    """A word a cycle: registers for the word, the tree and the row group; a bank per code lane."""
    s = df.customize(ternary_matvec)
    core = (("vector", 2), ("vector", 3), ("vector", 4), ("word", 0), ("group", 0), ("leaving", 0))
    partition(s, PARTITIONS | {"multiply_0": core})
    return s
