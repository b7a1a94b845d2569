"""What cannot be ends a start before any transfer that would come of it, on the whole engine."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.engines.rtl import RtlEngine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image, open_image
from tritstream.kernels.arguments import VECTOR_BUNDLE
from tritstream.kernels.checks import descriptor_refused, sizes_refused
from tritstream.kernels.descriptors import DESCRIPTOR_WORDS, GEOMETRY_WORDS
from tritstream.kernels.memories import DESCRIPTORS
from tritstream.kernels.registers import DESCRIPTORS_READ, FAULTS, REFUSED
from tritstream.packing import pack

pytestmark = pytest.mark.usefixtures("tiny_simulator")

VALUES = (0, -1, 1 << 30, 1 << 28, 65535, 65535 << 16)


def test_changed_tables(tiny: Image) -> None:
    """Sizes and descriptors with one word changed: refused where Python says so, and by name."""
    engine, specification = RtlEngine(tiny), SpecEngine(tiny)
    table = engine.arrays[DESCRIPTORS]
    right, source, refused = table.copy(), random.Random(2), 0
    row_bytes = tiny.layout(0).stream_bytes
    for at in [*range(GEOMETRY_WORDS), *range(GEOMETRY_WORDS, len(table))]:
        table[:] = right
        table[at] = np.int64(source.choice(VALUES)).astype(np.int32)
        row = (at - GEOMETRY_WORDS) // DESCRIPTOR_WORDS
        rows = table[GEOMETRY_WORDS:].reshape(-1, DESCRIPTOR_WORDS)
        if at < GEOMETRY_WORDS:
            expected = sizes_refused(engine.configuration, table[:GEOMETRY_WORDS])
        else:
            expected = descriptor_refused(rows[row])
        if not expected:  # wrong without being impossible: it may not even end
            continue
        refused += 1
        result = engine.system.run({"first": 0, "last": len(rows) - 1, **engine._addresses})
        assert result.control & FAULTS == REFUSED
        read = 0 if at < GEOMETRY_WORDS else row + 1
        assert engine.system.read(DESCRIPTORS_READ) == read
        # Nothing of the record has been read; those before it may have begun.
        weights = [n for name, n in result.read.items() if name != VECTOR_BUNDLE]
        assert max(weights) * 8 <= max(row, 0) * row_bytes
        if read <= 1:
            # Sizes, the descriptors so far, what is done with tokens, and the vector of 192
            # elements, two beats a word.
            assert result.read[VECTOR_BUNDLE] <= 2 * (8 + 2 * read + engine.tokens + 96)
    assert refused > 30
    table[:] = right
    engine.reset()
    assert np.array_equal(engine.step(3), specification.step(3))


@pytest.mark.parametrize(
    ("first", "last", "odd"), [(1, 0, 0), (0, 258, 0), (-1 & 0xFFFF_FFFF, 0, 0), (0, 0, 8)]
)
def test_changed_registers(tiny: Image, first: int, last: int, odd: int) -> None:
    engine = RtlEngine(tiny)
    addresses = dict(engine._addresses)
    addresses["state_out"] += odd
    result = engine.system.run({"first": first, "last": last, **addresses})
    assert result.control & FAULTS == REFUSED
    assert set(result.read.values()) == {0}
    assert np.isfinite(engine.step(3)).all()


def test_the_image_is_never_refused(tmp_path: Path) -> None:
    """A model at every limit of the hardware."""
    checkpoint = random_checkpoint(
        tmp_path / "largest", hidden=192, vocab=512, intermediate=256, layers=1
    )
    with pytest.warns(UserWarning, match="padding"):
        pack(checkpoint, tmp_path / "largest.trit", layout="tiny")
    image = open_image(tmp_path / "largest.trit")
    engine, specification = RtlEngine(image), SpecEngine(image)
    assert np.array_equal(engine.step(3), specification.step(3))
