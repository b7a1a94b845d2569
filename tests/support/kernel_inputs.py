"""Arguments of the kernels' small tops, laid out as the engine's memories are."""

from __future__ import annotations

import numpy as np

from tritstream.configurations import Configuration
from tritstream.image.records import element_words, header_words, port_words
from tritstream.kernels.memories import beside
from tritstream.numerics.integers import Ints
from tritstream.spec.operations import NormParameters


def matvec_beats(trits: np.ndarray, c: Configuration) -> list[np.ndarray]:
    """A matrix as one stream of words per weight port."""
    words = port_words(trits, c.layout)
    return [np.ascontiguousarray(words[:, port]) for port in range(c.ports)]


def first_codes(codes: np.ndarray, c: Configuration) -> np.ndarray:
    """The codes of the first of the vectors that lie beside each other."""
    return codes.reshape(-1, c.tokens, c.lanes)[:, 0].reshape(-1)


def norm_inputs(
    vector: Ints, norm: NormParameters, plain: tuple[int, int] | None, c: Configuration
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """values, parameters, header and plain_in of `rmsnorm`; shorter vectors are padded with zeros,
    and so are the other vectors of a start.

    ``plain`` is the sum of squares of v0 as mantissa and exponent; None leaves it to the kernel.
    """
    p = c.profile
    longest = max(c.hidden, c.intermediate)
    values = np.zeros((c.tokens, longest), np.int64)
    values[0, : len(vector)] = vector
    elements = np.zeros(longest, f"<u{p.element_bits // 8}")
    elements[: len(vector)] = element_words(norm, p)
    header = np.array(header_words(norm), np.int32)
    given = (1, *plain, 0) if plain is not None else (0, 0, 0, 0)
    return beside(values, c.element_lanes), elements, header, np.array(given, np.int32)
