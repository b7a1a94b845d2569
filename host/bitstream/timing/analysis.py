"""Arrival times over a timing graph, and the paths that leave the least slack."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.processor import CLOCKS, SITE
from tritstream.bitstream.timing.build import Design
from tritstream.bitstream.timing.constants import (
    HOLD_ROW_SKEW,
    HOLD_SKEW,
    ROW_SKEW,
    SKEW,
)
from tritstream.bitstream.timing.graph import walk_back
from tritstream.board.margin import uncertainty

MAIN = f"{SITE}.{CLOCKS[0]}"
"""The clock of this project's designs, which the processor gives."""
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Step:
    """A point of a path. ``delay`` is from the point before, ``arrival`` from the clock's edge at
    the start's pin, both in ns; ``pips``: of the route to here, 0 where there is none."""

    point: str
    delay: float
    arrival: float
    pips: int
    name: str = ""
    """Of the cell in the RTL, and its line, where that is known."""


@dataclass(frozen=True)
class Path:
    """From a clock's edge to the end. ``ns``: for set-up the shortest period before jitter, for
    hold the slack; allowances for skew are in it. ``also``: ends that the same last net reaches
    and that are no worse, and are not listed."""

    start: str
    end: str
    pin: str
    ns: float
    check: float
    """The set-up or hold time, in ns."""
    clock: float
    """What the clock's skew and the allowances for it take off, in ns."""
    steps: tuple[Step, ...]
    also: int = 0
    end_name: str = ""
    """Of the cell in the RTL where the path ends."""


@dataclass(frozen=True)
class _Pass:
    """[point]: when a value that starts in one row of the clock network arrives, in ns."""

    late: Floats
    early: Floats


@dataclass(frozen=True)
class _Both:
    """The arcs with their delays in both corners, a pass for each row of the clock network, and
    [end, 2]: the row from which an end's worst path starts, for set-up and hold."""

    sources: Ints
    targets: Ints
    slow: Floats
    fast: Floats
    passes: tuple[_Pass, ...]
    rows: Ints
    _known: dict[tuple[int, bool], Ints] = field(default_factory=dict)

    def chosen(self, row: int, hold: bool) -> Ints:
        """[point]: the arc by which the arrival of a pass comes about, -1 where there is none."""
        if (row, hold) not in self._known:
            arrival = self.passes[row].early if hold else self.passes[row].late
            made = np.full(len(arrival), -1, np.int64)
            value = arrival[self.sources] + (self.fast if hold else self.slow)
            arcs = np.flatnonzero((value == arrival[self.targets]) & np.isfinite(value))
            made[self.targets[arcs]] = arcs
            self._known[row, hold] = made
        return self._known[row, hold]


@dataclass(frozen=True)
class Timing:
    """``needs``, ``slacks``: per end of the graph the shortest period before jitter and the slack
    of its hold, in ns; NaN where no path of its own clock arrives."""

    design: Design
    edges: Floats
    """[clock pin, 4]: when an edge reaches it, in ns."""
    needs: Floats
    slacks: Floats
    crossings: int
    """Ends that only paths of another clock reach; those are not timed."""
    _both: _Both

    @property
    def of_clock(self) -> npt.NDArray[np.bool_]:
        """[end]: whether it is clocked by the rising edge of what the processor gives first."""
        pins = self.design.clocks.pins
        return np.array([pins[e.clock].domain == MAIN for e in self.design.graph.ends], bool)

    @property
    def need(self) -> float:
        """The shortest period of the clock's paths before jitter, in ns."""
        return float(np.nanmax(self.needs[self.of_clock], initial=0.0))

    @property
    def period(self) -> float:
        """The shortest period with the jitter of such a clock, in ns."""
        return shortest_period(self.need)

    @property
    def hold(self) -> float:
        """The least slack of the clock's holds, in ns."""
        return float(np.nanmin(self.slacks[self.of_clock], initial=np.inf))

    def by_clock(self) -> Iterator[tuple[str, int, float, float]]:
        """(clock, timed ends, longest need, least slack of a hold), in ns."""
        pins = self.design.clocks.pins
        domains = np.array([pins[e.clock].domain for e in self.design.graph.ends])
        for domain in dict.fromkeys(domains.tolist()):
            here = (domains == domain) & ~np.isnan(self.needs)
            if here.any():
                yield (
                    domain,
                    int(here.sum()),
                    float(self.needs[here].max()),
                    float(self.slacks[here].min()),
                )

    def worst(self, count: int, hold: bool = False) -> list[Path]:
        """Paths with the least slack, one for each last net."""
        values = np.where(self.of_clock, self.slacks if hold else -self.needs, np.nan)
        order = [int(n) for n in np.argsort(values, kind="stable") if not np.isnan(values[n])]
        found: dict[tuple[int, str], int] = {}
        extra: dict[int, int] = {}
        for n in order:
            key = self._net(n, hold)
            if key in found:
                extra[found[key]] += 1
            elif len(found) < count:
                found[key] = n
                extra[n] = 0
        return [self._path(n, hold, extra[n]) for n in found.values()]

    def _net(self, number: int, hold: bool) -> tuple[int, str]:
        """The driver of the last route before an end, and the kind of pin."""
        graph = self.design.graph
        end = graph.ends[number]
        chosen = self._both.chosen(int(self._both.rows[number, int(hold)]), hold)
        here = end.point
        while chosen[here] >= 0:
            arc = int(chosen[here])
            here = graph.sources[arc]
            if graph.routes[arc] >= 0:
                break
        return here, end.pin.rstrip("0123456789")

    def _path(self, number: int, hold: bool, also: int) -> Path:
        graph, routes = self.design.graph, self.design.routes
        end = graph.ends[number]
        row = int(self._both.rows[number, int(hold)])
        found = self._both.passes[row]
        arrival = found.early if hold else found.late
        delays = self._both.fast if hold else self._both.slow
        walked = list(walk_back(graph, self._both.chosen(row, hold), end.point))
        first = graph.sources[walked[0][0]] if walked else end.point
        start = next(s for s in graph.starts if s.point == first)
        launch = float(self.edges[start.clock, 0 if hold else 3])
        began = start.delay[0 if hold else 3]
        steps = [Step("/".join(graph.points[first]), began, float(arrival[first]) - launch, 0)]
        for arc, point in walked:
            route = graph.routes[arc]
            pips = len(routes.steps(route)) if route >= 0 else 0
            name = "/".join(graph.points[point])
            steps.append(Step(name, float(delays[arc]), float(arrival[point]) - launch, pips))
        check = end.hold if hold else end.setup
        value = float(self.slacks[number] if hold else self.needs[number])
        data = steps[-1].arrival
        clock = data - check - value if hold else value - data - check
        return Path(start.cell, end.cell, end.pin, value, check, clock, tuple(steps), also)

    def by_kind(self) -> Iterator[tuple[str, int, float]]:
        """(kind of end, ends, longest need in ns), the longest first."""
        kinds: dict[str, list[float]] = {}
        rows = zip(self.design.graph.ends, self.needs.tolist(), self.of_clock, strict=True)
        for end, need, counts in rows:
            if counts and not np.isnan(need):
                what = end.cell if end.cell == "PS7" else _kind(end.cell, end.pin)
                kinds.setdefault(what, []).append(need)
        found = [(kind, len(values), max(values)) for kind, values in kinds.items()]
        yield from sorted(found, key=lambda row: -row[2])


