"""The command `tritstream cosim engine`, and the accounts that its figures are taken from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tritstream.boards import BOARDS
from tritstream.cli import main
from tritstream.configurations import Configuration, configuration_named
from tritstream.cosim.phases import ACTIVITIES
from tritstream.cosim.resources import EngineResources, Progress
from tritstream.cosim.trial import Trial
from tritstream.toolchain.cells import Resources

pytestmark = pytest.mark.usefixtures("tiny_simulator")

LAYER = ["i", "f", "g", "o", "gate", "down"]


def command(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["cosim", "engine", "-c", "tiny", "--json", *options]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(configuration_named("tiny"))


def test_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no picture to look at")
    picture = tmp_path / "layer.svg"
    report = command(capsys, "--latency", "20", "--wait", "0.1", "--plot", str(picture))
    assert report["bit_exact"]
    assert report["memory_model"]["latency_cycles"] == 20
    alone = report["one_layer_alone_simulated"]
    assert [p["name"] for p in alone["phases"]] == LAYER
    in_phases = sum(p["cycles"] for p in alone["phases"])
    assert alone["load"] + in_phases + alone["store"] == alone["cycles"]
    for phase in alone["phases"]:
        assert sum(phase[name] for name in ACTIVITIES) == phase["cycles"]
    assert report["further_layer_simulated"]["cycles"] < alone["cycles"]
    assert [p["name"] for p in report["head_simulated"]["phases"]] == ["head"]
    boards = report["projected"]["boards"]
    assert {b["board"] for b in boards} == {b.name for b in BOARDS.values() if b.ps_type == "zynq7"}
    cycles = report["projected"]["cycles_per_token"]
    assert all(
        b["tokens_per_s_with_ddr"] <= b["tokens_per_s_as_simulated"] < 100e6 / cycles
        for b in boards
    )
    assert "Vitis HLS may schedule" in report["note"]
    assert "gmem_w1 read" in picture.read_text() and "quantise" in picture.read_text()


def test_a_layer_alone(capsys: pytest.CaptureFixture[str]) -> None:
    report = command(capsys, "--layers", "1", "--no-head")
    assert report["bit_exact"]
    assert "start_simulated" not in report and "projected" not in report


def test_the_table_says_what_is_simulated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosim", "engine", "-c", "tiny"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Bit-exact with the specification: yes" in out
    assert "One layer alone in a start: cycles (simulated)" in out
    assert "Tokens/s (projected)" in out and "Assumed: the fabric reaches" in out


def test_resources_stand_against_the_board(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Yosys finds is shown; that it finds it, tests/rtl holds it to."""
    total = Resources(26_600, 0, 21_280, 14.0, 0, 22, {})

    def estimated(configuration: Configuration, progress: Progress) -> EngineResources:
        progress("Yosys, step 1.1")
        return EngineResources(total, {}, {"measure": 22}, "xc7")

    monkeypatch.setattr("tritstream.cosim.resources.estimate_engine", estimated)
    options = ["--layers", "1", "--no-head", "--resources"]
    found = command(capsys, *options)["resources_estimated"]
    assert found["board"] == "pynq-z2"
    assert found["share"] == {"LUT": 0.5, "FF": 0.2, "BRAM36": 0.1, "DSP": 0.1}
    assert main(["cosim", "engine", "-c", "tiny", *options]) == 0
    out = capsys.readouterr()
    shown = " ".join(out.out.split())
    assert "26,600 LUT (50.0%)" in shown and "measure 22" in shown and "(estimated)" in shown
    assert "step 1.1" in out.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-c", "generic"], "unknown build configuration"),
        (["--layers", "0"], "--layers must be 1 or more"),
        (["--trace-cycles", "0"], "--trace-cycles must be 1 or more"),
        (["--plot", "layer.pdf"], ".png or .svg"),
        (["--wait", "1"], "probability below 1"),
        (["--image", "/nowhere.trit"], "/nowhere.trit"),
    ],
)
def test_errors(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cosim", "engine", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_words_and_beats_agree_with_the_layout(trial: Trial) -> None:
    """Three accounts of the same run: phases, AXI beats, and the timeline's columns."""
    run = trial.run(0, trial.layers)
    layouts = [*[trial.image.layer_layout] * trial.layers, trial.image.head_layout]
    expected = [p.words for layout in layouts for p in layout.phases]
    assert [p.words for p in run.course.phases] == expected
    columns = dict(zip([*run.masters, *run.streams], run.timeline.sum(axis=0), strict=True))
    assert columns["trits_0"] == sum(expected)
    assert columns["gmem_w0"] == run.result.read["gmem_w0"] == 2 * sum(expected)  # of 64 bits
    assert columns["gmem_v write"] == run.result.written["gmem_v"]


def test_phases_follow_each_other(trial: Trial) -> None:
    run = trial.run(0, 1)
    ends = [p.end for p in run.course.phases]
    assert [p.begin for p in run.course.phases[1:]] == ends[:-1]
    assert run.course.begin < run.course.phases[0].begin and ends[-1] < run.course.end
    for phase in run.course.phases:
        at = phase.begin
        for _, begin, end in phase.spans:
            assert begin == at
            at = end
        assert at == phase.end
