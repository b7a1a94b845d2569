"""RTL and netlist in lockstep: equal designs agree, any other is found (long: builds with g++)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from support.tiny_fabric import CLB
from tritstream.bitstream.circuit import ZERO, Circuit, Memory, MemoryPort
from tritstream.bitstream.database import Database
from tritstream.bitstream.lockstep import Lockstep
from tritstream.bitstream.netlist import Netlist, extract
from tritstream.bitstream.processor import processor_of
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.wiring import Wiring

pytestmark = pytest.mark.long

Features = dict[str, list[str]]

RTL = """
module top;
  wire [3:0] fclk; wire clk; wire [1:0] out;
  BUFG b (.I(fclk[0]), .O(clk));
  reg q = 0;
  always @(posedge clk) q <= out[0] ^ out[1];
  PS7 ps7 (.FCLKCLK(fclk), .EMIOGPIOO(out), .EMIOGPIOI({1'b1, q, out[0] ^ out[1]}));
endmodule
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lockstep")


def netlist_of(database: Database, features: Features) -> Netlist:
    return extract(database, Wiring(database, open_nodes(database), features), features)


def difference(database: Database, folder: Path, features: Features):  # type: ignore[no-untyped-def]
    netlist = netlist_of(database, features)
    lockstep = Lockstep(RTL, "top", netlist.processor, folder)
    lockstep.load(netlist)
    lockstep.reset(2)
    source = random.Random(1)
    for _ in range(50):
        lockstep.drive({"EMIOGPIOO": source.getrandbits(2)})
    return lockstep.difference


def test_equal_designs_agree(database: Database, folder: Path, design: Features) -> None:
    assert difference(database, folder, design) is None


@pytest.mark.parametrize(
    ("removed", "added", "pin"),
    [
        ("SLICEL_X0.ALUT.INIT[61]", "", "EMIOGPIOI0"),  # open inputs read one
        ("L_A2.P_IN1", "L_A2.GND_WIRE", "EMIOGPIOI0"),
        ("P_OUT1.L_AQ", "", "EMIOGPIOI1"),
        ("SLICEL_X0.AFFMUX.O6", "SLICEL_X0.AFFMUX.AX", "EMIOGPIOI1"),
    ],
)
def test_another_design_is_found(
    database: Database, folder: Path, design: Features, removed: str, added: str, pin: str
) -> None:
    if added.endswith("AX"):
        design[CLB].append("L_AX.P_IN1")
    design[CLB] = [f for f in design[CLB] if f != removed] + ([added] if added else [])
    found = difference(database, folder, design)
    assert found is not None and pin in found.pins


# Block RAM against the primitive, which is written from its own side: whole words of 36 kbit.

CASES = ((36, "READ_FIRST"), (18, "READ_FIRST"), (36, "WRITE_FIRST"), (18, "NO_CHANGE"))
MODES = {"WRITE_FIRST": 0, "READ_FIRST": 1, "NO_CHANGE": 2}
CONTENTS, PARITIES = 0x8000_1234, 6
"""INIT_01 and INITP_00."""


def memory_rtl() -> str:
    """A memory of each kind; port A may write, port B only reads."""
    cells = [
        f"""
  wire [31:0] qa{n}, qb{n}; wire [3:0] pa{n}, pb{n};
  RAMB36E1 #(.RAM_MODE("TDP"), .READ_WIDTH_A({w}), .WRITE_WIDTH_A({w}), .READ_WIDTH_B({w}),
    .WRITE_WIDTH_B({w}), .WRITE_MODE_A("{mode}"), .WRITE_MODE_B("READ_FIRST"),
    .INIT_01(256'd{CONTENTS}), .INITP_00(256'd{PARITIES}))
  m{n} (.CLKARDCLK(clk), .CLKBWRCLK(clk), .ENARDEN(e[0]), .ENBWREN(e[1]), .REGCEAREGCE(1'b1),
    .REGCEB(1'b1), .RSTRAMARSTRAM(e[2]), .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0), .RSTREGB(1'b0),
    .ADDRARDADDR({{1'b1, a[14:0]}}), .ADDRBWRADDR({{1'b1, b[14:0]}}), .DIADI(d), .DIBDI(0),
    .DIPADIP(e[7:4]), .DIPBDIP(0), .WEA(e[11:8]), .WEBWE(0), .DOADO(qa{n}), .DOBDO(qb{n}),
    .DOPADOP(pa{n}), .DOPBDOP(pb{n}));"""
        for n, (w, mode) in enumerate(CASES)
    ]
    pins = "".join(f", .SAXIHP{n}WDATA({{qb{n}, qa{n}}})" for n in range(len(CASES)))
    parities = ", ".join(f"pb{n}, pa{n}" for n in reversed(range(len(CASES))))
    return f"""
module top;
  wire [3:0] fclk; wire clk; wire [31:0] a, b, d; wire [63:0] e;
  BUFG bufg (.I(fclk[0]), .O(clk));{"".join(cells)}
  PS7 ps7 (.FCLKCLK(fclk), .MAXIGP0ARADDR(a), .MAXIGP0AWADDR(b), .MAXIGP0WDATA(d),
    .SAXIHP0RDATA(e), .MAXIGP0RDATA({{{parities}}}){pins});
endmodule
"""


def memory_netlist(database: Database) -> Netlist:
    """Two halves each, wired as a memory of 36 kbit is: even bits below, odd bits above."""
    processor, circuit = processor_of(database), Circuit()
    outputs = {pin: circuit.signal(pin) for pin in processor.output_pins}
    inputs = dict.fromkeys(processor.input_pins, ZERO)

    def pins(port: str, places: Iterable[int]) -> tuple[int, ...]:
        return tuple(outputs[f"{port}{k}"] for k in places)

    for n, (width, mode) in enumerate(CASES):
        whole = width == 36
        for upper in (0, 1):
            qs = [tuple(circuit.signal(f"q{k}") for k in range(18)) for _ in "AB"]
            data = pins("MAXIGP0WDATA", range(upper, 32, 2))
            parity = pins("SAXIHP0RDATA", (4 + upper, 6 + upper))
            # Of a narrow memory's two write enables nextpnr-xilinx makes four.
            enables = pins("SAXIHP0RDATA", range(8, 12) if whole else (8, 9, 8, 9))
            widths = (width // 2, width // 2)
            a = MemoryPort(
                widths, MODES[mode], 0, 0, *pins("SAXIHP0RDATA", (0, 2)), enables,
                pins("MAXIGP0ARADDR", range(1, 15)), data + parity, qs[0],
            )  # fmt: skip
            b = MemoryPort(
                widths, MODES["READ_FIRST"], 0, 0, *pins("SAXIHP0RDATA", (1,)), ZERO, (ZERO,) * 4,
                pins("MAXIGP0AWADDR", range(1, 15)), (ZERO,) * 18, qs[1],
            )  # fmt: skip
            for side, q in enumerate(qs):
                for k in range(16 if whole else 8):
                    inputs[f"SAXIHP{n}WDATA{32 * side + 2 * k + upper}"] = q[k]
                for k in range(2 if whole else 1):
                    inputs[f"MAXIGP0RDATA{8 * n + 4 * side + 2 * k + upper}"] = q[16 + k]
            rows = [0] * 1024
            for bit in range(upper, 256, 2):
                rows[(256 + bit) // 32] |= (CONTENTS >> bit & 1) << (256 + bit) // 2 % 16
                rows[bit // 4] |= (PARITIES >> bit & 1) << 16 + bit // 2 % 2
            circuit.memories.append(Memory(f"{n}.{upper}", bool(upper), (a, b), tuple(rows)))
    return Netlist(
        circuit,
        processor,
        tuple(inputs[p] for p in processor.input_pins),
        tuple(outputs.values()),
        {p: 0 for p in inputs if "DATA" in p},  # so that they are compared without a valid
        frozenset(),
        {},
    )


def test_block_ram_is_the_primitive(database: Database, folder: Path) -> None:
    netlist = memory_netlist(database)
    lockstep = Lockstep(memory_rtl(), "top", netlist.processor, folder)
    lockstep.load(netlist)
    lockstep.reset(2)
    source = random.Random(1)
    seen = set()
    for n in range(2000):
        apart = source.getrandbits(1)  # else the ports may meet, which only some modes define
        control = source.getrandbits(12)
        lockstep.drive(
            {
                "MAXIGP0ARADDR": source.randrange(64) << 4,  # few rows, to be read again
                "MAXIGP0AWADDR": source.randrange(64) << 4 | apart << 14,
                "MAXIGP0WDATA": source.getrandbits(32),
                "SAXIHP0RDATA": control if apart else control & 0xFF,
            }
        )
        assert lockstep.difference is None, n
        seen.add(tuple(lockstep.levels()[0]))
    assert len(seen) > 500 and not lockstep.clash


def test_ports_that_meet_are_reported(database: Database, folder: Path) -> None:
    netlist = memory_netlist(database)
    lockstep = Lockstep(memory_rtl(), "top", netlist.processor, folder)
    lockstep.load(netlist)
    lockstep.reset(2)
    lockstep.drive({"MAXIGP0ARADDR": 32, "MAXIGP0AWADDR": 32, "SAXIHP0RDATA": 0xF03})
    lockstep.drive({})
    assert lockstep.clash
