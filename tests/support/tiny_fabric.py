"""A device of four tiles in the form of the prjxray database: processor, clock buffer, two CLBs.

`write_database` writes it. Slice pins reach the processor's EMIO pins over pips of the CLB itself;
both CLBs are joined by one wire. `DESIGN` are the features of a design on it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tritstream.bitstream.database import Database, open_database
from tritstream.bitstream.lockstep import GP0_SIGNALS, HP_SIGNALS

PART, IDCODE = "xc7z000tst-1", 0x0372_F093
CLB, OTHER, CLOCK, PROCESSOR = "CLBLL_L_X1Y0", "CLBLL_L_X1Y1", "CLK_HROW_TOP_R_X0Y1", "PSS2_X0Y0"

_WIDE = {"ADDR": 32, "LEN": 4, "SIZE": 2, "BURST": 2, "RESP": 2}
_OF_SLAVE = ("RVALID", "RDATA", "RRESP", "RID", "RLAST", "BVALID", "BRESP", "BID")
_PINS = [f"{letter}{k}" for letter in "ABCD" for k in range(1, 7)]
_PINS += ["AX", "BX", "CX", "DX", "CLK", "CE", "SR", "CIN"]
_OUTS = [f"{letter}{kind}" for letter in "ABCD" for kind in ("", "Q", "MUX")] + ["COUT"]
# Destination, sources.
_PIPS = {
    "L_A1": ("P_IN0", "P_IN1"), "L_A2": ("P_IN1", "GND_WIRE"), "L_AX": ("P_IN1",),
    "L_CLK": ("P_CK",), "P_OUT0": ("L_A", "P_DOWN"), "P_OUT1": ("L_AQ",), "P_UP": ("L_AMUX",),
}  # fmt: skip
_FEATURES = [f"SLICEL_X0.ALUT.INIT[{k:02}]" for k in range(64)] + [
    "SLICEL_X0.AFF.ZINI", "SLICEL_X0.AFF.ZRST", "SLICEL_X0.AFFMUX.O6", "SLICEL_X0.AFFMUX.AX",
    "SLICEL_X0.AOUTMUX.O5", "SLICEL_X0.FFSYNC", "SLICEL_X0.CEUSEDMUX", "SLICEL_X0.LATCH",
]  # fmt: skip
_CLOCK_FEATURES = ("BUFHCE.BUFHCE_X0Y0.IN_USE", "BUFHCE.BUFHCE_X0Y0.ZINV_CE")

DESIGN = {
    CLB: [
        *(f"SLICEL_X0.ALUT.INIT[{k}]" for k in range(64) if (k & 1) ^ (k >> 1 & 1)),  # A1 xor A2
        "SLICEL_X0.AFF.ZINI", "SLICEL_X0.AFF.ZRST", "SLICEL_X0.AFFMUX.O6",
        "L_A1.P_IN0", "L_A2.P_IN1", "L_CLK.P_CK", "P_OUT0.L_A", "P_OUT1.L_AQ",
    ],
    CLOCK: [*_CLOCK_FEATURES, "K_I.K_IN"],
}  # fmt: skip


def write_database(folder: Path, tileconn: bool = True) -> Database:
    """The database in a folder, with ``tileconn.json`` or a list of nodes, opened."""
    family, fabric = folder / "zynq7", folder / "zynq7" / "xc7z000"
    (family / PART).mkdir(parents=True)
    fabric.mkdir()

    def save(name: str, body: Any) -> None:
        (family / name).write_text(json.dumps(body))

    buses = {
        "CLB_IO_CLK": {"configuration_columns": {"0": {"frame_count": 36}}},
        "BLOCK_RAM": {"configuration_columns": {"0": {"frame_count": 128}}},
    }
    regions = {"top": {"rows": {"0": {"configuration_buses": buses}}}}
    save(f"{PART}/part.json", {"idcode": IDCODE, "global_clock_regions": regions})
    save("xc7z000/tilegrid.json", _grid())
    save("tile_type_CLBLL_L.json", _type(_slice(), {p: s for p, s in _PIPS.items()}))
    save("tile_type_CLK_HROW_TOP_R.json", _type(_buffer(), {"K_I": ("K_IN",), "K_CE": ()}))
    save("tile_type_PSS2.json", _type([_site("X0Y0", "PS7", "PS7_", processor_pins())], {}))
    save("site_type_PS7.json", _directions(processor_pins()))
    save(
        "site_type_SLICEL.json",
        _directions(dict.fromkeys(_PINS, "IN") | dict.fromkeys(_OUTS, "OUT")),
    )
    save("site_type_BUFHCE.json", _directions({"I": "IN", "CE": "IN", "O": "OUT"}))
    (family / "segbits_clbll_l.db").write_text(_segbits())
    rows = [f"CLK_HROW_TOP_R.{f} 26_{k:02}" for k, f in enumerate([*_CLOCK_FEATURES, "K_I.K_IN"])]
    (family / "segbits_clk_hrow_top_r.db").write_text("\n".join(rows) + "\n")
    (family / "ppips_clbll_l.db").write_text("CLBLL_L.L_A3.VCC_WIRE default\n")
    if tileconn:
        save("xc7z000/tileconn.json", TOUCHING)
    else:
        _write_nodes(fabric)
    return open_database(PART, folder)


def processor_pins() -> dict[str, str]:
    """Pins and directions of a small PS7: EMIO, clocks, and the AXI ports of a lockstep."""
    pins = {f"EMIOGPIOI{k}": "IN" for k in range(3)} | {f"EMIOGPIOO{k}": "OUT" for k in range(2)}
    pins |= {f"FCLK{what}{k}": "OUT" for what in ("CLK", "RESETN") for k in range(4)}
    for port, names in [("MAXIGP0", GP0_SIGNALS), *((f"SAXIHP{k}", HP_SIGNALS) for k in range(4))]:
        for name in names:
            back = name in _OF_SLAVE or name in ("ARREADY", "AWREADY", "WREADY")
            direction = "IN" if back == (port[0] == "M") else "OUT"
            width = _WIDE.get(name[1:], _WIDE.get(name[2:], 1))
            width = {"RDATA": 64, "WDATA": 64, "WSTRB": 8}.get(name, width)
            width = 6 if name.endswith("ID") and not name.endswith("VALID") else width
            pins |= {f"{port}{name}{k if width > 1 else ''}": direction for k in range(width)}
    return pins


TOUCHING = [
    {"grid_deltas": [1, 0], "tile_types": ["PSS2", "CLBLL_L"], "wire_pairs": [
        ["PS7_EMIOGPIOO0", "P_IN0"], ["PS7_EMIOGPIOO1", "P_IN1"],
        ["PS7_EMIOGPIOI0", "P_OUT0"], ["PS7_EMIOGPIOI1", "P_OUT1"]]},
    {"grid_deltas": [0, 1], "tile_types": ["PSS2", "CLK_HROW_TOP_R"],
     "wire_pairs": [["PS7_FCLKCLK0", "K_IN"]]},
    {"grid_deltas": [1, -1], "tile_types": ["CLK_HROW_TOP_R", "CLBLL_L"],
     "wire_pairs": [["K_O", "P_CK"]]},
    {"grid_deltas": [0, 1], "tile_types": ["CLBLL_L", "CLBLL_L"], "wire_pairs": [
        ["P_DOWN", "P_UP"], ["P_CK", "P_CK"]]},
]  # fmt: skip
"""Which wires of neighbouring tiles touch."""

NODES = [
    [(PROCESSOR, "PS7_EMIOGPIOO0"), (CLB, "P_IN0")],
    [(PROCESSOR, "PS7_EMIOGPIOO1"), (CLB, "P_IN1")],
    [(PROCESSOR, "PS7_EMIOGPIOI0"), (CLB, "P_OUT0")],
    [(PROCESSOR, "PS7_EMIOGPIOI1"), (CLB, "P_OUT1")],
    [(PROCESSOR, "PS7_FCLKCLK0"), (CLOCK, "K_IN")],
    [(CLOCK, "K_O"), (CLB, "P_CK"), (OTHER, "P_CK")],
    [(CLB, "P_DOWN"), (OTHER, "P_UP")],
]
"""The same as nodes."""


def _grid() -> dict[str, Any]:
    def tile(name: str, x: int, y: int, offset: int | None) -> dict[str, Any]:
        bits = {"baseaddr": "0x00000000", "frames": 36, "offset": offset, "words": 2}
        kind = name.rpartition("_")[0]
        return {
            "type": kind,
            "grid_x": x,
            "grid_y": y,
            "bits": {} if offset is None else {"CLB_IO_CLK": bits},
        }

    places = ((PROCESSOR, 0, 0, None), (CLB, 1, 0, 0), (OTHER, 1, 1, 2), (CLOCK, 0, 1, 10))
    return {name: tile(name, x, y, offset) for name, x, y, offset in places}


def _type(sites: list[dict[str, Any]], pips: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    listed = [(to, source) for to, sources in pips.items() for source in sources]
    return {
        "sites": sites,
        "pips": {
            f"{k}": {"dst_wire": to, "src_wire": source, "is_directional": "1"}
            for k, (to, source) in enumerate(listed)
        },
    }


def _site(name: str, kind: str, prefix: str, pins: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "site_pins": {pin: {"wire": prefix + pin} for pin in pins},
    }


def _slice() -> list[dict[str, Any]]:
    return [_site("X0Y0", "SLICEL", "L_", [*_PINS, *_OUTS])]


def _buffer() -> list[dict[str, Any]]:
    return [_site("X0Y0", "BUFHCE", "K_", ("I", "CE", "O"))]


def _directions(pins: dict[str, str]) -> dict[str, Any]:
    return {"site_pins": {pin: {"direction": direction} for pin, direction in pins.items()}}


def _segbits() -> str:
    """A bit for each feature; the sources of a wire share two, as multiplexers do."""
    lines = [f"CLBLL_L.{f} {k // 32:02}_{k % 32:02}" for k, f in enumerate(_FEATURES)]
    for n, (to, sources) in enumerate(_PIPS.items()):
        for k, source in enumerate(sources):
            mine, other = f"20_{2 * n + k:02}", f"20_{2 * n + 1 - k:02}"
            lines.append(f"CLBLL_L.{to}.{source} {mine} !{other}")
    return "\n".join(lines) + "\n"


def _write_nodes(folder: Path) -> None:
    grid = _grid()
    width = 2
    wires = sorted({wire for node in NODES for _, wire in node})
    flat = [pair for node in NODES for pair in node]
    numbers = {name: t["grid_y"] * width + t["grid_x"] for name, t in grid.items()}
    about = {
        "width": width, "height": 2, "nnodes": len(NODES), "nwires": len(flat), "wires": wires,
    }  # fmt: skip
    (folder / "nodes.json").write_text(json.dumps(about))
    for name, values in (
        ("sizes", [len(node) for node in NODES]),
        ("tiles", [numbers[tile] for tile, _ in flat]),
        ("wires", [wires.index(wire) for _, wire in flat]),
    ):
        np.array(values, np.int32).tofile(folder / f"nodes_{name}.bin")
