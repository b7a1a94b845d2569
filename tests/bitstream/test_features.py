"""Features out of bits, and a bitstream against what was placed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from support.tiny_fabric import CLB, CLOCK, OTHER
from tritstream.bitstream.decode import Layout
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.placed import compare, read_fasm

Frames = Callable[[dict[str, list[str]]], np.ndarray]


def test_features_are_decoded(layout: Layout, frames_with: Frames, design: dict) -> None:
    bitmap = layout.decode(frames_with(design))
    assert {tile: sorted(names) for tile, names in bitmap.features.items()} == {
        tile: sorted(names) for tile, names in design.items()
    }
    assert bitmap.unknown == ()


def test_a_feature_needs_its_cleared_bits_too(layout: Layout, frames_with: Frames) -> None:
    frames = frames_with({CLB: ["L_A1.P_IN0"]}) | frames_with({CLB: ["L_A1.P_IN1"]})
    bitmap = layout.decode(frames)
    assert bitmap.features == {} and len(bitmap.unknown) == 2


def test_a_bit_without_meaning_is_reported(layout: Layout, frames_with: Frames) -> None:
    frames = frames_with({OTHER: ["SLICEL_X0.AFF.ZINI"]})
    frames[30, 2] |= 1 << 5
    frames[3, 50] |= 0x1FFF  # check bits mean no feature
    bitmap = layout.decode(frames)
    assert bitmap.features == {OTHER: ["SLICEL_X0.AFF.ZINI"]}
    assert bitmap.unknown == ((30, 2, 5),)


def test_fasm_is_read_bit_by_bit() -> None:
    text = """
    # a comment
    T_X1Y2.ALUT.INIT[7:4] = 4'b1010
    T_X1Y2.ALUT.INIT[63:0] = 64'h8000000000000001
    T_X1Y2.PIP.ONE = 1
    T_X1Y2.PIP.OFF = 0
    T_X1Y2.PLAIN  { .attribute = "x" }
    """.replace('{ .attribute = "x" }', "")
    assert list(read_fasm(text, "a.fasm")) == [
        ("T_X1Y2", f) for f in (
            "ALUT.INIT[5]", "ALUT.INIT[7]", "ALUT.INIT[0]", "ALUT.INIT[63]", "PIP.ONE", "PLAIN",
        )
    ]  # fmt: skip
    with pytest.raises(BitstreamError, match=r"line 1 of a\.fasm is no FASM: nonsense"):
        list(read_fasm("nonsense", "a.fasm"))


def test_a_bitstream_has_what_was_placed(
    layout: Layout, frames_with: Frames, design: dict[str, list[str]]
) -> None:
    design[CLB].append("L_A3.VCC_WIRE")  # a pip without bits
    result = compare(layout, design, frames_with({t: f for t, f in design.items()} | {
        CLB: [f for f in design[CLB] if "VCC" not in f]
    }))  # fmt: skip
    assert (result.placed, result.pseudo) == (sum(map(len, design.values())), 1)
    assert result.wrong == result.extra == result.unknown == ()


@pytest.mark.parametrize(
    ("tile", "feature"),
    [
        (CLB, "SLICEL_X0.ALUT.INIT[1]"),
        (CLB, "SLICEL_X0.AFF.ZRST"),
        (CLB, "P_OUT1.L_AQ"),
        (CLOCK, "BUFHCE.BUFHCE_X0Y0.ZINV_CE"),
    ],
)
def test_a_flipped_bit_is_named(
    layout: Layout, frames_with: Frames, design: dict[str, list[str]], tile: str, feature: str
) -> None:
    frames = frames_with(design)
    frame, word, bit, _ = layout.bits(tile, feature)[0]
    frames[frame, word] ^= np.uint32(1 << bit)
    assert (tile, feature) in compare(layout, design, frames).wrong
    design[tile].remove(feature)
    frames[frame, word] ^= np.uint32(1 << bit)
    ((where, what),) = compare(layout, design, frames).extra
    assert where == tile and what.startswith(feature)


def test_what_the_database_does_not_know_is_named(layout: Layout, frames_with: Frames) -> None:
    placed = {CLB: ["SLICEL_X0.NONE"], "CLBLL_L_X9Y9": ["SLICEL_X0.AFF.ZINI"]}
    result = compare(layout, placed, frames_with({}))
    assert sorted(result.unknown) == [
        (CLB, "SLICEL_X0.NONE"), ("CLBLL_L_X9Y9", "SLICEL_X0.AFF.ZINI"),
    ]  # fmt: skip
