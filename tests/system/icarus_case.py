"""A start of the whole IP in Icarus Verilog, run inside of the simulator by test_icarus.py.

Icarus knows four states: from power-up on everything is unknown until it is reset or written.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiRamRead,
    AxiRamWrite,
    AxiReadBus,
    AxiWriteBus,
)
from cocotbext.axi.sparse_memory import SparseMemory

from tritstream.kernels.arguments import (
    CONTROL,
    DONE,
    GLOBAL_INTERRUPT_ENABLE,
    INTERRUPT_ENABLE,
    START,
    VECTOR_BUNDLE,
)


@cocotb.test()
async def one_start(dut: Any) -> None:
    folder = Path(os.environ["ICARUS_FOLDER"])
    work = json.loads((folder / "start.json").read_text())
    memory = SparseMemory(1 << 40)
    for number, (base, _) in enumerate(work["regions"]):
        memory.write(base, (folder / f"region{number}").read_bytes())
    reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
    dut.ap_rst_n.value = 0
    host = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
    parts = [
        AxiRamRead(AxiReadBus.from_prefix(dut, f"m_axi_{bundle}"), dut.ap_clk, mem=memory, **reset)
        for bundle in work["bundles"]
    ]
    write = AxiWriteBus.from_prefix(dut, f"m_axi_{VECTOR_BUNDLE}")
    parts.append(AxiRamWrite(write, dut.ap_clk, mem=memory, **reset))
    for part in (host.write_if, host.read_if, *parts):
        part.log.setLevel(logging.ERROR)
    cocotb.start_soon(Clock(dut.ap_clk, 10, "ns").start())
    await ClockCycles(dut.ap_clk, 8)
    dut.ap_rst_n.value = 1
    await ClockCycles(dut.ap_clk, 4)
    for offset, word in work["writes"]:
        await host.write_dword(offset, word)
    await host.write_dword(GLOBAL_INTERRUPT_ENABLE, 1)
    await host.write_dword(INTERRUPT_ENABLE, 1)
    await host.write_dword(CONTROL, START)
    await with_timeout(RisingEdge(dut.interrupt), 1, "ms")
    control = await host.read_dword(CONTROL)
    assert control & DONE and control >> 16 == 0, hex(control)
    assert int(dut.unknown.value) == 0, "an output was unknown: see the log"
    for number, (base, size) in enumerate(work["regions"]):
        (folder / f"region{number}").write_bytes(bytes(memory.read(base, size)))
