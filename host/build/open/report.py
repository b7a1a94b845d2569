"""What the reports of a project with open tools say, as one object and as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tritstream.build.open import place, synthesis
from tritstream.build.open.overlay import clock_hz, projected_tokens_per_s
from tritstream.build.open.place import Placement
from tritstream.build.open.project import PLACE, SYNTH, TIMING, OpenProject
from tritstream.build.open.timing import Analysed, read_analysis
from tritstream.toolchain.cells import count


@dataclass(frozen=True)
class OpenSummary:
    """What there is; None where a step has not left its report yet."""

    project: OpenProject
    cells: dict[str, int] | None
    """Yosys's netlist, cells by type."""
    placement: Placement | None
    analysed: Analysed | None

    @property
    def synthesised(self) -> dict[str, float] | None:
        """The netlist in the resources of the board."""
        if self.cells is None:
            return None
        found = count(self.cells)
        return {
            "lut": float(found.luts + found.inverters),
            "ff": float(found.flip_flops),
            "dsp": float(found.dsps),
            "bram36": found.bram36,
        }

    @property
    def clock_hz(self) -> float:
        return clock_hz(self.project, self.analysed)

    @property
    def tokens_per_s(self) -> float:
        """At the project's clock; projected."""
        return projected_tokens_per_s(self.project, self.clock_hz)

    @property
    def board_resources(self) -> dict[str, int]:
        b = self.project.board
        return {"lut": b.luts, "ff": b.flip_flops, "dsp": b.dsps, "bram36": b.bram36}

    def table(self) -> dict[str, Any]:
        """One JSON object; every group of figures under its tag."""
        project = self.project
        return {
            "board": project.board.name,
            "configuration": project.configuration.name,
            "flow": "open",
            "steps": {name: asdict(record) for name, record in project.done().items()},
            "clock_hz": self.clock_hz,
            "seed": project.settings.seed,
            "estimated": {
                "synthesis": None
                if self.cells is None
                else {"used": self.synthesised, "cells": self.cells},
                "implementation": None
                if self.placement is None
                else {"used": self.placement.used, "reached_mhz": self.placement.mhz},
                "timing": None
                if self.analysed is None
                else {
                    "longest_path_ns": self.analysed.period_ns,
                    "mhz": self.analysed.mhz,
                    "highest_clock_hz": self.analysed.highest_hz,
                    "hold_slack_ns": self.analysed.hold_ns,
                },
            },
            "projected": {"tokens_per_s": self.tokens_per_s},
            "board_resources": self.board_resources,
        }


def summarise_open(project: OpenProject) -> OpenSummary:
    """Read the reports of the steps that are done. Raises ReportError for one that cannot be."""
    done = project.done()
    return OpenSummary(
        project,
        synthesis.read_cells(project.folder) if SYNTH in done else None,
        place.read_placement(project.folder, project.log(PLACE)) if PLACE in done else None,
        read_analysis(project.folder) if TIMING in done else None,
    )
