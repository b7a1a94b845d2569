"""A board that is a program: a `pynq.Device` with memory, caches, registers and an engine.

Driver, runtime and pynq itself run on it unchanged; only what would be silicon is simulated.
"""

from tritstream.sim.board import simulated_board
from tritstream.sim.executions import CsimExecution, Execution, NoExecution, SpecExecution
from tritstream.sim.faults import Faults

__all__ = [
    "CsimExecution",
    "Execution",
    "Faults",
    "NoExecution",
    "SpecExecution",
    "simulated_board",
]
