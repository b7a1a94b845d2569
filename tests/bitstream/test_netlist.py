"""Nodes, routes, and the circuit behind the processor's pins."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from support.tiny_fabric import CLB, CLOCK, NODES, write_database
from tritstream.bitstream.circuit import ONE, ZERO, Circuit
from tritstream.bitstream.database import Database, open_database
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.memories import make_half, output_of
from tritstream.bitstream.netlist import Netlist, extract
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.wiring import Constant, Wiring

Features = dict[str, list[str]]


@pytest.mark.parametrize("tileconn", [True, False])
def test_nodes_are_the_same_in_both_forms(tileconn: bool, tmp_path: Path) -> None:
    nodes = open_nodes(write_database(tmp_path, tileconn))
    for node in NODES:
        for tile, wire in node:
            assert sorted(nodes(tile, wire)) == sorted(node)
    assert nodes(CLB, "L_A1") == [(CLB, "L_A1")]


def test_missing_data_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PRJXRAY_DB_DIR", raising=False)
    with pytest.raises(BitstreamError, match="no prjxray database is named: the openXC7"):
        open_database("xc7z020clg400-1")
    with pytest.raises(BitstreamError, match=r"has no xc7z020clg400-1/part\.json"):
        open_database("xc7z020clg400-1", tmp_path)
    database = write_database(tmp_path)
    (database.fabric / "tileconn.json").unlink()
    with pytest.raises(BitstreamError, match=r"neither tileconn.json nor nodes.json"):
        open_nodes(database)


def netlist_of(database: Database, features: Features) -> Netlist:
    return extract(database, Wiring(database, open_nodes(database), features), features)


def evaluate(netlist: Netlist, levels: dict[str, int]) -> dict[str, int]:
    """The processor's inputs by its outputs and the flip-flops' first levels."""
    circuit, values = netlist.circuit, {ZERO: 0, ONE: 1}
    values |= {s: 0 for s in netlist.outputs} | {f.q: f.first for f in circuit.flip_flops}
    for pin, signal in zip(netlist.processor.output_pins, netlist.outputs, strict=True):
        values[signal] = levels.get(pin, 0)
    for signal in circuit.ordered():
        table, inputs = circuit.tables[signal]
        place = sum(values[circuit.find(s)] << k for k, s in enumerate(inputs))
        values[signal] = table >> place & 1
    pins = netlist.processor.input_pins
    return {pin: values[s] for pin, s in zip(pins, netlist.inputs, strict=True)}


def test_the_circuit_is_extracted(database: Database, design: Features) -> None:
    netlist = netlist_of(database, design)
    assert netlist.counts["look-up tables"] == 1 and netlist.counts["flip-flops"] == 1
    for a, b in itertools.product((0, 1), repeat=2):
        pins = evaluate(netlist, {"EMIOGPIOO0": a, "EMIOGPIOO1": b})
        assert pins["EMIOGPIOI0"] == a ^ b
        assert pins["EMIOGPIOI1"] == 0  # initialised: ZINI is set
    (flip_flop,) = netlist.circuit.flip_flops
    assert netlist.circuit.find(flip_flop.data) == netlist.inputs[
        netlist.processor.input_pins.index("EMIOGPIOI0")
    ]  # fmt: skip
    assert (flip_flop.enable, flip_flop.clear, flip_flop.reset) == (ONE, ZERO, 0)
    # Nothing is routed to the third pin, which reads as one.
    assert netlist.constants["EMIOGPIOI2"] == 1 and "EMIOGPIOI2" in netlist.unrouted


@pytest.mark.parametrize(
    ("tile", "removed", "added", "message"),
    [
        (CLB, "SLICEL_X0.AFFMUX.O6", "", rf"{CLB}.SLICEL_X0.AFFMUX is used and not set"),
        (CLB, "", "SLICEL_X0.LATCH", rf"{CLB}.SLICEL_X0.LATCH: a mode that is not supported"),
        (CLB, "", "SLICEL_X0.AFFMUX.AX", "AFFMUX is set to AX and O6"),
        (CLB, "L_CLK.P_CK", "", rf"{CLB}.SLICEL_X0.AFF is not clocked by FCLKCLK0"),
        (CLB, "", "P_OUT0.P_DOWN", "two pips drive one wire"),
        (CLOCK, "BUFHCE.BUFHCE_X0Y0.IN_USE", "", r"BUFHCE_X0Y0.IN_USE is not set"),
        (CLOCK, "BUFHCE.BUFHCE_X0Y0.ZINV_CE", "", "does not let exactly one clock through"),
    ],
)
def test_what_contradicts_itself_is_refused(
    database: Database, design: Features, tile: str, removed: str, added: str, message: str
) -> None:
    design[tile] = [f for f in design[tile] if f != removed] + ([added] if added else [])
    with pytest.raises(BitstreamError, match=message):
        netlist_of(database, design)


def test_a_lost_pip_leaves_a_one(database: Database, design: Features) -> None:
    design[CLB].remove("L_A2.P_IN1")
    wiring = Wiring(database, open_nodes(database), design)
    assert wiring.source(CLB, "L_A2") == Constant(1, floating=True)
    assert wiring.end(CLB, "L_A2") == (CLB, "L_A2")
    assert evaluate(extract(database, wiring, design), {"EMIOGPIOO0": 1})["EMIOGPIOI0"] == 0


@pytest.mark.parametrize("level", [0, 1])
def test_a_look_up_table_without_inputs_is_a_constant(
    database: Database, design: Features, level: int
) -> None:
    """nextpnr-xilinx ties some pins of the processor by an unused table."""
    design[CLB] = [f for f in design[CLB] if not f.startswith("SLICEL_X0.ALUT.INIT")]
    design[CLB] += [f"SLICEL_X0.ALUT.INIT[{k:02}]" for k in range(64) if level]
    netlist = netlist_of(database, design)
    assert netlist.constants["EMIOGPIOI0"] == level
    assert "EMIOGPIOI0" not in netlist.unrouted and "EMIOGPIOI1" not in netlist.constants


def test_a_loop_without_a_clock_is_refused() -> None:
    circuit = Circuit()
    back = circuit.signal("back")
    made = circuit.lookup("T.ALUT", 0b0110, [lambda: back, lambda: circuit.signal("in")])
    circuit.join(back, made)
    with pytest.raises(BitstreamError, match=r"T.ALUT is in a loop"):
        circuit.ordered()


def test_inputs_that_make_no_difference_are_not_asked_for() -> None:
    circuit = Circuit()

    def never() -> int:
        raise AssertionError("asked for")

    a = circuit.signal("a")
    # The last input is one, so that only the upper half counts, which is `a`.
    table = 0b1010_0110
    assert circuit.lookup("T", table, [lambda: a, never, lambda: ONE]) == a


# Block RAM.

HALF = [
    "IN_USE", "READ_WIDTH_A_18", "WRITE_WIDTH_A_18", "READ_WIDTH_B_9", "WRITE_WIDTH_B_9",
    "WRITE_MODE_A_READ_FIRST", "INIT_01[3]", "INITP_00[1]", "ZSRVAL_A[0]",
    "ZINV_CLKARDCLK", "ZINV_CLKBWRCLK", "ZINV_ENARDEN", "ZINV_ENBWREN", "ZINV_RSTRAMARSTRAM",
    "ZINV_RSTRAMB",
    *(f"ZINIT_{p}[{k}]" for p in "AB" for k in range(18)),
]  # fmt: skip


def half(features: list[str], constants: dict[str, int] | None = None):  # type: ignore[no-untyped-def]
    circuit = Circuit()
    names: dict[str, int] = {}

    def pin(name: str) -> int:
        if name not in names:
            names[name] = (constants or {}).get(name) or circuit.signal(name)
        return names[name]

    listed = [f"RAMB18_Y1.{f}" for f in features]
    made = make_half("BRAM_L_X6Y5", True, listed, circuit, pin, lambda user, pin: None)
    return made, circuit


def test_a_half_of_a_memory() -> None:
    memory, circuit = half(HALF)
    a, b = memory.ports
    assert (a.widths, b.widths) == ((18, 18), (9, 9))
    assert (a.mode, b.mode) == (1, 0)
    assert (a.reset, a.first) == (0x3FFFE, 0)
    # Bit 259 is bit 3 of row 16; the first parity bits are row 0's.
    assert memory.rows[16] == 8 and memory.rows[0] == 2 << 16 and sum(map(bool, memory.rows)) == 2
    assert circuit.names[a.enable] == "ENARDEN" and circuit.names[b.address[13]] == "ADDRBWRADDR13"
    assert output_of(memory, "DOADO3") == a.q[3] and output_of(memory, "DOPBDOP1") == b.q[17]


def test_an_unused_port_counts_for_nothing() -> None:
    memory, _ = half(
        [f for f in HALF if "WIDTH_B" not in f and f != "ZINV_ENBWREN"], {"ENBWREN": ONE}
    )
    assert memory.ports[1].enable == ZERO and set(memory.ports[1].address) == {ZERO}


def test_inverted_pins() -> None:
    memory, circuit = half([f for f in HALF if f != "ZINV_ENARDEN"])
    table, (inside,) = circuit.tables[memory.ports[0].enable]
    assert table == 0b01 and circuit.names[inside] == "ENARDEN"


@pytest.mark.parametrize(
    ("removed", "added", "message"),
    [
        ("IN_USE", "", r"BRAM_L_X6Y5.RAMB18_Y1.IN_USE is not set"),
        ("", "DOA_REG", r"RAMB18_Y1.DOA_REG: a mode that is not supported"),
        ("", "SDP_READ_WIDTH_36", "SDP_READ_WIDTH_36: a mode"),
        ("READ_WIDTH_A_18", "READ_WIDTH_A_4", "READ_WIDTH_A is neither 18 nor 9"),
        ("ZINV_CLKBWRCLK", "", "ZINV_CLKBWRCLK is not set: an inverted clock"),
        ("", "WRITE_MODE_A_NO_CHANGE", "WRITE_MODE_A is set to READ_FIRST and NO_CHANGE"),
    ],
)
def test_memory_modes_that_are_not_known_are_refused(
    removed: str, added: str, message: str
) -> None:
    with pytest.raises(BitstreamError, match=message):
        half([f for f in HALF if f != removed] + ([added] if added else []))
