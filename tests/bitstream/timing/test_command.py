"""`tritstream overlay timing` from the command line, on the device with round delays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.timing_fabric import CLBS, PART, PROCESSOR, clocked, merged, net, table
from tritstream.bitstream.database import Database
from tritstream.bitstream.timing.run import features_of_fasm
from tritstream.cli import main

ONE = CLBS[0]
FF = ["SLICEL_X0.FFSYNC", "SLICEL_X0.AFF.ZINI", "SLICEL_X0.AFF.ZRST", "SLICEL_X0.AFFMUX.O6"]


def fasm(folder: Path, *extra: str) -> Path:
    features = merged(
        clocked(PROCESSOR, ONE),
        net("W0", (ONE, "L_AQ"), (ONE, "L_A1"), (PROCESSOR, "PS7_MAXIGP0ARREADY")),
        {ONE: [*FF, *table("A", 0xAAAAAAAAAAAAAAAA)]},
    )
    lines = [f"{tile}.{name}" for tile, names in features.items() for name in names]
    path = folder / "design.fasm"
    path.write_text("\n".join([*lines, *extra]) + "\n")
    return path


def run(path: Path, database: Database, *options: str) -> int:
    where = ["--database", str(database.folder), "--part", PART]
    return main(["overlay", "timing", "--fasm", str(path), *where, *options])


def test_a_report(
    timed_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(fasm(tmp_path), timed_database, "--clock", "100") == 0
    text = capsys.readouterr().out
    assert "longest path" in text and "at 100 MHz a slack of" in text
    assert f"{ONE}/SLICEL_X0Y0/AFF to PS7.MAXIGP0ARREADY" in text and "inferred" in text


def test_json_and_a_clock_that_is_too_fast(
    timed_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(fasm(tmp_path), timed_database, "--clock", "900", "--json") == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    assert "the slowest path takes" in captured.err and "900 MHz" in captured.err
    assert report["setup"]["slack_ns"] < 0 and not report["passed"] and report["problems"]
    assert report["setup"]["paths"][0]["steps"][0]["point"] == f"{ONE}/SLICEL_X0Y0/AFF"
    assert all(c["source"] and c["name"] for c in report["constants"])


def test_what_lacks_data_fails(
    timed_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = fasm(tmp_path, f"{PROCESSOR}.PS7_STRANGE.W0")
    assert run(path, timed_database, "--json") == 1
    captured = capsys.readouterr()
    assert "no relation to a clock of the processor's pin STRANGE (1 times)" in captured.err
    assert json.loads(captured.out)["without_data"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clock", "0"], "--clock 0: a clock is more than 0 MHz"),
        (["--clock", "nan"], "--clock nan"),
        (["--paths", "0"], "--paths 0: at least one"),
        (["--part", "xc7z999"], "has no xc7z999/part.json"),
    ],
)
def test_options_that_make_no_sense(
    timed_database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    assert run(fasm(tmp_path), timed_database, *options) == 2
    assert message in capsys.readouterr().err


def test_what_a_wire_always_takes_is_no_feature(timed_database: Database, tmp_path: Path) -> None:
    """nextpnr-xilinx writes such pips of block RAM, from wires that no half has."""
    path = tmp_path / "design.fasm"
    path.write_text(f"{ONE}.L_DX.W8\n{ONE}.L_CX.W8\n{ONE}.W1.L_A\n")
    assert features_of_fasm(path, timed_database) == {ONE: ["L_CX.W8", "W1.L_A"]}


def test_files_that_are_none(
    timed_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, data in (("a", b"\xff\xfe"), ("b", b"no FASM"), ("c", b"NO_X9Y9.A.B\n")):
        path = tmp_path / name
        path.write_bytes(data)
        assert run(path, timed_database) == 2
        assert str(path) in capsys.readouterr().err
    assert run(tmp_path / "missing", timed_database) == 2
    assert "cannot be read" in capsys.readouterr().err
