"""Which AXI master of the engine goes to which port of the processing system."""

from __future__ import annotations

from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.errors import ConfigurationError
from tritstream.kernels.arguments import VECTOR_BUNDLE, argument_table, bundles


def port_map(configuration: Configuration, board: Board) -> dict[str, str]:
    """{bundle: port}: weights on HP0, HP1, ..., everything else on a port of its own behind them.

    On UltraScale+ that further port is HPC0, so that all four HP ports are free for weights; on
    Zynq-7000 it is the next HP port, or the ACP where weights take all four. Raises
    ConfigurationError where the board has too few.
    """
    masters = bundles(argument_table(configuration))
    weights = [m for m in masters if m != VECTOR_BUNDLE]
    ports = [f"HP{n}" for n in range(board.hp_ports)]
    if len(weights) > len(ports):
        raise ConfigurationError(
            f"configuration '{configuration.name}' has {len(weights)} weight masters; "
            f"{board.title} has {board.hp_ports} HP ports: choose a narrower weight word"
        )
    further = "HPC0" if board.ps_type == "zynqmp" else [*ports, "ACP"][len(weights)]
    return dict(zip(weights, ports, strict=False)) | {VECTOR_BUNDLE: further}
