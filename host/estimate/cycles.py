"""Clock cycles of a decoder layer and of the LM head, phase by phase, when memory never stalls.

A phase normalises a vector ``element_lanes`` wide in two passes, works out its scalars bit by bit,
then streams one weight word a cycle; everything element-wise rides on the drain of the mat-vec.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.configurations import Configuration
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image.records import RecordLayout

SCALAR_CYCLES = 79
"""A bit-serial division between a norm's two passes, their pipelines' depths and control: what
a simulation of `kv260`'s RTL at 250 MHz takes (`tritstream cosim engine`); 73 for `tiny` at
100 MHz. Vitis HLS may take another number."""
RATIO_CYCLES = 57
"""Root and second division, a bit a cycle beside the second pass, which so lasts at least."""
DRAIN_CYCLES = 16
"""Depth of the mat-vec's pipeline with the epilogue on its drain, simulated likewise (14 for
`tiny`); a byte's rows come on top."""


@dataclass(frozen=True)
class PhaseCycles:
    """One phase: ``norm`` before the first weight word, ``words`` one a cycle, then ``drain``."""

    name: str
    norm: int
    words: int
    drain: int

    @property
    def total(self) -> int:
        return self.norm + self.words + self.drain


def phase_cycles(
    configuration: Configuration, geometry: Geometry, kind: str
) -> tuple[PhaseCycles, ...]:
    """The phases of a record of a model, ``kind`` being "layer" or "head"."""
    c = configuration
    return tuple(
        PhaseCycles(
            name=phase.matrix.name,
            norm=_norm(phase.padded.cols // c.element_lanes),
            words=phase.words,
            drain=c.rows_per_byte + DRAIN_CYCLES,
        )
        for phase in RecordLayout(c.layout, geometry, kind).phases
    )


def _norm(words: int) -> int:
    """Cycles of a norm of that many words of elements."""
    return words + max(words, RATIO_CYCLES) + SCALAR_CYCLES


def reference_geometry(configuration: Configuration) -> tuple[str, Geometry]:
    """The model that a configuration's rates are told for where none is named: the smallest
    released one, or else its own sample. With its name."""
    name = "370m"
    if configuration.refusal(GEOMETRIES[name]) is None:
        return name, GEOMETRIES[name]
    return "its sample", configuration.sample


def token_cycles(configuration: Configuration, geometry: Geometry) -> int:
    """Cycles of one token: every layer and the LM head once."""
    layer = sum(p.total for p in phase_cycles(configuration, geometry, "layer"))
    head = sum(p.total for p in phase_cycles(configuration, geometry, "head"))
    return geometry.layers * layer + head
