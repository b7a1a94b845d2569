"""`tritstream build` from end to end, with fakes of the vendor's tools on PATH."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from support.fake_tools import install
from support.stub_tcl import interpreter
from tritstream.board.hwh import hardware_handoff
from tritstream.board.overlays import decode_manifest
from tritstream.build.errors import BuildError
from tritstream.build.handoff import check_handoff, expected_registers
from tritstream.build.project import VENDOR, write_project
from tritstream.build.tools import last_line
from tritstream.cli import main
from tritstream.configurations import configuration_named
from tritstream.errors import OptionError
from tritstream.kernels.arguments import argument_table, bundles

REPORTS = Path(__file__).parent / "reports"
CONFIGURATION = "tiny"
ALL = "csim,csynth,cosim,ip,bitstream"

Build = Callable[..., subprocess.CompletedProcess[str]]


def handoff() -> bytes:
    """A .hwh as Vivado would write it: the generated one, and memory behind every master."""
    configuration = configuration_named(CONFIGURATION)
    root = ElementTree.fromstring(hardware_handoff(configuration))
    engine = root.find("MODULES/MODULE[@INSTANCE='engine_0']")
    assert engine is not None
    memory = engine.find("MEMORYMAP")
    assert memory is not None
    for number, bundle in enumerate(bundles(argument_table(configuration))):
        ElementTree.SubElement(
            memory,
            "MEMRANGE",
            ADDRESSBLOCK=f"HP{number}_DDR_LOWOCM",
            BASEVALUE="0x00000000",
            HIGHVALUE="0x1FFFFFFF",
            INSTANCE="processing_system7_0",
            MASTERBUSINTERFACE=f"m_axi_{bundle}",
            MEMTYPE="MEMORY",
            SLAVEBUSINTERFACE=f"S_AXI_HP{number}",
        )
    parameters = root.find("MODULES/MODULE[@MODTYPE='processing_system7']/PARAMETERS")
    assert parameters is not None
    ElementTree.SubElement(
        parameters, "PARAMETER", NAME="PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ", VALUE="100.000000"
    )
    return ElementTree.tostring(root)


@pytest.fixture
def canned(tmp_path: Path) -> Path:
    """What the fakes leave behind."""
    folder = tmp_path / "canned"
    folder.mkdir()
    for name in ("csynth.xml", "cosim.rpt", "utilization.rpt", "timing.rpt"):
        shutil.copy(REPORTS / name, folder)
    (folder / "bit").write_bytes(b"a bitstream")
    (folder / "hwh").write_bytes(handoff())
    return folder


@pytest.fixture
def environment(tmp_path: Path, canned: Path) -> dict[str, str]:
    interpreter()  # skips where no Tcl is
    tools = install(tmp_path / "tools", CONFIGURATION, ("vitis_hls", "vivado"))
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    return os.environ | {"PATH": path, "STUB_REPORTS": str(canned)}


def command(project: Path, *arguments: str) -> list[str]:
    words = ["-m", "tritstream", "build", "-c", CONFIGURATION, "-o", str(project), *arguments]
    return [sys.executable, *words]


@pytest.fixture
def build(tmp_path: Path, environment: dict[str, str]) -> Build:
    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(tmp_path / "project", *arguments),
            env=environment | changes,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
        )

    return run


def sentence(result: subprocess.CompletedProcess[str]) -> str:
    """The error of a build that must fail."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1].removeprefix("tritstream: error: ")


