"""The timing graph of a bitstream, made from the processor's input pins backwards."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tritstream.bitstream.buffers import BUFFERS, Buffers
from tritstream.bitstream.database import Database, Site
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.netlist import HALVES, SLICE
from tritstream.bitstream.processor import SITE, Processor, processor_of
from tritstream.bitstream.slices import Slice
from tritstream.bitstream.timing.clocks import Clocks, buffer_delay
from tritstream.bitstream.timing.constants import ASYNCHRONOUS
from tritstream.bitstream.timing.data import NONE, TimingData
from tritstream.bitstream.timing.graph import End, Graph, Start
from tritstream.bitstream.timing.memories import ends_of, output_delay
from tritstream.bitstream.timing.routes import Routes
from tritstream.bitstream.timing.sdf import Cell, Delay
from tritstream.bitstream.timing.slices import Pins, SliceTiming
from tritstream.bitstream.wiring import Constant, Output, Wiring

_PROCESSOR = "PSS2"
_PLACE = re.compile(r"\S*_X\d+Y\d+\S*")
_REFUSED = re.compile(r"SDP_|FIFO_MODE")
_ECC = re.compile(r"RAMB36.EN_ECC|EN_SYN|FIRST_WORD")


@dataclass(frozen=True)
class Design:
    """A graph with its routes, whose delays are worked out, and its clock pins."""

    graph: Graph
    routes: Routes
    clocks: Clocks
    asynchronous: Mapping[str, int]
    """Pins of the processor without relation to a clock, by port, with their number."""
    gaps: Mapping[str, int]
    """What has no data and should have, and how often it is used."""
    counts: Mapping[str, int]
    cuts: Mapping[str, int] = field(default_factory=dict)
    """What a partial analysis has left out, with how often."""


def build(
    database: Database,
    wiring: Wiring,
    features: Mapping[str, list[str]],
    partial: bool = False,
) -> Design:
    """The timing graph of everything that drives the processor.

    Raises BitstreamError, naming the tile, for what contradicts itself or is not known; with
    ``partial`` that is left out instead, and counted.
    """
    return _Builder(database, wiring, features, partial).run()


class _Builder:
    def __init__(
        self,
        database: Database,
        wiring: Wiring,
        features: Mapping[str, list[str]],
        partial: bool,
    ) -> None:
        self._partial = partial
        self._cuts: Counter[str] = Counter()
        self._wiring, self._features = wiring, features
        self._data = TimingData(database)
        self._routes = Routes(wiring, self._data)
        self._buffers = Buffers(wiring, features)
        self._clocks = Clocks(self._buffers, self._routes, self._data, partial)
        self._graph = Graph()
        self._processor = processor_of(database)
        self._slices: dict[tuple[str, str], SliceTiming] = {}
        self._memories: set[tuple[str, str]] = set()
        self._pins: dict[tuple[str, str], int | None] = {}
        self._queue: deque[tuple[Output, int]] = deque()
        self._asynchronous: Counter[str] = Counter()
        self._gaps: Counter[str] = Counter()

    def run(self) -> Design:
        processor = ProcessorTiming(self._processor, self._data)
        self._timing_of_processor = processor
        for pin in self._processor.input_pins:
            self._processor_input(pin, processor)
        while self._queue:
            source, at = self._queue.popleft()
            try:
                self._make(source, at)
            except BitstreamError as error:
                if not self._partial:
                    raise
                self._cuts[_PLACE.sub("...", str(error))] += 1
        self._routes.finish()
        for name, count in self._routes.unknown.items():
            self._gaps[f"no delay of the pip {name}"] += count
        counts = {
            "slices": len(self._slices),
            "halves of block RAM": len(self._memories),
            "clock buffers": len(self._buffers),
            "route nodes": len(self._routes),
            "points": len(self._graph.points),
            "arcs": len(self._graph.sources),
            "starts": len(self._graph.starts),
            "ends": len(self._graph.ends),
        }
        return Design(
            self._graph,
            self._routes,
            self._clocks,
            self._asynchronous,
            self._gaps,
            counts,
            self._cuts,
        )

    def _cut(self, what: str) -> None:
        self._cuts[what] += 1

    def _processor_input(self, pin: str, processor: ProcessorTiming) -> None:
        tile, wire = self._processor.tile, self._processor.wires[pin]
        _, source = self._routes.sink(tile, wire)
        if isinstance(source, Constant) or pin in processor.clocks:
            return
        check = processor.check(pin)
        if check is None:
            self._without_clock(pin)
            return
        clock, setup, hold = check
        point = self._point(tile, wire)
        if point is not None:
            number = self._clocks.pin(tile, self._processor.wires[clock])
            self._graph.ends.append(End(point, number, setup, hold, "PS7", pin))

    def _without_clock(self, pin: str) -> None:
        stem = re.sub(r"\d+$", "", pin)
        if stem.startswith(tuple(ASYNCHRONOUS)):
            self._asynchronous[stem] += 1
        else:
            self._gaps[f"no relation to a clock of the processor's pin {stem}"] += 1

    # Pins.

    def _level(self, tile: str, wire: str) -> int | None:
        _, source = self._routes.sink(tile, wire)
        return source.value if isinstance(source, Constant) else None

    def _point(self, tile: str, wire: str) -> int | None:
        """The point of an input pin, None for a constant; asks for what drives it."""
        key = tile, wire
        if key not in self._pins:
            node, source = self._routes.sink(tile, wire)
            if isinstance(source, Constant):
                self._pins[key] = None
            else:
                at = self._pins[key] = self._graph.point((tile, "pin", wire))
                before = self._output(source)
                self._graph.arc(before, at, self._pin_delays(source, tile, wire), node)
        return self._pins[key]

    def _pin_delays(self, source: Output, tile: str, wire: str) -> Delay:
        """What the two pins of a net add to its route."""
        kinds = self._data.kinds
        out = self._data.tile(kinds[source.tile]).pins.get(
            (source.site.type, source.site.wires[source.pin])
        )
        within = self._data.inputs(kinds[tile]).get(wire, NONE)
        first = out.delay if out else NONE
        return (
            first[0] + within[0], first[1] + within[1], first[2] + within[2], first[3] + within[3]
        )  # fmt: skip

    def _output(self, source: Output) -> int:
        """The point of an output pin; asks for it to be made."""
        name = (source.tile, f"{source.site.type}_{source.site.name}", f"pin {source.pin}")
        at = self._graph.known(name)
        if at is None:
            at = self._graph.point(name)
            self._queue.append((source, at))
        return at

    def _make(self, source: Output, at: int) -> None:
        kind, tile, site = source.site.type, source.tile, source.site
        if kind == SITE:
            out = self._timing_of_processor.output(source.pin)
            if out is None:
                self._without_clock(source.pin)
            else:
                number = self._clocks.pin(tile, self._processor.wires[out[0]])
                self._graph.starts.append(Start(at, number, out[1], f"PS7/{source.pin}"))
        elif kind in BUFFERS:  # data on a clock's wires: a net with many loads
            _, pin = self._buffers.through(source)
            point = self._point(tile, site.wires[pin])
            if point is not None:
                self._graph.arc(point, at, buffer_delay(self._data, kind))
        elif kind in HALVES:
            self._memory(source, at)
        elif kind in ("SLICEL", "SLICEM"):
            made = self._slice(tile, site).output(source.pin)
            if made is not None:
                self._graph.arc(made, at, NONE)
        else:
            raise BitstreamError(
                f"{tile} uses {kind} {site.name} ({source.pin}), which this analysis does not know"
            )

    def _slice(self, tile: str, site: Site) -> SliceTiming:
        key = tile, site.name
        if key not in self._slices:
            start = f"{site.type}_{site.name[:2]}"
            configuration = Slice(f"{tile}.{start}")
            for feature in self._features.get(tile, ()):
                match = SLICE.match(feature)
                if match and match[1] == start:
                    configuration.add(match[2])
            pins = Pins(
                lambda pin: self._level(tile, site.wires[pin]),
                lambda pin: self._point(tile, site.wires[pin]),
                lambda inverted: self._clocks.pin(tile, site.wires["CLK"], inverted),
            )
            self._slices[key] = SliceTiming(
                tile,
                site.type,
                site.name,
                configuration,
                self._graph,
                pins,
                self._data,
                self._cut if self._partial else None,
            )
        return self._slices[key]

    def _memory(self, source: Output, at: int) -> None:
        tile = source.tile
        start, upper = HALVES[source.site.type]
        head = f"RAMB18_Y{int(upper)}."
        listed = self._features.get(tile, ())
        own = {f.removeprefix(head) for f in listed if f.startswith(head)}
        name = f"{tile}/RAMB18_Y{int(upper)}"
        if any(_REFUSED.search(f) for f in own) or any(_ECC.search(f) for f in listed):
            if not self._partial:
                raise BitstreamError(f"{name} is in a mode that is not supported here")
            self._cut("block RAM as FIFO, with ECC or as simple dual port")
            return
        pin = source.site.wires[source.pin].removeprefix(start)
        cells = self._data.cells(self._data.kinds[tile])
        clock, delay = output_delay(cells, own, pin, name)
        number = self._clocks.pin(tile, start + clock)
        self._graph.starts.append(Start(at, number, delay, f"{name}/{pin}"))
        if (tile, start) in self._memories:
            return
        self._memories.add((tile, start))
        for found in ends_of(cells, own, lambda p: self._level(tile, start + p), name):
            point = self._point(tile, start + found.pin)
            if point is not None:
                number = self._clocks.pin(tile, start + found.clock)
                self._graph.ends.append(
                    End(point, number, found.setup, found.hold, name, found.pin)
                )


class ProcessorTiming:
    """The processor's pins by the database: clock to output, and set-up and hold."""

    def __init__(self, processor: Processor, data: TimingData) -> None:
        cell = data.cells(_PROCESSOR).get((SITE, SITE), Cell())
        self._outputs: dict[str, tuple[str, Delay]] = {}
        for (clock, pin), delay in cell.arcs.items():
            self._outputs.setdefault(pin, (clock, delay))
        self._cell = cell
        self.clocks = frozenset(clock for clock, _ in cell.arcs) | frozenset(
            clock for clock, _ in cell.checks.values()
        )
        del processor

    def output(self, pin: str) -> tuple[str, Delay] | None:
        """The clock of an output pin, and the delay from it."""
        return self._outputs.get(pin) or self._outputs.get(re.sub(r"\d+$", "", pin))

    def check(self, pin: str) -> tuple[str, float, float] | None:
        """The clock of an input pin, its set-up and its hold in ns."""
        for name in (pin, re.sub(r"\d+$", "", pin)):
            setup = self._cell.checks.get(("SETUP", name))
            hold = self._cell.checks.get(("HOLD", name))
            if setup is not None and hold is not None:
                return setup[0], setup[1], hold[1]
        return None
