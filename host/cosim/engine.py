"""The whole engine in its shell on a DDR model, against the specification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritstream.configurations import Configuration
from tritstream.cosim.report import engine_report
from tritstream.cosim.resources import Progress, engine_counts
from tritstream.cosim.timeline import plot_timeline
from tritstream.cosim.trial import Run, Trial
from tritstream.errors import OptionError
from tritstream.files import atomic_write_bytes
from tritstream.geometry import Geometry
from tritstream.system import TRACE_CYCLES, Conditions


@dataclass(frozen=True)
class EngineRun:
    """A layer alone in a start, then several records; the report is as JSON has it."""

    report: dict[str, Any]
    alone: Run
    several: Run | None
    layers: int
    conditions: Conditions

    def plot(self, path: str) -> None:
        """Draw the last layer's timeline. Raises as `plot_timeline`."""
        shown = self.several if self.several is not None and self.layers > 1 else self.alone
        record = self.layers - 1 if shown is self.several else 0
        memory = f"latency {self.conditions.latency}, waits {self.conditions.stall}/256"
        name = self.report["configuration"]
        plot_timeline(path, f"A layer of {name}, {memory} (simulated)", shown, record)


def run_engine(
    configuration: Configuration,
    conditions: Conditions | None = None,
    *,
    image: Path | None = None,
    geometry: Geometry | None = None,
    layers: int = 2,
    head: bool = True,
    seed: int = 1,
    trace: Path | None = None,
    trace_cycles: int = TRACE_CYCLES,
    verilog: Path | None = None,
    resources: bool = False,
    progress: Progress | None = None,
) -> EngineRun:
    """Simulate one layer alone in a start, then ``layers`` of them with the LM head (``head``).

    Weights are those of ``image``, or random ones of ``geometry`` or of the configuration's sample.
    ``trace`` gets a waveform (VCD), ``verilog`` the SystemVerilog; ``resources`` adds what Yosys
    estimates, which tells ``progress`` what it does. Raises as `Trial`, and OptionError for no
    layer, or an image and a geometry at once.
    """
    if layers < 1:
        raise OptionError(f"--layers must be 1 or more, not {layers}")
    if image is not None and geometry is not None:
        raise OptionError("--geometry is for random weights: leave it out, or --image")
    conditions = conditions or Conditions(seed)
    trial = Trial(configuration, conditions, seed, image, geometry, trace, trace_cycles)
    if verilog is not None:
        atomic_write_bytes(verilog, trial.engine.system.parts.text.encode())
    layers = min(layers, trial.layers)
    alone = trial.run(0, 0)
    several = None
    if layers > 1 or head:
        # With the head the last layers, which lie before it; the first ones without.
        first = trial.layers - layers if head else 0
        several = trial.run(first, first + layers - (not head))
    report = engine_report(configuration, trial.image.geometry, alone, several, head)
    bus = trial.engine.system.parts.bus
    report["memory_model"] = {
        "latency_cycles": conditions.latency,
        "wait_probability": conditions.stall / 256,
        "bandwidth_limit": None,
        "vector_beat_cycles": conditions.vector_cycles,
        "vectors_share_a_weight_port": bool(conditions.vector_shares),
        "bus": f"{bus.name}, {bus.bits} bits, bursts of {bus.burst} beats",
        "seed": seed,
    }
    report["weights"] = f"random, seed {seed}" if image is None else str(image)
    if resources:
        report["resources_estimated"] = engine_counts(configuration, progress)
    return EngineRun(report, alone, several, layers, conditions)
