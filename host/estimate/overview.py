"""The picture of README.md: the 370M model on boards and a PC, and where a board's token goes.

    python -m tritstream.estimate.overview overview.png --measured "PC, AVX-512, 2 threads=374"

Boards are derived by the estimator for the configuration that ships for each; a PC's rate is what
`tritstream bench` has measured there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tritstream.boards import BOARDS, Board
from tritstream.configurations import CONFIGURATIONS, Configuration
from tritstream.errors import OptionError
from tritstream.estimate.rates import Rates, rates
from tritstream.files import atomic_write
from tritstream.geometry import GEOMETRIES, Geometry

_MODEL = "370m"
_SHOWN = ("pynq-z2", "ultra96v2", "kv260", "zcu104")


def shipped_for(board: Board) -> Configuration:
    """The configuration of the package that a board takes, its largest."""
    fitting = [c for c in CONFIGURATIONS.values() if c.board.ps_type == board.ps_type]
    return max(fitting, key=lambda c: c.hidden)


def parts_of(found: Rates, geometry: Geometry, clock_hz: float) -> dict[str, float]:
    """Milliseconds of a token, by what the engine does; waiting is for memory that is slower."""
    ms = 1e3 / clock_hz

    def words(phases: Sequence[str]) -> float:
        return geometry.layers * sum(p.words for p in found.layer if p.name in phases)

    norms = geometry.layers * sum(p.norm + p.drain for p in found.layer)
    norms += sum(p.norm + p.drain for p in found.head)
    return {
        "weights of i, f, g, o": ms * words(("i", "f", "g", "o")),
        "weights of gate, down": ms * words(("gate", "down")),
        "weights of the LM head": ms * sum(p.words for p in found.head),
        "norms, drains": ms * norms,
        "waiting for DDR": ms * (found.stalled_cycles - found.cycles),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw it. Raises OptionError for a rate that is no number."""
    parser = argparse.ArgumentParser(description="Draw the rates of boards against a PC.")
    parser.add_argument("picture", help="the .png to write")
    parser.add_argument(
        "--measured", action="append", default=[], metavar="NAME=TOKENS_PER_S", help="of a PC"
    )
    args = parser.parse_args(arguments)
    measured = {}
    for text in args.measured:
        name, _, rate = text.rpartition("=")
        try:
            measured[name] = float(rate)
        except ValueError:
            raise OptionError(f"--measured {text}: give NAME=TOKENS_PER_S") from None
    draw(args.picture, measured)
    return 0


def draw(path: str, measured: dict[str, float]) -> None:
    """Bars of tokens/s by board and PC, and the parts of a board's token."""
    from matplotlib.figure import Figure

    geometry = GEOMETRIES[_MODEL]
    found = {}
    for name in _SHOWN:
        board = BOARDS[name]
        found[board] = rates(shipped_for(board), geometry, board)
    figure = Figure(figsize=(10, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.25))
    titles = [b.title for b in found]
    bars = left.barh(titles, [r.tokens_per_s for r in found.values()], color="tab:green")
    left.bar_label(bars, fmt="%.0f", padding=3)
    if measured:
        bars = left.barh(list(measured), list(measured.values()), color="tab:gray")
        left.bar_label(bars, fmt="%.0f", padding=3)
    left.invert_yaxis()
    left.margins(x=0.15)
    left.set(title=f"{_MODEL.upper()}: tokens/s", xlabel="boards derived, PC measured")
    begin = [0.0] * len(found)
    parts = [parts_of(r, geometry, b.clock_hz) for b, r in found.items()]
    whole = [sum(p.values()) for p in parts]
    for name in parts[0]:
        share = [100 * p[name] / w for p, w in zip(parts, whole, strict=True)]
        right.barh(titles, share, left=begin, label=name)
        begin = [b + s for b, s in zip(begin, share, strict=True)]
    labels = [f"{b.title}\n{w:.1f} ms" for b, w in zip(found, whole, strict=True)]
    right.set_yticks(range(len(found)), labels)
    right.invert_yaxis()
    right.set(
        title="Where a token's time goes", xlabel="% of the fabric's time (derived)", xlim=(0, 100)
    )
    figure.legend(
        *right.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8
    )
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=110)


if __name__ == "__main__":
    raise SystemExit(main())
