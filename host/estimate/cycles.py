"""Clock cycles of a decoder layer and of the LM head, phase by phase, when memory never stalls.

A phase normalises a vector ``element_lanes`` wide in two passes, works out its scalars bit by bit,
then streams one weight word a cycle; everything element-wise rides on the drain of the mat-vec.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.configurations import Configuration
from tritstream.image.records import RecordLayout

SCALAR_CYCLES = 144
"""Bit-serial root and two divisions between the two passes of a norm, their pipelines' depths and
control: what a simulation of `370m-kv260`'s RTL at 250 MHz takes (`tritstream cosim engine`); 137
for `tiny` at 100 MHz. Vitis HLS may take another number."""
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


def phase_cycles(configuration: Configuration, kind: str) -> tuple[PhaseCycles, ...]:
    """The phases of a record, ``kind`` being "layer" or "head"."""
    c = configuration
    return tuple(
        PhaseCycles(
            name=phase.matrix.name,
            norm=2 * -(-phase.matrix.cols // c.element_lanes) + SCALAR_CYCLES,
            words=phase.words,
            drain=c.rows_per_byte + DRAIN_CYCLES,
        )
        for phase in RecordLayout(c, kind).phases
    )


def token_cycles(configuration: Configuration) -> int:
    """Cycles of one token: every layer and the LM head once."""
    layer = sum(p.total for p in phase_cycles(configuration, "layer"))
    head = sum(p.total for p in phase_cycles(configuration, "head"))
    assert configuration.geometry is not None
    return configuration.geometry.layers * layer + head
