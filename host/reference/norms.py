"""What stands in front of a mat-vec: the weights of its norms, in float64."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BITLINEAR_EPS = 1e-6
"""The released fused kernel's eps, whatever the module's constructor says."""


class FloatNorm(NamedTuple):
    """What stands in front of one mat-vec, in float64."""

    block: Floats | None
    """(n,) weight of the block norm (the gate norm for o); None where there is none (down)."""
    own: Floats
    """(n,) weight of the BitLinear's norm."""
    eps: float
    """eps of the block norm."""
    weight_scale: float
