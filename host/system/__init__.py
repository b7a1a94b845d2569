"""The accelerator as a whole, simulated: compiled core, shell, DDR model and registers."""

from tritstream.system.build import Parts, engine_parts, system_library
from tritstream.system.simulation import TRACE_CYCLES, Conditions, Result, System

__all__ = [
    "TRACE_CYCLES",
    "Conditions",
    "Parts",
    "Result",
    "System",
    "engine_parts",
    "system_library",
]
