"""Absmean ternary quantisation of a weight matrix."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CHUNK = 256


def ternary(weight: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], float]:
    """(rows, cols) float32 -> trits in {-1, 0, 1} and their scale; weight ~ trits * scale.

    scale = max(mean|W|, 1e-5), trits = clip(round(W / scale), -1, 1), as the released code does
    (arXiv 2406.02528, BitLinear), in float64 and row block by row block. A matrix that is ternary
    already, of -s, 0 and s alone, keeps its scale s; the released code would make it mean|W|, which
    is smaller by the share of zeros (ridgerchu/matmulfreellm issue 18).
    """
    rows = range(0, len(weight), _CHUNK)
    size = float(np.abs(weight).max(initial=0))
    if size > 0 and all(_of_size(weight[r : r + _CHUNK], size) for r in rows):
        return np.sign(weight).astype(np.int8), size
    total = sum(float(np.abs(weight[r : r + _CHUNK].astype(np.float64)).sum()) for r in rows)
    scale = max(total / weight.size, 1e-5)
    trits = np.empty(weight.shape, np.int8)
    factor = 1.0 / scale
    for r in rows:
        trits[r : r + _CHUNK] = np.clip(
            np.rint(weight[r : r + _CHUNK].astype(np.float64) * factor), -1, 1
        )
    return trits, scale


def _of_size(weight: npt.NDArray[np.float32], size: float) -> bool:
    absolute = np.abs(weight)
    return bool(((absolute == size) | (absolute == 0)).all())


def lower_bounds(raw: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """(layers, D) raw parameters -> lower bound of the forget gate of every layer, float64.

    P = softmax over layers, lb[l] = cumsum(P)[l] - P[0]; layer 0 has none (its bound is 0).
    """
    shifted = np.exp(raw.astype(np.float64) - raw.astype(np.float64).max(axis=0))
    shares = shifted / shifted.sum(axis=0)
    return np.cumsum(shares, axis=0) - shares[0]
