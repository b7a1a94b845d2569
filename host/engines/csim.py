"""Engine `csim`: the HLS C++ that Allo emitted, compiled with g++, running a packed image.

The whole top function runs, records and descriptors included; the record memory is the mapped file.
"""

from __future__ import annotations

from tritstream.configurations import Configuration
from tritstream.engines.memory import MemoryEngine
from tritstream.image import Image
from tritstream.kernels.arguments import TOP
from tritstream.kernels.csim import call, compiled_kernel
from tritstream.kernels.memories import STATES


class CsimEngine(MemoryEngine):
    """The emitted engine behind the engine interface. Raises as `csim.compiled_kernel`."""

    name = "csim"

    def __init__(
        self, image: Image, configuration: Configuration | None = None, states: int = STATES
    ) -> None:
        super().__init__(image, configuration, states)
        self._function = getattr(compiled_kernel(self.configuration, TOP), TOP)

    def start(self, first: int, last: int) -> None:
        """One start of the engine: records first..last on the vectors."""
        call(self._function, first, last, *self.memories)
