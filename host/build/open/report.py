"""What the reports of a project with open tools say, as one object and as a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tritstream.build.open import place, synthesis
from tritstream.build.open.overlay import clock_hz, projected_tokens_per_s
from tritstream.build.open.place import MARGIN, Placement
from tritstream.build.open.project import PLACE, SYNTH, OpenProject
from tritstream.toolchain.cells import count


@dataclass(frozen=True)
class OpenSummary:
    """What there is; None where a step has not left its report yet."""

    project: OpenProject
    cells: dict[str, int] | None
    """Yosys's netlist, cells by type."""
    placement: Placement | None

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
        return clock_hz(self.project, self.placement)

    @property
    def safe_mhz(self) -> float | None:
        """The highest clock that the reported frequency is taken to allow."""
        return None if self.placement is None else self.placement.mhz / MARGIN

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
    )
