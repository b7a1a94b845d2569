"""Bitstreams of the real device (long; needs the prjxray database).

The one of open tools that this project shipped once is in its history. Those that the vendor's tool
has made are PYNQ's, named by a folder, as in

    git clone https://github.com/Xilinx/PYNQ; cd PYNQ; mkdir ../overlays
    for b in Pynq-Z1/base/base Pynq-Z2/base/base Pynq-Z1/logictools/logictools; do
        git show 7d7426e:boards/$b.bit > ../overlays/$(echo $b | tr / -).bit
    done
    PYNQ_OVERLAYS=$PWD/../overlays pytest -m long tests/bitstream/timing/test_real.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tritstream.bitstream.database import VARIABLE
from tritstream.bitstream.timing.report import Report
from tritstream.bitstream.timing.run import report_of

pytestmark = pytest.mark.long

PART = "xc7z020clg400-1"
OVERLAYS = "PYNQ_OVERLAYS"
ROOT = Path(__file__).parents[3]
FOLDER = os.environ.get(OVERLAYS)
VENDOR = sorted(Path(FOLDER).glob("*.bit")) if FOLDER else []
FCLK0_HZ = 100e6
"""Of all of them, by base.tcl and logictools.tcl."""


def report(data: bytes, name: str, clock_hz: float, partial: bool) -> Report:
    if not os.environ.get(VARIABLE):
        pytest.skip(f"{VARIABLE} does not name the prjxray database (the openXC7 distribution's)")
    found = report_of(PART, None, (name, data), clock_hz, 3, partial=partial)
    print("\n".join(found.lines()))
    return found


def test_the_bitstream_that_shipped_once() -> None:
    """The demo engine by nextpnr-xilinx, which reported 62.0 MHz; its manifest has 30.3 MHz."""
    at = "b83a114:bitstreams/pynq-z2/demo-z2/tritstream.bit"
    git = subprocess.run(["git", "-C", str(ROOT), "show", at], capture_output=True, timeout=60)
    if git.returncode:
        pytest.skip(f"this clone has no {at}")
    found = report(git.stdout, "demo", 30.3e6, partial=False)
    assert not list(found.problems()) and not found.cuts and not found.gaps
    assert 51 < 1e3 / found.period < 53
    assert found.hold > 0 and found.untimed == 11
    assert [clock for clock, *_ in found.clocks] == ["PS7.FCLKCLK0"]


@pytest.mark.parametrize("path", VENDOR or [None], ids=lambda p: p.stem if p else "none")
def test_the_vendors_overlays_meet_their_clock(path: Path | None) -> None:
    """What the vendor's tool has closed is within its period here, without being far below it."""
    if path is None:
        pytest.skip(f"{OVERLAYS} names no folder with .bit files of the vendor's tool")
    found = report(path.read_bytes(), path.name, FCLK0_HZ, partial=True)
    assert not found.gaps
    assert found.slack is not None and found.slack >= 0
    assert found.period > 0.85e9 / FCLK0_HZ
    # The vendor's tool lengthens routes until holds just pass: what is inferred is within this.
    assert -0.05 < found.hold < 0.05
