"""What the simulated engine computes with: the specification, or nothing at all.

An execution gets the board's memory and the engine's registers by argument name, as hardware does,
and finds everything else in memory: descriptors, parameters, weight streams, vectors and state.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.image import RecordLayout
from tritstream.kernels.arguments import BEAT_BYTES
from tritstream.kernels.descriptors import DESCRIPTOR_WORDS, HEAD, LAYER
from tritstream.sim.memory import AxiError, Memory
from tritstream.spec import (
    HeadWeights,
    LayerWeights,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)

Execution = Callable[[Memory, Mapping[str, int]], None]

_KEEP_WEIGHTS = 64 << 20
"""Unpacked ternary weights that are kept between starts; each takes four bytes."""


class SpecExecution:
    """The fixed-point specification, working on what the memory holds at the time."""

    def __init__(self, configuration: Configuration) -> None:
        self._profile = configuration.profile
        self._operations = fixed_operations(self._profile)
        self._layouts = {
            LAYER: RecordLayout(configuration, "layer"),
            HEAD: RecordLayout(configuration, "head"),
        }
        self._kept: OrderedDict[bytes, LayerWeights | HeadWeights] = OrderedDict()
        geometry = self._layouts[LAYER].geometry
        self._keep = _KEEP_WEIGHTS * (geometry.layers + 1) // max(geometry.ternary_weights, 1)

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> None:
        """Process records first..last. Raises AxiError as soon as an access fails."""
        hidden = self._layouts[LAYER].geometry.hidden
        x = _read(memory, arguments["vector_in"], hidden, "<i8").astype(np.int64)[None]
        for row in range(arguments["first"], arguments["last"] + 1):
            size = 4 * DESCRIPTOR_WORDS
            found = _read(memory, arguments["descriptors"] + row * size, DESCRIPTOR_WORDS, "<i4")
            kind, *offsets, state, _ = (int(word) for word in found)
            weights = self._weights(memory, arguments, kind, offsets)
            if isinstance(weights, HeadWeights):
                self._head(memory, arguments, x, weights)
            else:
                at = arguments["state_in"] + state * BEAT_BYTES
                before = _read(memory, at, hidden, "<i4").astype(np.int64)
                x, after = decoder_layer(
                    x, before, weights, self._operations, self._profile, Saturations()
                )
                at = arguments["state_out"] + state * BEAT_BYTES
                _read(memory, at, hidden, "<i4")[:] = after
        _read(memory, arguments["vector_out"], hidden, "<i8")[:] = x[0]

    def _head(
        self,
        memory: Memory,
        arguments: Mapping[str, int],
        x: npt.NDArray[np.int64],
        weights: HeadWeights,
    ) -> None:
        result = head(x, weights, self._operations)
        count = result.codes.shape[-1]
        padded = -(-count // 4) * 4
        words = np.zeros(padded + 4, np.int32)
        words[:count] = result.codes[0]
        words[padded : padded + 2] = int(result.scale.mantissa[0]), int(result.scale.exponent[0])
        _read(memory, arguments["logits"], len(words), "<i4")[:] = words

    def _weights(
        self, memory: Memory, arguments: Mapping[str, int], kind: int, offsets: list[int]
    ) -> LayerWeights | HeadWeights:
        """A record put together from where its descriptor says its parts are, and unpacked."""
        layout = self._layouts.get(kind)
        if layout is None:
            raise AxiError(f"a descriptor of the unknown kind {kind}")
        record = np.empty(layout.record_bytes, np.uint8)
        at = arguments["parameters"] + offsets[0] * BEAT_BYTES
        record[: layout.parameter_bytes] = memory.view(at, layout.parameter_bytes)
        spans = [record[: layout.parameter_bytes]]
        for port in range(layout.configuration.ports):
            at = arguments[f"weights_{port}"] + offsets[1 + port] * BEAT_BYTES
            start = layout.stream_offset(port)
            record[start : start + layout.stream_bytes] = memory.view(at, layout.stream_bytes)
            spans.append(record[start : start + layout.stream_bytes])
        # Unpacking is slow and weights rarely change: it is done once for the same contents.
        digest = hashlib.blake2b(bytes([kind]))
        for span in spans:
            digest.update(np.ascontiguousarray(span))
        key = digest.digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        weights = self._unpacked(layout, record)
        self._kept[key] = weights
        while len(self._kept) > self._keep:
            self._kept.popitem(last=False)
        return weights

    @staticmethod
    def _unpacked(
        layout: RecordLayout, record: npt.NDArray[np.uint8]
    ) -> LayerWeights | HeadWeights:
        if layout.kind == "head":
            weights = HeadWeights(
                layout.read_trits(record, "head"), layout.read_norm(record, "head")
            )
            return replace(weights, trits=weights.trits.astype(np.float32))
        names = [m.name for m in layout.geometry.layer_matrices]
        # float32 is the mat-vec's exact form (see `ternary_matvec`), converted once.
        return LayerWeights(
            trits={n: layout.read_trits(record, n).astype(np.float32) for n in names},
            norms={n: layout.read_norm(record, n) for n in names},
            room=layout.read_room(record),
        )


class NoExecution:
    """An engine that takes no time: it only writes a scale, so that the logits are zeros.

    For measuring what the host costs. Nothing that it returns means anything.
    """

    def __init__(self, configuration: Configuration) -> None:
        geometry = RecordLayout(configuration, "head").geometry
        self._scale_at = -(-geometry.vocabulary // 4) * 16
        self._scale = 1 << (configuration.profile.scale_bits - 1), -30

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> None:
        _read(memory, arguments["logits"] + self._scale_at, 2, "<i4")[:] = self._scale


def _read(memory: Memory, address: int, count: int, dtype: str) -> npt.NDArray[np.int32]:
    """``count`` values in memory, as a view that may be written."""
    return memory.view(address, count * np.dtype(dtype).itemsize).view(dtype)
