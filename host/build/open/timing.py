"""The timing analysis of what was placed and routed, and the clock that it allows."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from tritstream.board.clocks import DIVISORS
from tritstream.board.margin import MARGIN, allowed, highest
from tritstream.build.errors import BuildError, ReportError
from tritstream.build.open.place import FASM

TIMING_REPORT = "timing.json"
ANALYSIS = 1
"""Raised where `bitstream/timing` may find something else in the same route, so that it is analysed
again."""
IO_PLL_HZ = 1e9
"""What the processor of every Zynq-7000 board divides for the fabric's clock."""
CLOCKS_HZ = tuple(sorted({IO_PLL_HZ / (a * b) for a in DIVISORS for b in DIVISORS}))


@dataclass(frozen=True)
class Analysed:
    """The analysis of a route. ``need_ns``: its longest path with set-up and skew, before jitter;
    ``period_ns``: with the jitter of such a clock; ``hold_ns``: the least slack of a hold. All are
    estimated."""

    need_ns: float
    period_ns: float
    hold_ns: float
    problems: tuple[str, ...]

    @property
    def mhz(self) -> float:
        """The highest clock without a margin."""
        return 1e3 / self.period_ns

    @property
    def highest_hz(self) -> float:
        """The highest clock of the processor's that leaves the margin."""
        return highest(self.need_ns, CLOCKS_HZ) or CLOCKS_HZ[0]


def command(database: Path, part: str) -> list[str]:
    """The program that analyses the FASM of the folder where it runs."""
    return [
        *(sys.executable, "-m", "tritstream", "overlay", "timing"),
        *("--fasm", FASM, "--part", part, "--database", str(database), "--output", TIMING_REPORT),
    ]


def read_analysis(folder: Path) -> Analysed:
    """What the step left. Raises ReportError."""
    path = folder / TIMING_REPORT
    try:
        body = json.loads(path.read_bytes())
        setup, hold = body["setup"], body["hold"]
        found = Analysed(
            float(setup["longest_ns"]),
            float(setup["period_ns"]),
            float(hold["slack_ns"]),
            tuple(map(str, body["problems"])),
        )
        if not found.period_ns >= found.need_ns > 0:
            raise ValueError(f"a longest path of {found.need_ns} ns")
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"cannot read the timing report {path} ({error!r}): run the step again"
        ) from error


def check(folder: Path, log: Path) -> None:
    """Raises BuildError where a hold is violated or something has no data, ReportError where there
    is no whole report."""
    read_analysis(folder)
    if error := failure(folder, log):
        raise error


def forget(folder: Path) -> None:
    """Remove the report of another route, which must not be taken for one of this."""
    (folder / TIMING_REPORT).unlink(missing_ok=True)


def failure(folder: Path, log: Path) -> BuildError | None:
    """The error of a route that no clock makes right; None without a report, too."""
    if not (folder / TIMING_REPORT).is_file():
        return None
    found = read_analysis(folder)
    if not found.problems:
        return None
    return BuildError(f"step timing: {'; '.join(found.problems)}; log: {log}. Try another --seed")


def unreachable(found: Analysed, clock_hz: float) -> BuildError | None:
    """The error of a clock that leaves less than the margin over the worst path."""
    if allowed(found.need_ns, clock_hz):
        return None
    return BuildError(
        f"step bitstream: the slowest path takes {found.period_ns:.2f} ns with its allowances "
        f"({found.mhz:.1f} MHz), a clock must leave {MARGIN:.0%} over it, and the one asked for is "
        f"{clock_hz / 1e6:g} MHz: add --clock {found.highest_hz / 1e6:.3f}, or try another --seed"
    )