def report(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def test_a_whole_build(build: Build, tmp_path: Path) -> None:
    result = build("--steps", ALL)
    assert result.returncode == 0, result.stderr
    for step in ALL.split(","):
        assert f"{step}: done in 0:" in result.stderr
        assert (tmp_path / "project" / "logs" / f"{step}.log").stat().st_size
    told = " ".join(result.stdout.split())
    assert "initiation interval 2 instead of 1: loop l_bits of core_0" in told
    assert "20,111 38%" in told
    assert "Timing met" in told
    assert "1804 to 2616 cycles a start (simulated)" in told
    assert "tritstream overlay install tiny --from output" in told

    output = tmp_path / "project" / "output"
    manifest = decode_manifest((output / "manifest.json").read_bytes(), "manifest.json")
    assert (manifest.board, manifest.name, manifest.clock_hz) == ("pynq-z2", "tiny", 100e6)
    assert manifest.bit is not None
    assert manifest.bit.sha256 == hashlib.sha256(b"a bitstream").hexdigest()
    assert manifest.hwh.sha256 == hashlib.sha256(handoff()).hexdigest()
    assert manifest.build["tool"] == "Vivado v.2022.2"
    assert manifest.build["estimated"]["used"]["dsp"] == 58
    assert manifest.build["estimated"]["clock_met_mhz"] == pytest.approx(104.297, abs=0.001)


def test_what_a_build_makes_can_be_installed(build: Build, tmp_path: Path) -> None:
    assert build().returncode == 0
    output = str(tmp_path / "project" / "output")
    result = subprocess.run(
        [sys.executable, "-m", "tritstream", "overlay", "install", "tiny", "--from", output],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    installed = tmp_path / "cache" / "tritstream" / "overlays" / "pynq-z2" / "tiny"
    assert (installed / "tritstream.bit").read_bytes() == b"a bitstream"


def test_the_report_is_one_object(build: Build) -> None:
    got = report(build("--steps", "csim,csynth,cosim", "--json"))
    assert set(got["steps"]) == {"csim", "csynth", "cosim"}
    assert got["simulated"]["cosim"]["maximum"] == 2616
    assert [x["name"] for x in got["estimated"]["csynth"]["interval_violations"]] == ["l_bits"]
    assert [p["name"] for p in got["derived"]["phases"]] == [
        *("i", "f", "g", "o", "gate", "down", "head")
    ]
    assert got["estimated"]["implementation"] is None
    again = report(build("--report", "--json"))
    assert again == got


def test_steps_that_are_done_are_not_repeated(build: Build, tmp_path: Path) -> None:
    assert build("--steps", "csim,csynth").returncode == 0
    log = tmp_path / "project" / "logs" / "csynth.log"
    log.unlink()
    result = build("--steps", "csynth,ip")
    assert "csynth: done before" in result.stderr
    assert "ip: done in" in result.stderr
    assert not log.exists()
    assert "csynth: done in" in build("--steps", "csynth", "--again").stderr
    assert log.exists()


def test_a_repeated_synthesis_undoes_what_was_built_on_it(build: Build) -> None:
    assert build().returncode == 0
    assert build("--steps", "csynth", "--again").returncode == 0
    assert set(report(build("--report", "--json"))["steps"]) == {"csim", "csynth"}


def test_changed_sources_are_built_from_the_start(build: Build, tmp_path: Path) -> None:
    assert build().returncode == 0
    state = tmp_path / "project" / "state.json"
    body = json.loads(state.read_text())
    for record in body.values():
        record["inputs"] = "0" * 64
    state.write_text(json.dumps(body))
    assert "csim: done in" in build("--steps", "csim").stderr
    assert not (tmp_path / "project" / "output").exists()


@pytest.mark.parametrize("step", ["csim", "csynth", "cosim", "ip"])
def test_a_failing_step_names_its_log(step: str, build: Build, tmp_path: Path) -> None:
    got = sentence(build("--steps", ALL, FAKE_FAIL=step))
    line = "TRITSTREAM ternary_matvec: 3 of 192 values differ" if step == "csim" else "ERROR: "
    assert got.startswith(f"step {step}: vitis_hls ended with status 1: {line}")
    assert f"Log: {tmp_path / 'project' / 'logs' / (step + '.log')}" in got
    assert "run the same command again" in got
    result = build("--steps", ALL)
    assert result.returncode == 0, result.stderr
    assert f"{step}: done in" in result.stderr
    before = ALL.split(",")[: ALL.split(",").index(step)]
    assert all(f"{s}: done before" in result.stderr for s in before)


def test_a_run_that_stops_in_vivado(build: Build) -> None:
    got = sentence(build(STUB_FAILED_RUN="impl_1"))
    assert "run impl_1 stopped: place_design ERROR" in got


def test_timing_that_is_not_met(build: Build, canned: Path, tmp_path: Path) -> None:
    shutil.copy(REPORTS / "timing-failed.rpt", canned / "timing.rpt")
    got = sentence(build(STUB_WNS="-0.731"))
    assert "timing is not met: slack -0.731 ns" in got
    assert "allows 93 MHz where 100 MHz are asked for" in got
    assert f"Report: {tmp_path / 'project' / 'output' / 'timing.rpt'}" in got
    assert "Try a lower clock_hz" in got
    assert not (tmp_path / "project" / "output" / "manifest.json").exists()
    assert "bitstream" not in report(build("--report", "--json"))["steps"]


def test_slack_and_report_that_disagree(build: Build, canned: Path, tmp_path: Path) -> None:
    shutil.copy(REPORTS / "timing-failed.rpt", canned / "timing.rpt")
    assert "timing is not met" in sentence(build())
    assert not (tmp_path / "project" / "output" / "manifest.json").exists()


def test_a_test_bench_that_says_nothing_has_not_passed(
    build: Build, environment: dict[str, str], tmp_path: Path
) -> None:
    silent = tmp_path / "tools" / "vitis_hls"
    silent.write_text("#!/bin/sh\necho CSim done with 0 errors.\n", encoding="utf-8")
    got = sentence(build("--steps", "csim"))
    assert "the test bench of ternary_matvec did not say that every value is right" in got


def test_a_failed_cosimulation(build: Build, canned: Path) -> None:
    text = (canned / "cosim.rpt").read_text().replace("      Pass", "      Fail")
    (canned / "cosim.rpt").write_text(text)
    got = sentence(build("--steps", "csim,csynth,cosim"))
    assert "does not give the golden vectors" in got


def test_an_empty_bitstream(build: Build, canned: Path) -> None:
    (canned / "bit").write_bytes(b"")
    assert "tritstream.bit is missing or empty" in sentence(build())


def test_a_register_map_of_other_kernels(build: Build, canned: Path, tmp_path: Path) -> None:
    (canned / "hwh").write_bytes(handoff().replace(b'VALUE="0x20"', b'VALUE="0x24"'))
    got = sentence(build())
    assert "register descriptors_1 is at 0x24, not 0x20" in got
    assert not (tmp_path / "project" / "output" / "manifest.json").exists()


def test_a_missing_licence(build: Build) -> None:
    got = sentence(build(FAKE_LICENCE="1"))
    assert "vivado found no licence" in got
    assert "XILINXD_LICENSE_FILE" in got


@pytest.mark.parametrize(
    ("steps", "name"), [("csim", "Vitis HLS is not on"), ("bitstream", "Vivado is not on")]
)
def test_a_missing_tool(steps: str, name: str, build: Build, tmp_path: Path) -> None:
    if steps == "bitstream":
        assert build("--steps", "csynth,ip").returncode == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    got = sentence(build("--steps", steps, PATH=str(empty)))
    assert name in got
    assert "settings64.sh" in got


def test_the_newer_command_style(environment: dict[str, str], build: Build, tmp_path: Path) -> None:
    (tmp_path / "tools" / "vitis_hls").unlink()
    if shutil.which("vitis_hls"):
        pytest.skip("a real vitis_hls is on PATH and would be taken first")
    install(tmp_path / "tools", CONFIGURATION, ("vitis-run",))
    result = build("--steps", "csim,csynth")
    assert result.returncode == 0, result.stderr
    assert report(build("--report", "--json"))["steps"]["csynth"]["tool"] == "vitis-run"


@pytest.fixture
def hanging(
    environment: dict[str, str], tmp_path: Path
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A build that waits inside csynth, and the process id of its tool."""
    note = tmp_path / "pid"
    process = subprocess.Popen(
        command(tmp_path / "project"),
        env=environment | {"FAKE_HANG": "csynth", "FAKE_PID": str(note)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        # A run in the background hands on that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 60
    while not (note.exists() and note.read_text().strip()):
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.05)
    yield process, int(note.read_text())
    process.kill()
    process.wait()


def gone(pid: int) -> bool:
    """Whether a process ends, soon: the one who started it may not have waited for it yet."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_ends_the_tool_and_the_next_build_goes_on(
    hanging: tuple[subprocess.Popen[str], int], build: Build
) -> None:
    process, tool = hanging
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "tritstream: interrupted" in errors
    assert gone(tool)
    result = build()
    assert result.returncode == 0, result.stderr
    assert "csim: done before" in result.stderr
    assert "csynth: done in" in result.stderr


def test_a_build_killed_half_way_goes_on(
    hanging: tuple[subprocess.Popen[str], int], build: Build, tmp_path: Path
) -> None:
    process, tool = hanging
    process.kill()
    process.wait()
    os.kill(tool, signal.SIGKILL)
    assert "half way through csynth" in last_line(tmp_path / "project" / "logs" / "csynth.log")
    result = build()
    assert result.returncode == 0, result.stderr
    assert "csim: done before" in result.stderr
    assert "csynth: done in" in result.stderr


def test_a_step_without_its_predecessors(build: Build) -> None:
    assert sentence(build("--steps", "bitstream")) == (
        "step bitstream needs csynth and ip first: name them in --steps too"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--steps", "csynth,place"], "unknown place"),
        (["--steps", ","], "no step"),
        (["--board", "kv261"], "unknown board"),
        (["--jobs", "0"], "--jobs must be"),
        (["-c", "generic"], "unknown build configuration 'generic'"),
        (["-o", "a b"], "has a space in its path"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], expected: str, build: Build) -> None:
    assert expected in sentence(build(*arguments))


def test_a_damaged_state_is_told(build: Build, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "state.json").write_text("{", encoding="utf-8")
    assert "remove it to build from the start" in sentence(build())


def test_steps_run_in_their_order() -> None:
    assert VENDOR.chosen("ip, csynth") == ("csynth", "ip")
    with pytest.raises(OptionError):
        VENDOR.chosen("all")


def test_a_project_alone_needs_no_tools(build: Build, tmp_path: Path) -> None:
    result = build("--project-only", PATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "vitis_hls -f csim.tcl" in result.stdout
    files = {path.name for path in (tmp_path / "project").iterdir()}
    assert {"engine.cpp", "engine_test.cpp", "engine.vectors", "golden.hpp", "ps.tcl"} <= files


def test_a_project_is_the_same_every_time(tmp_path: Path) -> None:
    first = write_project(tmp_path / "a", CONFIGURATION)
    second = write_project(tmp_path / "b", CONFIGURATION)
    other = write_project(tmp_path / "c", CONFIGURATION, "zcu104")
    assert first.inputs == second.inputs != other.inputs


# The hand-off


def handoff_without(element: str) -> bytes:
    root = ElementTree.fromstring(handoff())
    parent = root.find(element.rsplit("/", 1)[0])
    child = root.find(element)
    assert parent is not None and child is not None
    parent.remove(child)
    return ElementTree.tostring(root)


ENGINE = "MODULES/MODULE[@INSTANCE='engine_0']"


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        (ENGINE, "0 modules tritstream:hls:engine:1.0"),
        (
            f"{ENGINE}/ADDRESSBLOCKS/ADDRESSBLOCK/REGISTERS/REGISTER[@NAME='last']",
            "register last is missing",
        ),
        (f"{ENGINE}/MEMORYMAP/MEMRANGE", "m_axi_gmem_v does not reach memory"),
        (f"{ENGINE}/PORTS/PORT[@NAME='interrupt']", "the interrupt is not connected"),
        (
            "MODULES/MODULE[@MODTYPE='processing_system7']/MEMORYMAP"
            "/MEMRANGE[@INSTANCE='engine_0']",
            "the processor has no address for s_axi_control",
        ),
    ],
)
def test_a_handoff_that_lacks_something(element: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "x.hwh"
    path.write_bytes(handoff_without(element))
    with pytest.raises(BuildError, match=expected):
        check_handoff(path, configuration_named(CONFIGURATION))


def test_a_right_handoff_tells_its_clock(tmp_path: Path) -> None:
    path = tmp_path / "x.hwh"
    path.write_bytes(handoff())
    assert check_handoff(path, configuration_named(CONFIGURATION)) == 100e6
    path.write_bytes(b"<EDKSYSTEM>")
    with pytest.raises(BuildError, match="cannot be read"):
        check_handoff(path, configuration_named(CONFIGURATION))


def test_expected_registers_are_the_argument_table() -> None:
    registers = expected_registers(configuration_named(CONFIGURATION))
    assert registers["CTRL"] == 0
    assert registers["first"] == 0x10
    assert registers["descriptors_2"] == registers["descriptors_1"] + 4
    assert len(set(registers.values())) == len(registers)


def test_a_folder_of_somebodys_own_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A project removes results of other sources: `output`, `hls` and `vivado`."""
    for flow in ("vendor", "open"):
        mine = tmp_path / flow
        (mine / "output").mkdir(parents=True)
        (mine / "output" / "thesis.txt").write_text("years of work")
        words = ["build", "-c", "tiny", "--flow", flow, "--project-only", "-o", str(mine)]
        assert main(words) == 2
        assert "holds other files and is no project" in capsys.readouterr().err
        assert (mine / "output" / "thesis.txt").read_text() == "years of work"


def test_a_report_makes_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flow in ("vendor", "open"):
        words = ["build", "-c", "tiny", "--flow", flow, "--report", "-o", str(tmp_path / "none")]
        assert main(words) == 2
        assert "there is no project in" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_without_tools_no_project_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["build", "-c", "tiny", "-o", str(tmp_path / "project")]) == 2
    assert "Vitis HLS is not on the PATH" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_is_next_names_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "mine"
    assert main(["build", "-c", "tiny", "--project-only", "-o", str(folder)]) == 0
    capsys.readouterr()
    assert main(["build", "-c", "tiny", "--report", "-o", str(folder)]) == 0
    assert f"--output {folder}" in capsys.readouterr().out
