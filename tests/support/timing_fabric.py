"""A device whose delays are round numbers: a processor, three CLBs, a block RAM, a clock row.

Wires W0 to W9 (or more, where asked) run through all tiles. A pip lets any output onto any of
them, and any of them into any input: `net` gives the features of one. Only what a timing analysis
reads is there; features come from FASM, so that no bits are needed. Every delay is in ns, least
and most, fast and slow.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from tritstream.bitstream.database import Database, open_database

PART = "xc7z000tst-1"
PROCESSOR, ROW, BRAM = "PSS2_X0Y0", "CLK_HROW_TOP_R_X0Y1", "BRAM_L_X2Y0"
CLBS = ("CLBLL_L_X1Y0", "CLBLL_L_X1Y1", "CLBLL_L_X1Y2")
FF = ("FFSYNC", "AFF.ZINI", "AFF.ZRST", "AFFMUX.O6")
"""A flip-flop behind its look-up table, in slice SLICEL_X0."""

ONTO = (0.1, 0.2, 0.3, 0.4)
"""From an output onto a wire, with 2000 milliohms; then 3 pieces at least of 1000 and 10."""
INTO = (0.05, 0.06, 0.07, 0.08)
"""From a wire into an input, whose pip has a capacitance of 5 where it is taken from."""
WITHIN = (0.01, 0.02, 0.03, 0.04)
"""Within the site, at the input pin of a look-up table."""

_BUFFER = 0xAAAAAAAAAAAAAAAA
"""The contents of a look-up table that gives its first input."""
_PINS = [f"{letter}{k}" for letter in "ABCD" for k in range(1, 7)]
_PINS += ["AX", "BX", "CX", "DX", "CE", "SR"]
_OUTS = [f"{letter}{kind}" for letter in "ABCD" for kind in ("", "Q", "MUX")]
_PORTS = (
    ("CLKARDCLK", "ENARDEN", "RSTRAMARSTRAM", "WEA", "ADDRARDADDR", "DIADI", "DIPADIP", "DOADO"),
    ("CLKBWRCLK", "ENBWREN", "RSTRAMB", "WEBWE", "ADDRBWRADDR", "DIBDI", "DIPBDIP", "DOBDO"),
)


def net(wire: str, source: tuple[str, str], *sinks: tuple[str, str]) -> dict[str, list[str]]:
    """The pips of a net on one of the wires, by tile: from an output's wire to inputs' wires."""
    features: dict[str, list[str]] = defaultdict(list)
    features[source[0]].append(f"{wire}.{source[1]}")
    for tile, to in sinks:
        features[tile].append(f"{to}.{wire}")
    return features


def clocked(*tiles: str) -> dict[str, list[str]]:
    """The clock's own features, and the pips into the clock pins of tiles."""
    features: dict[str, list[str]] = {
        ROW: ["BUFHCE.BUFHCE_X0Y0.IN_USE", "BUFHCE.BUFHCE_X0Y0.ZINV_CE", "K_I.K_IN"]
    }
    for tile in tiles:
        if tile == BRAM:
            pins = [f"BRAM_FIFO18_{port[0]}" for port in _PORTS]
        else:
            pins = ["PS7_MAXIGP0ACLK" if tile == PROCESSOR else "L_CLK"]
        features[tile] = [f"{pin}.P_CK" for pin in pins]
    return features


def merged(*parts: dict[str, list[str]]) -> dict[str, list[str]]:
    features: dict[str, list[str]] = defaultdict(list)
    for part in parts:
        for tile, names in part.items():
            features[tile] += names
    return dict(features)


def table(letter: str, truth: int) -> list[str]:
    """The contents of a look-up table."""
    return [f"SLICEL_X0.{letter}LUT.INIT[{k}]" for k in range(64) if truth >> k & 1]


def pipeline(tables: int, clbs: int) -> dict[str, list[str]]:
    """A flip-flop that the processor drives, a number of look-up tables behind it, and a flip-flop
    that the processor reads, on a device of so many CLBs."""
    places = [(f"CLBLL_L_X1Y{y}", letter) for y in range(1, clbs - 1) for letter in "ABCD"]
    first, last = "CLBLL_L_X1Y0", f"CLBLL_L_X1Y{clbs - 1}"
    own = [f"SLICEL_X0.{f}" for f in FF] + table("A", _BUFFER)
    parts = [
        clocked(first, last, PROCESSOR),
        {first: own, last: own},
        net("W0", (PROCESSOR, "PS7_MAXIGP0ARVALID"), (first, "L_A1")),
        net("W1", (last, "L_AQ"), (PROCESSOR, "PS7_MAXIGP0ARREADY")),
    ]
    source = first, "L_AQ"
    for n, (tile, letter) in enumerate(places[:tables]):
        parts.append(net(f"W{n + 2}", source, (tile, f"L_{letter}1")))
        parts.append({tile: table(letter, _BUFFER)})
        source = tile, f"L_{letter}"
    parts.append(net(f"W{tables + 2}", source, (last, "L_A1")))
    return merged(*parts)


