"""An engine whose starts work on the memories of the argument table, held in NumPy arrays."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.engines.base import EngineInfo, Logits, OneState
from tritstream.engines.spec import real_logits
from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.kernels.arguments import argument_table
from tritstream.kernels.descriptors import descriptor_table, refusal
from tritstream.kernels.memories import (
    DESCRIPTORS,
    LOGITS,
    RECORDS,
    STATE,
    VECTOR,
    EngineMemories,
    array_of,
)
from tritstream.numerics.integers import Ints, Scalar
from tritstream.packing import hardware_for
from tritstream.spec import Codes


class MemoryEngine(OneState):
    """Descriptors, vectors, state and logits around `start`; the records are the mapped image.

    Without a ``configuration``, the one of the package that the image is for, or, where there is
    none, one that it is packed for again (`hardware_for`). Raises EngineError where the image does
    not fit.
    """

    def __init__(self, image: Image, configuration: Configuration | None = None) -> None:
        super().__init__()
        if configuration is None:
            configuration, image = hardware_for(image)
        if image.header.layout != configuration.layout:
            raise EngineError(
                f"{image.source} is packed for layout {image.header.layout}, "
                f"'{configuration.name}' has {configuration.layout}: pack it with --layout "
                f"{configuration.name}"
            )
        why = refusal(configuration, image.geometry)
        if why:
            raise EngineError(f"{image.source} does not fit: {why}")
        self.image, self.configuration = image, configuration
        self.geometry: Geometry = image.geometry
        self.table = argument_table(configuration)
        base = image.header.records[0].offset
        end = max(r.offset + r.length for r in image.header.records)
        offsets = [r.offset - base for r in image.header.records]
        self._shape = EngineMemories(image.header.layout, image.geometry)
        self.arrays: dict[str, npt.NDArray[Any]] = {
            **self._shape.allocate(),
            RECORDS: image.data[base:end],
            DESCRIPTORS: descriptor_table(
                image.layer_layout, image.head_layout, offsets, configuration.element_lanes
            ),
        }
        self.memories = [
            self.arrays[array_of(argument.name)]
            for argument in self.table
            if argument.kind == "memory"
        ]
        """By argument, in the table's order."""
        self._vector = self._shape.vector(self.arrays[VECTOR])
        self._state = self._shape.state(self.arrays[STATE])
        self._logits = self._shape.logits(self.arrays[LOGITS])
        self.reset()

    @property
    def info(self) -> EngineInfo:
        return EngineInfo()

    def reset(self) -> None:
        self._state[:] = 0

    @property
    def state(self) -> Ints:
        """(layers, hidden) the recurrent state, gate format."""
        return self._state.astype(np.int64)

    def load_state(self, state: Ints) -> None:
        """Go on from a state (layers, hidden)."""
        self._state[:] = state

    @property
    def residual(self) -> Ints:
        """(hidden,) what the last run left in the vector memory."""
        return self._vector.copy()

    def load(self, residual: Ints, state: Ints) -> None:
        """What the next run finds: (hidden,) the residual and (layers, hidden) the state."""
        self._vector[:] = residual
        self._state[:] = state

    @abstractmethod
    def start(self, first: int, last: int) -> None:
        """One start of the engine: records first..last on the vector memory."""

    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        rows = np.empty((len(wanted), self.geometry.vocabulary), np.float32)
        row_of = {place: row for row, place in enumerate(wanted)}
        for place, x in enumerate(self.image.embedding.residual(ids)):
            self._vector[:] = x
            self.start(0, self.geometry.layers - (place not in row_of))
            if place in row_of:
                rows[row_of[place]] = real_logits(self.sums())[0]
        return rows

    def sums(self) -> Codes:
        """The LM head's int32 sums (1, V) and their scale, as the last run left them."""
        mantissa, exponent = (self._logits.scale[k : k + 1].astype(np.int64) for k in (0, 1))
        sums = self._logits.sums[None].astype(np.int64)
        return Codes(sums, Scalar(mantissa, exponent))
