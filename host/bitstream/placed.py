"""The FASM that a build leaves: which features were placed, and whether a bitstream has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from tritstream.bitstream.decode import Layout
from tritstream.bitstream.device import ECC_MASK, ECC_WORD
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.packets import Words

_LINE = re.compile(
    r"([A-Za-z0-9_]+)\.([A-Za-z0-9_.]+)"  # tile, feature
    r"(?:\[(\d+)(?::(\d+))?\])?"
    r"(?:\s*=\s*(?:\d*'([hbdo]))?([0-9a-fA-F_]+))?$"
)
_BASES = {"h": 16, "b": 2, "d": 10, "o": 8, None: 10}


@dataclass(frozen=True)
class Comparison:
    """Placed features against a bitstream. ``pseudo`` of the placed ones take no bits."""

    placed: int
    pseudo: int
    wrong: tuple[tuple[str, str], ...]
    """(tile, feature) that is not in the bitstream."""
    extra: tuple[tuple[str, str], ...]
    """(tile, what the bit means there) of bits that no placed feature sets."""
    unknown: tuple[tuple[str, str], ...]
    """(tile, feature) that the database does not know."""


def read_fasm(text: str, source: str) -> Iterator[tuple[str, str]]:
    """The (tile, feature) that FASM sets, vectors bit by bit, as in ``ALUT.INIT[5]``.

    Raises BitstreamError for a line that is no FASM.
    """
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if not line or line.startswith("{"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise BitstreamError(f"line {number} of {source} is no FASM: {line[:80]}")
        tile, feature, high, low, base, digits = match.groups()
        value = int(digits.replace("_", ""), _BASES[base]) if digits else 1
        if high is None:
            if value:
                yield tile, feature
            continue
        first = int(low if low is not None else high)
        while value:
            bit = (value & -value).bit_length() - 1
            yield tile, f"{feature}[{first + bit}]"
            value &= value - 1


def compare(layout: Layout, placed: Mapping[str, list[str]], frames: Words) -> Comparison:
    """Whether all that was placed is in the frames, and nothing else.

    Bit by bit: each bit of a placed feature is as the feature says, and no other bit is set but
    those of the features that every bitstream of the part has and the frames' check bits.
    """
    database = layout.database
    left = frames.copy()
    left[:, ECC_WORD] &= ~np.uint32(ECC_MASK)
    total, pseudo, wrong, unknown = 0, 0, [], []
    required = list(read_fasm(database.required, "required_features.fasm"))
    for tile, feature in (*((t, f) for t, fs in placed.items() for f in fs), *required):
        total += 1
        if tile not in database.tiles:
            unknown.append((tile, feature))
            continue
        try:
            bits = layout.bits(tile, feature)
        except KeyError:
            if feature in database.pseudo(database.tiles[tile].type):
                pseudo += 1
            else:
                unknown.append((tile, feature))
            continue
        for frame, word, bit, value in bits:
            if bool(int(frames[frame, word]) >> bit & 1) != value:
                wrong.append((tile, feature))
                break
        for frame, word, bit, value in bits:
            if value:
                left[frame, word] &= ~np.uint32(1 << bit)
    extra = tuple(_explain(layout, left))
    return Comparison(total - len(required), pseudo, tuple(wrong), extra, tuple(unknown))


def _explain(layout: Layout, left: Words) -> Iterator[tuple[str, str]]:
    """What each bit is, by the tile and the features in which it takes part."""
    for frame, word in np.argwhere(left):
        for bit in range(32):
            if int(left[frame, word]) >> bit & 1:
                yield explain_bit(layout, int(frame), int(word), bit)


def explain_bit(layout: Layout, frame: int, word: int, bit: int) -> tuple[str, str]:
    """(tile, what the bit means there) of a bit of a frame, by index."""
    address = int(layout.database.device.addresses[frame])
    where = f"bit {word}.{bit} of frame {address:#010x}"
    owners = layout.owners(frame, word)
    for tile in owners:
        names = layout.about(tile, frame, word, bit)
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return tile, f"{', '.join(names[:3])}{more} ({where})"
    return (owners[0] if owners else "no tile"), f"unknown {where}"
