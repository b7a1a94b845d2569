"""Runs the cocotb tests of shell_cases.py on the shell around the core that moves words.

The buses are AXI4 of 128 bits, and of 64 bits with bursts of 16 beats, which but for the width of a
few signals is AXI3.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.copy_core import parts
from tritstream.rtl.simulate import verilator_root
from tritstream.shell import AXI4, Bus

MAKE_VARIABLES = (
    "CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_STD=-std=gnu++20 "
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines CXX=g++ LINK=g++ AR=ar PYTHON3=python3 PERL=perl "
    "CFG_LDLIBS_THREADS=-pthread OPT_FAST=-O1"
)
"""What the wheel's makefile leaves blank."""
BUSES = [AXI4, Bus("narrow", 64, 16, 4)]


@pytest.mark.parametrize("bus", BUSES, ids=lambda bus: bus.name)
def test_the_shell(bus: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cocotb_tools.runner import get_results, get_runner

    root = verilator_root()
    monkeypatch.setenv("VERILATOR_ROOT", str(root))
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    here = Path(__file__).parent
    monkeypatch.syspath_prepend(here)  # the simulator's Python gets the path of this one
    source = tmp_path / "ip.sv"
    source.write_text(parts(bus).text)
    runner = get_runner("verilator")
    runner.build(
        sources=[source],
        hdl_toplevel="engine",
        build_dir=tmp_path,
        build_args=["-Wno-DECLFILENAME", "-Wno-UNUSEDSIGNAL", "-MAKEFLAGS", MAKE_VARIABLES],
        timescale=("1ns", "1ps"),
        log_file=tmp_path / "build.log",
    )
    results = runner.test(
        hdl_toplevel="engine",
        test_module="shell_cases",
        build_dir=tmp_path,
        test_dir=tmp_path,
        log_file=tmp_path / "test.log",
        results_xml=str(tmp_path / "results.xml"),
    )
    count, failed = get_results(results)
    tail = "\n".join((tmp_path / "test.log").read_text().splitlines()[-60:])
    assert count >= 6, tail
    assert not failed, tail
