"""The ternary mat-vec: a word of bytes a cycle, each byte a column, the trits in it rows.

`multiply_word` is what the engine uses; `ternary_matvec` is a small top around it, for one square
matrix of the hidden size. What a name ending in `_0` stands in is there for every weight port, see
`ports.py`.

A word holds the trits of ROWS consecutive rows for LANES columns. No multiplier: each trit adds,
drops or subtracts the column's code; a tree of adders sums the lanes of every row, and an
accumulator per row the words of a row group.
"""

# mypy: ignore-errors
# ruff: noqa: F821 - this is Allo's language, only its syntax is Python's
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
)
from tritstream.kernels.schedules import partition
from tritstream.kernels.types import PortWord, Sum, int8, int16, int32

LEAVES = 2 * LANES
MATRIX_STEPS = MATRIX_WORDS + ROWS


def multiply_word(
    word: PortWord[PORTS],
    codes: int8[COLUMN_WORDS, GROUPS, ELEMENT_LANES],
    column: int32,
    sums: Sum[ROWS],
):
    """Add one word's share, columns [column * LANES, +LANES), to the sums of its row group."""
    lanes: int16[LANES]
    tree: int16[ROWS, LEAVES]
    for p in range(PORTS):
        rest: PortWord = word[p]
        for j in range(PORT_LANES):
            low: int16 = rest
            lanes[PORT_LANES * p + j] = low & 255
            rest = rest >> 8
    for k, e in allo.grid(GROUPS, ELEMENT_LANES):
        code: int16 = codes[column, k, e]
        byte: int16 = lanes[ELEMENT_LANES * k + e]
        for r in range(ROWS):
            trit: int16 = 0
            with allo.meta_if(BASE3 == 1):
                # The byte is ceil(256 * x / 243): its digits are the carries of 3 * byte.
                triple: int16 = byte + (byte << 1)
                trit = (triple >> 8) - 1
                byte = triple & 255
            with allo.meta_else():
                # Two's complement: 1, 0, -1 (3); the packer never writes 2.
                pair: int16 = byte & 3
                trit = (pair ^ 2) - 2
                byte = byte >> 2
            added: int16 = code if trit == 1 else 0
            tree[r, LANES + ELEMENT_LANES * k + e] = -code if trit == -1 else added
    for r in range(ROWS):
        # A heap: node n sums its children 2n and 2n + 1, from the last inner node to the root, 1.
        for n in range(LANES - 1):
            tree[r, LANES - 1 - n] = tree[r, 2 * (LANES - 1 - n)] + tree[r, 2 * (LANES - 1 - n) + 1]
        before: Sum = 0 if column == 0 else sums[r]
        sums[r] = before + tree[r, 1]


@df.region()
def ternary_matvec(
    weights_0: PortWord[MATRIX_WORDS],
    codes: int8[COLUMN_WORDS, GROUPS, ELEMENT_LANES],
    sums: int32[HIDDEN],
):
    trits_0: Stream[PortWord, 16]

    @df.kernel(mapping=[1], args=[weights_0])
    def load_0(memory: PortWord[MATRIX_WORDS]):
        for n in allo.grid(MATRIX_WORDS, pipeline=True):
            trits_0.put(memory[n])

    @df.kernel(mapping=[1], args=[codes, sums])
    def multiply(vector: int8[COLUMN_WORDS, GROUPS, ELEMENT_LANES], result: int32[HIDDEN]):
        word: PortWord[PORTS]
        group: Sum[ROWS]
        leaving: Sum[ROWS]
        column: int32 = 0
        position: int32 = 0
        pending: int32 = 0
        for n in allo.grid(MATRIX_STEPS, pipeline=True):
            if n < MATRIX_WORDS:
                word[PORT_0] = trits_0.get()
            if pending > 0:
                pending -= 1
                if position < HIDDEN:
                    result[position] = leaving[0]
                position += 1
                for r in range(ROWS - 1):
                    leaving[r] = leaving[r + 1]
            multiply_word(word, vector, column, group)
            column += 1
            if column == MATRIX_COLUMN_WORDS:
                column = 0
                pending = ROWS
                for r in range(ROWS):
                    leaving[r] = group[r]


INLINE = ("multiply_word",)
PARTITIONS = {"multiply_word": (("lanes", 0), ("tree", 0))}


def schedule():
    """A word a cycle: registers for the word, the tree and the row group; a bank per code lane."""
    s = df.customize(ternary_matvec)
    core = (("vector", 2), ("vector", 3), ("word", 0), ("group", 0), ("leaving", 0))
    partition(s, PARTITIONS | {"multiply_0": core})
    return s
