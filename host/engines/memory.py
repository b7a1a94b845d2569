"""An engine whose starts work on the memories of the argument table, held in NumPy arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.engines.base import Logits, check_tokens
from tritstream.engines.spec import real_logits
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.kernels.arguments import argument_table
from tritstream.kernels.descriptors import descriptor_table
from tritstream.numerics.integers import Ints, Scalar
from tritstream.spec import Codes


class MemoryEngine(ABC):
    """Descriptors, vectors, state and logits around `run`; the records are the mapped image."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.geometry: Geometry = image.geometry
        configuration = image.header.configuration
        g = self.geometry
        base = image.header.records[0].offset
        end = max(r.offset + r.length for r in image.header.records)
        records = image.data[base:end]
        self._vector = np.zeros(g.hidden, np.int64)
        self._state = np.zeros((g.layers, g.hidden), np.int32)
        self._logits = np.zeros(g.vocabulary + 4, np.int32)
        offsets = [r.offset - base for r in image.header.records]
        memories: dict[str, npt.NDArray[Any]] = {
            "descriptors": descriptor_table(image.layer_layout, image.head_layout, offsets),
            "vector_in": self._vector,
            "vector_out": self._vector,
            "state_in": self._state,
            "state_out": self._state,
            "logits": self._logits,
        }
        self._memories = [
            memories.get(argument.name, records)
            for argument in argument_table(configuration)
            if argument.kind == "memory"
        ]
        self.reset()

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
    def run(self, first: int, last: int) -> None:
        """One start of the engine: records first..last on the vector memory."""

    def step(self, token_id: int) -> Logits:
        return self.prefill([token_id])

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        for x in self.image.embedding.residual(ids[:-1]) if len(ids) > 1 else ():
            self._take(x, self.geometry.layers - 1)
        self._take(self.image.embedding.residual(ids[-1:])[0], self.geometry.layers)
        return real_logits(self.sums())[0]

    def logits(self, token_ids: Sequence[int]) -> Logits:
        self.reset()
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        rows = []
        for x in self.image.embedding.residual(ids):
            self._take(x, self.geometry.layers)
            rows.append(real_logits(self.sums())[0])
        return np.stack(rows)

    def sums(self) -> Codes:
        """The LM head's int32 sums (1, V) and their scale, as the last run left them."""
        mantissa, exponent = (self._logits[-4 + k : -3 + k].astype(np.int64) for k in (0, 1))
        sums = self._logits[None, : self.geometry.vocabulary].astype(np.int64)
        return Codes(sums, Scalar(mantissa, exponent))

    def _take(self, x: Ints, last: int) -> None:
        self._vector[:] = x
        self.run(0, last)
