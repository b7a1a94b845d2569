"""What a configuration's engine does and holds: operations per phase, cycles, on-chip memory.

Counts follow from geometry and kernels; nothing is measured. Cycles are those of
`tritstream.estimate.cycles`, which also says what they assume.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.configurations import Configuration
from tritstream.estimate.cycles import PhaseCycles, phase_cycles
from tritstream.geometry import Geometry
from tritstream.image.records import RecordLayout
from tritstream.kernels.arguments import PREFETCH_WORDS
from tritstream.kernels.constants import constants_of

NORM_MULTIPLICATIONS = 5
"""An element of a norm: v * gain, v * block, two squares; and u * reciprocal for its code."""
DRAIN_MULTIPLICATIONS = {"i": 4, "f": 6, "g": 6, "o": 1, "gate": 3, "down": 1, "head": 0}
"""A result on the drain: dequantise 1, sigmoid 2, its product 1, state update 2, gated product 1,
and the square of g's sum 1. The two halves of gate (silu: 4, product: 2) are averaged."""


@dataclass(frozen=True)
class PhaseWork:
    """One phase: its matrix, operations and cycles."""

    cycles: PhaseCycles
    rows: int
    cols: int

    @property
    def name(self) -> str:
        return self.cycles.name

    @property
    def additions(self) -> int:
        """Signed additions of the mat-vec, one a ternary weight."""
        return self.rows * self.cols

    @property
    def multiplications(self) -> int:
        """Multiplications of norm and drain; the mat-vec has none."""
        return NORM_MULTIPLICATIONS * self.cols + DRAIN_MULTIPLICATIONS[self.name] * self.rows


@dataclass(frozen=True)
class Buffer:
    """One on-chip memory or FIFO."""

    name: str
    entries: int
    bits: int
    """Width of an entry."""
    holds: str

    @property
    def total_bits(self) -> int:
        return self.entries * self.bits


def phases(configuration: Configuration, geometry: Geometry) -> tuple[PhaseWork, ...]:
    """The phases of a model's decoder layer, then that of the LM head."""
    return tuple(
        PhaseWork(cycles, layout.padded.rows, layout.padded.cols)
        for kind in ("layer", "head")
        for cycles, layout in zip(
            phase_cycles(configuration, geometry, kind),
            RecordLayout(configuration.layout, geometry, kind).phases,
            strict=True,
        )
    )


def buffers(configuration: Configuration) -> tuple[Buffer, ...]:
    """The engine's memories, largest use first: see the declarations in engine.py."""
    c = constants_of(configuration)
    lanes, words, longest = c["ELEMENT_LANES"], c["VECTOR_WORDS"], c["HELD"]
    tokens, hidden = configuration.tokens, configuration.hidden
    sigmoid = sum(int(c[f"SIGMOID_{t}"].max()).bit_length() for t in "ABC")
    scan = (
        Buffer("opened", tokens * hidden, 32, "1 - f, where a start has several tokens"),
        Buffer("latest", hidden, 32, "the state that the scan over them has come to"),
    )
    return (
        Buffer("trits", PREFETCH_WORDS, 8 * c["LANES"], "FIFO: weight words loaded ahead"),
        Buffer("elements", words, c["ELEMENT_WORD_BITS"], "FIFO: the next norm's parameters"),
        Buffer("side", c["STATE_BEATS"], 128, "FIFO: headers and the room under the lower bound"),
        Buffer("state", c["STATE_BEATS"], 128, "FIFO: the layer's recurrent state"),
        Buffer("results", 64, 128, "FIFO: new state, logits, residual on their way out"),
        Buffer("values", tokens * words, lanes * c["VECTOR_BITS"], "what the next norm takes"),
        Buffer("scaled", words, lanes * 32, "values times gain, between a norm's passes"),
        Buffer("codes", longest // c["LANES"], 8 * tokens * c["LANES"], "int8 activations"),
        Buffer("residual", tokens * hidden, c["VECTOR_BITS"], "x"),
        Buffer("held", tokens * longest, 32, "silu(i), then h; silu(a)"),
        *(scan if tokens > 1 else ()),
        Buffer("sigmoid", c["SIGMOID_CELLS"], sigmoid, "table of quadratic cells"),
    )


def markdown(configuration: Configuration, geometry: Geometry) -> str:
    """What a model is, phase by phase, and what the engine holds, as the README shows them."""
    lines = [
        "| phase | matrix | additions | multiplications | norm | words | drain | cycles |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    work = phases(configuration, geometry)
    for p in work:
        lines.append(_row(p.name, f"{p.rows} x {p.cols}", [p]))
    lines.append(_row("layer", "", list(work[:-1])))
    idle = 1 - sum(p.cycles.words for p in work[:-1]) / sum(p.cycles.total for p in work[:-1])
    lines += [
        "",
        f"Of a layer's cycles {100 * idle:.1f} % (derived) are not weight words.",
        "",
        "| buffer | entries | bits | kbit | holds |",
        "|---|--:|--:|--:|---|",
    ]
    for b in buffers(configuration):
        lines.append(
            f"| {b.name} | {b.entries} | {b.bits} | {b.total_bits / 1024:.1f} | {b.holds} |"
        )
    total = sum(b.total_bits for b in buffers(configuration)) / 1024
    lines.append(f"| total | | | {total:.1f} | |")
    return "\n".join(lines) + "\n"


def _row(name: str, matrix: str, work: list[PhaseWork]) -> str:
    numbers = [
        sum(p.additions for p in work),
        sum(p.multiplications for p in work),
        sum(p.cycles.norm for p in work),
        sum(p.cycles.words for p in work),
        sum(p.cycles.drain for p in work),
        sum(p.cycles.total for p in work),
    ]
    return f"| {name} | {matrix} | " + " | ".join(f"{n:,}" for n in numbers) + " |"
