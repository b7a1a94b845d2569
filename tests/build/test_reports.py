"""Reading small reports written in the tools' formats."""

from pathlib import Path

import pytest

from tritstream.build.errors import ReportError
from tritstream.build.reports import (
    read_cosimulation,
    read_synthesis,
    read_timing,
    read_utilisation,
)
from tritstream.build.summary import _core_loops, core_intervals
from tritstream.kernels.manifest import GENERATED, generated_configurations

CONFIGURATIONS = list(generated_configurations())
REPORTS = Path(__file__).parent / "reports"


def test_synthesis() -> None:
    got = read_synthesis(REPORTS / "csynth.xml")
    assert got.used == {"lut": 18877, "ff": 21034, "dsp": 61, "uram": 0, "bram36": 41}
    assert got.available["bram36"] == 140
    assert (got.clock_ns, got.estimated_ns) == (10.0, 7.3)
    assert got.estimated_mhz == pytest.approx(136.986, abs=0.001)
    assert got.part == "xc7z020-clg400-1"


def test_loops_that_miss_their_interval_are_named() -> None:
    loops = {(x.module, x.name): x for x in read_synthesis(REPORTS / "csynth.xml").loops}
    assert [key for key, x in loops.items() if x.violated] == [("core_0", "l_bits")]
    bits = loops["core_0", "l_bits"]
    assert (bits.interval, bits.depth, bits.trips) == (2, 2, 31)
    matvec = loops["core_0_Pipeline_l_S_i_2_i2", "l_S_i_2_i2"]
    assert (matvec.interval, matvec.depth, matvec.trips) == (1, 31, None)
    assert loops["core_0", "l_records"].interval is None


def test_cosimulation() -> None:
    got = read_cosimulation(REPORTS / "cosim.rpt")
    assert (got.passed, got.minimum, got.average, got.maximum) == (True, 1804, 2210, 2616)


def test_a_failed_cosimulation_has_no_cycles(tmp_path: Path) -> None:
    text = (REPORTS / "cosim.rpt").read_text().replace("      Pass", "      Fail")
    text = text.replace("1804", "  NA").replace("2210", "  NA").replace("2616", "  NA")
    (tmp_path / "c.rpt").write_text(text)
    got = read_cosimulation(tmp_path / "c.rpt")
    assert (got.passed, got.minimum, got.maximum) == (False, None, None)


def test_utilisation_of_both_families() -> None:
    got = read_utilisation(REPORTS / "utilization.rpt")
    assert got.used == {"lut": 20111, "ff": 24680, "bram36": 44.5, "dsp": 58}
    assert got.available == {"lut": 53200, "ff": 106400, "bram36": 140, "dsp": 220}
    got = read_utilisation(REPORTS / "utilization-ultrascale.rpt")
    assert got.used == {"lut": 45678, "ff": 52345, "bram36": 91, "uram": 4, "dsp": 170}
    assert got.available["uram"] == 64


def test_timing() -> None:
    got = read_timing(REPORTS / "timing.rpt")
    assert (got.setup_slack_ns, got.hold_slack_ns, got.failing) == (0.412, 0.021, 0)
    assert got.met
    assert got.reached_mhz == pytest.approx(1000 / 9.588)
    failed = read_timing(REPORTS / "timing-failed.rpt")
    assert not failed.met
    assert failed.failing == 902
    assert failed.reached_mhz == pytest.approx(1000 / 10.731)


SOURCE = """\
void load_0(
) {
  for (int v1 = 0; v1 < v2; v1 += 1) {
  #pragma HLS pipeline II=1
  }
}

void core_0(
) {
  l_fill: for (int n = 0; n < 96; n++) {
  #pragma HLS pipeline II=1
  }
  for (int v3 = 0; v3 < v4; v3 += 1) {
        for (int v5 = 0; v5 < v6; v5 += 1) {
    #pragma HLS pipeline II=1
    }
        for (int v7 = 0; v7 < v8; v7 += 1) {
    #pragma HLS pipeline II=1
    }
      for (int v9 = 0; v9 < v10; v9 += 1) {
    #pragma HLS pipeline II=1
    }
  }
}
"""


def test_intervals_of_the_core_are_found_by_line(tmp_path: Path) -> None:
    source = tmp_path / "engine.cpp"
    source.write_text(SOURCE)
    text = (REPORTS / "csynth.xml").read_text()
    for line, interval in ((14, 1), (17, 2), (20, 3)):
        module = (
            f"<Module><Name>core_0_Pipeline_VITIS_LOOP_{line}_1</Name><PerformanceEstimates>"
            f"<SummaryOfLoopLatency><VITIS_LOOP_{line}_1><Name>VITIS_LOOP_{line}_1</Name>"
            f"<PipelineII>{interval}</PipelineII></VITIS_LOOP_{line}_1></SummaryOfLoopLatency>"
            f"</PerformanceEstimates></Module>"
        )
        text = text.replace("</ModuleInformation>", f"{module}</ModuleInformation>")
        (tmp_path / "csynth.xml").write_text(text)
        got = core_intervals(source, read_synthesis(tmp_path / "csynth.xml"))
        assert got == ((1, 2, 3) if line == 20 else None)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_generated_core_has_the_three_loops(name: str) -> None:
    source = GENERATED / name / "engine.cpp"
    text = source.read_text(encoding="utf-8").splitlines()
    lines = _core_loops("\n".join(text))
    assert len(lines) == 3
    assert all(text[line - 1].strip().startswith("for (") for line in lines)


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_synthesis, "<profile>", "not whole XML"),
        (read_synthesis, "<profile/>", "no element"),
        (read_cosimulation, "nothing\n", "no line for Verilog"),
        (read_utilisation, "| Slice LUTs | 1 |\n", "no line for bram36, dsp, ff, lut"),
        (read_timing, "All user specified timing constraints are met.\n", "no line WNS"),
    ],
)
def test_what_is_no_report_is_refused(read, text: str, sentence: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "report"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match=sentence):
        read(path)
    with pytest.raises(ReportError, match="cannot read the report"):
        read(tmp_path / "none")