def write_timing_database(
    folder: Path, part: str = PART, clbs: int = 3, wires: int = 10
) -> Database:
    fabric = part[: len("xc7z000")]
    family = folder / "zynq7"
    (family / part).mkdir(parents=True)
    (family / fabric).mkdir()
    names = [f"W{n}" for n in range(wires)]
    (family / "timings").mkdir()

    def save(name: str, body: Any) -> None:
        (family / name).write_text(json.dumps(body))

    slice_pins = dict.fromkeys([*_PINS, "CLK", "CIN"], "IN") | dict.fromkeys(
        [*_OUTS, "COUT"], "OUT"
    )
    processor = {
        "MAXIGP0ACLK": "IN", "MAXIGP0ARREADY": "IN", "MAXIGP0RDATA0": "IN", "EMIOGPIOI0": "IN",
        "STRANGE": "IN", "MAXIGP0ARVALID": "OUT", "FCLKCLK0": "OUT", "EMIOGPIOO0": "OUT",
    }  # fmt: skip
    memory: dict[str, str] = {}
    for clock, *single, write, address, data, parity, out in _PORTS:
        memory |= dict.fromkeys((clock, *single), "IN")
        for stem, count in ((write, 4), (address, 14), (data, 16), (parity, 2)):
            memory |= {f"{stem}{k}": "IN" for k in range(count)}
        memory |= {f"{out}{k}": "OUT" for k in range(16)}
    save(f"{part}/part.json", {"idcode": 1, "global_clock_regions": {}})
    places = {PROCESSOR: (0, 0), ROW: (0, 1), BRAM: (2, 0)}
    places |= {f"CLBLL_L_X1Y{y}": (1, y) for y in range(clbs)}
    grid = {
        name: {"type": name.rpartition("_")[0], "grid_x": x, "grid_y": y, "bits": {}}
        for name, (x, y) in places.items()
    }
    for y in range(clbs):
        grid[f"CLBLL_L_X1Y{y}"]["sites"] = {f"SLICE_X2Y{y}": "SLICEL"}
    grid[BRAM]["sites"] = {"RAMB18_X0Y0": "FIFO18E1", "RAMB36_X0Y0": "RAMBFIFO36E1"}
    save(f"{fabric}/tilegrid.json", grid)
    save(f"{fabric}/tileconn.json", _touching(names))
    clb = _tile("L_", [("X0Y0", "SLICEL", slice_pins)], {"L_CLK": "P_CK"}, WITHIN, names)
    save("tile_type_CLBLL_L.json", clb)
    pss = _tile("PS7_", [("X0Y0", "PS7", processor)], {"PS7_MAXIGP0ACLK": "P_CK"}, names=names)
    save("tile_type_PSS2.json", pss)
    clocks = {f"BRAM_FIFO18_{port[0]}": "P_CK" for port in _PORTS}
    save(
        "tile_type_BRAM_L.json",
        _tile("BRAM_FIFO18_", [("X0Y0", "FIFO18E1", memory)], clocks, names=names),
    )
    buffer = {"I": "IN", "CE": "IN", "O": "OUT"}
    row = _tile("K_", [("X0Y0", "BUFHCE", buffer)], {"K_I": "K_IN"})
    save("tile_type_CLK_HROW_TOP_R.json", row)
    for kind, pins in (
        ("SLICEL", slice_pins), ("PS7", processor), ("FIFO18E1", memory), ("BUFHCE", buffer),
    ):  # fmt: skip
        directions = {pin: {"direction": direction} for pin, direction in pins.items()}
        save(f"site_type_{kind}.json", {"site_pins": directions})
    (family / "ppips_clbll_l.db").write_text("CLBLL_L.L_DX.W8 always\nCLBLL_L.L_CX.W8 default\n")
    for name, text in _sdf().items():
        (family / "timings" / f"{name}.sdf").write_text(text)
    return open_database(part, folder)


def _touching(names: list[str]) -> list[dict[str, Any]]:
    def pair(dx: int, dy: int, one: str, other: str, *wires: tuple[str, str]) -> dict[str, Any]:
        return {"grid_deltas": [dx, dy], "tile_types": [one, other], "wire_pairs": list(wires)}

    through = [(wire, wire) for wire in (*names, "P_CK")]
    return [
        pair(1, 0, "PSS2", "CLBLL_L", *through),
        pair(0, 1, "PSS2", "CLK_HROW_TOP_R", ("PS7_FCLKCLK0", "K_IN")),
        pair(1, -1, "CLK_HROW_TOP_R", "CLBLL_L", ("K_O", "P_CK")),
        pair(0, 1, "CLBLL_L", "CLBLL_L", *through, ("L_COUT", "L_CIN")),
        pair(1, 0, "CLBLL_L", "BRAM_L", *through),
    ]


