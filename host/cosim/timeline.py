"""A picture of a record's timeline: which phase does what, and how busy each port is meanwhile."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tritstream.cosim.trial import BUCKET, Run
from tritstream.errors import EngineError, OptionError
from tritstream.files import atomic_write

FORMATS = (".png", ".svg")
_COLOURS = {
    "control": "#bbbbbb",
    "measure": "#4477aa",
    "scalars": "#ee6677",
    "quantise": "#66ccee",
    "weights": "#e3ecd8",
    "drain": "#aa3377",
}
_LABELS = {
    "control": "control",
    "measure": "norm: measure",
    "scalars": "norm: scalars",
    "quantise": "norm: quantise",
    "weights": "mat-vec",
    "drain": "drain",
}


def check_format(path: str) -> str:
    """The format by the name's ending. Raises OptionError for another than .png or .svg."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise OptionError(f"--plot {path}: name a file that ends in .png or .svg")
    return suffix[1:]


def plot_timeline(path: str, title: str, run: Run, record: int) -> None:
    """Draw the run's n-th record: its phases above, beats a cycle of every port below.

    Raises OptionError for another ending than .png or .svg, EngineError without matplotlib.
    """
    kind = check_format(path)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError as error:
        raise EngineError(
            "--plot needs matplotlib, which is not installed: pip install 'tritstream[plot]'"
        ) from error

    phases = run.course.record(record)
    begin, end = phases[0].begin, phases[-1].end
    origin = run.result.begun // BUCKET * BUCKET
    span = slice((begin - origin) // BUCKET, -(-(end - origin) // BUCKET) + 1)
    busy = run.timeline[span] / BUCKET
    edges = origin + BUCKET * (span.start + np.arange(len(busy) + 1)) - begin
    ports = [n for n, name in enumerate(run.masters) if not name.endswith("write")]
    rows = [*ports[1:], ports[0], *(n for n in range(len(run.masters)) if n not in ports)]

    figure = Figure(figsize=(9.5, 1.3 + 0.55 * (len(rows) + 1)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(rows) + 1, sharex=True, gridspec_kw={"height_ratios": [1.3, *[1] * len(rows)]}
    )
    top = axes[0]
    for phase in phases:
        for activity, first, last in phase.spans:
            top.broken_barh(
                [(first - begin, last - first)], (0, 1), color=_COLOURS[activity], linewidth=0
            )
        top.axvline(phase.begin - begin, color="0.3", linewidth=0.6)
        middle = (phase.begin + phase.end) / 2 - begin
        top.text(middle, 0.5, phase.name, ha="center", va="center", fontsize=9)
    top.set(yticks=[], ylim=(0, 1), title=title)
    top.set_ylabel("phase", rotation=0, ha="right", va="center", fontsize=8)
    for row, column in zip(axes[1:], rows, strict=True):
        row.stairs(busy[:, column], edges, fill=True, color="#667755", linewidth=0)
        for phase in phases:
            row.axvline(phase.begin - begin, color="0.3", linewidth=0.4)
        row.set(ylim=(0, 1.05), yticks=[0, 1])
        row.tick_params(labelsize=7)
        name = run.masters[column]
        row.set_ylabel(
            name if name.endswith("write") else f"{name} read",
            rotation=0, ha="right", va="center", fontsize=8,
        )  # fmt: skip
    axes[-1].set(xlim=(0, end - begin), xlabel=f"cycles (simulated); beats a cycle over {BUCKET}")
    handles = [Patch(color=_COLOURS[a], label=text) for a, text in _LABELS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=7)
    with atomic_write(path) as file:
        figure.savefig(file, format=kind, dpi=110)
