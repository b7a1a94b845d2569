"""The check of descriptors in RTL against the one in Python, beat by beat."""

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from tritstream.configurations import CONFIGURATIONS
from tritstream.geometry import GEOMETRIES
from tritstream.image import RecordLayout
from tritstream.kernels.checks import (
    MAX_DESCRIPTORS,
    descriptor_refused,
    limits,
    registers_refused,
    sizes_refused,
)
from tritstream.kernels.descriptors import Descriptors, descriptor, geometry_words

CONFIGURATION = CONFIGURATIONS["z7020"]
MOST = limits(CONFIGURATION)
ROWS = [MOST["ROWS"] >> 32 * phase & 0xFFFF_FFFF for phase in range(7)]
EDGES = sorted(
    {0, 1, 2, 1 << 12, 1 << 16, 1 << 27, 1 << 28, 1 << 31, 0xFFFF_FFFF}
    | {value + d for value in (*ROWS, *MOST.values()) if value < 1 << 31 for d in (-1, 0, 1)}
)


def right_table() -> tuple[Descriptors, list[Descriptors]]:
    g = GEOMETRIES["370m"]
    layer, head = (RecordLayout(CONFIGURATION.layout, g, kind) for kind in ("layer", "head"))
    sizes = geometry_words(layer, head, CONFIGURATION.element_lanes)
    return sizes, [descriptor(layer, 0, 0), descriptor(layer, 1 << 20, 1), descriptor(head, 0, 2)]


def change(source: random.Random, words: Descriptors) -> None:
    """One word becomes something else: a value at an edge, of either half, or a flipped bit."""
    at = source.randrange(len(words))
    old = int(words[at]) & 0xFFFF_FFFF
    edge = source.choice(EDGES)
    kinds = (edge, edge % 65536 << 16 | old % 65536, old >> 16 << 16 | edge % 65536)
    new = source.choice((*kinds, old ^ 1 << source.randrange(32)))
    words[at] = np.uint32(new).astype(np.int32)


def beats(words: Descriptors) -> list[int]:
    return [int.from_bytes(row.tobytes(), "little") for row in words.reshape(-1, 4)]


@cocotb.test()
async def as_in_python(dut: Any) -> None:
    source = random.Random(1)
    cocotb.start_soon(Clock(dut.clk, 10, "ns").start())
    dut.rst.value = dut.take.value = 0
    seen = {True: 0, False: 0}
    for turn in range(3000):
        sizes, rows = right_table()
        first, bases, last = 5, [16 * n for n in range(10)], 5 + len(rows) - 1
        which = turn % 4
        if which == 1:
            change(source, sizes)
        elif which == 2:
            change(source, source.choice(rows))
        elif which == 3:
            first, last = (source.choice((*EDGES, 5, MAX_DESCRIPTORS)) for _ in range(2))
            bases[source.randrange(10)] += source.choice((0, 0, 0, 1, 8))
        expected, read = (
            registers_refused(first, last, bases) or sizes_refused(CONFIGURATION, sizes),
            0,
        )
        if not expected:
            for row in rows:
                read += 1
                expected = descriptor_refused(row)
                if expected:
                    break
        seen[expected] += 1
        await FallingEdge(dut.clk)
        dut.start.value, dut.first.value, dut.last.value = 1, first, last
        dut.base_low.value = sum(base % 16 << 4 * n for n, base in enumerate(bases))
        await FallingEdge(dut.clk)
        dut.start.value = 0
        if registers_refused(first, last, bases):
            assert dut.bad.value == 1
            continue
        for beat in [*beats(sizes), *(b for row in rows for b in beats(row))]:
            dut.take.value, dut.data.value = 1, beat
            await FallingEdge(dut.clk)
            dut.take.value = 0
            await FallingEdge(dut.clk)
            if source.random() < 0.1:
                await FallingEdge(dut.clk)
            if dut.bad.value == 1:
                break
        assert bool(dut.bad.value) == expected, (turn, sizes, rows)
        # The rest of a refused table is not looked at, as the core is reset.
        assert int(dut.rows.value) == read, (turn, sizes, rows)
    assert min(seen.values()) > 500, seen