def _tile(
    prefix: str,
    sites: list[tuple[str, str, dict[str, str]]],
    clocks: dict[str, str],
    within: tuple[float, ...] = (0.0,) * 4,
    names: list[str] | None = None,
) -> dict[str, Any]:
    pips = []
    for _, _, pins in sites if names else ():
        for pin, direction in pins.items():
            for wire in names:
                if direction == "OUT":
                    pips.append(_pip(wire, prefix + pin, ONTO, 2000.0, 0.0))
                elif prefix + pin not in clocks:
                    pips.append(_pip(prefix + pin, wire, INTO, 0.0, 5.0))
    pips += [_pip(to, source, (0.2, 0.21, 0.5, 0.52), 0.0, 0.0) for to, source in clocks.items()]
    return {
        "pips": {str(n): pip for n, pip in enumerate(pips)},
        "sites": [
            {
                "name": name,
                "type": kind,
                "site_pins": {
                    pin: {"wire": prefix + pin, "delay": list(map(str, within)), "cap": "0"}
                    if direction == "IN"
                    else {"wire": prefix + pin, "delay": ["0"] * 4, "res": "0"}
                    for pin, direction in pins.items()
                },
            }
            for name, kind, pins in sites
        ],
        "wires": {wire: {"res": "1000", "cap": "10"} for wire in names or ()},
    }


def _pip(to: str, source: str, delay: tuple[float, ...], res: float, cap: float) -> dict[str, Any]:
    return {
        "dst_wire": to,
        "src_wire": source,
        "is_directional": "1",
        "is_pass_transistor": 0,
        "src_to_dst": {"delay": list(map(str, delay)), "res": str(res), "in_cap": str(cap)},
    }


