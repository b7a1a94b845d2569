"""Making an overlay of what the open tools have left: .bit, hardware hand-off, manifest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tritstream.board.clocks import reached_hz
from tritstream.board.hwh import OPEN_TOOLS, hardware_handoff
from tritstream.board.overlays import MANIFEST, File, Manifest
from tritstream.build.handoff import check_handoff
from tritstream.build.open.assemble import with_header
from tritstream.build.open.place import Placement, read_placement
from tritstream.build.open.project import BITSTREAM, CLOCK_HZ, PLACE, OpenProject
from tritstream.build.open.timing import TIMING_REPORT, Analysed, read_analysis
from tritstream.build.ports import port_map
from tritstream.build.settings import OVERLAY, design_name
from tritstream.estimate.cycles import reference_geometry
from tritstream.estimate.rates import rates
from tritstream.files import atomic_write_bytes, sha256_of

BIT = "design.bit"
"""What xc7frames2bit writes; the overlay's .bit has another header."""
STATUS = "built with open tools, not yet run on a board"


def write_open_overlay(project: OpenProject) -> Manifest:
    """Write output/. Raises BuildError; then no manifest is left there."""
    manifest_path = project.output / MANIFEST
    manifest_path.unlink(missing_ok=True)
    project.output.mkdir(exist_ok=True)
    source = project.folder / BIT
    name = design_name(project.configuration)
    bit, hwh = (project.output / f"{OVERLAY}.{suffix}" for suffix in ("bit", "hwh"))
    atomic_write_bytes(bit, with_header(source.read_bytes(), name, project.board.part, source))
    report = project.output / TIMING_REPORT
    atomic_write_bytes(report, (project.folder / TIMING_REPORT).read_bytes())
    placement = read_placement(project.folder, project.log(PLACE))
    analysed = read_analysis(project.folder)
    clock = clock_hz(project, analysed)
    atomic_write_bytes(hwh, _handoff(project, clock))
    check_handoff(hwh, project.configuration, interrupt=False)
    manifest = Manifest(
        board=project.board.name,
        configuration=project.configuration.table(),
        profile=dict(project.configuration.profile.table()),
        clock_hz=clock,
        hwh=File(hwh.name, sha256_of(hwh), OPEN_TOOLS),
        bit=File(bit.name, sha256_of(bit), bit.as_uri()),
        timing=File(report.name, sha256_of(report), "tritstream overlay timing"),
        build=_build(project, placement, analysed, clock),
    )
    atomic_write_bytes(manifest_path, manifest.encode())
    return manifest


def clock_hz(project: OpenProject, analysed: Analysed | None) -> float:
    """The clock that the design runs at: what the processor's dividers make of the one asked.

    Where none is asked, the highest that the analysis allows, and before there is one CLOCK_HZ.
    """
    asked = project.settings.clock_hz
    if asked is None:
        asked = CLOCK_HZ if analysed is None else analysed.highest_hz
    return reached_hz(project.board, asked)


def _handoff(project: OpenProject, clock: float) -> bytes:
    """The .hwh. There is no interrupt controller: the driver polls."""
    return hardware_handoff(
        project.configuration,
        interrupt=False,
        clock_hz=clock,
        ports=port_map(project.configuration, project.board),
        source=OPEN_TOOLS,
    )


def projected_tokens_per_s(project: OpenProject, clock: float) -> float:
    """Tokens a second of `reference_geometry` at a clock in Hz, from cycle counts and DDR rate."""
    board = replace(project.board, clock_hz=clock)
    _, geometry = reference_geometry(project.configuration)
    return rates(project.configuration, geometry, board).tokens_per_s


def _build(
    project: OpenProject, placement: Placement, analysed: Analysed, clock: float
) -> dict[str, Any]:
    return {
        "tool": "Yosys, nextpnr-xilinx, prjxray",
        "status": STATUS,
        "inputs_sha256": project.inputs[BITSTREAM],
        "seed": project.settings.seed,
        "estimated": {
            "clock_met_mhz": round(analysed.mhz, 2),
            "longest_path_ns": analysed.period_ns,
            "hold_slack_ns": analysed.hold_ns,
            "place_and_route_mhz": placement.mhz,
            "used": placement.used,
            "available": placement.available,
        },
        "projected": {
            "model": reference_geometry(project.configuration)[0],
            "tokens_per_s": round(projected_tokens_per_s(project, clock), 2),
        },
    }
