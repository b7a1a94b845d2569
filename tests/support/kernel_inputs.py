"""Arguments of the kernels' small tops, laid out as the engine's memories are."""

from __future__ import annotations

import numpy as np

from tritstream.configurations import Configuration
from tritstream.image.trits import pack_rows
from tritstream.numerics.integers import Ints
from tritstream.spec.operations import NormParameters


def matvec_beats(trits: np.ndarray, c: Configuration) -> list[np.ndarray]:
    """A matrix as one stream of words per weight port."""
    words = pack_rows(trits, c.packing).reshape(-1, c.ports, c.port_bytes)
    return [np.ascontiguousarray(words[:, port]) for port in range(c.ports)]


def norm_inputs(
    vector: Ints, norm: NormParameters, plain: tuple[int, int] | None, c: Configuration
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """values, parameters, header and plain_in of `rmsnorm`; shorter vectors are padded with zeros.

    ``plain`` is the sum of squares of v0 as mantissa and exponent; None leaves it to the kernel.
    """
    p = c.profile
    longest = max(c.hidden, c.intermediate)
    values = np.zeros(longest, np.int64)
    values[: len(vector)] = vector
    elements = np.zeros(longest, f"<u{p.element_bits // 8}")
    gain, block = norm.gain & ((1 << p.gain_bits) - 1), norm.block & ((1 << p.block_bits) - 1)
    elements[: len(vector)] = gain | (block << p.gain_bits)
    scalars = [
        *(norm.scale.mantissa, norm.scale.exponent, norm.square_exponent),
        *(norm.eps_square.mantissa, norm.eps_square.exponent),
        *(norm.eps.mantissa, norm.eps.exponent, 0),
    ]
    header = np.array([int(s) for s in scalars], np.int32)
    given = (1, *plain, 0) if plain is not None else (0, 0, 0, 0)
    return values, elements, header, np.array(given, np.int32)
