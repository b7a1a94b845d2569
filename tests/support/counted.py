"""The shell's counters against the simulation's own counts of the same start."""

from __future__ import annotations

import numpy as np

from tritstream.engines.rtl import RtlEngine
from tritstream.kernels.arguments import CONTROL, INTERRUPT_STATUS
from tritstream.kernels.registers import joined_checksum, weights_checksum

BETWEEN = 1
"""The counter runs from the cycle behind the register's write to the last one before done; the
simulation counts from that write's answer to the interrupt."""


def check_counters(engine: RtlEngine, first: int, last: int) -> None:
    """One start: cycles equal the simulation's, words its timeline's, checksums the image's."""
    image, system = engine.image, engine.system
    sums = [0] * image.layout(first).layout.ports
    for index in range(first, last + 1):
        layout, record = image.layout(index), image.record(index)
        for port in range(len(sums)):
            part = layout.words(layout.stream(record, port))
            sums[port] = joined_checksum(sums[port], weights_checksum(part), len(part))
    system.watch(1 << 20)
    before = system.timeline().sum(axis=0, dtype=np.int64)
    engine.begin(first, last)
    begun = system.cycles
    assert system.advance(200_000_000)
    took = system.cycles - begun
    moved = system.timeline().sum(axis=0, dtype=np.int64) - before
    system.watch(0)
    found = system.run_counters()
    system.read(CONTROL)
    system.write(INTERRUPT_STATUS, 1)
    assert found.cycles == took + BETWEEN
    assert found.checksums == tuple(sums)
    streams = moved[len(system._readers) + len(system._writers) :].tolist()
    words = [n for name, n in zip(system._streams, streams, strict=True) if "trits" in name]
    assert list(found.words) == words, (found.words, moved)
    budget = engine.info.budget
    assert budget is not None and budget.weights == max(words) and budget.other > 0
