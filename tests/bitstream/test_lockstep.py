"""RTL and netlist in lockstep: equal designs agree, any other is found (long: builds with g++)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from support.tiny_fabric import CLB
from tritstream.bitstream.circuit import ONE, ZERO, Circuit, Memory, MemoryPort
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
        ("SLICEL_X0.ALUT.INIT[1]", "", "EMIOGPIOI0"),
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

MEMORY_RTL = """
module top;
  wire [3:0] fclk; wire clk;
  wire [31:0] a, b, d; wire [63:0] e, f; wire [31:0] qa, qb; wire [3:0] pa, pb;
  BUFG bufg (.I(fclk[0]), .O(clk));
  RAMB36E1 #(.RAM_MODE("TDP"), .READ_WIDTH_A(%(width)d), .WRITE_WIDTH_A(%(width)d),
    .READ_WIDTH_B(%(width)d), .WRITE_WIDTH_B(%(width)d), .WRITE_MODE_A("%(mode)s"),
    .WRITE_MODE_B("READ_FIRST"), .SRVAL_A(0), .INIT_01(256'h8000_1234), .INITP_00(256'h6))
  m (.CLKARDCLK(clk), .CLKBWRCLK(clk), .ENARDEN(e[0]), .ENBWREN(e[1]), .REGCEAREGCE(1'b1),
    .REGCEB(1'b1), .RSTRAMARSTRAM(e[2] & e[3]), .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0),
    .RSTREGB(1'b0), .ADDRARDADDR({1'b1, a[14:0]}), .ADDRBWRADDR({1'b1, b[14:0]}), .DIADI(d),
    .DIBDI(~d), .DIPADIP(e[7:4]), .DIPBDIP(4'd0), .WEA(e[11:8] & {4{e[12]}}), .WEBWE(8'd0),
    .DOADO(qa), .DOBDO(qb), .DOPADOP(pa), .DOPBDOP(pb));
  PS7 ps7 (.FCLKCLK(fclk), .MAXIGP0ARADDR(a), .MAXIGP0AWADDR(b), .MAXIGP0WDATA(d),
    .SAXIHP0RDATA(e), .SAXIHP0WDATA({qb, qa}), .SAXIHP1WDATA({56'd0, pb, pa}));
endmodule
"""
MODES = {"WRITE_FIRST": 0, "READ_FIRST": 1, "NO_CHANGE": 2}


def memory_netlist(database: Database, width: int, mode: str) -> Netlist:
    """Two halves wired as one memory of 36 kbit is: even bits below, odd bits above."""
    processor, circuit = processor_of(database), Circuit()
    outputs = {pin: circuit.signal(pin) for pin in processor.output_pins}
    inputs = dict.fromkeys(processor.input_pins, ONE)

    def port(name: str, k: int) -> int:
        return outputs[f"{name}{k}"]

    def both(x: int, y: int) -> int:
        return circuit.lookup("and", 0b1000, [lambda: x, lambda: y])

    def inverse(x: int) -> int:
        return circuit.lookup("not", 0b01, [lambda: x])

    per_half = width // 2
    count = 4 if width == 36 else 2
    enables = [
        both(port("SAXIHP0RDATA", 8 + k % count), port("SAXIHP0RDATA", 12)) for k in range(4)
    ]
    for upper in (0, 1):
        ports = []
        for side, address in (("A", "MAXIGP0ARADDR"), ("B", "MAXIGP0AWADDR")):
            first, a_side = side == "A", side == "A"
            data = [port("MAXIGP0WDATA", 2 * k + upper) for k in range(16)]
            data = data if a_side else [inverse(s) for s in data]
            parity = [port("SAXIHP0RDATA", 4 + 2 * k + upper) if a_side else ZERO for k in range(2)]
            clear = both(port("SAXIHP0RDATA", 2), port("SAXIHP0RDATA", 3)) if first else ZERO
            q = tuple(circuit.signal(f"q{side}{upper}{k}") for k in range(18))
            ports.append(
                MemoryPort(
                    (18 if per_half == 18 else 9,) * 2,
                    MODES[mode] if a_side else MODES["READ_FIRST"],
                    0,
                    0,
                    port("SAXIHP0RDATA", 0 if a_side else 1),
                    clear,
                    tuple(enables) if a_side else (ZERO,) * 4,
                    tuple(port(address, k + 1) for k in range(14)),
                    tuple(data + parity),
                    q,
                )
            )
            for k in range(16 if width == 36 else 8):
                place = 2 * k + upper + (0 if a_side else 32)
                inputs[f"SAXIHP0WDATA{place}"] = q[k]
            for k in range(2 if width == 36 else 1):
                inputs[f"SAXIHP1WDATA{2 * k + upper + (0 if a_side else 4)}"] = q[16 + k]
        rows = [0] * 1024
        for bit in range(256):
            if 0x8000_1234 >> bit & 1 and bit % 2 == upper:
                rows[(256 + bit) // 2 // 16] |= 1 << (256 + bit) // 2 % 16
            if 6 >> bit & 1 and bit % 2 == upper:
                rows[bit // 2 // 2] |= 1 << 16 + bit // 2 % 2
        circuit.memories.append(
            Memory(f"half {upper}", bool(upper), (ports[0], ports[1]), tuple(rows))
        )
    # What is not wired above reads as zero, as the narrow primitive's upper bits do.
    for pin in inputs:
        if pin.startswith(("SAXIHP0WDATA", "SAXIHP1WDATA")) and inputs[pin] == ONE:
            inputs[pin] = ZERO
    return Netlist(
        circuit,
        processor,
        tuple(inputs[p] for p in processor.input_pins),
        tuple(outputs.values()),
        {p: 0 for p in inputs if "WDATA" in p},  # compared always, not beside a valid
        frozenset(),
        {},
    )


@pytest.mark.parametrize("mode", ["READ_FIRST", "WRITE_FIRST", "NO_CHANGE"])
@pytest.mark.parametrize("width", [36, 18])
def test_block_ram_is_the_primitive(
    database: Database, folder: Path, width: int, mode: str
) -> None:
    netlist = memory_netlist(database, width, mode)
    rtl = MEMORY_RTL % {"width": width, "mode": mode}
    lockstep = Lockstep(rtl, "top", netlist.processor, folder)
    lockstep.load(netlist)
    lockstep.reset(2)
    source = random.Random(width)
    seen = set()
    for n in range(600):
        # Few rows, so that words are read again; the ports' halves apart unless it reads first.
        high = 0 if mode == "READ_FIRST" else 1 << 14
        lockstep.drive(
            {
                "MAXIGP0ARADDR": source.randrange(64) << 4,
                "MAXIGP0AWADDR": source.randrange(64) << 4 | high * (n % 2 == 0),
                "MAXIGP0WDATA": source.getrandbits(32),
                "SAXIHP0RDATA": source.getrandbits(13) | (2 if mode == "READ_FIRST" else 0),
            }
        )
        assert lockstep.difference is None, n
        seen.add(tuple(lockstep.levels()[0]))
    assert len(seen) > 100
