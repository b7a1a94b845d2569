"""Engine `float`: the float reference, from a packed image or straight from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tritstream.engines.base import EngineInfo, Logits, OneState, Tokens, check_tokens
from tritstream.geometry import Geometry
from tritstream.reference.model import PRECISIONS, Array, decoder_layer, head
from tritstream.reference.weights import FloatHead, FloatLayer, FloatWeights

_KEEP_BELOW = 32 << 20


class FloatEngine(OneState):
    """The float reference as an engine, in a precision of `tritstream.reference.PRECISIONS`."""

    def __init__(
        self, weights: FloatWeights, precision: str = "float64", note: str | None = None
    ) -> None:
        """`note` is that of the engine's `info`."""
        super().__init__()
        self._note = note
        self.weights = weights
        self.geometry: Geometry = weights.geometry
        self.precision = PRECISIONS[precision]
        self.name = "float" if precision == "float64" else precision
        self._keep = self.geometry.ternary_weights < _KEEP_BELOW
        self._layers: dict[int, FloatLayer] = {}
        self._head: FloatHead | None = None
        self.reset()

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(note=self._note)

    @property
    def state(self) -> Array:
        return self._state

    def reset(self) -> None:
        g = self.geometry
        self._state: Array = np.zeros((g.layers, g.hidden), self.precision.compute)

    def load_state(self, state: Array) -> None:
        """Go on from a state (layers, hidden)."""
        self._state = state.astype(self.precision.compute)

    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        x = self.residuals(ids)[list(wanted)]
        if not len(x):
            return np.empty((0, self.geometry.vocabulary), np.float32)
        return self._to_logits(x).astype(np.float32)

    def exact_logits(self, token_ids: Sequence[int]) -> npt.NDArray[np.floating]:
        """Logits (T, V) in the computing type, from a fresh state."""
        self.reset()
        return self.continue_logits(token_ids)

    def continue_logits(self, token_ids: Sequence[int]) -> npt.NDArray[np.floating]:
        """Logits (T, V) in the computing type, going on from the state."""
        return self._to_logits(self.residuals(token_ids))

    def residuals(self, token_ids: Tokens) -> Array:
        """The residual behind the last layer, (T, D), advancing the state."""
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        x: Array = self.precision.keep(self.weights.embed(ids).astype(self.precision.compute))
        for index in range(self.geometry.layers):
            layer = self._layers.get(index) or self.weights.layer(index)
            if self._keep:
                self._layers[index] = layer
            x, self._state[index] = decoder_layer(x, self._state[index], layer, self.precision)
        return x

    def _to_logits(self, x: Array) -> Array:
        weights = self._head or self.weights.head()
        if self._keep:
            self._head = weights
        return head(x, weights, self.precision)
