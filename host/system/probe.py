"""What a simulation watches of the core: the state of its controller, and its streams' handshakes.

Nothing is added to the RTL: Verilator is told which of its signals stay visible.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.kernels.arguments import TOP
from tritstream.rtl import Compiled, Controller, State, StreamFifo


@dataclass(frozen=True)
class Probe:
    """``fifos`` in the order of the counters: those that the watched process takes from, then those
    that it gives to."""

    region: str
    controller: Controller
    fifos: tuple[StreamFifo, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """The controller's states by their number."""
        return self.controller.states

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams' names in the order of the counters."""
        return tuple(fifo.name for fifo in self.fifos)

    @property
    def process_function(self) -> str:
        """The core in the kernel's source."""
        return self.controller.function

    @property
    def verilator_configuration(self) -> str:
        """A file for Verilator: the watched signals are kept, under names known beforehand."""
        process = self.controller.module
        lines = ["`verilator_config"]
        lines += [f'inline -module "{m}"' for m in (self.region, process)]
        lines.append(f'public_flat_rd -module "{process}" -var "state"')
        for fifo in self.fifos:
            for signal in ("valid", "ready"):
                name = f"{self._end(fifo)}_{signal}"
                lines.append(f'public_flat_rd -module "{self.region}" -var "{name}"')
        return "\n".join(lines) + "\n"

    @property
    def header(self) -> str:
        """What `model.cpp` includes: how the watched signals are called there."""
        region = f"{TOP}__DOT__core__DOT__"
        state = "__DOT__".join((*self.controller.instances, "state"))
        lines = [
            f"constexpr int STREAMS = {len(self.fifos)};",
            f"#define PROBE_STATE {region}{state}",
            "#define PROBE_STREAMS \\",
        ]
        for k, fifo in enumerate(self.fifos):
            name = f"{region}{self._end(fifo)}"
            lines.append(f"  PROBE_STREAM({k}, {name}_valid, {name}_ready) \\")
        return "\n".join([*lines, "", ""])

    def _end(self, fifo: StreamFifo) -> str:
        """The process's end of a FIFO, as the region calls it."""
        return f"{fifo.name}_{'out' if fifo.reader == self.controller.module else 'in'}"


NO_PROBE = "constexpr int STREAMS = 0;\n"
"""The header for a core that is not watched."""


def probe_of(compiled: Compiled) -> Probe:
    """What can be watched of a compiled engine: the process that computes, and its streams."""
    controller = compiled.controller
    taken = [f for f in compiled.streams if f.reader == controller.module]
    given = [f for f in compiled.streams if f.writer == controller.module]
    return Probe(compiled.top, controller, (*taken, *given))
