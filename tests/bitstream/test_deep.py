"""`overlay verify --deep` on the bitstreams of the package (long; needs the prjxray database)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tritstream.bitstream.database import VARIABLE, Database, open_database
from tritstream.bitstream.decode import Layout
from tritstream.bitstream.device import frames_of, with_check_bits, with_frames
from tritstream.bitstream.packets import Bit, Words, read_bit, with_crc
from tritstream.bitstream.processor import processor_of, ties
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.verify import Finding, Sources, verify_deep
from tritstream.bitstream.wiring import Wiring
from tritstream.board.overlays import Manifest, shipped, shipped_folder
from tritstream.boards import board_named
from tritstream.cli.overlay_verify import bitstream_bytes
from tritstream.configurations import configuration_named

pytestmark = pytest.mark.long

OPEN = [m for m in shipped() if m.bit is not None]


@dataclass(frozen=True)
class Whole:
    """A bitstream of the package, whose own features stand in for the build's FASM."""

    manifest: Manifest
    bit: Bit
    database: Database
    layout: Layout
    frames: Words
    features: dict[str, list[str]]
    fasm: Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    if not OPEN:
        pytest.skip("the package has no bitstream to take apart")
    if not os.environ.get(VARIABLE):
        pytest.skip(f"{VARIABLE} does not name the prjxray database (the openXC7 distribution's)")
    manifest = OPEN[0]
    part = board_named(manifest.board).part
    assert manifest.bit is not None
    bit = read_bit(bitstream_bytes(shipped_folder(manifest) / manifest.bit.file), "shipped")
    database = open_database(part)
    layout = Layout(database)
    frames = frames_of(bit, database.device, "shipped")
    features = dict(layout.decode(frames).features)
    fasm = tmp_path_factory.mktemp("fasm") / "design.fasm"
    fasm.write_text("".join(f"{t}.{f}\n" for t, fs in features.items() for f in fs))
    return Whole(manifest, bit, database, layout, frames, features, fasm)


def sources(whole: Whole, bit: Bit, rtl: Callable[[], str] | None = None) -> Sources:
    return Sources(
        bit.encode(),
        "shipped",
        whole.database.part,
        shipped_folder(whole.manifest) / whole.manifest.hwh.file,
        whole.fasm,
        rtl,
        configuration=configuration_named(whole.manifest.name),
        clock_hz=whole.manifest.clock_hz,
    )


def design(manifest: Manifest) -> Callable[[], str]:
    def text() -> str:
        from tritstream.build.open.design import design_source
        from tritstream.build.ports import port_map

        configuration = configuration_named(manifest.name)
        return design_source(configuration, port_map(configuration, board_named(manifest.board)))

    return text


def test_what_is_shipped_is_its_rtl(whole: Whole) -> None:
    """The whole proof, simulation included: the netlist in the file does what the RTL does."""
    for finding in verify_deep(sources(whole, whole.bit, design(whole.manifest))):
        print(finding.check, finding.passed, finding.sentence)
        assert finding.passed or (finding.check == "pynq" and finding.passed is None), finding


def first(whole: Whole, tiles: tuple[str, ...], fits: Callable[[str], bool]) -> tuple[str, str]:
    """A feature with a set bit, in a tile of a kind."""
    for tile, names in whole.features.items():
        for name in names if tile.startswith(tiles) else ():
            if fits(name) and any(v for *_, v in whole.layout.bits(tile, name)):
                return tile, name
    raise AssertionError(f"the bitstream has nothing of the kind in {tiles}")


KINDS: dict[str, tuple[tuple[str, ...], Callable[[str], bool]]] = {
    "a look-up table": (("CLB",), lambda f: "LUT.INIT[" in f),
    "a flip-flop": (("CLB",), lambda f: f.endswith("FF.ZRST")),
    "a block RAM's mode": (("BRAM_",), lambda f: "WRITE_MODE_A_READ_FIRST" in f),
    "a block RAM's width": (("BRAM_",), lambda f: "READ_WIDTH_B_" in f),
    "a block RAM's contents": (("BRAM_",), lambda f: "INIT_" in f and "ZINIT" not in f),
    "a route": (("INT_",), lambda f: ".LOGIC_OUTS" in f),
    "a tie-off": (("INT_",), lambda f: f.endswith(".GND_WIRE")),
    "a clock": (("HCLK_",), lambda f: f.startswith("ENABLE_BUFFER")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_caught_and_named(whole: Whole, kind: str) -> None:
    """Check bits and CRC put right, so that nothing but the contents is wrong."""
    try:
        tile, feature = first(whole, *KINDS[kind])
    except AssertionError:
        assert kind == "a block RAM's contents"  # a design need not have any
        pytest.skip("the design has no block RAM with contents")
    frame, word, bit, _ = next(b for b in whole.layout.bits(tile, feature) if b[3])
    frames = whole.frames.copy()
    frames[frame, word] ^= np.uint32(1 << bit)
    changed = with_frames(whole.bit, whole.database.device, with_check_bits(frames))
    found: list[Finding] = []
    for finding in verify_deep(replace(sources(whole, with_crc(changed)), rtl=None)):
        found.append(finding)
        if finding.check == "placed":
            break
    (placed,) = (f for f in found if f.check == "placed")
    assert placed.passed is False and f"{tile}: {feature}" in placed.sentence, found


def test_a_flipped_tie_of_the_processor_is_caught(whole: Whole) -> None:
    """Without the build's FASM at hand, as an owner of a board has it."""
    text = design(whole.manifest)()
    processor = processor_of(whole.database)
    wiring = Wiring(whole.database, open_nodes(whole.database), whole.features)
    ends = (
        wiring.end(processor.tile, processor.wires[pin])
        for pin, level in ties(text, processor).items()
        if level == 0
    )
    tile = next(tile for tile, wire in ends if wire == "GND_WIRE")
    (feature, *_) = (f for f in whole.features[tile] if f.endswith(".GND_WIRE"))
    frames = whole.frames.copy()
    for frame, word, bit, value in whole.layout.bits(tile, feature):
        frames[frame, word] ^= np.uint32(int(value) << bit)
    changed = with_frames(whole.bit, whole.database.device, with_check_bits(frames))
    checks = {}
    for finding in verify_deep(replace(sources(whole, with_crc(changed), lambda: text), fasm=None)):
        checks[finding.check] = finding
        if finding.check == "processor":
            break
    assert checks["processor"].passed is False, checks
    assert "reads 1 and not 0" in checks["processor"].sentence
