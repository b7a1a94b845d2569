"""`tritstream board report` on the simulated board, in order and with every fault put in."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from support.boards import needs_pynq
from support.images import tiny_image
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.boards import BOARDS
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS
from tritstream.engines.pynq import BoardEngine
from tritstream.errors import FileError
from tritstream.image import Image
from tritstream.kernels.descriptors import DESCRIPTOR_WORDS, GEOMETRY_WORDS
from tritstream.kernels.registers import Counters
from tritstream.report import Report, collect, page, read_report, write_report
from tritstream.report.findings import MemoryRate
from tritstream.report.machine import busy_processes
from tritstream.sim import Faults, simulated_board

needs_pynq()

SCHEMA = json.loads((files("tritstream.report") / "report.schema.json").read_text())
OPTIONS = BoardOptions(self_test=False, time_limit_s=0.2)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return tiny_image(tmp_path_factory.mktemp("report"))


def flip(runtime: BoardRuntime, record: int, place: str) -> None:
    """Change a bit of a record in the board's memory: of its weights or its parameters."""
    row = runtime._table[GEOMETRY_WORDS:].reshape(-1, DESCRIPTOR_WORDS)[record]
    beat = int(row[1] if place == "parameters" else row[2])
    runtime._device.memory.view(int(runtime._base) + 16 * beat + 17, 1)[0] ^= 1


def exchange_ports(runtime: BoardRuntime) -> None:
    rows = runtime._table[GEOMETRY_WORDS:].reshape(-1, DESCRIPTOR_WORDS)
    rows[:, [2, 3]] = rows[:, [3, 2]]
    runtime._descriptors.sync_to_device()


def slow_clock(runtime: BoardRuntime) -> None:
    runtime.clock = replace(runtime.clock, hz=runtime.clock.hz / 2)


def count_cycles(runtime: BoardRuntime) -> None:
    """A word of each port in every other cycle, but port 0 in every third."""
    counters = runtime._driver.counters

    def counted(ports: int) -> Counters | None:
        found = counters(ports)
        assert found is not None
        starved = tuple(n * (2 if port == 0 else 1) for port, n in enumerate(found.words))
        return replace(found, cycles=3 * max(found.words) + 100, starved=starved)

    runtime._driver.counters = counted  # type: ignore[method-assign]


Take = Callable[..., Report]


@pytest.fixture
def take(tiny: Image) -> Iterator[Take]:
    """Take a report of a simulated board with these faults; no buffer may be left behind."""

    def report(
        faults: Faults | None = None, change: Callable[[BoardRuntime], None] | None = None
    ) -> Report:
        devices = []

        def open_engine() -> BoardEngine:
            with ExitStack() as stack:
                device, overlay = stack.enter_context(
                    simulated_board(CONFIGURATIONS["tiny"], faults=faults)
                )
                devices.append(device)
                runtime = stack.enter_context(BoardRuntime(tiny, overlay, device, OPTIONS))
                if change is not None:
                    change(runtime)
                return BoardEngine("pynq-sim", tiny, runtime, stack.pop_all(), check=False)

        made = collect(tiny, open_engine, watch_s=0.01)
        for device in devices:
            assert device.memory.live == {}
        return made

    yield report


def as_json(report: Report, folder: Path) -> Any:
    path = folder / "report.json"
    write_report(report, path)
    value = json.loads(path.read_text())
    jsonschema.validate(value, SCHEMA)
    return value


def test_a_board_in_order(take: Take, tmp_path: Path) -> None:
    report = take()
    assert report.problems == ()
    assert report.verdict.startswith("In order")
    assert "3 records and 8 tokens are right" in report.verdict
    assert [record.right for record in report.records] == [True] * 3
    value = as_json(report, tmp_path)
    assert value["speed"]["tokens"] == 32
    assert value["board"]["simulated"]
    text = page(report)
    assert report.verdict in text and "layer 1" in text and report.model_sha256 in text
    assert report.reads is None  # the specification counts no cycles


SEEN = {
    "never done": (Faults(never_done=True), None, "still not done"),
    "errors without a word": (
        Faults(axi_error=True, no_shell=True),
        None,
        "nothing of its result is in memory",
    ),
    "errors reported": (Faults(axi_error_reported=True), None, "answered with DECERR"),
    "a wrong bit in results": (Faults(wrong_bit=True), None, "logits differ"),
    "no memory": (Faults(allocations_left=2), None, "no contiguous memory"),
    "caches not written back": (Faults(lost_flushes=True), None, "not through cached memory"),
    "caches not read anew": (Faults(lost_invalidates=True), None, "not through cached memory"),
    "a bit of layer 0's weights": (
        None,
        lambda runtime: flip(runtime, 0, "weights"),
        "port 0 delivered other weights of layer 0",
    ),
    "a bit of layer 1's weights": (
        None,
        lambda runtime: flip(runtime, 1, "weights"),
        "port 0 delivered other weights of layer 1",
    ),
    "a bit of the head's weights": (
        None,
        lambda runtime: flip(runtime, 2, "weights"),
        "port 0 delivered other weights of head",
    ),
    "a bit of layer 1's parameters": (
        None,
        lambda runtime: flip(runtime, 1, "parameters"),
        "logits differ",
    ),
    "exchanged ports": (None, exchange_ports, "ports are exchanged"),
}


