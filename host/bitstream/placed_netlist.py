"""The netlist that nextpnr-xilinx writes after routing (--write): which cell is on which site."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritstream.bitstream.database import Database
from tritstream.bitstream.errors import BitstreamError

_OUTPUTS = ("Q", "O", "O5", "O6", "CO", "DOADO", "DOBDO")
_SLICE = re.compile(r"SLICE_X(\d+)Y\d+$")
_SOURCE = re.compile(r"(?<![^|])([^|/:]+\.sv):(\d+)")
_DROPPED = frozenset(("ROUTING", "parameters", "port_directions", "settings"))
_ROUNDS = 8
"""How many cells back a module is taken from what reads an unnamed cell."""


@dataclass(frozen=True)
class Named:
    """A cell: the name of the net that it drives or its own, where in the RTL it comes from (empty
    where the tools have lost that), and the module, as the way of instances to it."""

    name: str
    source: str
    module: str


def read_names(path: Path, database: Database) -> dict[str, Named]:
    """Cells by their place, as a timing graph and the decoded netlist name it: tile, site and what
    it is there, such as ``CLBLL_L_X2Y3/SLICEL_X0Y0/AFF``; a half of a block RAM without the last.

    Raises BitstreamError for a file that is no such netlist.
    """
    try:
        with path.open(encoding="utf-8") as file:
            body = json.load(file, object_pairs_hook=_kept)
        (module,) = body["modules"].values()
        cells, nets = module["cells"], module["netnames"]
        names = {bit: name for name, net in nets.items() for bit in net["bits"]}
        modules = _modules(cells, names)
        sites = _sites(database)
        found: dict[str, Named] = {}
        for name, cell in cells.items():
            bel = cell.get("attributes", {}).get("NEXTPNR_BEL", "")
            if not bel:
                continue
            driven = next((names[bit] for bit in _driven(cell) if bit in names), "")
            shown = driven if driven and not driven.startswith("$") else name
            match = _SOURCE.search(cell["attributes"].get("src", ""))
            named = Named(shown, f"{match[1]}:{match[2]}" if match else "", modules[name])
            for place in _places(bel, sites):
                found[place] = named
        return found
    except OSError as error:
        raise BitstreamError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BitstreamError(
            f"{path} is no netlist that nextpnr-xilinx has written ({error!r})"
        ) from error


def _kept(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: value for key, value in pairs if key not in _DROPPED}


def _driven(cell: Mapping[str, Any]) -> list[int]:
    """The bits at a cell's outputs."""
    connections = cell.get("connections", {})
    ports = [p for p in connections if p.rstrip("0123456789[]") in _OUTPUTS or p in _OUTPUTS]
    return [bit for port in ports for bit in connections[port]]


def module_of(name: str) -> str:
    """The instances before the last part of a name such as ``engine.core.sum[3]``; empty for a
    name that a tool has made."""
    plain = name.removeprefix("$flatten\\").replace("\\", "")
    if plain.startswith("$"):
        return ""
    module, made, _ = plain.partition(".$")
    return module if made else plain.partition("$")[0].rpartition(".")[0]


def _modules(cells: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, str]:
    """The module of each cell: by what it drives, by its own name, or by what reads it."""
    made: dict[str, str] = {}
    readers: dict[int, list[str]] = {}
    for name, cell in cells.items():
        out = _driven(cell)
        candidates = [module_of(names.get(bit, "")) for bit in out]
        made[name] = next(filter(None, (*candidates, module_of(name))), "")
        own = set(out)
        for bits in cell.get("connections", {}).values():
            for bit in bits:
                if bit not in own:
                    readers.setdefault(bit, []).append(name)
    waiting = [name for name, module in made.items() if not module]
    for _ in range(_ROUNDS):
        left = []
        for name in waiting:
            votes = Counter(
                made[reader]
                for bit in _driven(cells[name])
                for reader in readers.get(bit, ())
                if made[reader]
            )
            if votes:
                made[name] = votes.most_common(1)[0][0]
            else:
                left.append(name)
        if len(left) == len(waiting):
            break
        waiting = left
    return made


def _sites(database: Database) -> dict[str, tuple[str, str]]:
    """Of each slice and block RAM of the device its tile and its type."""
    return {
        site: (tile.name, kind)
        for tile in database.tiles.values()
        for site, kind in tile.sites.items()
        if site.startswith(("SLICE_", "RAMB"))
    }


def _places(bel: str, sites: Mapping[str, tuple[str, str]]) -> list[str]:
    """Where a bel such as ``SLICE_X26Y103/BFF`` is."""
    site, _, inside = bel.partition("/")
    if site not in sites:
        return []
    tile, kind = sites[site]
    match = _SLICE.match(site)
    if match:
        return [f"{tile}/{kind}_X{int(match[1]) % 2}Y0/{inside}"]
    if site.startswith("RAMB36"):
        return [f"{tile}/RAMB18_Y0", f"{tile}/RAMB18_Y1"]
    return [f"{tile}/RAMB18_Y{int(site.rpartition('Y')[2]) % 2}"]
