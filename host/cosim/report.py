"""What `tritstream cosim engine` reports: cycles by phase and activity, and projected rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tritstream.boards import BOARDS
from tritstream.configurations import Configuration
from tritstream.cosim.phases import ACTIVITIES, Phase
from tritstream.cosim.trial import Run
from tritstream.estimate.cycles import PhaseCycles, phase_cycles
from tritstream.estimate.limits import EFFICIENCY, memory
from tritstream.estimate.rates import rates_of
from tritstream.geometry import Geometry
from tritstream.shell import bus_for

HOST_SHARE = 0.05
"""Share of a token's time that the host takes (embedding, logits, sampling, the start), assumed."""
NOTE = "Cycles are those of this RTL; Vitis HLS may schedule the same kernels differently."


def engine_report(
    configuration: Configuration,
    geometry: Geometry,
    alone: Run,
    several: Run | None,
    head: bool,
    efficiency: float = EFFICIENCY,
    host_share: float = HOST_SHARE,
) -> dict[str, Any]:
    """One layer alone and several records in a start (the last of them the head, if ``head``), as
    JSON. Rates are projected where a layer that follows another and the head were simulated."""
    bits = 8 * configuration.port_bytes
    beats = bits // bus_for(configuration).for_words(bits).bits
    runs = [alone, *([several] if several else [])]
    report: dict[str, Any] = {
        "configuration": configuration.name,
        "geometry": asdict(geometry),
        "bit_exact": not any(r.wrong for r in runs),
        "wrong": [f"records {r.first}..{r.last}: {w}" for r in runs for w in r.wrong],
        "one_layer_alone_simulated": {
            "cycles": alone.course.cycles,
            "weight_efficiency": alone.efficiency,
            "load": alone.course.load,
            "store": alone.course.store,
            "phases": [_phase(p) for p in alone.course.phases],
            "beats_read": alone.result.read,
            "beats_written": alone.result.written,
        },
        "activities": ACTIVITIES,
        "note": NOTE,
    }
    if several is None:
        return report
    layers = several.last - several.first + (not head)
    report["start_simulated"] = {
        "layers": layers,
        "head": head,
        "cycles": several.course.cycles,
        "weight_efficiency": several.efficiency,
        "load": several.course.load,
        "store": several.course.store,
    }
    if layers > 1:
        further = several.course.record(layers - 1)
        report["further_layer_simulated"] = _record(further, beats)
        report["further_layer_estimated"] = sum(
            p.total for p in phase_cycles(configuration, geometry, "layer")
        )
    if head:
        report["head_simulated"] = _record(several.course.record(layers), beats)
    if layers > 1 and head:
        report["projected"] = _projected(configuration, geometry, several, efficiency, host_share)
    return report


def _record(phases: Sequence[Phase], beats: int) -> dict[str, Any]:
    cycles = sum(p.total for p in phases)
    return {
        "cycles": cycles,
        "weight_efficiency": beats * sum(p.words for p in phases) / cycles,
        "phases": [_phase(p) for p in phases],
    }


def _phase(phase: Phase) -> dict[str, Any]:
    return {"name": phase.name, "cycles": phase.total, **phase.cycles}


def _projected(
    configuration: Configuration,
    geometry: Geometry,
    run: Run,
    efficiency: float,
    host_share: float,
) -> dict[str, Any]:
    """Tokens a second on every board whose ports fit the configuration."""
    layers = run.last - run.first
    layer, head = run.course.record(layers - 1), run.course.record(layers)
    more = geometry.layers - layers
    cycles = run.course.cycles + more * sum(p.total for p in layer)
    boards = []
    for board in BOARDS.values():
        same = board.ps_type == configuration.board.ps_type
        if not same or board.hp_ports < configuration.ports:
            continue
        reached = rates_of(
            configuration,
            geometry,
            board,
            tuple(_without_waits(p) for p in layer),
            tuple(_without_waits(p) for p in head),
            efficiency,
        )
        boards.append(
            {
                "board": board.name,
                "assumed_clock_hz": board.clock_hz,
                "assumed_ddr_bytes_per_s": efficiency * board.ddr_peak_bytes_per_s,
                "tokens_per_s_as_simulated": (1 - host_share) * board.clock_hz / cycles,
                "tokens_per_s_with_ddr": (1 - host_share)
                * min(reached.tokens_per_s, board.clock_hz / cycles),
                "bound": reached.bound,
                "model_fits_memory": memory(
                    configuration.layout, geometry, board, configuration.tokens
                ).fits,
            }
        )
    return {
        "cycles_per_token": cycles,
        "cycles_are": f"simulated for {layers} layers and the head, "
        f"{more} times the last layer added",
        "assumptions": [
            "the fabric reaches the board table's clock; no bitstream of this RTL has been timed",
            f"DDR gives {efficiency:.0%} of its peak to the weight ports together, and nothing "
            "else uses it",
            f"the host takes {host_share:.0%} of a token's time",
            "one start a token, the whole model resident",
        ],
        "boards": boards,
    }


def _without_waits(phase: Phase) -> PhaseCycles:
    """The phase as the estimate has it, from the simulated cycles in which memory plays no part."""
    c = phase.cycles
    norm = c["control"] + c["measure"] + c["scalars"] + c["quantise"]
    return PhaseCycles(phase.name, norm, c["weights"], c["drain"])
