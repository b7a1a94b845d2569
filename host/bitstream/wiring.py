"""What drives a wire: routes followed back over pips that are on, to a site's pin or a constant."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tritstream.bitstream.database import Database, Site, TileType
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.routing import Nodes, Wire

CONSTANTS = {"VCC_WIRE": 1, "GND_WIRE": 0}
# Address wires of a block RAM, and what lets them out to its neighbour.
_CASCADES = {
    "BRAM_ADDRARDADDR": "CASCOUT_ARD_ACTIVE",
    "BRAM_ADDRBWRADDR": "CASCOUT_BWR_ACTIVE",
}
_TIES = {"HARD0": 0, "HARD1": 1}
# A 36-kbit memory is two of 18 kbit: both sites have pins on the same wires, and the halves' count.
_SHADOWED = "RAMBFIFO36E1"


@dataclass(frozen=True)
class Constant:
    """0 or 1; ``floating`` where nothing is routed there, which reads as 1."""

    value: int
    floating: bool = False


@dataclass(frozen=True)
class Output:
    """An output pin of a site."""

    tile: str
    site: Site
    pin: str


Source = Constant | Output


@dataclass(frozen=True)
class Hop:
    """A pip that is on: its tile, destination and source wire."""

    tile: str
    to: str
    source: str


class Wiring:
    """The routes of a bitstream. ``features`` are those by tile."""

    def __init__(self, database: Database, nodes: Nodes, features: Mapping[str, list[str]]) -> None:
        self.database = database
        self.floating: Counter[str] = Counter()
        """By tile type and wire: what was asked for and nothing is routed to."""
        self._nodes = nodes
        self._on: dict[Wire, list[str]] = defaultdict(list)
        self._known: dict[Wire, Source | None] = {}
        self._clock_rows = {
            tile: frozenset(f.partition(".")[2] for f in fs if f.startswith("ENABLE_BUFFER."))
            for tile, fs in features.items()
            if tile.startswith(("HCLK_L", "HCLK_R"))
        }
        self._cascades = {
            tile: frozenset(_CASCADES.values()) & frozenset(names)
            for tile, names in features.items()
            if tile.startswith("BRAM_")
        }
        for tile, names in features.items():
            pips = database.tile_type(database.tiles[tile].type).pips
            for name in names:
                to, _, source = name.partition(".")
                if (to, source) in pips:
                    self._on[tile, to].append(source)

    @property
    def pips(self) -> int:
        return sum(map(len, self._on.values()))

    def shorts(self) -> Iterator[tuple[Wire, list[str]]]:
        """Wires with several pips on."""
        return ((wire, sources) for wire, sources in self._on.items() if len(sources) > 1)

    def pin(self, tile: str, site: Site, pin: str) -> Source:
        """What drives an input pin of a site."""
        return self.source(tile, site.wires[pin])

    def source(self, tile: str, wire: str) -> Source:
        """What drives a wire. Raises BitstreamError for a short or a loop, naming the tile."""
        path: list[Wire] = []
        here: Wire = (tile, wire)
        while here not in self._known:
            path.append(here)
            self._known[here] = None
            if here[1] in CONSTANTS:
                self._known[here] = Constant(CONSTANTS[here[1]])
                break
            before = self.before(here)
            if not isinstance(before, Hop):
                self._known[here] = before
                break
            here = before.tile, before.source
        found = self._known[here]
        if found is None:
            raise BitstreamError(f"a route in {here[0]} leads back to its own wire {here[1]}")
        for each in path:
            self._known[each] = found
        return found

    def end(self, tile: str, wire: str) -> Wire:
        """The last wire of a route, followed back: where its driver is, or where it stops."""
        here, seen = (tile, wire), set()
        while here not in seen and here[1] not in CONSTANTS:
            seen.add(here)
            before = self.before(here)
            if not isinstance(before, Hop):
                break
            here = before.tile, before.source
        return here

    def node(self, tile: str, wire: str) -> list[Wire]:
        """The wires that are one with a wire, in the same order for each of them."""
        return self._nodes(tile, wire)

    def before(self, wire: Wire, node: list[Wire] | None = None) -> Hop | Source:
        """The pip before a wire's node that is on, or what drives it; ``node`` where it is known.

        Raises BitstreamError, naming the tile, for what contradicts itself.
        """
        node = node or self._nodes(*wire)
        on = [
            (tile, name, source) for tile, name in node for source in self._on.get((tile, name), ())
        ]
        if len(on) > 1:
            shown = " and ".join(f"{t}.{to}.{source}" for t, to, source in on)
            raise BitstreamError(f"two pips drive one wire: {shown}")
        if on:
            tile, to, source = on[0]
            enabled = self._clock_rows.get(tile)
            if enabled is not None and source[:7] == "HCLK_CK" and source not in enabled:
                raise BitstreamError(f"{tile} takes the clock {source} without enabling it")
            return Hop(tile, to, source)
        driven = [
            (tile, *self._drivers(tile)[name]) for tile, name in node if name in self._drivers(tile)
        ]
        if len(driven) == 1:
            tile, site, pin = driven[0]
            return Constant(_TIES[pin]) if pin in _TIES else Output(tile, site, pin)
        if driven:
            shown = " and ".join(f"{t}/{s.name}.{p}" for t, s, p in driven)
            raise BitstreamError(f"two sites drive one wire: {shown}")
        always = [
            Hop(tile, name, source)
            for tile, name in node
            for source in self._type(tile).always.get(name, ())
            if not self._shadow(tile, source)
        ]
        if len(always) == 1:
            self._check_cascade(always[0].tile, always[0].source, node)
            return always[0]
        if len(always) > 1:
            shown = " and ".join(f"{h.tile}.{h.to}.{h.source}" for h in always)
            raise BitstreamError(f"{wire[0]}.{wire[1]} could be driven by several: {shown}")
        self.floating[f"{self.database.tiles[wire[0]].type}.{wire[1]}"] += 1
        return Constant(1, floating=True)

    def _check_cascade(self, tile: str, source: str, node: list[Wire]) -> None:
        """The address of a block RAM goes on to the next one only where that is switched on."""
        if not any(name.startswith("BRAM_CASCOUT") for _, name in node):
            return
        for port, feature in _CASCADES.items():
            if source.startswith(port) and feature not in self._cascades.get(tile, ()):
                raise BitstreamError(f"{tile}.{feature} is not set, and {source} goes on from it")

    def _type(self, tile: str) -> TileType:
        return self.database.tile_type(self.database.tiles[tile].type)

    def _drivers(self, tile: str) -> Mapping[str, tuple[Site, str]]:
        return self._type(tile).drivers

    def _shadow(self, tile: str, wire: str) -> bool:
        driver = self._drivers(tile).get(wire)
        return driver is not None and driver[0].type == _SHADOWED
