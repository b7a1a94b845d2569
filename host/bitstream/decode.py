"""From frames to features and back: what the bits of a bitstream set, by tile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.database import Block, Database, Tile
from tritstream.bitstream.device import ECC_MASK, ECC_WORD
from tritstream.bitstream.packets import Words


@dataclass(frozen=True)
class Segment:
    """The tiles whose bits mean the same on one bus, and the features, with bits as places.

    ``places``: per feature the (place, whether it is set), a place being frame * 32 words + bit
    in the tile's own block.
    """

    tiles: tuple[Tile, ...]
    bus: str
    frames: int
    words: int
    places: Mapping[str, tuple[tuple[int, bool], ...]]


@dataclass(frozen=True)
class Bitmap:
    """Features by tile, and the bits that none of them explains."""

    features: Mapping[str, list[str]]
    unknown: tuple[tuple[int, int, int], ...]
    """(frame address, word, bit) of each."""


class Layout:
    """How features lie in the frames of a part."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.segments = tuple(_segments(database))
        self._of = {(t.name, s.bus): s for s in self.segments for t in s.tiles}

    def decode(self, frames: Words) -> Bitmap:
        """The features whose bits are as they say, in tiles with any bit set."""
        found: dict[str, list[str]] = defaultdict(list)
        explained = np.zeros_like(frames)
        explained[:, ECC_WORD] = ECC_MASK
        for segment in self.segments:
            self._decode(segment, frames, found, explained)
        left = np.argwhere(frames & ~explained)
        addresses = self.database.device.addresses
        unknown = tuple(
            (int(addresses[frame]), int(word), bit)
            for frame, word in left
            for bit in range(32)
            if int(frames[frame, word] & ~explained[frame, word]) >> bit & 1
        )
        return Bitmap(dict(found), unknown)

    def _decode(
        self, segment: Segment, frames: Words, found: dict[str, list[str]], explained: Words
    ) -> None:
        rows = np.array([self._rows(t.blocks[segment.bus]) for t in segment.tiles])
        offsets = np.array([t.blocks[segment.bus].offset for t in segment.tiles])
        columns = offsets[:, None] + np.arange(segment.words)
        block = frames[rows[:, :, None], columns[:, None, :]]
        used = np.flatnonzero(block.any((1, 2)))
        if not len(used):
            return
        block = np.ascontiguousarray(block[used])
        # [place, tile], so that a feature's bit is one contiguous row.
        bits = np.ascontiguousarray(
            np.unpackbits(block.view(np.uint8).reshape(len(used), -1), axis=1, bitorder="little").T
        ).view(bool)
        known = np.zeros_like(bits)
        for name, places in segment.places.items():
            match: npt.NDArray[np.bool_] | None = None
            for place, value in places:
                row = bits[place] if value else ~bits[place]
                match = row if match is None else match & row
            if match is None or not match.any():
                continue
            for place, value in places:
                if value:
                    known[place] |= match
            for tile in np.flatnonzero(match):
                found[segment.tiles[used[tile]].name].append(name)
        packed = np.packbits(known.T, axis=1, bitorder="little")
        words = np.ascontiguousarray(packed).view("<u4").reshape(block.shape)
        np.bitwise_or.at(explained, (rows[used][:, :, None], columns[used][:, None, :]), words)

    def bits(self, tile: str, feature: str) -> list[tuple[int, int, int, bool]]:
        """(frame index, word, bit, whether it is set) of a feature. Raises KeyError if unknown."""
        for bus, block in self.database.tiles[tile].blocks.items():
            segment = self._of.get((tile, bus))
            if segment is not None and feature in segment.places:
                start, width = self._rows(block)[0], segment.words * 32
                return [
                    (start + p // width, block.offset + p % width // 32, p % 32, value)
                    for p, value in segment.places[feature]
                ]
        raise KeyError(feature)

    def owners(self, frame: int, word: int) -> list[str]:
        """The tiles to which a word of a frame (by index) belongs."""
        address = int(self.database.device.addresses[frame])
        return [
            tile.name
            for tile in self.database.tiles.values()
            for block in tile.blocks.values()
            if block.base <= address < block.base + block.frames
            and block.offset <= word < block.offset + block.words
        ]

    def about(self, tile: str, frame: int, word: int, bit: int) -> list[str]:
        """The features of a tile in which a bit (frame by index) takes part."""
        names = []
        for bus, block in self.database.tiles[tile].blocks.items():
            segment = self._of.get((tile, bus))
            if segment is None:
                continue
            place = (frame - self._rows(block)[0]) * segment.words * 32
            place += (word - block.offset) * 32 + bit
            names += [n for n, ps in segment.places.items() if any(p == place for p, _ in ps)]
        return names

    def _rows(self, block: Block) -> npt.NDArray[np.int64]:
        start = self.database.device.index(block.base)
        return np.arange(start, start + block.frames)


def _segments(database: Database) -> Iterator[Segment]:
    alike: dict[tuple[str, str, object], list[Tile]] = defaultdict(list)
    for tile in database.tiles.values():
        for bus, block in tile.blocks.items():
            alike[tile.type, bus, (block.frames, block.words, block.alias)].append(tile)
    for (tile_type, bus, _), tiles in alike.items():
        block = tiles[0].blocks[bus]
        kind, before, sites = block.alias or (tile_type, 0, ())
        width, renamed = block.words * 32, dict(sites)
        places = {}
        for name, bits in database.segbits(kind, bus).features.items():
            shifted = [(frame, bit - 32 * before, value) for frame, bit, value in bits]
            if all(f < block.frames and 0 <= b < width for f, b, _ in shifted):
                first, dot, rest = name.partition(".")
                own = tuple((f * width + b, v) for f, b, v in shifted)
                places[renamed.get(first, first) + dot + rest] = own
        if places:
            yield Segment(tuple(tiles), bus, block.frames, block.words, places)
