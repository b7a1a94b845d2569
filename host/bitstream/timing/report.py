"""What an analysis found, as one object and as text. All figures are estimated, in ns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tritstream.bitstream.placed_netlist import Named
from tritstream.bitstream.timing.analysis import MAIN, Path, Timing
from tritstream.bitstream.timing.constants import CONSTANTS
from tritstream.board.margin import uncertainty

SCHEMA = 1
_SHOWN = 8
"""How many kinds of things left out a person is shown."""
_BINS = 1.0
"""Width of a bar of the histogram, in ns."""


@dataclass(frozen=True)
class Report:
    """``clock_hz`` is what the paths are held against, None where no clock is known.

    ``need``: the longest path with set-up and skew, before jitter; ``period``: with it;
    ``hold``: the least slack. All are of the clock that the processor gives first.
    """

    part: str
    source: str
    clock_hz: float | None
    need: float
    period: float
    hold: float
    setup_paths: tuple[Path, ...]
    hold_paths: tuple[Path, ...]
    kinds: tuple[tuple[str, int, float], ...]
    histogram: tuple[tuple[float, int], ...]
    """(from ns on, ends whose need is in this bar)."""
    counts: dict[str, int]
    untimed: int
    """Ends that no timed path reaches: their inputs are constant or asynchronous."""
    crossings: int
    violated_holds: int
    asynchronous: dict[str, int]
    gaps: dict[str, int]
    cuts: dict[str, int]
    """What a partial analysis leaves out."""
    clocks: tuple[tuple[str, int, float, float], ...]
    """(clock, timed ends, longest need, least slack of a hold) of each."""

    @property
    def slack(self) -> float | None:
        """Of set-up at the clock, in ns."""
        return None if self.clock_hz is None else 1e9 / self.clock_hz - self.period

    @property
    def passed(self) -> bool:
        """Whether nothing lacks data and no slack is negative."""
        return not any(self.problems())

    def problems(self) -> Iterator[str]:
        """A sentence for each thing that is wrong."""
        for gap, times in self.gaps.items():
            yield f"{gap} ({times} times): what depends on it is not counted"
        for clock, ends, _, _ in self.clocks if not self.cuts else ():
            if clock != MAIN:
                yield f"{ends} ends are clocked by {clock}, and not by {MAIN}"
        if self.slack is not None and self.slack < 0:
            assert self.clock_hz is not None
            yield (
                f"the slowest path takes {self.period:.3f} ns, "
                f"{1e3 / self.period:.1f} MHz, and the clock is {self.clock_hz / 1e6:g} MHz"
            )
        if self.hold < 0:
            yield f"hold is violated by up to {-self.hold:.3f} ns at {self.violated_holds} ends"

    def table(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "schema": SCHEMA,
            "part": self.part,
            "source": self.source,
            "tag": "estimated",
            "passed": self.passed,
            "problems": list(self.problems()),
            "clock_hz": self.clock_hz,
            "setup": {
                "corner": "slow",
                "longest_ns": _rounded(self.need),
                "jitter_ns": _rounded(uncertainty(self.period)),
                "period_ns": _rounded(self.period),
                "mhz": round(1e3 / self.period, 2) if self.period else None,
                "slack_ns": None if self.slack is None else _rounded(self.slack),
                "by_end": [
                    {"kind": kind, "ends": ends, "longest_ns": _rounded(ns)}
                    for kind, ends, ns in self.kinds
                ],
                "histogram": [
                    {"from_ns": start, "to_ns": start + _BINS, "ends": ends}
                    for start, ends in self.histogram
                ],
                "paths": [_path(p) for p in self.setup_paths],
            },
            "hold": {
                "corner": "fast",
                "slack_ns": _rounded(self.hold) if np.isfinite(self.hold) else None,
                "violated": self.violated_holds,
                "paths": [_path(p) for p in self.hold_paths],
            },
            "counts": dict(self.counts),
            "untimed_ends": self.untimed,
            "clock_crossings": self.crossings,
            "asynchronous_pins": dict(self.asynchronous),
            "without_data": dict(self.gaps),
            "left_out": dict(self.cuts),
            "clocks": [
                {
                    "clock": clock,
                    "ends": ends,
                    "longest_ns": _rounded(need),
                    "hold_slack_ns": _rounded(slack),
                }
                for clock, ends, need, slack in self.clocks
            ],
            "constants": [asdict(c) for c in CONSTANTS],
        }

    def lines(self) -> Iterator[str]:
        """For a person."""
        counts = ", ".join(f"{count} {what}" for what, count in self.counts.items())
        yield f"{self.source}: {self.part}; {counts}"
        yield (
            f"set-up (slow corner): longest path {self.need:.3f} ns with set-up and skew, "
            f"{self.period:.3f} ns with jitter: {1e3 / self.period:.1f} MHz (estimated)"
            if self.period
            else "set-up: no path is timed"
        )
        if self.slack is not None and self.clock_hz is not None:
            yield f"  at {self.clock_hz / 1e6:g} MHz a slack of {self.slack:.3f} ns"
        yield f"hold (fast corner): least slack {self.hold:.3f} ns (estimated)"
        yield (
            f"{self.untimed} ends are not timed, because their inputs are constant or "
            f"asynchronous; {self.crossings} are reached from another clock only"
        )
        for clock, ends, need, slack in self.clocks if len(self.clocks) > 1 else ():
            yield f"  {clock}: {ends} ends, longest {need:.3f} ns, hold slack {slack:.3f} ns"
        if self.cuts:
            yield f"left out, {sum(self.cuts.values())} in all, so that other paths may be longer:"
            for what, times in sorted(self.cuts.items(), key=lambda item: -item[1])[:_SHOWN]:
                yield f"  {times:6d}  {what}"
        if self.asynchronous:
            pins = ", ".join(f"{stem} ({count})" for stem, count in self.asynchronous.items())
            yield f"pins of the processor without a clock: {pins}"
        yield "longest path by what it ends at:"
        for kind, ends, ns in self.kinds:
            yield f"  {ns:8.3f} ns  {kind} ({ends} ends)"
        yield "ends by their longest path:"
        most = max((ends for _, ends in self.histogram), default=1)
        for start, ends in self.histogram:
            bar = "#" * -(-50 * ends // most)
            yield f"  {start:3.0f} to {start + _BINS:3.0f} ns {ends:7d} {bar}"
        for title, paths in (("set-up", self.setup_paths), ("hold", self.hold_paths)):
            for number, path in enumerate(paths, 1):
                yield from path_lines(f"{title} {number}", path)
        inferred = [c for c in CONSTANTS if c.inferred]
        yield f"inferred, not from the database ({len(inferred)}; sources in --json):"
        for constant in inferred:
            yield f"  {constant.value:6.3f} ns  {constant.name}"


def path_lines(title: str, path: Path) -> Iterator[str]:
    more = f", and {path.also} ends more behind the same net" if path.also else ""
    what = "slack" if title.startswith("hold") else "needs"
    yield f"{title}: {what} {path.ns:.3f} ns, {path.start} to {path.end}.{path.pin}{more}"
    for step in path.steps:
        pips = f"  ({step.pips} pips)" if step.pips else ""
        name = f"  = {step.name}" if step.name else ""
        yield f"  {step.arrival:8.3f} {step.delay:+8.3f}  {step.point}{pips}{name}"
    if path.end_name:
        yield f"  {'':17}  at {path.end_name}"
    check = "hold" if what == "slack" else "set-up"
    yield f"  {path.check:+17.3f}  {check}; {path.clock:+.3f} clock skew and its allowance"


def with_names(path: Path, names: Mapping[str, Named]) -> Path:
    """A path whose cells are named by what they are in the RTL."""

    def shown(place: str) -> str:
        named = names.get(place)
        return "" if named is None else " ".join(filter(None, (named.name, named.source)))

    steps = tuple(replace(s, name=shown(s.point) or shown(_cell(s.point))) for s in path.steps)
    return replace(path, steps=steps, end_name=shown(path.end))


def _cell(point: str) -> str:
    """The half of a block RAM behind a point of one of its outputs."""
    tile, _, rest = point.partition("/")
    if not tile.startswith("BRAM"):
        return ""
    return f"{tile}/RAMB18_Y{int(rest.startswith('RAMB18E1'))}"


def make_report(
    timing: Timing,
    part: str,
    source: str,
    clock_hz: float | None,
    paths: int,
    names: Mapping[str, Named] | None = None,
) -> Report:
    """``paths``: how many of the worst to keep for set-up, and half as many for hold."""
    known = names or {}
    needs = timing.needs[timing.of_clock & ~np.isnan(timing.needs)]
    bars = np.bincount((needs.clip(0) / _BINS).astype(np.int64))
    return Report(
        part,
        source,
        clock_hz,
        timing.need,
        timing.period,
        timing.hold,
        tuple(with_names(p, known) for p in timing.worst(paths)),
        tuple(with_names(p, known) for p in timing.worst((paths + 1) // 2, hold=True)),
        tuple(timing.by_kind()),
        tuple((n * _BINS, int(ends)) for n, ends in enumerate(bars) if ends),
        dict(timing.design.counts),
        int(np.isnan(timing.needs).sum()) - timing.crossings,
        timing.crossings,
        int((timing.slacks[timing.of_clock] < 0).sum()),
        dict(timing.design.asynchronous),
        dict(timing.design.gaps),
        dict(timing.design.cuts),
        tuple(timing.by_clock()),
    )


def _path(path: Path) -> dict[str, Any]:
    return {
        "from": path.start,
        "to": path.end,
        "pin": path.pin,
        "end_name": path.end_name,
        "ns": _rounded(path.ns),
        "check_ns": _rounded(path.check),
        "clock_ns": _rounded(path.clock),
        "also": path.also,
        "steps": [
            {
                "point": s.point,
                "delay_ns": _rounded(s.delay),
                "arrival_ns": _rounded(s.arrival),
                "pips": s.pips,
                "name": s.name,
            }
            for s in path.steps
        ],
    }


def _rounded(value: float) -> float:
    return round(value, 4)
