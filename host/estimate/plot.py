"""The roofline as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tritstream.boards import BOARDS, Board
from tritstream.configurations import ROWS_PER_BYTE
from tritstream.errors import EngineError, OptionError
from tritstream.estimate.candidates import Candidate
from tritstream.estimate.limits import EFFICIENCY, limits
from tritstream.files import atomic_write
from tritstream.geometry import Geometry

FORMATS = (".png", ".svg")


def plot_roofline(
    path: str,
    title: str,
    geometry: Geometry,
    board: Board,
    shown: Sequence[Candidate],
    efficiency: float = EFFICIENCY,
) -> None:
    """Tokens a second over bytes a token: the board's DDR roof, its efficiency, the candidates.

    Raises OptionError for another ending than .png or .svg, EngineError without matplotlib.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise OptionError(f"--plot {path}: name a file that ends in .png or .svg")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EngineError(
            "--plot needs matplotlib, which is not installed: pip install 'tritstream[plot]'"
        ) from error

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    roofs = {packing: limits(geometry, board, packing, efficiency) for packing in ROWS_PER_BYTE}
    sizes = [r.bytes_per_token for r in roofs.values()]
    ends = (min(sizes) / 2, max(sizes) * 2)
    span = [ends[0] * (ends[1] / ends[0]) ** (i / 60) for i in range(61)]
    told = 0.0
    for other in sorted(BOARDS.values(), key=lambda b: b.ddr_peak_bytes_per_s):
        if other != board and other.ddr_peak_bytes_per_s != board.ddr_peak_bytes_per_s:
            roof = [other.ddr_peak_bytes_per_s / s for s in span]
            axes.plot([s / 1e6 for s in span], roof, color="0.85", linewidth=1, zorder=1)
            if roof[0] > 1.2 * told:  # boards with the same memory lie under each other
                axes.annotate(other.title, (span[0] / 1e6, roof[0]), color="0.5", fontsize=8)
                told = roof[0]
    peak = board.ddr_peak_bytes_per_s
    axes.plot([s / 1e6 for s in span], [peak / s for s in span], label=f"{board.title} DDR peak")
    axes.plot(
        [s / 1e6 for s in span],
        [efficiency * peak / s for s in span],
        linestyle="--",
        label=f"at {efficiency:.0%} of it (assumed)",
    )
    for packing, roof_of in roofs.items():
        axes.axvline(roof_of.bytes_per_token / 1e6, color="0.6", linestyle=":", linewidth=1)
        axes.annotate(
            f" {packing}", (roof_of.bytes_per_token / 1e6, 0.02), xycoords=("data", "axes fraction")
        )
    # All configurations of a packing read as many bytes: those that do not fit stand beside it.
    for fits, aside, colour, label in (
        (True, 0.97, "tab:blue", "configuration that fits"),
        (False, 1.03, "tab:red", "does not fit the board"),
    ):
        some = [c for c in shown if c.rates and c.fits == fits and not c.shipped_as]
        axes.scatter(
            [aside * roofs[c.packing].bytes_per_token / 1e6 for c in some],
            [c.rates.tokens_per_s for c in some if c.rates],
            s=14,
            color=colour,
            alpha=0.5,
            linewidths=0,
            zorder=3,
            label=label,
        )
    shipped = [c for c in shown if c.rates and c.shipped_as]
    if shipped:
        axes.scatter(
            [roofs[c.packing].bytes_per_token / 1e6 for c in shipped],
            [c.rates.tokens_per_s for c in shipped if c.rates],
            marker="*",
            s=130,
            color="tab:green",
            edgecolors="black",
            linewidths=0.5,
            zorder=4,
            label="ships with the package",
        )
    for c in shipped:
        assert c.rates is not None
        at = (1.06 * roofs[c.packing].bytes_per_token / 1e6, c.rates.tokens_per_s)
        axes.annotate(str(c.shipped_as), at, fontsize=9, va="center", zorder=5)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="MB of ternary weights a token",
        ylabel="tokens/s (derived)",
        title=title,
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("{x:g}")
    axes.legend(loc="lower left", fontsize=8)
    with atomic_write(path) as file:
        figure.savefig(file, format=suffix[1:])
