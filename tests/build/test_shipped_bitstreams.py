"""The bitstreams in the package: what can be said of them without tools and without a board."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tritstream.bitstream.verify import verify_file
from tritstream.board.hwh import OPEN_TOOLS, hardware_handoff
from tritstream.board.margin import allowed
from tritstream.board.overlays import (
    Manifest,
    Overlay,
    shipped,
    shipped_folder,
    verify,
)
from tritstream.boards import board_named
from tritstream.build.handoff import check_handoff
from tritstream.build.open.project import BITSTREAM, Settings, write_open_project
from tritstream.build.open.timing import read_analysis
from tritstream.build.ports import port_map
from tritstream.configurations import configuration_named

BITSTREAMS = Path(__file__).parents[2] / "bitstreams"
WITH_BIT = {f"{m.board}/{m.name}": m for m in shipped() if m.bit is not None}


@pytest.fixture(params=sorted(WITH_BIT))
def manifest(request: pytest.FixtureRequest) -> Manifest:
    return WITH_BIT[request.param]


def test_that_of_z7020_ships() -> None:
    assert "pynq-z2/z7020" in WITH_BIT


def test_hashes_header_and_configuration_are_as_the_manifest_says(manifest: Manifest) -> None:
    overlay = Overlay(shipped_folder(manifest), manifest)
    verify(overlay)
    part = board_named(manifest.board).part
    found = list(
        verify_file(overlay.bit.read_bytes(), overlay.bit.name, part, manifest.configuration)
    )
    assert [f.passed for f in found] == [True, True], found


def test_the_design_is_the_one_of_this_version(manifest: Manifest, tmp_path: Path) -> None:
    """Built of these very sources. `tests/bitstream/test_deep.py` looks into the file."""
    settings = Settings(seed=manifest.build["seed"])
    project = write_open_project(tmp_path, manifest.name, manifest.board, settings)
    assert project.inputs[BITSTREAM] == manifest.build["inputs_sha256"], (
        "the RTL, or how it is built, is not what this bitstream was made of: take it back, "
        "or build, analyse and verify the bitstream again"
    )


def test_the_hand_off_is_the_one_of_this_version(manifest: Manifest) -> None:
    configuration, board = configuration_named(manifest.name), board_named(manifest.board)
    path = shipped_folder(manifest) / manifest.hwh.file
    check_handoff(path, configuration, interrupt=False)
    assert path.read_bytes() == hardware_handoff(
        configuration,
        interrupt=False,
        clock_hz=manifest.clock_hz,
        ports=port_map(configuration, board),
        source=OPEN_TOOLS,
    )


def test_the_clock_keeps_its_distance(manifest: Manifest) -> None:
    assert manifest.timing is not None
    found = read_analysis(shipped_folder(manifest))
    assert not found.problems and found.hold_ns >= 0
    assert allowed(found.need_ns, manifest.clock_hz)
    assert manifest.build["estimated"]["clock_met_mhz"] == pytest.approx(found.mhz, abs=0.01)
    root = ElementTree.parse(shipped_folder(manifest) / manifest.hwh.file).getroot()
    divisors = [
        int(p.get("VALUE", "0"))
        for n in (0, 1)
        for p in root.iter("PARAMETER")
        if p.get("NAME") == f"PCW_FCLK0_PERIPHERAL_DIVISOR{n}"
    ]
    assert 1e9 / (divisors[0] * divisors[1]) == pytest.approx(manifest.clock_hz)


def test_it_says_what_it_is(manifest: Manifest) -> None:
    assert "built with open tools" in manifest.build["status"]
    assert "not yet run on a board" in manifest.build["status"]
    assert manifest.bit is not None
    assert "/" not in manifest.bit.source, "a path of the machine that built it"
    used, have = (manifest.build["estimated"][k] for k in ("used", "available"))
    assert set(used) == set(have) and all(used[k] <= have[k] for k in used)
    assert used["dsp"] == 0
    assert manifest.build["projected"]["tokens_per_s"] > 0
