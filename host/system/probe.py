"""What a simulation watches of the core: the state of its controller, and its streams' handshakes.

Nothing is added to the RTL: Verilator is told which of its signals stay visible.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.kernels.arguments import TOP
from tritstream.rtl.states import State, module_text, states_of

_PROCESS = "core_0"
_OUT = ("trits_0", "trits_1", "trits_2", "trits_3", "elements", "side", "state")
"""Streams that the core takes from; it gives to `results`."""


@dataclass(frozen=True)
class Probe:
    """``states`` by their number; ``streams`` in the order of the counters."""

    region: str
    process: str
    states: tuple[State, ...]
    streams: tuple[str, ...]

    @property
    def process_function(self) -> str:
        """The core in the kernel's source."""
        return _PROCESS

    @property
    def verilator_configuration(self) -> str:
        """A file for Verilator: the watched signals are kept, under names known beforehand."""
        lines = ["`verilator_config"]
        lines += [f'inline -module "{m}"' for m in (self.region, self.process)]
        lines.append(f'public_flat_rd -module "{self.process}" -var "state"')
        for stream in self.streams:
            for signal in ("valid", "ready"):
                name = f"{stream}_{_side(stream)}_{signal}"
                lines.append(f'public_flat_rd -module "{self.region}" -var "{name}"')
        return "\n".join(lines) + "\n"

    @property
    def header(self) -> str:
        """What `model.cpp` includes: how the watched signals are called there."""
        region = f"{TOP}__DOT__core__DOT__"
        lines = [
            f"constexpr int STREAMS = {len(self.streams)};",
            f"#define PROBE_STATE {region}{self.process}_i__DOT__state",
            "#define PROBE_STREAMS \\",
        ]
        for k, stream in enumerate(self.streams):
            name = f"{region}{stream}_{_side(stream)}"
            lines.append(f"  PROBE_STREAM({k}, {name}_valid, {name}_ready) \\")
        return "\n".join([*lines, "", ""])


NO_PROBE = "constexpr int STREAMS = 0;\n"
"""The header for a core that is not watched."""


def _side(stream: str) -> str:
    """The core's end of a FIFO, as the region calls it."""
    return "out" if stream in _OUT else "in"


def probe_of(region: str, text: str, prefix: str = "") -> Probe:
    """The probe of a compiled engine. Raises EngineError where the text is not as expected."""
    process = prefix + _PROCESS
    states, outer = states_of(text, process), module_text(text, region)
    streams = tuple(s for s in (*_OUT, "results") if f"logic {s}_in_valid" in outer)
    return Probe(region, process, states, streams)
