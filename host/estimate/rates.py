"""Tokens a second of a configuration on its board: cycles, ports and DDR taken together."""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.estimate.cycles import PhaseCycles, phase_cycles
from tritstream.estimate.limits import EFFICIENCY
from tritstream.geometry import Geometry
from tritstream.kernels.arguments import PREFETCH_WORDS


@dataclass(frozen=True)
class Rates:
    """Where the time of one token goes."""

    layer: tuple[PhaseCycles, ...]
    head: tuple[PhaseCycles, ...]
    cycles: int
    """Cycles of a token if memory never stalls."""
    element_share: float
    """Share of those cycles in which no weight word is consumed."""
    cycles_per_word: float
    """Cycles between weight words that ports and DDR sustain, 1 at least."""
    bound: str
    """What holds a token back: ``compute``, ``ports`` or ``ddr``."""
    stalled_cycles: float
    """Cycles of a token with those stalls, less what the FIFOs hide."""
    tokens_per_s: float


def rates(
    configuration: Configuration,
    geometry: Geometry,
    board: Board,
    efficiency: float = EFFICIENCY,
) -> Rates:
    """Rates of a model at the board's clock with ``efficiency`` of the DDR peak."""
    layer, head = (phase_cycles(configuration, geometry, kind) for kind in ("layer", "head"))
    return rates_of(configuration, geometry, board, layer, head, efficiency)


def rates_of(
    configuration: Configuration,
    geometry: Geometry,
    board: Board,
    layer: tuple[PhaseCycles, ...],
    head: tuple[PhaseCycles, ...],
    efficiency: float = EFFICIENCY,
) -> Rates:
    """Rates of phases whose cycles are known from elsewhere, from a simulation for example."""
    ddr_bytes_per_cycle = efficiency * board.ddr_peak_bytes_per_s / board.clock_hz
    waits = {
        "compute": 1.0,
        "ports": max(1.0, 8 * configuration.port_bytes / board.hp_port_bits),
        "ddr": configuration.lanes / ddr_bytes_per_cycle,
    }
    bound = max(waits, key=lambda name: waits[name])
    wait = waits[bound]

    def token(of_phase: list[float]) -> float:
        return geometry.layers * sum(of_phase[: len(layer)]) + sum(of_phase[len(layer) :])

    phases = [*layer, *head]
    cycles = token([p.total for p in phases])
    words = token([p.words for p in phases])
    stalled = token([_stalled(p, wait) for p in phases])
    return Rates(
        layer=layer,
        head=head,
        cycles=int(cycles),
        element_share=1 - words / cycles,
        cycles_per_word=wait,
        bound=bound,
        stalled_cycles=stalled,
        tokens_per_s=board.clock_hz / stalled,
    )


def _stalled(phase: PhaseCycles, wait: float) -> float:
    """Cycles of a phase when words arrive ``wait`` cycles apart and FIFOs fill during the norm."""
    idle = phase.norm + phase.drain
    ahead = min(PREFETCH_WORDS, idle / wait, phase.words)
    return idle + max(phase.words, (phase.words - ahead) * wait)
