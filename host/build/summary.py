"""Everything that the reports of a project say, as one object and as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from tritstream.build.project import Project
from tritstream.build.reports import (
    RESOURCES,
    Cosimulation,
    Synthesis,
    Timing,
    Utilisation,
    read_cosimulation,
    read_synthesis,
    read_timing,
    read_utilisation,
)
from tritstream.estimate.cycles import PhaseCycles, phase_cycles
from tritstream.kernels.arguments import TOP

_Report = TypeVar("_Report")


@dataclass(frozen=True)
class Summary:
    """What there is; None where a step has not left its report yet."""

    project: Project
    synthesis: Synthesis | None
    cosimulation: Cosimulation | None
    utilisation: Utilisation | None
    timing: Timing | None

    @property
    def phases(self) -> tuple[PhaseCycles, ...]:
        """Cycles of a layer's phases and the head's that the geometry asks for; derived."""
        c = self.project.configuration
        return (*phase_cycles(c, "layer"), *phase_cycles(c, "head"))

    @property
    def slowest_interval(self) -> int:
        """The worst initiation interval that was reached: phases take this many times longer."""
        loops = self.synthesis.loops if self.synthesis else ()
        return max([loop.interval or 1 for loop in loops], default=1)

    @property
    def board_resources(self) -> dict[str, int]:
        b = self.project.board
        return {
            "lut": b.luts,
            "ff": b.flip_flops,
            "dsp": b.dsps,
            "bram36": b.bram36,
            "uram": b.uram,
        }

    def table(self) -> dict[str, Any]:
        """One JSON object; every group of figures under its tag."""
        synthesis = self.synthesis
        return {
            "board": self.project.board.name,
            "configuration": self.project.configuration.name,
            "steps": {name: asdict(record) for name, record in self.project.done().items()},
            "derived": {"phases": [asdict(p) | {"total": p.total} for p in self.phases]},
            "estimated": {
                "csynth": None
                if synthesis is None
                else {
                    "clock_ns": synthesis.clock_ns,
                    "estimated_ns": synthesis.estimated_ns,
                    "estimated_mhz": synthesis.estimated_mhz,
                    "used": synthesis.used,
                    "interval_violations": [asdict(x) for x in synthesis.loops if x.violated],
                    "loops": [asdict(x) for x in synthesis.loops],
                },
                "implementation": None
                if self.utilisation is None or self.timing is None
                else {
                    "used": self.utilisation.used,
                    "setup_slack_ns": self.timing.setup_slack_ns,
                    "hold_slack_ns": self.timing.hold_slack_ns,
                    "timing_met": self.timing.met,
                    "reached_mhz": self.timing.reached_mhz,
                },
            },
            "simulated": {
                "cosim": None if self.cosimulation is None else asdict(self.cosimulation)
            },
            "board_resources": self.board_resources,
        }


def summarise(project: Project) -> Summary:
    """Read every report that is there. Raises ReportError for one that cannot be read."""
    report = project.reports
    return Summary(
        project,
        _if_there(report / "syn" / "report" / "csynth.xml", read_synthesis),
        _if_there(report / "sim" / "report" / f"{TOP}_cosim.rpt", read_cosimulation),
        _if_there(project.output / "utilization.rpt", read_utilisation),
        _if_there(project.output / "timing.rpt", read_timing),
    )


def _if_there(path: Path, read: Callable[[Path], _Report]) -> _Report | None:
    return read(path) if path.is_file() else None


__all__ = ["RESOURCES", "Summary", "summarise"]
