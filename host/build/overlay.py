"""Making an overlay of what Vivado has left: hand-off checked, files hashed, manifest written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tritstream.board.overlays import MANIFEST, File, Manifest
from tritstream.build.errors import BuildError
from tritstream.build.handoff import check_handoff
from tritstream.build.project import Project
from tritstream.build.reports import Timing, Utilisation, read_timing, read_utilisation
from tritstream.build.settings import OVERLAY
from tritstream.files import atomic_write_bytes, sha256_of


def write_overlay(project: Project) -> Manifest:
    """Check output/ and write its manifest. Raises BuildError; then no manifest is left there."""
    manifest_path = project.output / MANIFEST
    manifest_path.unlink(missing_ok=True)
    bit, hwh = (project.output / f"{OVERLAY}.{suffix}" for suffix in ("bit", "hwh"))
    for path in (bit, hwh):
        if not path.is_file() or path.stat().st_size == 0:
            raise BuildError(f"Vivado ended well but {path} is missing or empty: build again")
    clock = check_handoff(hwh, project.configuration)
    timing = read_timing(project.output / "timing.rpt")
    utilisation = read_utilisation(project.output / "utilization.rpt")
    if not timing.met:
        raise BuildError(
            f"timing is not met, slack {timing.setup_slack_ns} ns: {project.output / 'timing.rpt'}"
        )
    manifest = Manifest(
        board=project.board.name,
        configuration=project.configuration.table(),
        profile=dict(project.configuration.profile.table()),
        clock_hz=clock or project.board.clock_hz,
        hwh=File(hwh.name, sha256_of(hwh), "Vivado"),
        bit=File(bit.name, sha256_of(bit), bit.as_uri()),
        build=_build(project, timing, utilisation),
    )
    atomic_write_bytes(manifest_path, manifest.encode())
    return manifest


def _build(project: Project, timing: Timing, utilisation: Utilisation) -> dict[str, Any]:
    """What the manifest says of the build; Vivado's figures are estimates of the silicon."""
    return {
        "tool": _version(project.output / "utilization.rpt"),
        "inputs_sha256": project.inputs,
        "estimated": {
            "clock_met_mhz": timing.reached_mhz,
            "setup_slack_ns": timing.setup_slack_ns,
            "used": utilisation.used,
            "available": utilisation.available,
        },
    }


def _version(report: Path) -> str:
    """The tool's own words in the head of a report."""
    match = re.search(r"Tool Version\s*:\s*(Vivado v\.\S+)", report.read_text(encoding="utf-8"))
    return match[1] if match else "Vivado"
