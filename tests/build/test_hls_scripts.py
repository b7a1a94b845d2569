"""The Vitis HLS scripts under stand-in commands: what steps do; what is broken is caught."""

from pathlib import Path

import pytest

from support.stub_tcl import TCL, run_stubbed
from tritstream.boards import BOARDS
from tritstream.build.project import write_project
from tritstream.build.settings import as_tcl
from tritstream.configurations import configuration_named
from tritstream.kernels.arguments import TOP, VLNV

TINY = configuration_named("tiny")
KERNELS = {
    "ternary_matvec": "ternary_matvec",
    "rmsnorm": "rmsnorm",
    "mlgru": "mlgru",
    "swiglu": "swiglu",
    "dequantise": "dequantise_gates",
    "engine": "engine",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("project"), "tiny").folder


def facts_of(folder: Path, script: str) -> list[list[str]]:
    status, facts, output = run_stubbed("vitis_hls", script, folder, TINY)
    assert status == 0, output
    return facts


def test_csim_runs_every_kernel_on_its_own_vectors(folder: Path) -> None:
    runs = [f[1:] for f in facts_of(folder, "csim.tcl") if f[0] == "csim"]
    assert runs == [
        [top, f"{kernel}.cpp", f"{kernel}_test.cpp", str(folder / f"{kernel}.vectors")]
        for kernel, top in KERNELS.items()
    ]
    for _, source, bench, vectors in runs:
        assert all((folder / name).is_file() for name in (source, bench, vectors))


def test_cosim_simulates_the_rtl_of_every_kernel(folder: Path) -> None:
    facts_of(folder, "csynth.tcl")
    facts = facts_of(folder, "cosim.tcl")
    assert [f[1] for f in facts if f[0] == "cosim"] == list(KERNELS.values())
    # The engine was synthesised by its own step: it takes the longest.
    assert [f[1] for f in facts if f[0] == "call"].count("csynth_design") == len(KERNELS) - 1


@pytest.mark.parametrize("board", BOARDS)
def test_the_engine_is_exported_for_its_board(board: str, tmp_path: Path) -> None:
    project = write_project(tmp_path, "tiny", board)
    facts_of(tmp_path, "csynth.tcl")
    facts = {f[0]: f[1:] for f in facts_of(tmp_path, "ip.tcl")}
    period = f"{1e9 / BOARDS[board].clock_hz:g}"
    assert facts["engine"] == [TOP, BOARDS[board].part, period, "engine.cpp"]
    assert facts["exported"] == [VLNV]
    assert (project.reports / "impl" / "ip" / "component.xml").is_file()


# What is broken, in which script, and what must be said of it.
BROKEN = {
    "misspelt command": ("csim", "csim_design", "csim_desing", "unknown command csim_desing"),
    "unknown option": ("csim", "-clean", "-cleanup", "no such option -cleanup"),
    "option of another command": ("csim", "-clean", "-rtl verilog", "no such option -rtl"),
    "no such file": ("project", "${kernel}_test.cpp", "${kernel}_bench.cpp", "no such file"),
    "no solution": ("project", "    open_solution", "    # open_solution", "no solution is open"),
    "no project": ("project", "    open_project", "    # open_project", "no project is open"),
    "no clock": ("project", "    create_clock", "    # create_clock", "no period is set"),
    "no part": ("project", "    set_part", "    # set_part", "no part is set"),
    "no top": ("project", "    set_top", "    # set_top", "no top is set"),
    "no test bench": ("project", "    add_files -tb", "    # add_files -tb", "no test bench"),
    "wrong flow": ("project", "vivado solution", "kernel solution", "-flow_target is vivado"),
    "a period that is no number": ("project", "[setting clock_ns]", "fast", "takes nanoseconds"),
    "a setting that is not there": ("project", "[setting part]", "[setting chip]", "chip"),
    "cosim before csynth": ("cosim", "        csynth_design\n", "", "nothing has been synthesised"),
    "export before csynth": (
        "ip",
        "engine\n",
        "engine\nfile delete -force hls/solution/syn\n",
        "nothing has been synthesised",
    ),
    "a format that is none": ("ip", "-format ip_catalog", "-format zip", "-format is"),
    "an option without its value": ("ip", "-rtl verilog", "-rtl", "-rtl needs a value"),
    "too many arguments": ("csynth", "csynth_design", "csynth_design engine", "1 arguments"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_caught(name: str, tmp_path: Path) -> None:
    script, old, new, expected = BROKEN[name]
    write_project(tmp_path, "tiny")
    path = tmp_path / f"{script}.tcl"
    text = path.read_text(encoding="utf-8")
    assert old in text, "the script has changed: break it in another place"
    path.write_text(text.replace(old, new), encoding="utf-8")
    steps = ["csynth", "csim"] if script == "project" else [script]
    if script in ("ip", "cosim"):
        assert run_stubbed("vitis_hls", "csynth.tcl", tmp_path, TINY)[0] == 0
    results = [run_stubbed("vitis_hls", f"{step}.tcl", tmp_path, TINY) for step in steps]
    refused = [f[1] for _, facts, _ in results for f in facts if f[0] == "error"]
    assert any(status == 1 for status, _, _ in results)
    assert any(expected in message for message in refused), refused


def test_every_script_is_used() -> None:
    """A script that no test runs would be unchecked."""
    assert {p.name for p in (TCL / "hls").iterdir()} == {
        *("project.tcl", "csim.tcl", "csynth.tcl", "cosim.tcl", "ip.tcl")
    }
    assert {p.stem for p in (TCL / "boards").iterdir()} == set(BOARDS)
    assert {p.name for p in (TCL / "vivado").iterdir()} == {
        *("ps_zynq7.tcl", "ps_zynqmp.tcl", "block_design.tcl", "bitstream.tcl")
    }


@pytest.mark.parametrize(
    "text", ["", "a b", "$x", "[exit]", "a;b", "{", "}", 'q"', "a\\", "a#b", "{a"]
)
def test_settings_survive_any_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "settings.tcl").write_text(as_tcl({"k": text, "m": {"a": text, "b": "2"}}))
    (tmp_path / "show.tcl").write_text(
        "source settings.tcl\n"
        "stub::fact got [dict get $settings k]\n"
        "stub::fact got [dict get [dict get $settings m] a]\n"
        "stub::fact got [dict get [dict get $settings m] b]\n"
    )
    assert [f[1] for f in facts_of(tmp_path, "show.tcl")] == [text, text, "2"]
