"""How wires of neighbouring tiles are joined to nodes, and which wire a route begins at.

Two forms of the data are read: ``tileconn.json`` of the prjxray database, which says by pairs of
tile types which of their wires touch, and a list of every node (``nodes.json`` with three binary
files), which takes less time and more disk.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from tritstream.bitstream.database import WHERE_FROM, Database
from tritstream.bitstream.errors import BitstreamError

Wire = tuple[str, str]
"""A tile and one of its wires."""


class Nodes(Protocol):
    """The wires that are one with a wire, itself among them."""

    def __call__(self, tile: str, wire: str) -> list[Wire]: ...


def open_nodes(database: Database) -> Nodes:
    """The nodes of a device. Raises BitstreamError where neither form is there."""
    folder = database.fabric
    if (folder / "nodes.json").is_file():
        return ListedNodes(database, folder)
    if (folder / "tileconn.json").is_file():
        return TouchingTiles(database, folder / "tileconn.json")
    raise BitstreamError(f"{folder} has neither tileconn.json nor nodes.json: {WHERE_FROM}")


class TouchingTiles:
    """Nodes from ``tileconn.json``, followed from tile to tile on demand."""

    def __init__(self, database: Database, path: Path) -> None:
        self._tiles = {(t.x, t.y): t for t in database.tiles.values()}
        self._places = {t.name: (t.x, t.y, t.type) for t in database.tiles.values()}
        self._known: dict[Wire, list[Wire]] = {}
        self._touch: dict[tuple[str, str], list[tuple[int, int, str, str]]] = defaultdict(list)
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            for entry in entries:
                (dx, dy), (one, other) = entry["grid_deltas"], entry["tile_types"]
                for a, b in entry["wire_pairs"]:
                    self._touch[one, a].append((dx, dy, other, b))
                    self._touch[other, b].append((-dx, -dy, one, a))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BitstreamError(f"{path} is no list of touching tiles ({error!r})") from error

    def __call__(self, tile: str, wire: str) -> list[Wire]:
        start = (tile, wire)
        if start in self._known:
            return self._known[start]
        node, seen = [start], {start}
        for name, here in node:  # grows while it is read
            x, y, kind = self._places[name]
            for dx, dy, other, there in self._touch.get((kind, here), ()):
                neighbour = self._tiles.get((x + dx, y + dy))
                if neighbour is not None and neighbour.type == other:
                    found = (neighbour.name, there)
                    if found not in seen:
                        seen.add(found)
                        node.append(found)
        for each in node:
            self._known[each] = node
        return node


class ListedNodes:
    """Nodes from a list of all of them: per node its number of wires, then tile and wire of each.

    ``nodes.json`` has ``width`` and ``height`` of the grid, in which a tile's number is
    y * width + x, and the names of ``wires``.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        try:
            about = json.loads((folder / "nodes.json").read_text(encoding="utf-8"))
            self._width, self._wires = about["width"], about["wires"]
            sizes = np.fromfile(folder / "nodes_sizes.bin", np.int32)
            self._tile = np.fromfile(folder / "nodes_tiles.bin", np.int32)
            self._wire = np.fromfile(folder / "nodes_wires.bin", np.int32)
            if (len(sizes), len(self._tile), len(self._wire)) != (
                about["nnodes"], about["nwires"], about["nwires"],
            ):  # fmt: skip
                raise ValueError("the binary files have another length")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BitstreamError(f"{folder} has no usable list of nodes ({error})") from error
        self._ends = np.cumsum(sizes)
        self._names = {t.y * self._width + t.x: t.name for t in database.tiles.values()}
        self._numbers = {name: number for number, name in self._names.items()}
        key = self._tile.astype(np.int64) << 32 | self._wire
        self._order = np.argsort(key)
        self._keys = key[self._order]

    @cached_property
    def _wire_numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self._wires)}

    def __call__(self, tile: str, wire: str) -> list[Wire]:
        number = self._wire_numbers.get(wire)
        if number is None:
            return [(tile, wire)]
        key = self._numbers[tile] << 32 | number
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            return [(tile, wire)]
        entry = int(self._order[at])
        node = int(np.searchsorted(self._ends, entry, side="right"))
        start = int(self._ends[node - 1]) if node else 0
        inside = slice(start, int(self._ends[node]))
        return [
            (self._names[t], self._wires[w])
            for t, w in zip(self._tile[inside].tolist(), self._wire[inside].tolist(), strict=True)
        ]
