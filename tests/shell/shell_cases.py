"""cocotb tests of the shell: run by test_shell.py inside of the simulator."""

from __future__ import annotations

import itertools
import logging
import os
import random
from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiBurstType,
    AxiBus,
    AxiLiteBus,
    AxiLiteMaster,
    AxiMaster,
    AxiRamRead,
    AxiRamWrite,
    AxiReadBus,
)
from cocotbext.axi.sparse_memory import SparseMemory

from support.copy_core import BASES, WORDS, Memories, expected, memories, table
from tritstream.kernels.arguments import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT_ENABLE,
    IDLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    READY,
    START,
)
from tritstream.kernels.registers import (
    FIRST_PAGE,
    IDENTITY,
    IDENTITY_VALUE,
    LAST_PAGE,
    NOT_ARMED,
    OUTSIDE,
    STOP,
    STOPPED,
    WHOLE_WINDOW,
    counter_offsets,
    counters_of,
    weights_checksum,
)

WEIGHT_BITS = int(os.environ["WEIGHT_BITS"])
OFFSETS = {a.name: a.offset for a in table()}
SLVERR, DECERR = 2, 3


class Bench:
    """The IP with a processor and memories; every address handshake is looked at."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.memory = SparseMemory(1 << 40)
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        # Behind GP0 of a Zynq-7000 there is an AXI3 port; its window begins at 1 GiB.
        self.gp0 = hasattr(dut, "s_axi_control_AWID")
        self.window = 0x4000_0000 if self.gp0 else 0
        self.pages = WHOLE_WINDOW
        self.bursts = 0
        kind, ports = (AxiMaster, AxiBus) if self.gp0 else (AxiLiteMaster, AxiLiteBus)
        self.host = kind(ports.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
        bus = AxiBus.from_prefix(dut, "m_axi_gmem_v")
        self.writer = AxiRamWrite(bus.write, dut.ap_clk, mem=self.memory, **reset)
        buses = [AxiReadBus.from_prefix(dut, f"m_axi_gmem_w{k}") for k in (0, 1)]
        self.readers = [
            AxiRamRead(b, dut.ap_clk, mem=self.memory, **reset) for b in (bus.read, *buses)
        ]
        for part in (self.host.write_if, self.host.read_if, self.writer, *self.readers):
            part.log.setLevel(logging.ERROR)
        cocotb.start_soon(Clock(dut.ap_clk, 10, "ns").start())
        for name, letter in (
            ("gmem_v", "AR"),
            ("gmem_v", "AW"),
            ("gmem_w0", "AR"),
            ("gmem_w1", "AR"),
        ):
            cocotb.start_soon(self.look(name, letter))

    async def look(self, name: str, letter: str) -> None:
        """No burst is too long or crosses 4 KiB; what is announced stays until it is taken."""
        dut = self.dut

        def get(signal: str) -> int:
            return int(getattr(dut, f"m_axi_{name}_{letter}{signal}").value)

        waiting = None
        size = len(getattr(dut, f"m_axi_{name}_{'R' if letter == 'AR' else 'W'}DATA")) // 8
        while True:
            await RisingEdge(dut.ap_clk)
            if not int(dut.ap_rst_n.value):
                waiting = None
                continue
            valid = get("VALID")
            now = (get("ADDR"), get("LEN")) if valid else None
            assert waiting is None or now == waiting, f"{name} {letter} changes while it waits"
            waiting = None
            if now is not None:
                address, beats = now[0], now[1] + 1
                assert beats <= (64 if size == 16 else 16)
                assert address >> 12 == (address + beats * size - 1) >> 12
                assert self.pages[0] <= address >> 12 <= self.pages[1]
                self.bursts += 1
                if not get("READY"):
                    waiting = now

    async def reset(self, cycles: int = 4) -> None:
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, cycles)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)

    async def write(self, offset: int, value: int) -> None:
        await with_timeout(self.host.write_dword(self.window + offset, value), 20, "us")

    async def read(self, offset: int) -> int:
        return await with_timeout(self.host.read_dword(self.window + offset), 20, "us")

    async def arguments(self, count: int, offset: int) -> None:
        await self.write(OFFSETS["first"], count)
        await self.write(OFFSETS["last"], offset)
        await self.write(FIRST_PAGE, self.pages[0])
        await self.write(LAST_PAGE, self.pages[1])
        for name, base in BASES.items():
            await self.write(OFFSETS[name], base & 0xFFFF_FFFF)
            await self.write(OFFSETS[name] + 4, base >> 32)

    async def start(self) -> None:
        await self.write(GLOBAL_INTERRUPT_ENABLE, 1)
        await self.write(INTERRUPT_ENABLE, 1)
        await self.write(CONTROL, START)

    async def finish(self) -> int:
        """Wait for the interrupt; the control register, with the line low again."""
        if not int(self.dut.interrupt.value):
            await with_timeout(RisingEdge(self.dut.interrupt), 1, "ms")
        control = await self.read(CONTROL)
        await self.write(INTERRUPT_STATUS, 1)
        await RisingEdge(self.dut.ap_clk)
        assert not int(self.dut.interrupt.value)
        return control

    def fill(self, words: Memories) -> None:
        for name, values in words.items():
            raw = b"".join(v.to_bytes(16, "little") for v in values)
            self.memory.write(BASES[name], raw)

    def words(self) -> Memories:
        found = {}
        for name, base in BASES.items():
            raw = bytes(self.memory.read(base, 16 * WORDS))
            found[name] = [
                int.from_bytes(raw[k : k + 16], "little") for k in range(0, len(raw), 16)
            ]
        return found

    async def check(self, source: random.Random, count: int, offset: int) -> None:
        before = memories(source)
        self.fill(before)
        await self.arguments(count, offset)
        await self.start()
        assert await self.finish() & 0xFFFF == 0x200 | DONE | READY | IDLE
        assert self.words() == expected(before, count, offset, WEIGHT_BITS)

    def pause(self, source: random.Random | None) -> None:
        """Every channel waits at random, or none."""

        def pauses(chance: float) -> Iterator[bool]:
            assert source is not None
            while True:
                yield source.random() < chance

        channels = [self.writer.aw_channel, self.writer.w_channel, self.writer.b_channel]
        for reader in self.readers:
            channels += [reader.ar_channel, reader.r_channel]
        for channel in channels:
            if source is None:
                channel.clear_pause_generator()
                channel.pause = False
            else:
                channel.set_pause_generator(pauses(source.choice([0.1, 0.5, 0.9])))


async def bench_of(dut: Any) -> Bench:
    bench = Bench(dut)
    await bench.reset()
    return bench


@cocotb.test()
async def registers(dut: Any) -> None:
    bench = await bench_of(dut)
    assert await bench.read(CONTROL) == IDLE
    values = {o: random.Random(o).getrandbits(32) for a in table() for o in words_of(a)}
    for offset, value in values.items():
        await bench.write(offset, value)
    for offset, value in values.items():
        assert await bench.read(offset) == value
    # Single bytes; the reserved word after an argument.
    offset = OFFSETS["first"]
    await bench.host.write(bench.window + offset + 2, b"\xab")
    assert await bench.read(offset) == (values[offset] & 0xFF00_FFFF) | 0x00AB_0000
    await bench.write(offset + 4, 0xFFFF_FFFF)
    assert await bench.read(offset + 4) == 0
    await bench.write(GLOBAL_INTERRUPT_ENABLE, 0xFFFF_FFFF)
    await bench.write(INTERRUPT_ENABLE, 0xFFFF_FFFF)
    assert await bench.read(GLOBAL_INTERRUPT_ENABLE) == 1
    assert await bench.read(INTERRUPT_ENABLE) == 3
    # The status toggles, and drives the line through the global enable.
    for expected_status in (1, 0):
        await bench.write(INTERRUPT_STATUS, 1)
        assert await bench.read(INTERRUPT_STATUS) == expected_status
        assert int(dut.interrupt.value) == expected_status
    await bench.write(INTERRUPT_STATUS, 2)
    await bench.write(GLOBAL_INTERRUPT_ENABLE, 0)
    assert not int(dut.interrupt.value)


def words_of(argument: Any) -> list[int]:
    return [argument.offset + 4 * k for k in range(argument.words)]


@cocotb.test()
async def done_and_ready_are_cleared_by_reading(dut: Any) -> None:
    bench = await bench_of(dut)
    bench.fill(memories(random.Random(1)))
    await bench.arguments(20, 0)
    await bench.write(CONTROL, START)  # no interrupt is enabled
    assert await bench.read(CONTROL) == START
    await ClockCycles(dut.ap_clk, 1000)
    assert await bench.read(INTERRUPT_STATUS) == 0
    assert await bench.read(CONTROL) == DONE | READY | IDLE
    assert await bench.read(CONTROL) == IDLE


@cocotb.test()
async def lengths_around_bursts_and_boundaries(dut: Any) -> None:
    bench = await bench_of(dut)
    for count, offset in itertools.product((0, 1, 15, 16, 17, 65), (0, 1, 255)):
        await bench.check(random.Random(count), count, offset)


@cocotb.test()
async def waits_and_resets_in_mid_burst(dut: Any) -> None:
    bench = await bench_of(dut)
    for seed in range(10):
        source = random.Random(seed)
        bench.pause(source)
        if seed % 2:
            bench.fill(memories(source))
            await bench.arguments(150, source.randrange(100))
            await bench.start()
            await ClockCycles(dut.ap_clk, source.randrange(20, 600))
            await bench.reset(source.choice([1, 2, 10]))
        await bench.check(source, source.randrange(100), source.randrange(300))
    bench.pause(None)


@cocotb.test()
async def errors_end_the_run(dut: Any) -> None:
    bench = await bench_of(dut)
    channels = [(r.r_channel, "rresp", 1 << 16) for r in bench.readers]
    channels.append((bench.writer.b_channel, "bresp", 1 << 17))
    for (channel, field, bit), code in itertools.product(channels, (SLVERR, DECERR)):
        left = 2 if field == "bresp" else 20
        send = channel.send

        async def wrong(
            answer: Any, send: Any = send, field: str = field, code: int = code
        ) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                setattr(answer, field, code)
            await send(answer)

        channel.send = wrong
        bench.fill(memories(random.Random(code)))
        await bench.arguments(150, 7)
        await bench.start()
        control = await bench.finish()
        assert control & (DONE | READY | IDLE) == DONE | READY | IDLE
        assert control >> 16 == bit >> 16 | (4 if code == DECERR else 0)
        channel.send = send
        await bench.check(random.Random(code), 30, 2)


@cocotb.test()
async def starts_back_to_back(dut: Any) -> None:
    bench = await bench_of(dut)
    before = memories(random.Random(5))
    bench.fill(before)
    await bench.arguments(20, 0)
    await bench.start()
    for offset in (40, 80, 120):
        assert await bench.finish() & DONE
        before = expected(before, 20, offset - 40, WEIGHT_BITS)
        await bench.write(OFFSETS["last"], offset)
        await bench.write(CONTROL, START)
        await bench.write(CONTROL, START)  # while busy: nothing
    assert await bench.finish() & DONE
    assert bench.words() == expected(before, 20, 120, WEIGHT_BITS)
    await ClockCycles(dut.ap_clk, 500)
    assert await bench.read(CONTROL) == IDLE


@cocotb.test()
async def bursts_of_the_processor(dut: Any) -> None:
    """Accesses of more than a word, which the AXI-Lite slave behind GP0 gets one by one."""
    bench = await bench_of(dut)
    if not bench.gp0:
        return
    host, at = bench.host, bench.window + OFFSETS["weights_0"]
    data = random.Random(3).randbytes(12)
    await host.write(at, data)  # the third word is reserved
    assert (await host.read(at, 12)).data == data[:8] + bytes(4)
    await host.write(at, data, burst=AxiBurstType.FIXED)
    assert (await host.read(at, 8)).data == data[8:] + data[4:8]
    assert (await host.read(at, 8, burst=AxiBurstType.FIXED)).data == 2 * data[8:]
    # 16 beats are the most that AXI3 has; together, several IDs under way.
    reads = [cocotb.start_soon(host.read(bench.window, 64)) for _ in range(3)]
    for read in reads:
        found = (await with_timeout(read, 50, "us")).data
        assert found[OFFSETS["weights_0"] :][:4] == data[8:]
    # Behind the slave there is nothing, and that is answered.
    for beyond in (0x200, 0x1_0000, 0x3FFF_FFF0):
        await bench.write(beyond + CONTROL, START)
        assert await bench.read(beyond) == 0
    assert await bench.read(CONTROL) == IDLE
    # Narrow accesses: the bytes of a word, one a beat.
    await host.write(at, data[:4], size=0)
    assert (await host.read(at, 4, size=0)).data == data[:4]


@cocotb.test()
async def a_start_needs_every_base_address(dut: Any) -> None:
    bench = await bench_of(dut)
    before = memories(random.Random(6))
    bench.fill(before)
    words = [(o, 0x6000_0000) for a in table() if a.words == 2 for o in words_of(a)]
    words += [(FIRST_PAGE, 0), (LAST_PAGE, WHOLE_WINDOW[1])]
    for missing, _ in words:
        await bench.reset()
        for offset, value in words:
            if offset != missing:
                await bench.write(offset, value)
        await bench.start()
        assert await bench.finish() & ~0xFFFF == NOT_ARMED
    assert bench.bursts == 0
    assert bench.words() == before
    await bench.check(random.Random(6), 20, 3)


@cocotb.test()
async def the_host_stops_a_run(dut: Any) -> None:
    bench = await bench_of(dut)
    source = random.Random(7)
    await bench.write(CONTROL, STOP)  # while idle: nothing
    await bench.check(source, 10, 0)
    for cycles in (0, 1, 3, 10, 40, 100, 200):
        bench.pause(source)
        bench.fill(memories(source))
        await bench.arguments(250, 7)
        await bench.start()
        await ClockCycles(dut.ap_clk, cycles)
        await bench.write(CONTROL, STOP)
        control = await bench.finish()
        assert control & (DONE | READY | IDLE) == DONE | READY | IDLE
        assert control & ~0xFFFF == STOPPED
        begun = bench.bursts
        await ClockCycles(dut.ap_clk, 200)
        assert bench.bursts == begun
        bench.pause(None)
        await bench.check(source, 30, 2)


@cocotb.test()
async def no_burst_leaves_the_window(dut: Any) -> None:
    bench = await bench_of(dut)
    source = random.Random(8)
    pages = [base >> 12 for base in BASES.values()]
    least, most = min(pages), max(pages)
    # The descriptors outside, the logits outside, and nothing.
    for window, fault in (
        ((least + 1, most), OUTSIDE),
        ((least, most - 1), OUTSIDE),
        ((least, most), 0),
    ):
        bench.pages = window
        bench.fill(memories(source))
        await bench.arguments(150, 7)
        await bench.start()
        assert await bench.finish() & ~0xFFFF == fault
    bench.pages = WHOLE_WINDOW
    await bench.check(source, 30, 2)


@cocotb.test()
async def counters_of_a_run(dut: Any) -> None:
    bench = await bench_of(dut)
    assert await bench.read(IDENTITY) == IDENTITY_VALUE
    source = random.Random(9)
    for count, offset in ((0, 0), (1, 3), (150, 7)):
        before = memories(source)
        bench.fill(before)
        await bench.arguments(count, offset)
        await bench.start()
        await bench.finish()
        sums = []
        for name in ("weights_0", "weights_1"):
            raw = b"".join(w.to_bytes(16, "little") for w in before[name])
            words = np.frombuffer(raw, np.uint32).reshape(-1, WEIGHT_BITS // 32)
            sums.append(weights_checksum(words[offset : offset + count]))
        for _ in range(2):  # they stand still until the next start
            found = counters_of([await bench.read(o) for o in counter_offsets(2)])
            assert found.words == (count, count)
            assert found.checksums == tuple(sums)
            assert found.cycles > 2 * count
            assert all(starved < found.cycles - count for starved in found.starved)
