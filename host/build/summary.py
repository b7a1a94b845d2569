"""Everything that the reports of a project say, as one object and as a table."""

from __future__ import annotations

import re
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
from tritstream.estimate.cycles import SCALAR_CYCLES, PhaseCycles, phase_cycles, reference_geometry
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
        """Cycles of a layer's phases and the head's of `reference_geometry`; derived."""
        c = self.project.configuration
        _, geometry = reference_geometry(c)
        return tuple(p for kind in ("layer", "head") for p in phase_cycles(c, geometry, kind))

    @property
    def reached_cycles(self) -> tuple[int, ...] | None:
        """Cycles of each of `phases` with the initiation intervals that csynth has reached.

        None where a loop of the engine's core is not in the report.
        """
        if self.synthesis is None:
            return None
        intervals = core_intervals(self.project.folder / f"{TOP}.cpp", self.synthesis)
        if intervals is None:
            return None
        first, second, words = intervals
        extra = first + second - 2
        # Each of the two passes of a norm takes half of its words.
        return tuple(
            p.total + extra * (p.norm - SCALAR_CYCLES) // 2 + (words - 1) * p.words
            for p in self.phases
        )

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
                    "phase_cycles": self.reached_cycles,
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


def core_intervals(source: Path, synthesis: Synthesis) -> tuple[int, int, int] | None:
    """Intervals reached by the norm's two passes and by the mat-vec, the core's three long loops.

    They are the loops inside the core's own over records and phases whose bounds are known at run
    time only. Vitis HLS names a loop without a label VITIS_LOOP_<line>_<number>.
    """
    reached = {}
    for loop in synthesis.loops:
        match = re.match(r"VITIS_LOOP_(\d+)_\d+$", loop.name)
        if match and loop.interval is not None:
            reached[int(match[1])] = loop.interval
    lines = _core_loops(source.read_text(encoding="utf-8"))
    if len(lines) != 3 or not set(lines) <= set(reached):
        return None
    first, second, words = (reached[line] for line in lines)
    return first, second, words


def _core_loops(text: str) -> list[int]:
    """Line numbers of the pipelined loops that elements and weights go through: the first pass of a
    norm, its second one (`codes_and_scale`), the mat-vec. Those of `core` have run-time bounds and
    lie in the loops over records and phases, and at most over tokens besides. (The scan over
    several tokens lies in branches.)"""
    core = _loops(text, "core", " {6,8}")
    return [*core[:1], *_loops(text, "codes_and_scale", " {2}"), *core[1:]]


def _loops(text: str, function: str, indentation: str) -> list[int]:
    """Pipelined loops with run-time bounds, of a function whose name begins so."""
    lines, inside, found = text.splitlines(), False, []
    head = re.compile(rf"{indentation}for \(int v\d+ = 0; v\d+ < v\d+;")
    for number, line in enumerate(lines[:-1], 1):
        if line.startswith("void "):
            inside = line.startswith(f"void {function}")
        if inside and "#pragma HLS pipeline" in lines[number] and head.match(line):
            found.append(number)
    return found


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
