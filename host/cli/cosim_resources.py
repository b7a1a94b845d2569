"""Resources of RTL against the board's, as the reports of `tritstream cosim` have them."""

import sys
from typing import TYPE_CHECKING, Any

from tritstream.configurations import Configuration

if TYPE_CHECKING:
    from tritstream.cosim.resources import Resources
    from tritstream.rtl.compile import Compiled


def kernel_resources(configuration: Configuration, compiled: "Compiled") -> dict[str, Any]:
    """Look-up tables, registers, memories and DSPs by Yosys (estimated), and the board's share."""
    from tritstream.cosim.resources import estimate, family_of

    return _counts(configuration, estimate(compiled, family_of(configuration.board)))


def engine_resources(configuration: Configuration) -> dict[str, Any]:
    """The same of the whole engine in its shell, with the functions that its DSPs belong to."""
    from tritstream.cosim.resources import estimate_engine

    found = estimate_engine(
        configuration, lambda step: print(f"tritstream: {step}", file=sys.stderr)
    )
    return _counts(configuration, found.total) | {"dsp_by_function": found.dsps}


def _counts(configuration: Configuration, found: "Resources") -> dict[str, Any]:
    board = configuration.board
    counts: dict[str, Any] = {
        "LUT": found.luts,
        "FF": found.flip_flops,
        "BRAM36": found.bram36,
        "DSP": found.dsps,
    }
    if board is not None:
        counts["board"] = board.name
        counts["share"] = {name: round(s, 4) for name, s in found.share(board).items()}
    return counts