def _kind(cell: str, pin: str) -> str:
    if "RAMB18" in cell:
        return "block RAM " + pin.rstrip("0123456789")
    return f"flip-flop {pin}"


def shortest_period(need: float) -> float:
    """The period that a need in ns and the jitter of a clock of that period take, in ns."""
    period = need
    for _ in range(60):  # the jitter grows far less than the period: it settles
        period = need + uncertainty(period)
    return period


def analyse(design: Design) -> Timing:
    """Slow corner for set-up, fast for hold; a path counts within one clock. Raises BitstreamError
    for a loop without a clock."""
    graph = design.graph
    groups = graph.ordered()
    sources, targets = np.array(graph.sources, np.int64), np.array(graph.targets, np.int64)
    routes = np.array(graph.routes, np.int64)
    slow, fast = np.array(graph.slow, float), np.array(graph.fast, float)
    routed = routes >= 0
    slow[routed] += design.routes.delays[routes[routed], 3]
    fast[routed] += design.routes.delays[routes[routed], 0]
    edges, clocks = design.clocks.insertion(), design.clocks
    rows = clocks.rows()
    number = {row: n for n, row in enumerate(rows)}
    row_of = np.array([number[pin.domain, pin.row] for pin in clocks.pins], np.int64)
    starts = graph.starts
    start_clock = np.array([s.clock for s in starts], np.int64)
    start_point = np.array([s.point for s in starts], np.int64)
    start_delay = np.array([s.delay for s in starts]).reshape(-1, 4)
    end_clock = np.array([e.clock for e in graph.ends], np.int64)
    end_point = np.array([e.point for e in graph.ends], np.int64)
    setup = np.array([e.setup for e in graph.ends])
    hold = np.array([e.hold for e in graph.ends])
    needs = np.full(len(graph.ends), -np.inf)
    slacks = np.full(len(graph.ends), np.inf)
    rows_of = np.zeros((len(graph.ends), 2), np.int64)
    crossed = np.zeros(len(graph.ends), bool)
    passes: list[_Pass] = []
    # Row by row, so that what a start and an end have in common of the clock's way is known.
    for row, (name, way) in enumerate(rows):
        late = np.full(len(graph.points), -np.inf)
        early = np.full(len(graph.points), np.inf)
        here = np.flatnonzero(row_of[start_clock] == row)
        clock, point = start_clock[here], start_point[here]
        late[point] = edges[clock, 3] + start_delay[here, 3]
        early[point] = edges[clock, 0] + start_delay[here, 0]
        for arcs in groups:
            np.maximum.at(late, targets[arcs], late[sources[arcs]] + slow[arcs])
            np.minimum.at(early, targets[arcs], early[sources[arcs]] + fast[arcs])
        for other, (its, there) in enumerate(rows):
            ends = np.flatnonzero((row_of[end_clock] == other) & np.isfinite(late[end_point]))
            if its != name:
                crossed[ends] = True
                continue
            shared = clocks.shared(way, there)
            edge, at = edges[end_clock[ends]], end_point[ends]
            skew, hold_skew = (ROW_SKEW, HOLD_ROW_SKEW) if row == other else (SKEW, HOLD_SKEW)
            need = late[at] - edge[:, 2] + setup[ends] + skew.value - (shared[3] - shared[2])
            slack = early[at] - edge[:, 1] - hold[ends] - hold_skew.value
            slack += shared[1] - shared[0]
            worse, less = need > needs[ends], slack < slacks[ends]
            needs[ends[worse]], slacks[ends[less]] = need[worse], slack[less]
            rows_of[ends[worse], 0], rows_of[ends[less], 1] = row, row
        passes.append(_Pass(late, early))
    needs[np.isinf(needs)], slacks[np.isinf(slacks)] = np.nan, np.nan
    crossings = int((crossed & np.isnan(needs)).sum())
    both = _Both(sources, targets, slow, fast, tuple(passes), rows_of)
    return Timing(design, edges, needs, slacks, crossings, both)
