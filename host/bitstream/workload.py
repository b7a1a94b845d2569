"""Work for a lockstep simulation: one start of the engine on an image, as the driver makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.lockstep import Lockstep
from tritstream.configurations import Configuration
from tritstream.engines.memory import MemoryEngine
from tritstream.errors import EngineError
from tritstream.image import Image
from tritstream.kernels.arguments import CONTROL, DONE, START
from tritstream.kernels.memories import base_addresses, placed, register_writes
from tritstream.kernels.registers import fault_sentence, window, window_writes

_BASE = 0x1000_0000
"""Where the memories of the arguments are put."""
_POLL, _LIMIT = 256, 20_000_000


class LockstepEngine(MemoryEngine):
    """The engine whose RTL and netlist run in lockstep. ``control`` is the address of its registers
    on GP0. A run ends early where the two differ, which `Lockstep.difference` then says."""

    name = "lockstep"

    def __init__(
        self,
        image: Image,
        configuration: Configuration,
        lockstep: Lockstep,
        control: int,
        progress: Callable[[int], None] = lambda cycles: None,
    ) -> None:
        super().__init__(image, configuration)
        self._lockstep, self._control, self._progress = lockstep, control, progress
        addresses, regions = placed(self.arrays, _BASE)
        self._addresses = base_addresses(self.table, addresses)
        self._window = window((base, data.nbytes) for base, data, _ in regions)
        lockstep.set_memory(regions)

    def start(self, first: int, last: int) -> None:
        """One start of the engine. Raises EngineError where it does not end, or ends in error."""
        lockstep = self._lockstep
        values = {"first": first, "last": last, **self._addresses}
        writes = register_writes(self.table, values) + window_writes(self._window)
        for offset, word in writes:
            lockstep.write(self._control + offset, word)
        lockstep.write(self._control + CONTROL, START)
        begun = lockstep.cycles
        while lockstep.difference is None:
            lockstep.advance(_POLL)
            self._progress(lockstep.cycles)
            control = lockstep.read(self._control + CONTROL)
            if control & DONE:
                if fault_sentence(control):
                    raise EngineError(f"the RTL stopped: {fault_sentence(control)}")
                return
            if lockstep.cycles - begun > _LIMIT:
                raise EngineError(f"the RTL was not done after {_LIMIT} cycles: CTRL={control:#x}")


def control_address(handoff: Path) -> int:
    """Where the hardware hand-off puts the engine's registers. Raises BitstreamError."""
    try:
        root = ElementTree.parse(handoff).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise BitstreamError(f"{handoff} cannot be read: {error}") from error
    ranges = [m for m in root.iter("MEMRANGE") if m.get("BASENAME") == "C_BASEADDR"]
    if not ranges:
        raise BitstreamError(f"{handoff} gives the engine no address")
    return int(ranges[0].get("BASEVALUE", "0"), 16)
