"""Delays of cells as the prjxray database has them: a subset of the Standard Delay Format.

`IOPATH` (a cell's arc) and `INTERCONNECT` (a multiplexer within a site) carry two pairs, the least
and most of the fast corner and of the slow one. A check such as `SETUP` carries one pair, which is
of the slow corner: with it, the set-up times that the vendor's reports print come out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tritstream.bitstream.database import WHERE_FROM
from tritstream.bitstream.errors import BitstreamError

Delay = tuple[float, float, float, float]
"""Least and most in the fast corner, least and most in the slow corner, in ns."""

_NUMBER = r"(-?[\d.]+)"
_HEAD = re.compile(r'\(CELLTYPE "([^"]*)"\)|\(INSTANCE ([^)\s]*)\)')
_ARC = re.compile(
    rf"\((?:IOPATH|INTERCONNECT) (\S+) (\S+) "
    rf"\({_NUMBER}::{_NUMBER}\)\({_NUMBER}::{_NUMBER}\)\)"
)
_CHECK = re.compile(rf"\((SETUP|HOLD|RECOVERY|REMOVAL) (\S+) \(posedge (\S+)\) \(\S+::{_NUMBER}\)")


@dataclass
class Cell:
    """``arcs`` by source and destination; ``checks`` by kind and pin: the clock and the most."""

    arcs: dict[tuple[str, str], Delay] = field(default_factory=dict)
    checks: dict[tuple[str, str], tuple[str, float]] = field(default_factory=dict)


def read_sdf(path: Path) -> Mapping[tuple[str, str], Cell]:
    """The cells of a file by instance and type. Raises BitstreamError where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise BitstreamError(f"there is no {path}, which has delays: {WHERE_FROM}") from None
    cells: dict[tuple[str, str], Cell] = {}
    kind = instance = ""
    for line in text.splitlines():
        if head := _HEAD.search(line):
            kind, instance = (head[1], "") if head[2] is None else (kind, head[2])
        elif arc := _ARC.search(line):
            cell = cells.setdefault((instance, kind), Cell())
            fast_min, fast_max, slow_min, slow_max = map(float, arc.groups()[2:])
            cell.arcs[arc[1], arc[2]] = fast_min, fast_max, slow_min, slow_max
        elif check := _CHECK.search(line):
            cell = cells.setdefault((instance, kind), Cell())
            cell.checks[check[1], check[2]] = check[3], float(check[4])
    return cells
