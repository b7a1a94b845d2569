"""The floor plan of a route: every used site, coloured by module of the RTL or by what it holds."""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tritstream.bitstream.database import Database, Tile
from tritstream.bitstream.placed_netlist import Named

_SLICE = re.compile(r"(SLICE[LM]_X([01]))\.(?:([ABCD])(LUT\.INIT|5?FF\.Z)|(CARRY4)\.)")
_IN_USE = re.compile(r"(RAMB18_Y[01]|BUFGCTRL|BUFHCE)\.(?:\w+\.)?IN_USE$")
_RAM_ROWS = 5
"""How many rows of CLBs a block RAM is as high as."""
_SCALE_X, _SCALE_Y, _MARGIN = 8, 6, 10
_LEGEND = 330
_GROUPS, _LEAST = 14, 0.02
COLOURS = (
    "#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee7733", "#009988",
    "#332288", "#999933", "#882255", "#44aa99", "#cc6677", "#117733",
)  # fmt: skip
_REST, _FREE = "#777777", "#eeeeee"
_UNNAMED = "top level or unnamed"


@dataclass(frozen=True)
class UsedSite:
    """A site that a route uses: where it is drawn, in tiles from the top left, and what it has."""

    x: float
    y: float
    width: float
    height: float
    group: str


def used_sites(
    database: Database, features: Mapping[str, list[str]], names: Mapping[str, Named] | None = None
) -> list[UsedSite]:
    """The used slices, halves of block RAM and clock buffers. A group is a module where names are
    given, of most of a site's cells, and else the kind of what is used."""
    modules = _modules(names) if names is not None else None
    found = []
    for name, listed in features.items():
        tile = database.tiles[name]
        for place, kind in _used(tile, listed).items():
            group = kind if modules is None else modules.get(place, _UNNAMED)
            found.append(UsedSite(*_rectangle(tile, place), group))
    return found


def _used(tile: Tile, features: Iterable[str]) -> dict[str, str]:
    """By place (tile and site) what is used there."""
    parts: dict[str, set[str]] = defaultdict(set)
    kinds: dict[str, str] = {}
    for feature in features:
        if match := _SLICE.match(feature):
            parts[f"{tile.name}/{match[1]}Y0"].add(match[5] or match[4].partition(".")[0][-3:])
        elif match := _IN_USE.match(feature):
            memory = match[1].startswith("RAMB")
            place = f"{tile.name}/{match[1]}" if memory else f"{tile.name}/{feature}"
            kinds[place] = "block RAM" if memory else "clock buffer"
    for place, has in parts.items():
        if "CARRY4" in has:
            kinds[place] = "carry chain"
        elif "LUT" in has:
            kinds[place] = "tables and flip-flops" if len(has) > 1 else "tables"
        else:
            kinds[place] = "flip-flops"
    return kinds


def _rectangle(tile: Tile, place: str) -> tuple[float, float, float, float]:
    _, _, site = place.partition("/")
    if site.startswith("SLICE"):
        return tile.x + (0.5 if "_X1" in site else 0.0), tile.y, 0.5, 1.0
    if site.startswith("RAMB"):
        half = _RAM_ROWS / 2
        upper = site.endswith("Y1")
        return tile.x, tile.y + 1 - (_RAM_ROWS if upper else half), 1.0, half
    return tile.x, tile.y, 1.0, 1.0


def _modules(names: Mapping[str, Named]) -> dict[str, str]:
    """The module of most cells of each site."""
    votes: dict[str, Counter[str]] = defaultdict(Counter)
    for place, named in names.items():
        site = place if "RAMB18" in place else place.rpartition("/")[0]
        if named.module:
            votes[site][named.module] += 1
    return {site: counter.most_common(1)[0][0] for site, counter in votes.items()}


def grouped(sites: Iterable[UsedSite]) -> dict[str, str]:
    """By group what it is shown as: modules are gathered under those that hold them, the largest
    taken apart first, until there are as many as a picture has colours for."""
    counts = Counter(site.group for site in sites)
    total = sum(counts.values())
    shown = {name: name.split(".")[0] for name in counts}
    whole: set[str] = set()
    while len(set(shown.values())) < _GROUPS:
        sizes = Counter({g: sum(counts[n] for n in shown if shown[n] == g) for g in shown.values()})
        largest = next((g for g, _ in sizes.most_common() if g not in whole), None)
        if largest is None:
            break
        depth = largest.count(".") + 2
        inside = [n for n in shown if shown[n] == largest]
        parts = Counter[str]()
        for name in inside:
            parts[".".join(name.split(".")[:depth])] += counts[name]
        kept = [
            p for p, count in parts.most_common(_GROUPS - len(sizes))
            if p != largest and count >= _LEAST * total
        ]  # fmt: skip
        whole.add(largest)
        for name in inside:
            part = ".".join(name.split(".")[:depth])
            if part in kept:
                shown[name] = part
    return shown


def drawn(database: Database, sites: list[UsedSite], title: str) -> str:
    """An SVG of the device: what is free in grey, what is used in the colour of its group."""
    across = max(t.x for t in database.tiles.values()) + 1
    down = max(t.y for t in database.tiles.values()) + 1
    shown = grouped(sites)
    sizes = Counter(shown[s.group] for s in sites)
    ranked = [group for group, _ in sizes.most_common()]
    colours = dict(zip(ranked, COLOURS, strict=False))
    width = 2 * _MARGIN + across * _SCALE_X + _LEGEND
    height = 3 * _MARGIN + 20 + max(down * _SCALE_Y, 22 * len(ranked))
    top = 2 * _MARGIN + 20
    free = [
        (tile.x, tile.y, 1.0, 1.0)
        for tile in database.tiles.values()
        if tile.type.startswith("CLBL")
    ]
    free += [
        (tile.x, tile.y + 1 - _RAM_ROWS, 1.0, float(_RAM_ROWS))
        for tile in database.tiles.values()
        if tile.type in ("BRAM_L", "BRAM_R")
    ]
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{_MARGIN}" y="{_MARGIN + 14}" font-size="15">{html.escape(title)}</text>',
        f'<g transform="translate({_MARGIN} {top}) scale({_SCALE_X} {_SCALE_Y})">',
        f'<path fill="{_FREE}" d="{_path(free)}"/>',
    ]
    for group in ranked:
        places = [(s.x, s.y, s.width, s.height) for s in sites if shown[s.group] == group]
        colour = colours.get(group, _REST)
        lines.append(f'<path fill="{colour}" d="{_path(places)}"/>')
    lines.append("</g>")
    for row, group in enumerate(ranked):
        x, y = 2 * _MARGIN + across * _SCALE_X, top + 22 * row
        colour = colours.get(group, _REST)
        label = html.escape(f"{group}: {sizes[group]} sites")
        lines.append(f'<rect x="{x}" y="{y}" width="14" height="14" fill="{colour}"/>')
        lines.append(f'<text x="{x + 20}" y="{y + 12}">{label}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _path(places: Iterable[tuple[float, float, float, float]]) -> str:
    """Rectangles as one path, with a gap between them."""
    return "".join(
        f"M{x + 0.04:g} {y + 0.06:g}h{w - 0.08:g}v{h - 0.12:g}h{0.08 - w:g}z"
        for x, y, w, h in places
    )
