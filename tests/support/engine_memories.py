"""The memories of an engine that is called as a function, and what must be in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tritstream.configurations import Configuration
from tritstream.geometry import Geometry
from tritstream.image import RecordLayout
from tritstream.kernels.arguments import argument_table
from tritstream.kernels.descriptors import descriptor_table
from tritstream.kernels.memories import (
    DESCRIPTORS,
    LOGITS,
    RECORDS,
    STATE,
    VECTOR,
    EngineMemories,
    Logits,
    Saturated,
    array_of,
)
from tritstream.numerics.integers import Ints
from tritstream.spec import (
    HeadWeights,
    LayerWeights,
    fixed_operations,
    head,
)


class Memories:
    """A layer record and a head record, written as packing writes them, and the engine's run."""

    def __init__(
        self,
        run: Callable,
        c: Configuration,
        layer: LayerWeights,
        output: HeadWeights,
        geometry: Geometry | None = None,
    ) -> None:
        self.run_engine, self.configuration = run, c
        self.saturated = Saturated()
        """What the latest run has cut."""
        self.geometry = replace(geometry or c.sample, layers=1)
        layouts = [RecordLayout(c.layout, self.geometry, kind) for kind in ("layer", "head")]
        records = [layouts[0].write(layer), layouts[1].write(output)]
        self.shape = EngineMemories(c.layout, self.geometry, c.tokens)
        self.records = np.concatenate(records)
        self.descriptors = descriptor_table(*layouts, [0, len(records[0])], c.element_lanes)

    def run(self, first: int, last: int, x: Ints, state: Ints) -> tuple[Ints, Ints, Logits]:
        arrays = self.shape.allocate() | {RECORDS: self.records, DESCRIPTORS: self.descriptors}
        self.shape.vector(arrays[VECTOR])[:] = x
        self.shape.state(arrays[STATE])[:] = state
        arrays[LOGITS][:] = -1
        table = [a for a in argument_table(self.configuration) if a.kind == "memory"]
        self.run_engine(first, last, *(arrays[array_of(a.name)] for a in table))
        views = self.shape.vector(arrays[VECTOR]), self.shape.state(arrays[STATE])
        found_x, found_state = (view.astype(np.int64) for view in views)
        self.saturated = self.shape.saturated(arrays[VECTOR], 1)
        self.shape.write_saturated(arrays[VECTOR], 1, Saturated())
        # What is beyond the model and its one token stays zero.
        for view in views:
            view[:] = 0
        assert not arrays[VECTOR].any() and not arrays[STATE].any()
        return found_x, found_state[0], self.shape.logits(arrays[LOGITS])


def same_head(memories: Memories, output: HeadWeights, x: Ints) -> None:
    c = memories.configuration
    expected = head(x[None], output, fixed_operations(c.profile))
    state = np.arange(memories.geometry.hidden)
    found_x, found_state, logits = memories.run(1, 1, x, state)
    assert np.array_equal(logits.sums, expected.codes[0])
    assert logits.scale[:2].tolist() == [expected.scale.mantissa[0], expected.scale.exponent[0]]
    # A head leaves residual and state as they are.
    assert np.array_equal(found_x, x) and np.array_equal(found_state, state)
