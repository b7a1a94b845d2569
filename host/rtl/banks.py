"""Where the elements of a partitioned array are: bank and address, as Allo's layout map says."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from tritstream.rtl._mlir import MemRefType


@cache
def places(t: MemRefType) -> npt.NDArray[np.intp]:
    """(size, 2): bank and address of every element, elements in row-major order."""
    rank = len(t.shape)
    points = list(np.ndindex(*t.shape))
    if t.partition is None:
        coordinates = np.array([(*[0] * rank, *p) for p in points], np.intp)
    else:
        coordinates = np.array([t.partition(p) for p in points], np.intp)
    extents = coordinates.max(axis=0) + 1
    bank = np.ravel_multi_index(tuple(coordinates[:, :rank].T), tuple(extents[:rank]))
    address = np.ravel_multi_index(tuple(coordinates[:, rank:].T), tuple(extents[rank:]))
    return np.stack([bank, address], axis=1)