@pytest.mark.parametrize("name", SEEN)
def test_every_fault_becomes_the_verdict(
    take: Take, tmp_path: Path, name: str, injected: Callable[[str, str], None]
) -> None:
    faults, change, sentence = SEEN[name]
    report = take(faults, change)
    assert report.verdict.startswith("Not in order: ")
    assert sentence in report.verdict
    injected(name, f"board report: {report.problems[0].error}, in {report.seconds:.1f} s")
    assert report.seconds < 60
    assert as_json(report, tmp_path)["problems"]
    assert "problems" in page(report)


def test_rates_of_the_ports(take: Take, tmp_path: Path) -> None:
    report = take(change=count_cycles)
    assert report.problems == () and report.board is not None and report.reads is not None
    configuration = CONFIGURATIONS["tiny"]
    full = configuration.port_bytes * report.board.clock_hz
    assert report.reads.alone == pytest.approx([full / 3] + [full / 2] * (configuration.ports - 1))
    assert report.reads.together == pytest.approx(full / 3 * configuration.ports)
    assert report.reads.bytes_read > 0
    value = as_json(report, tmp_path)
    assert value["reads"]["bytes_read"] == report.reads.bytes_read
    assert "reads alone" in page(report) and "GB/s all at once" in page(report)


def test_doubts_are_in_the_verdict(take: Take) -> None:
    report = take(change=slow_clock)
    assert report.problems == ()
    assert "In order, but" in report.verdict and "its clock is" in report.verdict


def test_an_engine_without_the_shell(take: Take, tmp_path: Path) -> None:
    report = take(Faults(no_shell=True))
    assert "no counters and checksums" in report.verdict
    assert [record.right for record in report.records] == [None] * 3
    as_json(report, tmp_path)


def test_an_estimate_takes_the_measured_memory(
    take: Take, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    report = take()
    assert report.board is not None
    rate = MemoryRate(1.05e9, 0.1, BOARDS["pynq-z2"].ddr_peak_bytes_per_s)
    board = replace(report.board, name="pynq-z2", clock_hz=62.5e6)
    write_report(replace(report, memory=rate, board=board), path)
    measured = read_report(path)
    assert measured.efficiency == 0.5 and measured.clock_hz == 62.5e6
    assert main(["estimate", "370m", "--report", str(path), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["board"] == "pynq-z2" and value["report"]["efficiency"] == 0.5
    assert main(["estimate", "370m", "--report", str(path), "--board", "kv260"]) == 2
    assert "leave --board out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is no report"),
        ("[]", "is no report"),
        ('{"format": "tritstream board report", "version": 1}', "is no report of version 2"),
        ('{"format": "tritstream board report", "version": 2}', "damaged"),
        (
            '{"format": "tritstream board report", "version": 2, "board": null, "memory": null}',
            "no rate of the memory",
        ),
        (
            '{"format": "tritstream board report", "version": 2, "board": {"name": "pynq-z2", '
            '"clock_hz": 1e8, "simulated": false}, "memory": {"bytes_per_s": 1e12, '
            '"peak_bytes_per_s": 1e9}}',
            "which cannot be",
        ),
        (
            '{"format": "tritstream board report", "version": 2, "board": {"name": "pynq-z2", '
            '"clock_hz": NaN, "simulated": false}, "memory": {"bytes_per_s": 1e8, '
            '"peak_bytes_per_s": 1e9}}',
            "a clock of nan Hz",
        ),
        ("[" * 100_000, "is no report"),
    ],
)
def test_what_is_no_report(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(FileError, match=sentence):
        read_report(path)


def test_a_pipe_is_no_report(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="nobody writes to this pipe"):
        read_report(tmp_path / "pipe")


def test_the_command(tmp_path: Path, tiny: Image, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "mine.json"
    words = ["board", "report", "-e", "pynq-sim", "-m", tiny.source, "-o", str(output)]
    assert main(words) == 0
    jsonschema.validate(json.loads(output.read_text()), SCHEMA)
    assert capsys.readouterr().out == output.with_suffix(".txt").read_text()
    assert main([*words[:-1], str(tmp_path / "mine.txt")]) == 2


def test_without_a_board_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["board", "report"]) == 2
    assert "no board that tritstream knows" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_busy_processes_are_named(tmp_path: Path) -> None:
    """Names may have spaces and brackets."""
    stat = tmp_path / "4242" / "stat"
    stat.parent.mkdir()
    stat.write_text("4242 (a) b (c) S 1 " + " ".join("0" * 9) + " 100 0 0 0\n")
    assert busy_processes(0.01, tmp_path) == ()  # it did nothing meanwhile
