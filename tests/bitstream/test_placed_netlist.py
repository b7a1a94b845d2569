"""The netlist of nextpnr-xilinx, which names what is on a site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.timing_fabric import BRAM, CLBS, write_timing_database
from tritstream.bitstream.database import Database
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.placed_netlist import Named, module_of, read_names


@pytest.fixture(scope="module")
def placed_on(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return write_timing_database(tmp_path_factory.mktemp("placed"))


def cell(bel: str, src: str = "", **connections: list[int]) -> dict[str, Any]:
    return {"attributes": {"NEXTPNR_BEL": bel, "src": src}, "connections": connections}


def test_cells_have_names_lines_and_modules(placed_on: Database, tmp_path: Path) -> None:
    cells = {
        "$ff$1": cell("SLICE_X2Y0/AFF", "design.sv:12.1-13.2|/y/ff_map.v:68.41", Q=[1], D=[2]),
        # Nobody has named the table's output: it is in the module of what reads it.
        "$abc$7$o3": cell("SLICE_X2Y0/A6LUT", "/y/lut_map.v:43", O6=[2], A1=[3]),
        "$abc$7$o4": cell("SLICE_X2Y1/B5LUT", "", O5=[3], A1=[1]),
        "engine.memory.ram": cell("RAMB36_X0Y0/RAMB36E1", "design.sv:90.1-91.1", DOADO=[8, 9]),
        "elsewhere": cell("BUFGCTRL_X0Y0/BUFG", "", O=[7]),
        "nowhere": {"connections": {}},
    }
    nets = {
        "engine.core.sum[3]": {"bits": [1], "attributes": {"ROUTING": "x" * 1000}},
        "$abc$7$o3": {"bits": [2]},
    }
    path = tmp_path / "placed.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": cells, "netnames": nets}}}))
    names = read_names(path, placed_on)
    tile = f"{CLBS[0]}/SLICEL_X0Y0"
    assert names[f"{tile}/AFF"] == Named("engine.core.sum[3]", "design.sv:12", "engine.core")
    assert names[f"{tile}/A6LUT"] == Named("$abc$7$o3", "", "engine.core")
    assert names[f"{CLBS[1]}/SLICEL_X0Y0/B5LUT"].module == "engine.core"
    assert names[f"{BRAM}/RAMB18_Y0"] == names[f"{BRAM}/RAMB18_Y1"]
    assert names[f"{BRAM}/RAMB18_Y0"].module == "engine.memory"
    assert len(names) == 5


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("a.b.c[3]", "a.b"),
        ("top", ""),
        ("$abc$1$x", ""),
        ("$flatten\\inner.\\core.$procdff$12", "inner.core"),
        ("inner.n[5]$LUT$16", "inner"),
    ],
)
def test_modules_of_names(name: str, module: str) -> None:
    assert module_of(name) == module


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"modules": {}}', '{"modules": {"a": {}}}'])
def test_what_is_no_netlist(body: str, placed_on: Database, tmp_path: Path) -> None:
    path = tmp_path / "placed.json"
    path.write_text(body)
    with pytest.raises(BitstreamError, match=r"placed\.json is no netlist that nextpnr-xilinx"):
        read_names(path, placed_on)
    with pytest.raises(BitstreamError, match="missing cannot be read"):
        read_names(tmp_path / "missing", placed_on)
