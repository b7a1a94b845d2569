"""The netlist that a bitstream holds, extracted from the processor's pins backwards.

Slices (look-up tables, flip-flops, carry chains, wide multiplexers), clock buffers, block RAM and
the processor's boundary are known; a used site of any other kind is an error that names its tile.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from tritstream.bitstream.buffers import BUFFERS, Buffers
from tritstream.bitstream.circuit import ONE, ZERO, Circuit, Memory
from tritstream.bitstream.database import Database, Site
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.memories import make_half, output_of
from tritstream.bitstream.processor import CLOCKS, SITE, Processor, processor_of
from tritstream.bitstream.slices import Slice, SliceLogic
from tritstream.bitstream.wiring import Constant, Output, Source, Wiring

SLICE = re.compile(r"(SLICE[LM]_X[01])\.(.+)")
HALVES = {"FIFO18E1": ("BRAM_FIFO18_", False), "RAMB18E1": ("BRAM_RAMB18_", True)}


@dataclass(frozen=True)
class Netlist:
    """A circuit between the pins of the processor: the signals that drive its inputs, and those
    of its outputs, both in the order of its pins."""

    circuit: Circuit
    processor: Processor
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: Mapping[str, int]
    """Inputs of the processor that are constant, unrouted ones (1) among them."""
    unrouted: frozenset[str]
    """Inputs of the processor to which nothing is routed."""
    counts: Mapping[str, int]


def extract(database: Database, wiring: Wiring, features: Mapping[str, list[str]]) -> Netlist:
    """The netlist behind the processor's input pins. Raises BitstreamError, naming the tile, for
    what contradicts itself or is not known."""
    return _Extraction(database, wiring, features).run()


class _Extraction:
    def __init__(
        self, database: Database, wiring: Wiring, features: Mapping[str, list[str]]
    ) -> None:
        self._wiring = wiring
        self._features = features
        self._processor = processor_of(database)
        self._circuit = Circuit()
        self._outputs = {p: self._circuit.signal(p) for p in self._processor.output_pins}
        self._queue: deque[Output] = deque()
        self._asked: dict[tuple[str, str, str], int] = {}
        self._logic: dict[tuple[str, str], SliceLogic] = {}
        self._memories: dict[tuple[str, str], Memory] = {}
        self._buffers = Buffers(wiring, features)

    def run(self) -> Netlist:
        unrouted, inputs = set(), []
        for pin in self._processor.input_pins:
            source = self._wiring.source(self._processor.tile, self._processor.wires[pin])
            if isinstance(source, Constant) and source.floating:
                unrouted.add(pin)
            inputs.append(self._signal(source))
        while self._queue:
            self._make(self._queue.popleft())
        circuit = self._circuit
        ends = tuple(circuit.find(s) for s in inputs)
        # By the fabric's tie-offs; nextpnr-xilinx ties some pins by an empty look-up table.
        pins = zip(self._processor.input_pins, ends, strict=True)
        constants = {pin: end for pin, end in pins if end in (ZERO, ONE)}
        counts = {
            "slices": len(self._logic),
            "look-up tables": len(circuit.tables),
            "flip-flops": len(circuit.flip_flops),
            "halves of block RAM": len(circuit.memories),
            "clock buffers": len(self._buffers),
        }
        return Netlist(
            circuit,
            self._processor,
            ends,
            tuple(self._outputs.values()),
            constants,
            frozenset(unrouted),
            counts,
        )

    def _signal(self, source: Source) -> int:
        """A signal by what drives it; asks for that to be made."""
        if isinstance(source, Constant):
            return source.value
        kind = source.site.type
        if kind == SITE:
            return self._outputs[source.pin]
        if kind in BUFFERS:  # data on a clock's wires: a net with many loads
            return self._signal(self._buffers.through(source)[0])
        if kind not in HALVES and kind not in ("SLICEL", "SLICEM"):
            raise BitstreamError(
                f"{source.tile} uses {kind} {source.site.name} ({source.pin}), which this "
                f"extraction does not know there"
            )
        key = (source.tile, source.site.name, source.pin)
        if key not in self._asked:
            self._asked[key] = self._circuit.signal(".".join(key))
            self._queue.append(source)
        return self._asked[key]

    def _make(self, source: Output) -> None:
        signal = self._asked[source.tile, source.site.name, source.pin]
        if source.site.type in HALVES:
            start, _ = HALVES[source.site.type]
            pin = source.site.wires[source.pin].removeprefix(start)
            made = output_of(self._memory(source), pin)
        else:
            made = self._slice(source.tile, source.site).output(source.pin)
        self._circuit.join(signal, made)

    def _slice(self, tile: str, site: Site) -> SliceLogic:
        key = (tile, site.name)
        if key not in self._logic:
            start = f"{site.type}_{site.name[:2]}"
            configuration = Slice(f"{tile}.{start}")
            for feature in self._features.get(tile, ()):
                match = SLICE.match(feature)
                if match and match[1] == start:
                    configuration.add(match[2])
            self._logic[key] = SliceLogic(
                configuration,
                self._circuit,
                lambda pin: self._signal(self._wiring.pin(tile, site, pin)),
                lambda user: self._check_clock(user, self._wiring.pin(tile, site, "CLK")),
            )
        return self._logic[key]

    def _memory(self, source: Output) -> Memory:
        tile = source.tile
        key = (tile, source.site.name)
        if key not in self._memories:
            start, upper = HALVES[source.site.type]
            memory = make_half(
                tile,
                upper,
                self._features.get(tile, []),
                self._circuit,
                lambda pin: self._signal(self._wiring.source(tile, start + pin)),
                lambda user, pin: self._check_clock(
                    f"{user}.{pin}", self._wiring.source(tile, start + pin)
                ),
            )
            self._memories[key] = memory
            self._circuit.memories.append(memory)
        return self._memories[key]

    def _check_clock(self, user: str, source: Source) -> None:
        if isinstance(source, Output) and self._clock(source) == CLOCKS[0]:
            return
        raise BitstreamError(f"{user} is not clocked by {CLOCKS[0]}")

    def _clock(self, source: Output) -> str:
        """The pin of the processor behind clock buffers."""
        while source.site.type in BUFFERS:
            source = self._buffers.through(source)[0]
        if source.site.type != SITE:
            where = f"{source.tile}.{source.site.type}_{source.site.name}"
            raise BitstreamError(f"a clock comes from {where}, which is no clock buffer")
        return source.pin
