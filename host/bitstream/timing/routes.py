"""Routes as trees of resistance and capacitance, and the delays along them.

The model is that of the database's own tools (prjxray/timing.py): a driver pin or a buffered pip is
the root of an Elmore tree, whose leaves are input pins and the next buffered pips; a wire is a pi,
half of its capacitance before its resistance and half behind; resistance and capacitance are the
same in both corners, the delay of a pip is not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.routing import Wire
from tritstream.bitstream.timing.data import NONE, RC, UNKNOWN, Pip, TimingData
from tritstream.bitstream.wiring import CONSTANTS, Constant, Hop, Source, Wiring

_LONG = ("LV_", "LVB_")
"""Of these long wires the first two pieces count: the database's pips have the rest in their
delay (utils/create_timing_worksheet_db.py of prjxray)."""


@dataclass(frozen=True)
class Step:
    """A pip of a route: tile, destination, source, and its delay in ns (slowest)."""

    tile: str
    to: str
    source: str
    delay: float


class Routes:
    """The nodes that routes use, made as they are asked for; delays when all are there."""

    def __init__(self, wiring: Wiring, data: TimingData) -> None:
        self._wiring, self._data = wiring, data
        self._index: dict[Wire, int] = {}
        self._parents: list[int] = []
        self._pips: list[Pip] = []
        self._hops: list[tuple[str, str, str] | None] = []
        self._wires: list[tuple[float, float]] = []
        self._drivers: list[float] = []
        self._sources: list[Source | None] = []
        self.unknown: Counter[str] = Counter()
        """Pips that are used and for which the database has no delay, by tile type and pip."""
        self.delays: npt.NDArray[np.float64] = np.zeros((0, 4))
        """[node, 4]: ns from the driving pin on, by corner; `finish` makes them."""

    def __len__(self) -> int:
        return len(self._parents)

    def sink(self, tile: str, wire: str) -> tuple[int, Source]:
        """The node of a wire, and what drives it."""
        here: Wire = (tile, wire)
        at, node = self._node(here)
        first, path = at, []
        while self._sources[at] is None:
            path.append(at)
            if here[1] in CONSTANTS:
                self._sources[at] = Constant(CONSTANTS[here[1]])
                break
            before = self._wiring.before(here, node)
            if not isinstance(before, Hop):
                self._sources[at] = before
                self._drivers[at] = self._resistance(before)
                break
            here = before.tile, before.source
            parent, node = self._node(here)
            self._parents[at] = parent
            self._pips[at] = self._pip(before)
            self._hops[at] = before.tile, before.to, before.source
            at = parent
        source = self._sources[at]
        assert source is not None
        for each in path:
            self._sources[each] = source
        return first, source

    def _node(self, wire: Wire) -> tuple[int, list[Wire]]:
        """The number of a wire's node, and its wires."""
        known = self._index.get(wire)
        wires = self._wiring.node(*wire) if known is None or self._sources[known] is None else []
        if known is not None:
            return known, wires
        head = wires[0]
        at = self._index.get(head)
        if at is None:
            at = len(self._parents)
            self._index[head] = at
            self._parents.append(-1)
            self._pips.append(UNKNOWN)
            self._hops.append(None)
            self._wires.append(self._rc(wires))
            self._drivers.append(0.0)
            self._sources.append(None)
        self._index[wire] = at
        return at, wires

    def _rc(self, wires: list[Wire]) -> tuple[float, float]:
        kinds = self._data.kinds
        if any(wire.startswith(_LONG) for _, wire in wires):
            wires = wires[:2]
        resistance = capacitance = 0.0
        for tile, wire in wires:
            found = self._data.tile(kinds[tile]).wires.get(wire)
            if found:
                resistance += found[0]
                capacitance += found[1]
        return resistance, capacitance

    def _pip(self, hop: Hop) -> Pip:
        kind = self._data.kinds[hop.tile]
        pip = self._data.tile(kind).pips.get((hop.to, hop.source), UNKNOWN)
        if not pip.known:
            self.unknown[f"{kind}.{hop.to}.{hop.source}"] += 1
        return pip

    def _resistance(self, source: Source) -> float:
        if isinstance(source, Constant):
            return 0.0
        wire = source.site.wires[source.pin]
        kind = self._data.kinds[source.tile]
        pin = self._data.tile(kind).pins.get((source.site.type, wire))
        return pin.resistance if pin else 0.0

    def finish(self) -> None:
        """Work out the delays of all nodes."""
        count = len(self._parents)
        parents = np.array(self._parents, np.int64)
        levels = _levels(self._parents)
        order = np.argsort(levels, kind="stable")
        ends = np.searchsorted(levels[order], np.arange(levels.max(initial=-1) + 2))
        rows = [order[a:b] for a, b in pairwise(ends.tolist())]
        wire = np.array(self._wires).reshape(count, 2)
        passes = np.array([p.passes for p in self._pips], bool)
        inside = np.array([p.capacitance for p in self._pips])
        driver = np.array([p.resistance for p in self._pips])
        roots = parents < 0
        driver[roots] = np.array(self._drivers)[roots]
        load = wire[:, 1].copy()
        for row in reversed(rows[1:]):
            np.add.at(load, parents[row], np.where(passes[row], load[row], inside[row]))
        own = np.array([p.delay for p in self._pips]).reshape(count, 4)
        own[roots] = NONE
        rc = driver * load + wire[:, 0] * (load - wire[:, 1] / 2)
        own += RC * rc[:, None]
        for row in rows[1:]:
            own[row] += own[parents[row]]
        self.delays = own

    def steps(self, node: int) -> list[Step]:
        """The pips from the driver to a node."""
        found = []
        while (hop := self._hops[node]) is not None:
            found.append(Step(*hop, self._pips[node].delay[3]))
            node = self._parents[node]
        return found[::-1]

    def own(self, node: int) -> npt.NDArray[np.float64]:
        """[4]: what a node adds to the delay of the node before it, in ns."""
        parent = self._parents[node]
        return self.delays[node] - (self.delays[parent] if parent >= 0 else 0.0)

    def ancestors(self, node: int) -> list[int]:
        """The nodes from the driver to a node, itself the last."""
        found = [node]
        while self._parents[found[-1]] >= 0:
            found.append(self._parents[found[-1]])
        return found[::-1]


def _levels(parents: list[int]) -> npt.NDArray[np.int64]:
    """How far each node is from its root."""
    levels = [-1] * len(parents)
    for start in range(len(parents)):
        chain, here = [], start
        while here >= 0 and levels[here] < 0:
            chain.append(here)
            here = parents[here]
        level = levels[here] if here >= 0 else -1
        for each in reversed(chain):
            level += 1
            levels[each] = level
    return np.array(levels, np.int64)
