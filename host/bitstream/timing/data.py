"""Delays, resistances and capacitances of the prjxray database, by tile type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tritstream.bitstream.database import Database, read_json
from tritstream.bitstream.timing.sdf import Cell, Delay, read_sdf

NONE: Delay = (0.0, 0.0, 0.0, 0.0)
RC = 1e-6
"""From a resistance times a capacitance to ns: prjxray's reader (prjxray/tile.py) divides each by a
thousand, and takes the product to be in ns."""


@dataclass(frozen=True)
class Pip:
    """``passes``: a transistor without a buffer, so that what is behind it loads what is before."""

    delay: Delay
    resistance: float
    capacitance: float
    passes: bool
    known: bool
    """Whether the database has a delay. A transistor that passes has none but its resistance."""


@dataclass(frozen=True)
class Pin:
    delay: Delay
    resistance: float
    capacitance: float


UNKNOWN = Pip(NONE, 0.0, 0.0, False, False)


@dataclass(frozen=True)
class TileTiming:
    """``pips`` by destination and source; ``wires``: resistance and capacitance; ``pins`` by wire.

    A wire that is not listed has neither, as the database's own reader takes it.
    """

    pips: Mapping[tuple[str, str], Pip]
    wires: Mapping[str, tuple[float, float]]
    pins: Mapping[tuple[str, str], Pin]
    """By site type and wire: several sites can share a wire."""


class TimingData:
    """What the database of a part says of time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._types: dict[str, TileTiming] = {}
        self._inputs: dict[str, dict[str, Delay]] = {}
        self._cells: dict[str, Mapping[tuple[str, str], Cell]] = {}

    def tile(self, kind: str) -> TileTiming:
        """By tile type. Raises BitstreamError where there is no such file."""
        if kind not in self._types:
            path = self.database.folder / f"tile_type_{kind}.json"
            self._types[kind] = _tile(dict(read_json(path)))
        return self._types[kind]

    def cells(self, file: str) -> Mapping[tuple[str, str], Cell]:
        """The cells of ``timings/FILE.sdf`` by instance and type. Raises BitstreamError."""
        if file not in self._cells:
            self._cells[file] = read_sdf(self.database.folder / "timings" / f"{file}.sdf")
        return self._cells[file]

    def inputs(self, kind: str) -> Mapping[str, Delay]:
        """The delays within a tile type's sites from an input wire to its pin."""
        if kind not in self._inputs:
            pins = self.tile(kind).pins
            found: dict[str, Delay] = {}
            for site in self.database.tile_type(kind).sites:
                for pin, wire in site.wires.items():
                    if pin not in site.outputs and (site.type, wire) in pins:
                        found.setdefault(wire, pins[site.type, wire].delay)
            self._inputs[kind] = found
        return self._inputs[kind]

    @cached_property
    def kinds(self) -> Mapping[str, str]:
        """The type of every tile."""
        return {name: tile.type for name, tile in self.database.tiles.items()}


def _tile(body: dict[str, Any]) -> TileTiming:
    pips = {}
    for pip in body["pips"].values():
        to, source = pip["dst_wire"], pip["src_wire"]
        passes = bool(int(pip.get("is_pass_transistor", 0)))
        pips[to, source] = _pip(pip.get("src_to_dst"), passes)
        if pip["is_directional"] == "0":
            pips[source, to] = _pip(pip.get("dst_to_src"), passes)
    listed = body.get("wires", ())
    wires = (
        {name: (float(rc["res"]), float(rc["cap"])) for name, rc in listed.items() if rc}
        if isinstance(listed, dict)
        else {}
    )
    pins = {
        (site["type"], pin["wire"]): Pin(
            _delay(pin.get("delay")), float(pin.get("res") or 0), float(pin.get("cap") or 0)
        )
        for site in body["sites"]
        for pin in site["site_pins"].values()
        if isinstance(pin, dict)
    }
    return TileTiming(pips, wires, pins)


def _pip(body: dict[str, Any] | None, passes: bool) -> Pip:
    if body is None:
        return UNKNOWN
    return Pip(
        _delay(body.get("delay")),
        float(body.get("res") or 0),
        float(body.get("in_cap") or 0),
        passes,
        passes or body.get("delay") is not None,
    )


def _delay(values: Any) -> Delay:
    if not values:
        return NONE
    fast_min, fast_max, slow_min, slow_max = map(float, values)
    # One kind of pip, from a row's clock buffer to its wire, has 0 to 0.19 ns in the fast corner
    # and nothing in the slow one. What is slower when fast is not believed: the least counts.
    return fast_min, (fast_max if fast_max <= slow_max else fast_min), slow_min, slow_max
