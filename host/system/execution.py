"""The system simulation as what a simulated board computes with."""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.configurations import Configuration
from tritstream.kernels.registers import DESCRIPTORS_READ, FAULTS, WHOLE_WINDOW
from tritstream.sim.executions import Outcome
from tritstream.sim.memory import AxiError, Memory
from tritstream.system.build import engine_parts
from tritstream.system.simulation import Conditions, System


class RtlExecution:
    """The engine's RTL behind its AXI ports; only live buffers of the board's memory answer.

    A run that an AXI response ended leaves its results unwritten and says so in the control
    register, as on a board: the driver has to notice. Raises as `engine_parts` and
    `system_library`.
    """

    def __init__(self, configuration: Configuration, conditions: Conditions | None = None) -> None:
        self.system = System(engine_parts(configuration))
        self.system.set_conditions(conditions or Conditions())
        self.reports: list[str] = []
        """What the masters met, a line for every run that ended with an error."""

    def __call__(self, memory: Memory, arguments: Mapping[str, int]) -> Outcome:
        """One start. Raises AxiError where the engine hangs or breaks the protocol."""
        self.system.set_memory(
            [(base, memory.view(base, size), True) for base, size in memory.live.items()]
        )
        self.system.window = memory.window or WHOLE_WINDOW
        from tritstream.errors import EngineError

        try:
            result = self.system.run(arguments)
        except EngineError as error:
            self.system.reset()
            raise AxiError(str(error)) from error
        if result.error:
            self.reports.append(f"{result.error}: {self.system.problem}".rstrip(": "))
        return Outcome(
            result.control & FAULTS, self.system.read(DESCRIPTORS_READ), self.system.run_counters()
        )
