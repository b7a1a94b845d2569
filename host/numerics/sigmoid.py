"""The sigmoid's table: sigma(-t) on [0, 16), quadratic in each cell.

    sigma(-t) = a - b * d + c * d**2,   t = (cell + d) / cells_per_unit,   0 <= d < 1

The polynomial meets the function at both ends and in the middle of its cell, so the approximation
is continuous; its error is at most max|sigma'''| * w**3 / 124.7 = w**3 / 998 for cells of width w
(the interpolation error of a quadratic at three equidistant nodes).
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from tritstream.numerics.integers import Ints, shift_round
from tritstream.numerics.profiles import SIGMOID_RANGE_LOG2, Profile


class SigmoidTable(NamedTuple):
    """Coefficients of each cell in units of 2**-sigmoid_frac, all non-negative."""

    a: Ints
    b: Ints
    c: Ints


@cache
def sigmoid_table(profile: Profile) -> SigmoidTable:
    """The table of a profile: ``16 * 2**sigmoid_cells_log2`` cells."""
    cells = 1 << (SIGMOID_RANGE_LOG2 + profile.sigmoid_cells_log2)
    t = np.arange(2 * cells + 1) / (2 << profile.sigmoid_cells_log2)
    # Cell ends are rounded first, so that neighbouring cells meet exactly in integers.
    s = profile.one / (1.0 + np.exp(t))
    ends = np.rint(s[::2])
    left, middle, right = ends[:-1], s[1::2], ends[1:]
    # a - b/2 + c/4 = middle and a - b + c = right give c; rounding c first keeps the end exact.
    c = np.maximum(np.rint(2 * (left + right - 2 * middle)), 0)
    b = left - right + c
    table = SigmoidTable(*(np.asarray(v, np.int64) for v in (left, b, c)))
    if min(int(v.min()) for v in table) < 0:
        raise AssertionError("a sigmoid coefficient is negative: the kernels store them unsigned")
    return table


def sigmoid_of_negative(magnitude: Ints, profile: Profile) -> Ints:
    """sigma(-t) in Q1.sigmoid_frac for t = magnitude >= 0 in the gate format; in [0, one / 2]."""
    table = sigmoid_table(profile)
    frac = profile.gate_frac - profile.sigmoid_cells_log2
    t = np.minimum(magnitude, (1 << (profile.gate_frac + SIGMOID_RANGE_LOG2)) - 1)
    cell = t >> frac
    d = t & ((1 << frac) - 1)
    bent = (table.c[cell] * d) >> frac
    return table.a[cell] - shift_round((table.b[cell] - bent) * d, frac)


def sigmoid(x: Ints, profile: Profile) -> Ints:
    """sigma(x) in Q1.sigmoid_frac for x in the gate format.

    The small one of sigma(x) and 1 - sigma(x) comes out of the table with its relative accuracy,
    the other by subtraction from one; so 1 - sigma(x) is sigma(-x) exactly.
    """
    small = sigmoid_of_negative(np.abs(x), profile)
    return np.where(x < 0, small, profile.one - small)
