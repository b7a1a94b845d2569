"""The prjxray database of a device family: its tiles, what their bits mean, their wires and pips.

It is public (CC0) and comes with the openXC7 distribution. A folder of it, such as ``zynq7``, has
``segbits_*.db``, ``tile_type_*.json`` and, per device, ``tilegrid.json`` and the nodes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tritstream.bitstream.device import Device, device_named
from tritstream.bitstream.errors import BitstreamError

VARIABLE = "PRJXRAY_DB_DIR"
_ADDRESS = re.compile(r"\[0*(\d+)\]$")


@dataclass(frozen=True)
class Block:
    """The bits of a tile on one bus: frames from ``base`` on, words from ``offset`` on.

    ``alias`` is set where the bits are part of those of a larger tile type: that type, the words
    of it that come before, and what its sites are called here.
    """

    base: int
    frames: int
    offset: int
    words: int
    alias: tuple[str, int, tuple[tuple[str, str], ...]] | None = None


@dataclass(frozen=True)
class Tile:
    name: str
    type: str
    x: int
    y: int
    blocks: Mapping[str, Block]
    sites: Mapping[str, str] = field(default_factory=dict)
    """The types of its sites by their names on the device."""


@dataclass(frozen=True)
class Segbits:
    """What the bits of a tile type mean: per feature the (frame, bit, whether it is set)."""

    features: Mapping[str, tuple[tuple[int, int, bool], ...]]


@dataclass(frozen=True)
class Site:
    """A site of a tile type: its name there, its type, and the wire of each of its pins."""

    name: str
    type: str
    wires: Mapping[str, str]
    outputs: frozenset[str]


@dataclass(frozen=True)
class TileType:
    """``pips``: destination and source wire; ``always``: the sources that need no bit."""

    pips: frozenset[tuple[str, str]]
    sites: tuple[Site, ...]
    always: Mapping[str, tuple[str, ...]]
    drivers: Mapping[str, tuple[Site, str]]
    """The site and its pin behind a wire that a site drives."""


@dataclass(frozen=True)
class Database:
    """The database in a folder, for one part such as ``xc7z020clg400-1``."""

    folder: Path
    part: str
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def device(self) -> Device:
        return device_named(self.part, self.folder)

    @cached_property
    def fabric(self) -> Path:
        """The folder with what is common to the packages of a device."""
        known = [p.parent for p in self.folder.glob("*/tilegrid.json")]
        fitting = [p for p in known if self.part.startswith(p.name)]
        if not fitting:
            raise BitstreamError(
                f"{self.folder} has no tilegrid.json for {self.part}: {WHERE_FROM}"
            )
        return max(fitting, key=lambda p: len(p.name))

    @cached_property
    def tiles(self) -> dict[str, Tile]:
        """All tiles of the device by name."""
        return {name: _tile(name, body) for name, body in read_json(self.fabric / "tilegrid.json")}

    @cached_property
    def required(self) -> str:
        """FASM of what every bitstream of the part has; empty if there is nothing."""
        path = self.folder / self.part / "required_features.fasm"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def segbits(self, tile_type: str, bus: str) -> Segbits:
        """Empty for a tile type or bus without known bits."""
        return self._kept(("segbits", tile_type, bus), lambda: self._segbits(tile_type, bus))

    def pseudo(self, tile_type: str) -> dict[str, str]:
        """Pips that take no bits: ``always``, ``default`` or ``hint`` by destination.source."""
        return self._kept(("pseudo", tile_type), lambda: self._pseudo(tile_type))

    def tile_type(self, name: str) -> TileType:
        return self._kept(("type", name), lambda: self._tile_type(name))

    def site_pins(self, site_type: str) -> dict[str, str]:
        """The pins of a site type and their directions, ``IN``, ``OUT`` or ``INOUT``."""
        return self._kept(("site", site_type), lambda: self._directions(site_type))

    def _kept(self, key: Any, make: Any) -> Any:
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def _segbits(self, tile_type: str, bus: str) -> Segbits:
        middle = ".block_ram" if bus == "BLOCK_RAM" else ""
        path = self.folder / f"segbits_{tile_type.lower()}{middle}.db"
        features = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                name, *bits = line.split()
                features[feature_name(name.partition(".")[2])] = tuple(_bit(b) for b in bits)
        return Segbits(features)

    def _pseudo(self, tile_type: str) -> dict[str, str]:
        path = self.folder / f"ppips_{tile_type.lower()}.db"
        if not path.is_file():
            return {}
        rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
        return {row[0].partition(".")[2]: row[1] for row in rows if len(row) == 2}

    def _tile_type(self, name: str) -> TileType:
        body = dict(read_json(self.folder / f"tile_type_{name}.json"))
        pips = set()
        for pip in body["pips"].values():
            pips.add((pip["dst_wire"], pip["src_wire"]))
            if pip["is_directional"] == "0":
                pips.add((pip["src_wire"], pip["dst_wire"]))
        sites = tuple(self._site(site) for site in body["sites"])
        always: dict[str, list[str]] = {}
        for feature, kind in self.pseudo(name).items():
            if kind == "always":
                to, _, source = feature.partition(".")
                always.setdefault(to, []).append(source)
        return TileType(
            frozenset(pips),
            sites,
            {to: tuple(sources) for to, sources in always.items()},
            {site.wires[pin]: (site, pin) for site in sites for pin in site.outputs},
        )

    def _site(self, body: dict[str, Any]) -> Site:
        wires = {
            pin: wire["wire"] if isinstance(wire, dict) else wire
            for pin, wire in body["site_pins"].items()
            if wire is not None
        }
        directions = self.site_pins(body["type"])
        outputs = frozenset(pin for pin in wires if directions.get(pin) == "OUT")
        return Site(body["name"], body["type"], wires, outputs)

    def _directions(self, site_type: str) -> dict[str, str]:
        path = self.folder / f"site_type_{site_type}.json"
        if not path.is_file():
            return {}
        return {n: p["direction"] for n, p in dict(read_json(path))["site_pins"].items()}


WHERE_FROM = (
    "the openXC7 distribution has the prjxray database of xc7z020; name its folder with --database "
    f"or in {VARIABLE}"
)


def open_database(part: str, folder: str | os.PathLike[str] | None = None) -> Database:
    """The database for a part, from ``folder`` or ``$PRJXRAY_DB_DIR``, either the family's folder
    or the one above it. Raises BitstreamError saying what is missing and where it is to be had."""
    given = folder or os.environ.get(VARIABLE)
    if not given:
        raise BitstreamError(f"no prjxray database is named: {WHERE_FROM}")
    root = Path(given)
    for candidate in (root, *sorted(p for p in root.glob("*") if p.is_dir())):
        if (candidate / part / "part.json").is_file():
            return Database(candidate, part)
    raise BitstreamError(f"{root} has no {part}/part.json: {WHERE_FROM}")


def feature_name(name: str) -> str:
    """A feature as this package writes it: the number of its bit without leading zeros."""
    return _ADDRESS.sub(r"[\1]", name)


def read_json(path: Path) -> list[tuple[str, Any]]:
    """The entries of a JSON object. Raises BitstreamError where the file is missing or is none."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8")).items())
    except FileNotFoundError:
        raise BitstreamError(f"there is no {path}: {WHERE_FROM}") from None
    except (OSError, ValueError, AttributeError) as error:
        raise BitstreamError(f"{path} is not the JSON that it should be ({error})") from error


def _tile(name: str, body: dict[str, Any]) -> Tile:
    blocks = {}
    for bus, bits in body["bits"].items():
        alias = bits.get("alias")
        blocks[bus] = Block(
            int(bits["baseaddr"], 16),
            bits["frames"],
            bits["offset"],
            bits["words"],
            alias
            and (
                alias["type"],
                alias["start_offset"],
                tuple(sorted((there, here) for here, there in alias["sites"].items())),
            ),
        )
    sites = body.get("sites", {})
    return Tile(name, body["type"], body["grid_x"], body["grid_y"], blocks, sites)


def _bit(text: str) -> tuple[int, int, bool]:
    frame, bit = text.lstrip("!").split("_")
    return int(frame), int(bit), not text.startswith("!")