def _sdf() -> dict[str, str]:
    def cell(instance: str, kind: str, *lines: str) -> str:
        body = "\n".join(f"            ({line})" for line in lines)
        head = f'    (CELL\n        (CELLTYPE "{kind}")\n        (INSTANCE {instance})\n'
        return f"{head}{body}\n    )\n"

    def arc(source: str, to: str, *ns: float) -> str:
        return f"IOPATH {source} {to} ({ns[0]}::{ns[1]})({ns[2]}::{ns[3]})"

    def via(source: str, to: str, *ns: float) -> str:
        return f"INTERCONNECT {source} {to} ({ns[0]}::{ns[1]})({ns[2]}::{ns[3]})"

    def check(kind: str, pin: str, clock: str, ns: float) -> str:
        return f"{kind} {pin} (posedge {clock}) ({ns / 2}::{ns})"

    cells, within = "", ""
    lut = (0.03, 0.04, 0.09, 0.1)
    for letter in "ABCD":
        low, k = letter.lower(), "ABCD".index(letter)
        for n in (5, 6):
            arcs = [arc(f"A{i}", f"O{n}", *lut) for i in range(1, n + 1)]
            cells += cell(f"SLICEL/{letter}{n}LUT", f"LUT{n}", *arcs)
        for own in (f"{letter}FF", f"{letter}5FF"):
            within += cell(
                f"SLICEL/{own}", "ROUTING_BEL",
                via("clk", own.lower(), 0.02, 0.03, 0.05, 0.06),
                *(via(s, own.lower(), 0.01, 0.02, 0.03, 0.04) for s in ("ce", "sr")),
                *(via(f"{low}{s}", own.lower(), 0.02, 0.03, 0.06, 0.07) for s in ("5lut", "6lut")),
                via(f"{low}x", own.lower(), 0.03, 0.04, 0.1, 0.11),
                via(f"carry4_o{k}", own.lower(), 0.02, 0.03, 0.05, 0.06),
            )  # fmt: skip
        within += cell(
            f"SLICEL/{letter}MUX", "ROUTING_BEL",
            *(via(f"{low}{s}", "mux", 0.05, 0.06, 0.1, 0.2) for s in ("5lut", "6lut", "5ff")),
            *(via(f"carry4_{s}{k}", "mux", 0.05, 0.06, 0.1, 0.25) for s in ("o", "co")),
            via("f8mux" if letter == "B" else "f7amux", "mux", 0.05, 0.06, 0.1, 0.22),
        )  # fmt: skip
        within += cell(f"SLICEL/{letter}CY0", "ROUTING_BEL", via(f"{low}x", f"di{k}", *[0.09] * 4))
    for name, luts in (("F7AMUX", "ab"), ("F7BMUX", "cd")):
        arcs = [arc(s, "OUT", 0.05, 0.06, 0.15, t) for s, t in (("0", 0.2), ("1", 0.21))]
        cells += cell(f"SLICEL/{name}", "SELMUX2_1", *arcs, arc("S0", "OUT", 0.08, 0.1, 0.2, 0.3))
        vias = [via(f"{low}6lut", name.lower(), 0.01, 0.01, 0.02, 0.02) for low in luts]
        within += cell(f"SLICEL/{name}", "ROUTING_BEL", *vias)
    arcs = [arc(s, "OUT", 0.02, 0.03, 0.08, 0.1) for s in "01"]
    cells += cell("SLICEL/F8MUX", "SELMUX2_1", *arcs, arc("S0", "OUT", 0.08, 0.1, 0.2, 0.28))
    vias = [via(f"{x}{n}lut", "carry4", 0.01, 0.01, 0.02, 0.02) for x in "abcd" for n in (5, 6)]
    within += cell("SLICEL/CARRY4", "ROUTING_BEL", *vias)
    outs = [f"{kind}{k}" for kind in ("CO", "O") for k in range(4)]
    arcs = [arc("CIN", out, 0.03, 0.04, 0.1, 0.11 if out[0] == "C" else 0.3) for out in outs]
    arcs += [arc("CYINIT", out, 0.1, 0.2, 0.4, 0.5) for out in outs]
    arcs += [arc(f"S{k}", o, 0.1, 0.15, 0.3, 0.5) for o in outs for k in range(int(o[-1]) + 1)]
    cells += cell("SLICEL", "CARRY4", *arcs)
    data = [arc(f"DI{k}", o, 0.1, 0.12, 0.3, 0.4) for o in outs for k in range(int(o[-1]) + 1)]
    for kind in ("O5", "AX", "BX", "CX", "DX"):
        cells += cell("SLICEL", f"CARRY4_{kind}", *data)
    for kind in ("REG_INIT_FF", "FF_INIT"):
        cells += cell(
            "SLICEL", kind, arc("CLK", "Q", 0.1, 0.11, 0.3, 0.34),
            check("SETUP", "DIN", "CLK", 0.02), check("SETUP", "CE", "CLK", 0.1),
        )  # fmt: skip
    ram = "RAMBFIFO36E1"
    memories = cell(
        ram, ram, *(check("SETUP", f"{p}{s}U", "CLK", 0.5) for p in ("ADDR", "WE") for s in "AB")
    )
    memories += cell(
        ram, f"{ram}_ISFIFO_FALSE",
        *(check("SETUP", f"{p}U", "CLK", 0.4) for p in ("ENARDEN", "ENBWREN")),
        *(check("SETUP", f"RSTRAM{s}U", "CLK", 0.3) for s in "AB"),
    )  # fmt: skip
    for mode, setup in (("WF", 0.7), ("NC", 0.7), ("RF", 0.2)):
        kind = f"{ram}RAM_MODE_RAMB18TDP_U_WRITE_MODE_U_{mode}_EN_ECC_READ_FALSE_EN_ECC_WRITE_FALSE"
        pins = ("DIADIU", "DIBDIU", "DIPADIPU", "DIPBDIPU")
        memories += cell(ram, kind, *(check("SETUP", p, "CLK", setup) for p in pins))
    for side, clock in (("A", "CLKARDCLKU"), ("B", "CLKBWRCLKU")):
        for register, slow in ((0, 2.5), (1, 0.9)):
            kind = f"{ram}RAM_MODE_U_RAMB18TDP_U_DO{side}_REG_U_{register}_EN_ECC_READ_FALSE"
            outs = (f"DO{side}DOU", f"DOP{side}DOPU")
            memories += cell(ram, kind, *(arc(clock, out, 0.6, 1.0, 1.4, slow) for out in outs))
    processor = cell(
        "PS7", "PS7", arc("MAXIGP0ACLK", "MAXIGP0ARVALID", 0.4, 0.5, 1.0, 1.4),
        check("HOLD", "MAXIGP0ARREADY", "MAXIGP0ACLK", 0.0),
        check("SETUP", "MAXIGP0ARREADY", "MAXIGP0ACLK", 0.6),
    )  # fmt: skip
    buffers = cell("BUFHCE", "BUFHCE", arc("I", "O", 0.02, 0.04, 0.08, 0.13))
    return {
        "CLBLL_L": cells,
        "slicel": within,
        "carry4_slicel": "",
        "BRAM_L": memories,
        "PSS2": processor,
        "CLK_HROW_BOT_R": buffers,
    }
