"""`tritstream overlay verify`, without tools and with the database of a small device."""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.bitstreams import bit_of_frames, small_bit
from support.tiny_fabric import CLB, PART
from tritstream.bitstream.database import Database
from tritstream.bitstream.device import ECC_MASK, ECC_WORD, frames_of, with_frames
from tritstream.bitstream.packets import read_bit, with_crc
from tritstream.bitstream.verify import Finding, Sources, verify_deep, verify_file
from tritstream.board.hwh import hardware_handoff
from tritstream.board.overlays import MANIFEST, File, manifest_of, shipped, shipped_folder
from tritstream.cli import main
from tritstream.cli.overlay_verify import bitstream_bytes
from tritstream.configurations import configuration_named
from tritstream.files import sha256_of

RTL = """
module top;
  wire [3:0] fclk; wire clk; wire [1:0] out; wire [2:0] in;
  BUFG b (.I(fclk[0]), .O(clk));
  reg q = 0;
  always @(posedge clk) q <= out[0] ^ out[1];
  assign in = {1'b1, q, out[0] ^ out[1]};
  PS7 ps7 (.FCLKCLK(fclk), .EMIOGPIOO(out), .EMIOGPIOI(in), .MAXIGP0RVALID(TIE), .FCLKRESETN());
endmodule
"""


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {f.check: f for f in findings}


def write_overlay(folder: Path, bit: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    configuration = configuration_named("tiny")
    hwh = hardware_handoff(configuration)
    (folder / "tritstream.bit").write_bytes(bit)
    (folder / "tritstream.hwh").write_bytes(hwh)
    manifest = replace(
        manifest_of(configuration),
        hwh=File("tritstream.hwh", hashlib.sha256(hwh).hexdigest(), "test"),
        bit=File("tritstream.bit", hashlib.sha256(bit).hexdigest(), "test"),
    )
    (folder / MANIFEST).write_bytes(manifest.encode())


def test_without_tools(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_overlay(tmp_path, small_bit())
    assert main(["overlay", "verify", "--from", str(tmp_path)]) == 0
    out = capfd.readouterr().out
    assert "passed  header: design design, part 7z020clg400" in out and "hidden 192" in out
    write_overlay(tmp_path, small_bit(part="7z010clg400"))
    assert main(["overlay", "verify", "--json", "--from", str(tmp_path)]) == 1
    (findings,) = json.loads(capfd.readouterr().out).values()
    assert findings[0]["passed"] is False and "7z010clg400" in findings[0]["sentence"]
    (tmp_path / "tritstream.bit").write_bytes(small_bit())
    assert main(["overlay", "verify", "--from", str(tmp_path)]) == 2
    assert "damaged" in capfd.readouterr().err
    assert main(["overlay", "verify", "--from", str(tmp_path / "none")]) == 2
    assert "cannot read" in capfd.readouterr().err


def test_a_changed_manifest_is_found() -> None:
    table = configuration_named("z7020").table()
    changed = {**table, "lanes": 64}
    found = by_check(list(verify_file(small_bit(), "a.bit", "xc7z020clg400-1", changed)))
    assert found["configuration"].passed is False and "lanes (64" in found["configuration"].sentence


def test_what_is_shipped_is_what_its_manifest_says() -> None:
    """Hash, header and geometry of every bitstream of the package."""
    from tritstream.boards import board_named

    for manifest in shipped():
        folder = shipped_folder(manifest)
        assert sha256_of(folder / manifest.hwh.file) == manifest.hwh.sha256
        if manifest.bit is None:
            continue
        path = folder / manifest.bit.file
        assert sha256_of(path) == manifest.bit.sha256
        part = board_named(manifest.board).part
        found = list(verify_file(bitstream_bytes(path), str(path), part, manifest.configuration))
        assert len(found) == 2 and all(f.passed for f in found), found


def test_a_compressed_bitstream_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.bit.xz").write_bytes(lzma.compress(small_bit()))
    assert bitstream_bytes(tmp_path / "a.bit.xz") == small_bit()


def test_a_missing_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PRJXRAY_DB_DIR", raising=False)
    write_overlay(tmp_path, small_bit())
    assert main(["overlay", "verify", "--deep", "--from", str(tmp_path)]) == 2
    assert "openXC7 distribution" in capfd.readouterr().err


# The whole of --deep but the simulation, on a small device.


@pytest.fixture
def sources(
    tmp_path: Path, bit_of_design: bytes, folder_of_database: Path, design: dict[str, list[str]]
) -> Sources:
    fasm = tmp_path / "design.fasm"
    fasm.write_text("".join(f"{tile}.{f}\n" for tile, fs in design.items() for f in fs))
    bit = with_crc(read_bit(bit_of_design, "a.bit")).encode()
    rtl = RTL.replace("TIE", "1'd1")
    return Sources(bit, "a.bit", PART, None, fasm, lambda: rtl, database=folder_of_database)


def test_deep(sources: Sources) -> None:
    found = by_check([*verify_file(sources.bit, "a.bit", PART), *verify_deep(sources)])
    assert "1 CRCs fit" in found["header"].sentence
    for check in ("header", "frames", "features", "placed", "netlist", "processor"):
        assert found[check].passed, found[check]
    assert found["simulation"].passed is None


def test_deep_finds_a_wrong_tie(sources: Sources) -> None:
    rtl = RTL.replace("TIE", "1'd0")
    found = by_check(list(verify_deep(replace(sources, rtl=lambda: rtl))))
    assert found["processor"].passed is False
    assert "MAXIGP0RVALID reads 1 and not 0" in found["processor"].sentence


Frames = Callable[[dict[str, list[str]]], np.ndarray]


def flipped(sources: Sources, database: Database, frames: np.ndarray, right: bool) -> bytes:
    """The bitstream with other frames, check bits and CRC put right or left as they were."""
    bit = read_bit(sources.bit, "a.bit")
    if right:
        made = with_crc(read_bit(bit_of_frames(database.device, frames, crc=True), "a.bit"))
        return made.encode()
    old = frames_of(bit, database.device, "a.bit")
    frames = frames.copy()
    frames[:, ECC_WORD] |= old[:, ECC_WORD] & ECC_MASK
    return with_frames(bit, database.device, frames).encode()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("SLICEL_X0.ALUT.INIT[1]", {"placed"}),
        ("SLICEL_X0.AFFMUX.O6", {"placed", "netlist"}),
        ("L_A2.P_IN1", {"placed"}),
        ("P_OUT0.L_A", {"placed"}),
    ],
)
def test_deep_finds_a_flipped_bit(
    sources: Sources, database: Database, frames_with: Frames, design: dict[str, list[str]],
    changed: str, expected: set[str],
) -> None:  # fmt: skip
    design[CLB].remove(changed)
    frames = frames_with(design)
    data = flipped(sources, database, frames, right=True)
    found = by_check(list(verify_deep(replace(sources, bit=data))))
    assert {check for check, f in found.items() if f.passed is False} == expected
    assert f"{CLB}: {changed}" in found["placed"].sentence
    # With check bits and CRC as they were, both say so too.
    data = flipped(sources, database, frames, right=False)
    found = by_check([*verify_file(data, "a.bit", PART), *verify_deep(replace(sources, bit=data))])
    assert "CRC does not fit" in found["header"].sentence
    assert "check bits of 1 frames are wrong" in found["frames"].sentence
