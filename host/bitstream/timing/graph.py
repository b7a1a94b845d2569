"""A timing graph: points, arcs with their delays, where paths start and where they end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.timing.sdf import Delay

Point = tuple[str, ...]
"""A pin or an inner point: tile, site, and what it is."""


@dataclass(frozen=True)
class Start:
    """A clock's edge lets a value out at ``point``. ``delay`` is from the clock's pin on."""

    point: int
    clock: int
    delay: Delay
    cell: str


@dataclass(frozen=True)
class End:
    """A value must be at ``point`` ``setup`` before the clock's edge at its pin and ``hold``
    after it, in ns, in the slow corner and the fast one."""

    point: int
    clock: int
    setup: float
    hold: float
    cell: str
    pin: str


@dataclass
class Graph:
    """``points`` by number; arcs of two kinds: with delays of their own, and over a route."""

    points: list[Point] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    fast: list[float] = field(default_factory=list)
    routes: list[int] = field(default_factory=list)
    """Per arc the node of its route, or -1."""
    starts: list[Start] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)
    _index: dict[Point, int] = field(default_factory=dict)

    def point(self, name: Point) -> int:
        """The number of a point, made where there is none."""
        at = self._index.get(name)
        if at is None:
            at = self._index[name] = len(self.points)
            self.points.append(name)
        return at

    def known(self, name: Point) -> int | None:
        return self._index.get(name)

    def arc(self, source: int, target: int, delay: Delay, route: int = -1) -> None:
        """A way from one point to another: the most of the slow corner, the least of the fast."""
        self.sources.append(source)
        self.targets.append(target)
        self.slow.append(delay[3])
        self.fast.append(delay[0])
        self.routes.append(route)

    def ordered(self) -> list[npt.NDArray[np.int64]]:
        """The arcs in groups, each after those that lead to its sources.

        Raises BitstreamError for a loop without a clock, naming a point of it.
        """
        count = len(self.points)
        targets = np.array(self.targets, np.int64)
        out = np.argsort(np.array(self.sources, np.int64), kind="stable")
        first = np.searchsorted(np.array(self.sources, np.int64)[out], np.arange(count + 1))
        waiting = np.bincount(targets, minlength=count) if count else np.zeros(0, np.int64)
        ready = np.flatnonzero(waiting == 0)
        done, groups = len(ready), []
        while len(ready):
            arcs = np.concatenate([out[first[p] : first[p + 1]] for p in ready.tolist()])
            if not len(arcs):
                break
            groups.append(arcs)
            np.subtract.at(waiting, targets[arcs], 1)
            reached = np.unique(targets[arcs])
            ready = reached[waiting[reached] == 0]
            done += len(ready)
        if done < count:
            loop = self._loop(waiting)
            raise BitstreamError(f"{'/'.join(self.points[loop])} is in a loop without a clock")
        return groups

    def _loop(self, waiting: npt.NDArray[np.int64]) -> int:
        """A point of a loop: followed back over points that are not reached, one comes again."""
        before: dict[int, int] = {}
        for source, target in zip(self.sources, self.targets, strict=True):
            if waiting[source] > 0:
                before[target] = source
        here, seen = int(np.flatnonzero(waiting > 0)[0]), set()
        while here not in seen:
            seen.add(here)
            here = before[here]
        return here

    def arcs_into(self) -> dict[int, list[int]]:
        """The arcs that lead to each point."""
        found: dict[int, list[int]] = {}
        for arc, target in enumerate(self.targets):
            found.setdefault(target, []).append(arc)
        return found


def described(point: Point) -> str:
    return "/".join(point)


def walk_back(graph: Graph, chosen: npt.NDArray[np.int64], end: int) -> Iterator[tuple[int, int]]:
    """(arc, point) from the first arc of a path to its end; ``chosen`` is the arc into a point."""
    arcs = []
    here = end
    while chosen[here] >= 0:
        arcs.append(int(chosen[here]))
        here = graph.sources[arcs[-1]]
    for arc in reversed(arcs):
        yield arc, graph.targets[arc]
