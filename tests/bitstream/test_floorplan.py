"""The picture of what a route uses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.timing_fabric import BRAM, CLBS, PART, ROW, write_timing_database
from tritstream.bitstream.database import Database
from tritstream.bitstream.floorplan import UsedSite, drawn, grouped, used_sites
from tritstream.bitstream.placed_netlist import Named
from tritstream.cli import main

ONE, TWO, THREE = CLBS
FEATURES = {
    ONE: ["SLICEL_X0.ALUT.INIT[3]", "SLICEL_X0.BFF.ZINI", "SLICEL_X1.CARRY4.ACY0", "L_A1.W0"],
    TWO: ["SLICEL_X0.NOCLKINV", "W0.L_A"],  # nothing is used here
    THREE: ["SLICEL_X1.C5FF.ZRST"],
    BRAM: ["RAMB18_Y1.IN_USE", "RAMB18_Y0.INIT_00[1]"],
    ROW: ["BUFHCE.BUFHCE_X0Y0.IN_USE", "BUFHCE.BUFHCE_X0Y1.IN_USE"],
}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return write_timing_database(tmp_path_factory.mktemp("floorplan"))


def test_every_used_site_is_there_once(device: Database) -> None:
    found = used_sites(device, FEATURES)
    assert sorted(site.group for site in found) == [
        "block RAM", "carry chain", "clock buffer", "clock buffer", "flip-flops",
        "tables and flip-flops",
    ]  # fmt: skip
    places = {site.group: (site.x, site.y, site.width, site.height) for site in found}
    assert places["tables and flip-flops"] == (1, 0, 0.5, 1)
    assert places["carry chain"] == (1.5, 0, 0.5, 1)
    assert places["flip-flops"] == (1.5, 2, 0.5, 1)
    assert places["block RAM"] == (2, -4, 1, 2.5)  # the upper half, from its lowest row upwards


def test_sites_have_the_module_of_most_of_their_cells(device: Database) -> None:
    site = f"{ONE}/SLICEL_X0Y0"
    names = {
        f"{site}/AFF": Named("a", "", "engine.core"),
        f"{site}/A6LUT": Named("b", "", "engine.core"),
        f"{site}/BFF": Named("c", "", "engine.shell"),
        f"{BRAM}/RAMB18_Y1": Named("d", "", "engine.memory"),
    }
    groups = [s.group for s in used_sites(device, FEATURES, names)]
    assert groups.count("engine.core") == 1 and groups.count("engine.memory") == 1
    assert groups.count("top level or unnamed") == 4


def test_the_largest_modules_are_taken_apart() -> None:
    def sites(group: str, count: int) -> list[UsedSite]:
        return [UsedSite(0, 0, 1, 1, group)] * count

    shown = grouped([
        *sites("top.a.x", 500), *sites("top.a.y", 300), *sites("top.a.z", 3), *sites("top.b", 100),
        *sites("top.c", 1), *sites("other", 50),
    ])  # fmt: skip
    assert shown == {
        "top.a.x": "top.a.x", "top.a.y": "top.a.y", "top.a.z": "top.a", "top.b": "top.b",
        "top.c": "top", "other": "other",
    }  # fmt: skip


def test_the_picture_is_svg(device: Database) -> None:
    picture = ElementTree.fromstring(drawn(device, used_sites(device, FEATURES), "a <b> & c"))
    texts = [e.text for e in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "a <b> & c" and "clock buffer: 2 sites" in texts
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}path"))) == 1 + 5


def test_the_command(device: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fasm = tmp_path / "design.fasm"
    fasm.write_text("".join(f"{tile}.{f}\n" for tile, fs in FEATURES.items() for f in fs))
    where = ["--fasm", str(fasm), "--database", str(device.folder), "--part", PART]
    target = tmp_path / "plan.svg"
    assert main(["overlay", "floorplan", *where, "-o", str(target)]) == 0
    assert "6 used sites, coloured by what they hold" in capsys.readouterr().out
    assert target.read_text().startswith("<svg")
    assert main(["overlay", "floorplan", *where, "-o", str(tmp_path / "plan.bmp")]) == 2
    assert "the picture is an .svg" in capsys.readouterr().err
    assert main(["overlay", "floorplan", *where, "-o", str(tmp_path / "no" / "plan.svg")]) == 2
    assert "cannot write" in capsys.readouterr().err
