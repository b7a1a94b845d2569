"""The shape of a MatMul-free language model, and of its ternary matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tritstream.errors import ConfigurationError


class Matrix(NamedTuple):
    """One ternary matrix: ``rows`` outputs, ``cols`` inputs."""

    name: str
    rows: int
    cols: int


@dataclass(frozen=True)
class Geometry:
    """Sizes of one model: ``hidden`` D, ``intermediate`` I, ``layers`` L, ``vocabulary`` V.

    Raises ConfigurationError where a size is not a positive integer, or so large that a sum of a
    mat-vec could leave the 20 bits that the accumulators of every engine are built for.
    """

    hidden: int
    intermediate: int
    layers: int
    vocabulary: int

    def __post_init__(self) -> None:
        for name in ("hidden", "intermediate", "layers", "vocabulary"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigurationError(
                    f"geometry: {name} must be a positive integer, not {value!r}"
                )
        if max(self.hidden, self.intermediate) * 127 >= 1 << 20:
            raise ConfigurationError(
                f"geometry: widths up to {((1 << 20) - 1) // 127} are supported (a mat-vec's sum "
                f"must fit 21 bits), not {max(self.hidden, self.intermediate)}"
            )

    def __str__(self) -> str:
        return (
            f"hidden {self.hidden}, intermediate {self.intermediate}, layers {self.layers}, "
            f"vocabulary {self.vocabulary}"
        )

    @property
    def layer_matrices(self) -> tuple[Matrix, ...]:
        """The six ternary matrices of a decoder layer, in the order in which they are consumed."""
        d, i = self.hidden, self.intermediate
        return (
            Matrix("i", d, d),
            Matrix("f", d, d),
            Matrix("g", d, d),
            Matrix("o", d, d),
            Matrix("gate", 2 * i, d),
            Matrix("down", d, i),
        )

    @property
    def head_matrix(self) -> Matrix:
        return Matrix("head", self.vocabulary, self.hidden)

    @property
    def ternary_weights(self) -> int:
        """Ternary weights read per token: every layer and the LM head once."""
        layer = sum(m.rows * m.cols for m in self.layer_matrices)
        return self.layers * layer + self.head_matrix.rows * self.head_matrix.cols


GEOMETRIES = {
    "370m": Geometry(hidden=1024, intermediate=2816, layers=24, vocabulary=32000),
    "1.3b": Geometry(hidden=2048, intermediate=5632, layers=24, vocabulary=32000),
    "2.7b": Geometry(hidden=2560, intermediate=6912, layers=32, vocabulary=32000),
    "demo": Geometry(hidden=256, intermediate=768, layers=6, vocabulary=3072),
    "tiny": Geometry(hidden=192, intermediate=256, layers=2, vocabulary=512),
}
"""Geometries known by name: the released checkpoints, the demo model and the test model."""
