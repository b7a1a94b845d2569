"""Resources of RTL against the board's, as the reports of `tritstream cosim` have them."""

from typing import Any

from tritstream.configurations import Configuration


def board_resources(configuration: Configuration, compiled: Any) -> dict[str, Any]:
    """Look-up tables, registers, memories and DSPs by Yosys (estimated), and the board's share."""
    from tritstream.rtl.resources import estimate

    board = configuration.board
    found = estimate(compiled, "xc7" if board is None or board.ps_type == "zynq7" else "xcup")
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
