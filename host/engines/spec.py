"""Engine `spec`: the fixed-point specification, running from a packed image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tritstream.engines.base import EngineInfo, Logits, OneState, Tokens, check_tokens
from tritstream.image import Image
from tritstream.numerics.integers import Ints
from tritstream.packing.weights import FixedWeights, weights_of_image
from tritstream.spec import (
    Codes,
    HeadWeights,
    LayerWeights,
    Operations,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)

_KEEP_BELOW = 32 << 20
"""Models of fewer ternary weights stay unpacked; larger ones are unpacked layer by layer."""


class SpecEngine(OneState):
    """The specification as an engine. ``operations`` may exchange some for hybrid runs."""

    name = "spec"

    def __init__(self, model: Image | FixedWeights, operations: Operations | None = None) -> None:
        super().__init__()
        self.weights = weights_of_image(model) if isinstance(model, Image) else model
        self.geometry = self.weights.geometry
        self.profile = self.weights.profile
        self.operations = operations or fixed_operations(self.profile)
        self.saturations = Saturations()
        self._kept: dict[int, LayerWeights] = {}
        self._kept_head: HeadWeights | None = None
        self._keep = self.geometry.ternary_weights < _KEEP_BELOW
        self.reset()

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(saturations=dict(self.saturations.counts))

    @property
    def state(self) -> Ints:
        return self._state

    def reset(self) -> None:
        g = self.geometry
        self._state: Ints = np.zeros((g.layers, g.hidden), np.int64)

    def load_state(self, state: np.ndarray) -> None:
        """Go on from a state (layers, hidden)."""
        self._state = state.astype(np.int64)

    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        x = self.residuals(ids)[list(wanted)]
        if not len(x):
            return np.empty((0, self.geometry.vocabulary), np.float32)
        return real_logits(self.head(x))

    def residuals(self, token_ids: Tokens) -> Ints:
        """The residual behind the last layer, (T, D), advancing the state."""
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        x = self.weights.embed(ids)
        for index in range(self.geometry.layers):
            x, self._state[index] = decoder_layer(
                x,
                self._state[index],
                self.layer(index),
                self.operations,
                self.profile,
                self.saturations,
            )
        return x

    def head(self, x: Ints) -> Codes:
        """The LM head: int32 logits and their one scale per token."""
        return head(x, self.head_weights(), self.operations)

    def layer(self, index: int) -> LayerWeights:
        """The weights of a layer as the specification takes them."""
        if index in self._kept:
            return self._kept[index]
        weights = self.weights.layer(index)
        if self._keep:
            # The mat-vec's exact float32 form, so that it is not converted at every token.
            floats = {n: t.astype(np.float32) for n, t in weights.trits.items()}
            self._kept[index] = weights = replace(weights, trits=floats)  # type: ignore[arg-type]
        return weights

    def head_weights(self) -> HeadWeights:
        """The weights of the LM head as the specification takes them."""
        if self._kept_head is not None:
            return self._kept_head
        weights = self.weights.head()
        if self._keep:
            floats = weights.trits.astype(np.float32)
            self._kept_head = weights = replace(weights, trits=floats)  # type: ignore[arg-type]
        return weights


def real_logits(result: Codes) -> Logits:
    """int32 logits and their scale -> float32 (T, V): the last step, and the only one in float."""
    return (result.codes * result.scale.real()[..., None]).astype(np.float32)
