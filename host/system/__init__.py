"""The accelerator as a whole, simulated: compiled core, shell, DDR model and registers."""

from tritstream.system.build import Parts, engine_parts, system_library
from tritstream.system.simulation import Conditions, Result, System

__all__ = ["Conditions", "Parts", "Result", "System", "engine_parts", "system_library"]
