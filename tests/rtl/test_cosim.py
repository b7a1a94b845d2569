"""The command `tritstream cosim`, and resource estimates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tritstream.cli import main
from tritstream.configurations import configuration_named
from tritstream.cosim import run_kernel
from tritstream.cosim.cases import KERNELS, cases_of
from tritstream.cosim.resources import estimate
from tritstream.rtl import MemRefType, compile_kernel, module_of
from tritstream.rtl._interpret import Array, run
from tritstream.toolchain.cells import count

pytestmark = pytest.mark.usefixtures("what_rtl_needs")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace, text = tmp_path / "swiglu.vcd", tmp_path / "swiglu.sv"
    options = ["--runs", "2", "--json", "--trace", str(trace), "--verilog", str(text)]
    assert main(["cosim", "swiglu", *options]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bit_exact"] and report["runs"] == 8
    assert report["cycles_ideal_derived"] == 256
    assert 0.9 < report["efficiency_simulated"] < 1
    assert "Vitis HLS may schedule" in report["note"]
    phases = report["phases_simulated"]
    assert sum(p["cycles"] for p in phases) == pytest.approx(report["cycles_simulated"])
    assert max(phases, key=lambda p: p["cycles"])["source"].startswith("kernels/swiglu.py:")
    assert trace.read_text().startswith("$version")
    assert "module swiglu" in text.read_text()


def test_a_kernel_can_be_run_from_python() -> None:
    report = run_kernel(configuration_named("tiny"), "swiglu", runs=1)
    assert report["bit_exact"] and report["wrong"] == []
    assert report["cycles_simulated"] > report["cycles_ideal_derived"]


def test_json_of_a_region(capsys: pytest.CaptureFixture[str]) -> None:
    """The mat-vec has loaders beside the process that computes, whose loops are what is told."""
    assert main(["cosim", "ternary_matvec", "-c", "tiny", "--runs", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["bit_exact"]
    phases = report["phases_simulated"]
    assert sum(p["cycles"] for p in phases) == pytest.approx(report["cycles_simulated"])
    longest = max(phases, key=lambda p: p["cycles"])
    assert longest["function"] == "multiply_0"
    assert longest["source"].startswith("kernels/ternary_matvec.py:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "there is no kernel 'nonsense'"),
        (["swiglu", "-c", "nonsense"], "unknown build configuration"),
        (["swiglu", "-c", "generic"], "unknown build configuration"),
        (["swiglu", "--stall", "1"], "--stall"),
        (["swiglu", "--runs", "0"], "--runs"),
        (["swiglu", "--runs", "99999999999999999999"], "--runs must be 1 to 100,000"),
        (["swiglu", "--plot", "x.png"], "--plot is an option for the engine"),
        (["swiglu", "--image", "x.trit"], "--image is an option for the engine"),
        (["swiglu", "--geometry", "370m"], "--geometry is an option for the engine"),
        (["swiglu", "--layers", "2"], "--layers is an option for the engine"),
        (["swiglu", "--no-head"], "--no-head is an option for the engine"),
        (["engine", "--runs", "3"], "--runs is an option for a kernel"),
        (["swiglu", "--stall", "0.5"], "swiglu has no port that can wait"),
        (["rmsnorm", "--latency", "30"], "rmsnorm has no port that can wait"),
        (["mlgru", "--latency", "30"], "mlgru has no port that can wait"),
        (["engine", "--latency", "99999999"], "--latency must be 1 to 10000 cycles"),
        (["engine", "--verilog", "/nowhere/x.sv"], "cannot write /nowhere/x.sv"),
        (["engine", "--trace", "/nowhere/x.vcd"], "cannot write /nowhere/x.vcd"),
        (["engine", "--latency", "1,many"], "--latency takes numbers, with commas"),
        (["engine", "--latency", "1,0"], "--latency must be 1 to"),
        (["engine", "-c", "tiny,nonsense"], "unknown build configuration"),
        (["engine", "-c", "tiny,z7020", "--plot", "x.png"], "--plot is of one simulation"),
        (["engine", "--geometry", "370m,nonsense"], "unknown geometry 'nonsense'"),
    ],
)
def test_errors(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosim", *arguments]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("kernel", [k for k in KERNELS if k != "ternary_matvec"])
def test_the_interpreter_is_the_specification(kernel: str) -> None:
    """The oracle of the fuzzer, on a kernel whose meaning is known from elsewhere."""
    module = module_of("tiny", kernel)
    function = module.function(kernel)
    for case in list(cases_of(configuration_named("tiny"), kernel, 1, 3))[:3]:
        arrays = []
        for value, argument in zip(case.arguments, function.arguments, strict=True):
            t = argument.type
            assert isinstance(t, MemRefType)
            each = value.nbytes // t.size
            raw = np.ascontiguousarray(value).tobytes()
            words = [
                int.from_bytes(raw[k : k + each], "little", signed=True)
                for k in range(0, len(raw), each)
            ]
            arrays.append(Array(t.shape, t.width, words))
        run(module, function, arrays)
        for position, expected in case.expected.items():
            assert arrays[position].data[: expected.size] == expected.reshape(-1).tolist()


def test_counting_cells() -> None:
    cells = {"LUT6": 10, "LUT2": 5, "FDRE": 7, "RAMB18E1": 3, "RAMB36E1": 1, "DSP48E1": 2}
    found = count(cells | {"RAM32M": 2, "CARRY4": 9})
    assert (found.luts, found.flip_flops, found.bram36, found.dsps) == (23, 7, 2.5, 2)


@pytest.mark.long
def test_resources_of_the_matvec() -> None:
    """Yosys finds no multiplier in it, and it fits a PYNQ-Z2 many times."""
    c = configuration_named("tiny")
    found = estimate(compile_kernel(c, "ternary_matvec"))
    assert found.dsps == 0 and found.luts > 1000
    assert c.board is not None
    assert max(found.share(c.board).values()) < 0.25


SWEEP = [
    "cosim",
    "ternary_matvec",
    "--runs",
    "1",
    "--latency",
    "1,20",
    "--stall",
    "0,0.25",
    "--json",
]


def test_a_sweep_simulates_each_condition(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SWEEP) == 0
    found = json.loads(capsys.readouterr().out)["runs"]
    conditions = [(one["case"]["latency"], one["case"]["stall"]) for one in found]
    assert conditions == [(1, 0.0), (1, 0.25), (20, 0.0), (20, 0.25)]
    for one, (latency, stall) in zip(found, conditions, strict=True):
        alone = run_kernel(
            configuration_named("tiny"), "ternary_matvec", runs=1, stall=stall, latency=latency
        )
        assert {**one, "case": None} == {**alone, "case": None}
    assert found[0]["cycles_simulated"] < found[3]["cycles_simulated"]
    assert main(SWEEP[:-1]) == 0
    assert "latency 20, stalls 0.25" in capsys.readouterr().out


def test_a_cluster_sweeps_as_one_process_does(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    assert main(SWEEP) == 0
    here = capsys.readouterr().out
    assert main([*SWEEP, "--dask", "local:2"]) == 0
    assert capsys.readouterr().out == here
