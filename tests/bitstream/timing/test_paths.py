"""Paths whose delays are added up by hand, on a device with round numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from support.timing_fabric import BRAM, CLBS, PROCESSOR, clocked, merged, net, table
from support.timing_fabric import FF as FLIP_FLOP
from tritstream.bitstream.database import Database
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.timing.analysis import Timing, shortest_period
from tritstream.bitstream.timing.constants import HOLD_ROW_SKEW, ROW_SKEW
from tritstream.bitstream.timing.data import UNKNOWN, TimingData
from tritstream.bitstream.timing.routes import Routes
from tritstream.bitstream.wiring import Wiring

Features = dict[str, list[str]]
Analysed = Callable[[Features], Timing]
ONE, TWO, THREE = CLBS

# The five tiles of a wire make one node: 5,000 milliohms and a capacitance of 50, of which the
# driver's 2,000 see all with the taken pips' 5, and the wire's own resistance half and those.
LOAD = 50 + 5
NET_RC = (2000 * LOAD + 5000 * (LOAD - 25)) * 1e-6
NET_SLOW, NET_FAST = 0.4 + 0.08 + NET_RC, 0.1 + 0.05 + NET_RC
LUT_PIN, LUT = 0.04, 0.1  # every input pin of a slice has the former
FF = [f"SLICEL_X0.{name}" for name in FLIP_FLOP]
TO_Q = 0.06 + 0.34
SETUP = 0.02 - 0.05  # of the flip-flop's own, less the clock's least way within the slice
XOR = table("A", 0x6666666666666666)
BUFFER = table("A", 0xAAAAAAAAAAAAAAAA)


def toggle(tile: str, wire: str) -> Features:
    """A flip-flop that reads itself through a look-up table, and the processor that reads it."""
    out = net(wire, (tile, "L_AQ"), (tile, "L_A1"), (PROCESSOR, "PS7_MAXIGP0ARREADY"))
    return merged(out, {tile: [*FF, *BUFFER]})


def test_a_loop_of_one_table(analysed: Analysed) -> None:
    timing = analysed(merged(clocked(PROCESSOR, ONE), toggle(ONE, "W0")))
    rc = (2000 * 60 + 5000 * 35) * 1e-6  # two pips are taken from the wire
    net_slow = 0.4 + 0.08 + rc
    (other, path) = timing.worst(2)
    assert (path.end, path.pin) == (f"{ONE}/SLICEL_X0Y0/AFF", "D")
    multiplexer = 0.07
    expected = TO_Q + net_slow + LUT_PIN + LUT + multiplexer + SETUP + ROW_SKEW.value
    # The clock's pip into the slice and out of it has the same least and most, but for 0.02.
    assert path.ns == pytest.approx(expected + 0.02)
    assert (other.end, other.pin) == ("PS7", "MAXIGP0ARREADY")
    assert other.ns == pytest.approx(TO_Q + net_slow + 0.6 + ROW_SKEW.value + 0.02)
    assert timing.need == other.ns
    assert timing.period == pytest.approx(shortest_period(other.ns))


def test_hold_of_the_same_loop(analysed: Analysed) -> None:
    timing = analysed(merged(clocked(PROCESSOR, ONE), toggle(ONE, "W0")))
    rc = (2000 * 60 + 5000 * 35) * 1e-6
    (path,) = [p for p in timing.worst(2, hold=True) if p.pin == "D"]
    arrival = 0.02 + 0.1 + 0.1 + 0.05 + rc + 0.01 + 0.03 + 0.02
    latest_clock = 0.01 + 0.03  # the pip's spread, and the most within the slice
    assert path.ns == pytest.approx(arrival - latest_clock - 0.125 - HOLD_ROW_SKEW.value)
    assert timing.hold == min(p.ns for p in timing.worst(9, hold=True))


def chain(length: int) -> Features:
    """Flip-flop A of the first CLB through tables of the second, and back to a flip-flop."""
    parts = [net("W0", (ONE, "L_AQ"), (TWO, "L_A1"))]
    for n in range(1, length):
        letter, last = "ABCD"[n], "ABCD"[n - 1]
        parts.append(net(f"W{n}", (TWO, f"L_{last}"), (TWO, f"L_{letter}1")))
    end = net(f"W{length}", (TWO, f"L_{'ABCD'[length - 1]}"), (THREE, "L_A1"))
    tables = [t for n in range(length) for t in table("ABCD"[n], 0xAAAAAAAAAAAAAAAA)]
    out = net("W8", (THREE, "L_AQ"), (PROCESSOR, "PS7_MAXIGP0ARREADY"))
    return merged(
        *parts, end, out, {TWO: tables, THREE: [*FF, *BUFFER], ONE: [*FF, *BUFFER]},
        clocked(ONE, THREE, PROCESSOR),
        net("W9", (PROCESSOR, "PS7_MAXIGP0ARVALID"), (ONE, "L_A1")),
    )  # fmt: skip


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_a_chain_of_tables(analysed: Analysed, length: int) -> None:
    timing = analysed(chain(length))
    path = next(p for p in timing.worst(9) if p.end.startswith(THREE))
    stages = (length + 1) * (NET_SLOW + LUT_PIN + LUT)
    assert path.ns == pytest.approx(TO_Q + stages + 0.07 + SETUP + ROW_SKEW.value + 0.02)
    assert path.start == f"{ONE}/SLICEL_X0Y0/AFF"
    assert sum(step.pips for step in path.steps) == 2 * (length + 1)


def test_from_the_processor_to_a_flip_flop(analysed: Analysed) -> None:
    path = next(p for p in analysed(chain(1)).worst(9) if p.end.startswith(ONE))
    assert path.start == "PS7/MAXIGP0ARVALID"
    data = 1.4 + NET_SLOW + LUT_PIN + LUT + 0.07
    assert path.ns == pytest.approx(data + SETUP + ROW_SKEW.value + 0.02)


def carry(slices: int) -> Features:
    """A carry from bit 0 of the first slice on; its last sum goes into a flip-flop there."""
    tiles = CLBS[:slices]
    parts: list[Features] = [
        net("W0", (ONE, "L_DQ"), (ONE, "L_A1")),
        net("W7", (tiles[-1], "L_DQ"), (PROCESSOR, "PS7_MAXIGP0ARREADY")),
        {ONE: [*table("A", 0xAAAAAAAAAAAAAAAA), "SLICEL_X0.CARRY4.ACY0"]},
    ]
    parts[0] = net(
        "W0", (ONE, "L_DQ"), (ONE, "L_A1"),
        *([(PROCESSOR, "PS7_MAXIGP0ARREADY")] if slices == 1 else []),
    )  # fmt: skip
    if slices == 1:
        del parts[1]
    for n, tile in enumerate(tiles):
        own = ["SLICEL_X0.PRECYINIT.CIN"] if n else ["SLICEL_X0.PRECYINIT.C0"]
        # The other bits let the carry through: their tables are one whatever comes.
        for letter in "ABCD"[0 if n else 1 :]:
            own += table(letter, (1 << 64) - 1)
        parts.append({tile: own})
    last = tiles[-1]
    ff = ["FFSYNC", "DFF.ZINI", "DFF.ZRST", "DFFMUX.XOR"]
    parts.append({last: [f"SLICEL_X0.{f}" for f in ff], ONE: [f"SLICEL_X0.{f}" for f in ff]})
    return merged(*parts, clocked(*tiles, PROCESSOR))


def test_a_carry_through_slices(analysed: Analysed) -> None:
    one, three = (analysed(carry(n)) for n in (1, 3))
    into = TO_Q + 0.4 + 0.08 + LUT_PIN + LUT + 0.02 + 0.5  # as far as the table's carry, but RC
    out = 0.06 + SETUP + ROW_SKEW.value + 0.02  # the sum's multiplexer
    both = NET_RC + 5 * (2000 + 5000) * 1e-6
    path = next(p for p in one.worst(9) if p.pin == "D")
    assert path.ns == pytest.approx(into + both + out)
    path = next(p for p in three.worst(9) if p.pin == "D" and p.end.startswith(THREE))
    # Out of the first at CO3, through the second, and out of the third as a sum.
    assert path.ns == pytest.approx(into + NET_RC + 2 * LUT_PIN + 0.11 + 0.3 + out)


def memory(mode: str, register: bool) -> Features:
    """A flip-flop that addresses and writes a block RAM, whose output goes into another."""
    own = ["IN_USE", f"WRITE_MODE_A_{mode}", "ZINV_ENARDEN", "ZINV_CLKARDCLK", "ZINV_CLKBWRCLK"]
    own += ["DOA_REG"] if register else []
    drive = net(
        "W0", (ONE, "L_AQ"),
        *((BRAM, f"BRAM_FIFO18_{pin}") for pin in ("ADDRARDADDR3", "DIADI5", "WEA0", "ENARDEN")),
    )  # fmt: skip
    return merged(
        drive,
        net("W1", (BRAM, "BRAM_FIFO18_DOADO2"), (TWO, "L_A1")),
        net("W2", (TWO, "L_AQ"), (PROCESSOR, "PS7_MAXIGP0ARREADY")),
        net("W3", (PROCESSOR, "PS7_MAXIGP0ARVALID"), (ONE, "L_A1")),
        {BRAM: [f"RAMB18_Y0.{f}" for f in own], ONE: [*FF, *BUFFER], TWO: [*FF, *BUFFER]},
        clocked(ONE, TWO, BRAM, PROCESSOR),
    )


@pytest.mark.parametrize(("mode", "data"), [("READ_FIRST", 0.2), ("WRITE_FIRST", 0.7)])
def test_into_a_block_ram(analysed: Analysed, mode: str, data: float) -> None:
    timing = analysed(memory(mode, False))
    rc = (2000 * 70 + 5000 * 45) * 1e-6  # four pips are taken
    arrival = TO_Q + 0.48 + rc
    found = {p.pin: p.ns for p in timing.worst(9) if p.end == f"{BRAM}/RAMB18_Y0"}
    for pin, setup in (("ADDRARDADDR3", 0.5), ("WEA0", 0.5), ("DIADI5", data), ("ENARDEN", 0.4)):
        assert found[pin] == pytest.approx(arrival + setup + ROW_SKEW.value + 0.02), pin


@pytest.mark.parametrize(("register", "out"), [(False, 2.5), (True, 0.9)])
def test_out_of_a_block_ram(analysed: Analysed, register: bool, out: float) -> None:
    path = next(p for p in analysed(memory("READ_FIRST", register)).worst(9) if p.end[:12] == TWO)
    data = out + NET_SLOW + LUT_PIN + LUT + 0.07
    assert path.ns == pytest.approx(data + SETUP + ROW_SKEW.value + 0.02)
    assert path.start == f"{BRAM}/RAMB18_Y0/DOADO2"


def test_inputs_that_make_no_difference_carry_no_path(analysed: Analysed) -> None:
    """A2 is routed, and the table does not depend on it."""
    slow = net("W5", (TWO, "L_A"), (ONE, "L_A2"))
    features = merged(toggle(ONE, "W0"), slow, clocked(ONE, PROCESSOR))
    assert all(TWO not in s.point for p in analysed(features).worst(9) for s in p.steps)
    features[ONE] = [f for f in features[ONE] if "INIT" not in f] + XOR
    features = merged(features, {TWO: BUFFER}, net("W6", (ONE, "L_AQ"), (TWO, "L_A1")))
    features[ONE].remove("W6.L_AQ")  # W0 has it already, and two names for one wire are two nets
    features[TWO].remove("L_A1.W6")
    features[TWO].append("L_A1.W0")
    assert any(TWO in s.point for p in analysed(features).worst(9) for s in p.steps)


def test_a_loop_without_a_clock_is_refused(analysed: Analysed) -> None:
    features = merged(
        toggle(ONE, "W0"),
        clocked(ONE, PROCESSOR),
        net("W1", (TWO, "L_A"), (THREE, "L_A1")),
        net("W2", (THREE, "L_A"), (TWO, "L_A1"), (ONE, "L_A2")),
        {TWO: BUFFER, THREE: BUFFER},
    )
    features[ONE] = [f for f in features[ONE] if "INIT" not in f] + XOR
    with pytest.raises(BitstreamError, match=rf"({TWO}|{THREE}).* is in a loop without a clock"):
        analysed(features)


def test_what_has_no_clock_is_listed(analysed: Analysed) -> None:
    features = merged(
        toggle(ONE, "W0"),
        clocked(ONE, PROCESSOR),
        net("W1", (TWO, "L_A"), (PROCESSOR, "PS7_EMIOGPIOI0"), (PROCESSOR, "PS7_STRANGE")),
        net("W2", (PROCESSOR, "PS7_EMIOGPIOO0"), (TWO, "L_A1")),
        {TWO: BUFFER},
    )
    design = analysed(features).design
    assert design.asynchronous == {"EMIOGPIOI": 1}
    assert list(design.gaps) == ["no relation to a clock of the processor's pin STRANGE"]


def test_a_pip_without_a_delay_is_a_gap(timed_database: Database) -> None:
    features = merged(toggle(ONE, "W0"), clocked(ONE, PROCESSOR))
    data = TimingData(timed_database)
    tile = data.tile("CLBLL_L")
    data._types["CLBLL_L"] = replace(tile, pips={**tile.pips, ("L_A1", "W0"): UNKNOWN})
    routes = Routes(Wiring(timed_database, open_nodes(timed_database), features), data)
    routes.sink(ONE, "L_A1")
    assert routes.unknown == {"CLBLL_L.L_A1.W0": 1}
