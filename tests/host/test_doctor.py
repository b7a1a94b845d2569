import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.fake_open_tools import data, install
from tritstream import doctor


def machine(root: Path, model: str | None = None, meminfo: str = "", xocl: str = "") -> Path:
    for name, text in (
        ("proc/device-tree/model", model),
        ("proc/meminfo", meminfo),
        ("etc/xocl.txt", xocl),
    ):
        if text:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    return root


def finding(root: Path, name: str) -> doctor.Finding:
    return {f.name: f for f in doctor.examine(root)}[name]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("TUL PYNQ-Z2\0", "PYNQ-Z2 (pynq-z2)"),
        ("ZynqMP SMK-K26 Rev1/B/A\0", "Kria KV260 (kv260)"),
        ("ZynqMP ZCU104 RevC\0", "ZCU104 (zcu104)"),
        ("Digilent Zybo Z7 board\0", "Zybo Z7-20 (zybo-z7-20)"),
        ("Avnet ZedBoard board\0", "ZedBoard (zedboard)"),
        ("Arty Z7-20\0", "Arty Z7-20 (arty-z7-20)"),
        ("Zynq Something Else\0", "Zynq Something Else (not in the board table)"),
        ("Raspberry Pi 4 Model B\0", None),
        (None, None),
    ],
)
def test_boards_are_known_by_their_device_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str | None, expected: str | None
) -> None:
    monkeypatch.delenv("BOARD", raising=False)
    assert doctor.find_board(machine(tmp_path, model)) == expected


def test_pynq_images_name_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOARD", raising=False)
    assert doctor.find_board(machine(tmp_path, xocl="KV260\n")) == "Kria KV260 (kv260)"
    monkeypatch.setenv("BOARD", "ZCU104")
    assert doctor.find_board(tmp_path) == "ZCU104 (zcu104)"


def test_the_width_of_the_hp_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the four left at 32 bits, one of them for writing alone."""
    monkeypatch.delenv("BOARD", raising=False)
    root = machine(tmp_path, "TUL PYNQ-Z2\0")
    assert finding(root, "HP ports").advice == "their width can only be read by root"
    (root / "dev").mkdir()
    with open(root / "dev" / "mem", "wb") as memory:  # a sparse file of 4 GiB
        memory.truncate(0x1_0000_0000)
    assert finding(root, "HP ports").found == "HP0 64 bit, HP1 64 bit, HP2 64 bit, HP3 64 bit"
    with open(root / "dev" / "mem", "r+b") as memory:
        for address in (0xF800_9000, 0xF800_B014):
            memory.seek(address)
            memory.write(b"\x01")
    narrow = finding(root, "HP ports")
    assert narrow.found is None
    assert narrow.advice.startswith("HP1, HP3 set to 32 bits") and "0xf8009000" in narrow.advice
    names = [f.name for f in doctor.examine(machine(tmp_path / "kria", "SMK-K26"))]
    assert "HP ports" not in names


def test_cma_is_read_from_meminfo(tmp_path: Path) -> None:
    meminfo = "MemTotal: 100 kB\nCmaTotal:         524288 kB\nCmaFree:          409600 kB\n"
    found = finding(machine(tmp_path, meminfo=meminfo), "CMA memory")
    assert found.found == "400 MiB free of 512 MiB (measured)"
    assert finding(tmp_path / "pc", "CMA memory").found is None


def test_what_is_missing_comes_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for module in ("doctor", "toolchain.verilator", "toolchain.yosys"):
        monkeypatch.setattr(f"tritstream.{module}.find_spec", lambda name: None)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    findings = {f.name: f for f in doctor.examine(tmp_path)}
    for name in (
        *("C++ compiler", "allo", "Verilator", "Yosys", "Vitis HLS", "Vivado", "pynq", "torch"),
        "open flow",
    ):
        assert findings[name].found is None
        assert findings[name].advice
    assert findings["Python"].found


def test_programs_are_found_on_the_path_and_asked_their_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("g++", "echo 'g++ 99.1'; echo more"), ("vivado", "exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        os.chmod(tmp_path / name, 0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    findings = {f.name: f for f in doctor.examine(tmp_path)}
    assert findings["C++ compiler"].found == "g++ 99.1"
    assert findings["Vivado"].found == str(tmp_path / "vivado")


def test_the_open_flow_is_there_when_all_of_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, (chipdb, database) = install(tmp_path / "tools"), data(tmp_path)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CHIPDB", str(chipdb))
    monkeypatch.delenv("PRJXRAY_DB_DIR", raising=False)
    assert "--prjxray-db" in finding(tmp_path, "open flow").advice
    monkeypatch.setenv("PRJXRAY_DB_DIR", str(database))
    found = str(finding(tmp_path, "open flow").found)
    assert "nextpnr-xilinx" in found and "fasm2frames" in found
    (folder / "fasm2frames").unlink()
    assert "fasm2frames is not on the PATH" in finding(tmp_path, "open flow").advice


def test_the_command_reports_every_finding() -> None:
    command = [sys.executable, "-m", "tritstream", "doctor"]
    report = json.loads(subprocess.check_output([*command, "--json"], text=True))
    names = [entry["name"] for entry in report]
    assert names == [f.name for f in doctor.examine()]
    text = subprocess.check_output(command, text=True)
    for name in names:
        assert name in text
