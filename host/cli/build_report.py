"""What a build has reached, as tables for a person."""

import shlex
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from tritstream.board.overlays import MANIFEST
from tritstream.build.open.overlay import STATUS
from tritstream.build.open.project import DESIGN, OpenProject
from tritstream.build.open.report import OpenSummary
from tritstream.build.open.timing import TIMING_REPORT
from tritstream.build.project import STEPS, Project
from tritstream.build.summary import RESOURCES, Summary
from tritstream.build.tools import last_line

_TITLES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram36": "BRAM36", "uram": "URAM"}


def show_summary(summary: Summary) -> None:
    """Tables of cycles, intervals, resources and clock; only what there are reports of."""
    from rich.console import Console

    console = Console()
    if summary.synthesis or summary.utilisation:
        console.print(_resources(summary))
    if summary.synthesis is not None:
        console.print(_cycles(summary))
        violated = [loop for loop in summary.synthesis.loops if loop.violated]
        for loop in violated:
            console.print(
                f"initiation interval {loop.interval} instead of 1: loop {loop.name} of "
                f"{loop.module}",
                style="red",
                highlight=False,
                soft_wrap=True,
            )
        if not violated:
            console.print("Every pipelined loop reaches an initiation interval of 1 (estimated).")
    if summary.cosimulation is not None:
        cycles = summary.cosimulation
        *of_layer, head = (p.total for p in summary.phases)
        layer = sum(of_layer)
        console.print(
            f"RTL simulation: {'bit-exact' if cycles.passed else 'WRONG RESULTS'}, "
            f"{cycles.minimum} to {cycles.maximum} cycles a start (simulated); the two starts "
            f"should take {layer:,} for a layer and {head:,} for the head, and memory (derived).",
            highlight=False,
        )
    for line in _clocks(summary):
        console.print(line, highlight=False, soft_wrap=True)


def show_open_summary(summary: OpenSummary) -> None:
    """The table of resources and the clock; only what there are reports of."""
    from rich.console import Console

    console = Console()
    project, placement = summary.project, summary.placement
    used = {"synthesised": summary.synthesised, "placed": placement.used if placement else None}
    if summary.cells:
        have = summary.board_resources
        console.print(_resource_table(project.board.title, used, have))
    if placement is not None:
        console.print(
            f"nextpnr-xilinx reports {placement.mhz:.1f} MHz (estimated, optimistic).",
            highlight=False,
            soft_wrap=True,
        )
    if (found := summary.analysed) is not None:
        console.print(
            f"The slowest path takes {found.period_ns:.2f} ns with its allowances, "
            f"{found.mhz:.1f} MHz; the least slack of a hold is {found.hold_ns:.3f} ns (estimated, "
            f"{TIMING_REPORT}). The clock is set to {summary.clock_hz / 1e6:.3f} MHz: "
            f"{summary.tokens_per_s:.1f} tokens/s (projected).",
            highlight=False,
            soft_wrap=True,
        )


def _resources(summary: Summary) -> Any:
    used = {
        "csynth": summary.synthesis.used if summary.synthesis else None,
        "implemented": summary.utilisation.used if summary.utilisation else None,
    }
    return _resource_table(summary.project.board.title, used, summary.board_resources)


def _resource_table(
    title: str, stages: Mapping[str, Mapping[str, float] | None], board: Mapping[str, int]
) -> Any:
    from rich.table import Table

    table = Table("resource", *stages, "board", title=f"{title} (estimated)")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in (n for n in RESOURCES if n in board):
        have = board[name]

        def cell(used: Mapping[str, float] | None, name: str = name, have: int = have) -> str:
            if used is None or name not in used:
                return ""
            share = f" {used[name] / have:.0%}" if have else ""
            return f"{used[name]:,g}{share}"

        table.add_row(_TITLES[name], *map(cell, stages.values()), f"{have:,}")
    return table


def _cycles(summary: Summary) -> Any:
    """What each phase should take, and what it would with the intervals that were reached."""
    from rich.table import Table

    table = Table(
        "phase", "derived", "at csynth's intervals (estimated)", title="Cycles of a phase"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    reached = summary.reached_cycles or ()
    for phase, cycles in zip_longest(summary.phases, reached):
        table.add_row(
            phase.name, f"{phase.total:,}", "unknown" if cycles is None else f"{cycles:,}"
        )
    return table


def _clocks(summary: Summary) -> list[str]:
    lines = []
    if summary.synthesis is not None:
        s = summary.synthesis
        lines.append(
            f"csynth: {s.estimated_mhz:.0f} MHz where {1000 / s.clock_ns:.0f} are asked for "
            f"(estimated)."
        )
    if summary.timing is not None:
        t = summary.timing
        reached = f", fastest {t.reached_mhz:.0f} MHz" if t.reached_mhz else ""
        lines.append(
            f"Timing {'met' if t.met else 'NOT met'}: setup slack {t.setup_slack_ns} ns, "
            f"hold slack {t.hold_slack_ns} ns{reached} (estimated)."
        )
    return lines


def show_next(project: Project, project_only: bool, output: str | None = None) -> None:
    """What there is now, and what to do with it."""
    name = project.configuration.name
    command = f"tritstream build --board {project.board.name} --configuration {name}"
    command += f" --output {shlex.quote(output)}" if output else ""
    if project_only:
        print(f"Copy {project.folder} to a machine with AMD's tools and run, in it,")
        print("vitis_hls -f csim.tcl, then csynth.tcl and ip.tcl, then")
        print("vivado -mode batch -source bitstream.tcl.")
    elif (project.output / MANIFEST).is_file():
        print(f"Overlay: {project.output}. Copy it to the board and run there:")
        print(f"tritstream overlay install {name} --from {project.output.name}")
    else:
        left = [step for step in STEPS if step not in project.done()]
        last = last_line(project.logs / f"{left[0]}.log") if left else ""
        print(f"Not done yet: {', '.join(left)}. Go on with: {command}")
        if last:
            print(f"The log of {left[0]} ends with: {last}")


def show_next_open(project: OpenProject, project_only: bool, output: str | None = None) -> None:
    """What there is now of a build with open tools, and what to do with it."""
    name, board = project.configuration.name, project.board.name
    command = f"tritstream build --flow open --board {board} --configuration {name}"
    command += f" --output {shlex.quote(output)}" if output else ""
    if (project.output / MANIFEST).is_file():
        print(f"Overlay: {project.output}, {STATUS}. Copy it to the board and run there:")
        print(f"tritstream overlay install {name} --from {project.output.name}")
        return
    left = [step for step in project.state.flow.steps if step not in project.done()]
    if project_only:
        print(f"The design is {project.folder / DESIGN}. Its steps: {', '.join(left)}.")
    print(f"Not done yet: {', '.join(left)}. Go on with: {command}")
    last = last_line(project.log(left[0])) if left else ""
    if last:
        print(f"The log of {left[0]} ends with: {last}")
