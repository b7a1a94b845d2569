"""The clock tree of a design: when an edge reaches each clock pin, at the earliest and latest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.buffers import BUFFERS, Buffers
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.processor import SITE
from tritstream.bitstream.timing.data import TimingData
from tritstream.bitstream.timing.routes import Routes
from tritstream.bitstream.timing.sdf import Delay
from tritstream.bitstream.wiring import Constant, Output

_CELLS = {"BUFHCE": "CLK_HROW_BOT_R", "BUFGCTRL": "CLK_BUFG_BOT_R"}
"""A file of the database with the delay of each kind of buffer; those at the top have the same."""


Way = tuple[int | tuple[str, str, Delay], ...]


@dataclass(frozen=True)
class ClockPin:
    """``domain`` is what drives the clock; ``way`` the nodes of routes and the buffers (tile and
    site, with their delay) from there to the pin."""

    domain: str
    way: Way

    @property
    def row(self) -> Way:
        """The way to the last buffer, which drives half a row of the device, and its wire."""
        last = max((k for k, each in enumerate(self.way) if not isinstance(each, int)), default=-1)
        return self.way[: last + 2]


class Clocks:
    """The clock pins that are asked for, numbered."""

    def __init__(
        self, buffers: Buffers, routes: Routes, data: TimingData, partial: bool = False
    ) -> None:
        self._partial = partial
        self._buffers, self._routes, self._data = buffers, routes, data
        self.pins: list[ClockPin] = []
        self._index: dict[tuple[str, str, bool], int] = {}
        self._behind: dict[tuple[str, str], tuple[str, Way]] = {}

    def pin(self, tile: str, wire: str, inverted: bool = False) -> int:
        """The number of a clock pin; one that is inverted has a domain of its own.

        Raises BitstreamError where no clock is routed to it.
        """
        key = tile, wire, inverted
        if key not in self._index:
            node, source = self._routes.sink(tile, wire)
            if isinstance(source, Constant):
                raise BitstreamError(f"{tile}.{wire} is a clock pin, and no clock is routed to it")
            domain, way = self._driver(source)
            domain += " inverted" if inverted else ""
            self._index[key] = len(self.pins)
            self.pins.append(ClockPin(domain, (*way, *self._routes.ancestors(node))))
        return self._index[key]

    def _driver(self, source: Output) -> tuple[str, Way]:
        """The domain of an output pin, and the way to it."""
        kind = source.site.type
        if kind == SITE:
            return f"{kind}.{source.pin}", ()
        if kind not in BUFFERS:
            return f"{source.tile}/{kind}_{source.site.name}.{source.pin}", ()
        key = source.tile, source.site.name
        if key not in self._behind:
            try:
                through, pin = self._buffers.through(source)
            except BitstreamError:
                if not self._partial:
                    raise
                return f"{source.tile}/{kind}_{source.site.name}", ()  # a clock of its own
            node, _ = self._routes.sink(source.tile, source.site.wires[pin])
            domain, way = self._driver(through)
            buffer = (*key, buffer_delay(self._data, kind))
            self._behind[key] = domain, (*way, *self._routes.ancestors(node), buffer)
        return self._behind[key]

    def insertion(self) -> npt.NDArray[np.float64]:
        """[pin, 4]: ns from the domain's driver to each pin, by corner, least and most."""
        return np.array([self._total(pin.way) for pin in self.pins]).reshape(-1, 4)

    def rows(self) -> list[tuple[str, Way]]:
        """The domains, and the ways that their pins share up to the last buffer, each once."""
        return list(dict.fromkeys((pin.domain, pin.row) for pin in self.pins))

    def shared(self, one: Way, other: Way) -> npt.NDArray[np.float64]:
        """[4]: ns along what two rows have in common. An edge goes along it once, so that the least
        and the most of it do not both count (common path pessimism)."""
        pairs = enumerate(zip(one, other, strict=False))
        length = next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))
        return self._total(one[:length])

    def _total(self, way: Way) -> npt.NDArray[np.float64]:
        total = np.zeros(4)
        for each in way:
            total += self._routes.own(each) if isinstance(each, int) else np.array(each[2])
        return total


def buffer_delay(data: TimingData, kind: str) -> Delay:
    """Through a clock buffer. Raises BitstreamError where the database has none."""
    cell = data.cells(_CELLS[kind]).get((kind, kind))
    delay = cell.arcs.get(("I", "O")) if cell else None
    if delay is None:
        raise BitstreamError(f"the database has no delay of {kind}")
    return delay
