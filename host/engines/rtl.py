"""Engine `rtl`: the whole accelerator in RTL, simulated, running a packed image.

Registers go over AXI4-Lite and data over the AXI masters of the shell, as on a board; Verilator
simulates every cycle of it, so that a token takes seconds to hours.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tritstream.configurations import Configuration
from tritstream.engines.base import EngineInfo
from tritstream.engines.memory import MemoryEngine
from tritstream.errors import EngineError
from tritstream.image import Image
from tritstream.kernels.memories import base_addresses, placed
from tritstream.kernels.registers import budget_of
from tritstream.rtl import VENDOR, Target
from tritstream.system import TRACE_CYCLES, Conditions, Result, System, engine_parts

_BASE = 0x6000_0000
"""Where the memories of the arguments are put."""


class RtlEngine(MemoryEngine):
    """The simulated accelerator behind the engine interface; ``trace`` gets the waveform (VCD) of
    the first ``trace_cycles`` cycles; ``target`` is what the RTL is compiled for.

    Raises as `tritstream.system.engine_parts` and `System`.
    """

    name = "rtl"

    def __init__(
        self,
        image: Image,
        conditions: Conditions | None = None,
        trace: Path | None = None,
        trace_cycles: int = TRACE_CYCLES,
        target: Target = VENDOR,
        configuration: Configuration | None = None,
    ) -> None:
        super().__init__(image, configuration)
        parts = engine_parts(self.configuration, target=target)
        self.system = System(parts, trace, trace_cycles)
        self.system.set_conditions(conditions or Conditions())
        self.results: list[Result] = []
        """Of every start: cycles and beats."""
        addresses, regions = placed(self.arrays, _BASE)
        self._addresses = base_addresses(self.table, addresses)
        self.system.set_memory(regions)

    @property
    def info(self) -> EngineInfo:
        budget = budget_of(self.system.run_counters())
        return replace(super().info, budget=budget)

    def begin(self, first: int, last: int) -> None:
        """Start the engine and do not wait for it: for those who break it off."""
        self.system.arguments({"first": first, "last": last, **self._addresses})
        self.system.start()

    def start(self, first: int, last: int) -> None:
        """One start of the engine. Raises EngineError where a bus answers with an error."""
        result = self.system.run({"first": first, "last": last, **self._addresses})
        self.results.append(result)
        if result.error:
            raise EngineError(f"the simulated engine stopped: {result.error} {self.system.problem}")
