"""The fabric's clock: what the manifest says, whatever a board's oscillator and PLL make of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from support.boards import QUICK, needs_pynq
from tritstream.board.clocks import DIVISORS, TOLERANCE, divisors, reached_hz, set_fabric_clock
from tritstream.board.errors import OverlayError
from tritstream.board.runtime import BoardRuntime
from tritstream.boards import BOARDS, Board
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS
from tritstream.image import Image
from tritstream.sim import simulated_board

needs_pynq()

KRIA_AT_1500 = replace(BOARDS["kv260"], io_pll_hz=1.5e9)
SLOW_PLL = replace(BOARDS["zcu104"], io_pll_hz=1e9)
ODD_PLL = replace(BOARDS["zcu104"], io_pll_hz=1.2e9)


@pytest.mark.parametrize("wanted", [250e6, 100e6, 1e9 / 33, 7.3e6])
@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda b: b.name)
def test_divisors_come_as_near_as_any(board: Board, wanted: float) -> None:
    first, second = divisors(board.io_pll_hz, wanted)
    error = abs(reached_hz(board, wanted) - wanted)
    assert first in DIVISORS and second in DIVISORS
    assert all(abs(board.io_pll_hz / n - wanted) >= error for n in range(1, 64))


@pytest.mark.parametrize(
    "board",
    [*BOARDS.values(), KRIA_AT_1500, SLOW_PLL, ODD_PLL],
    ids=lambda b: f"{b.name}-{b.io_pll_hz:.0f}",
)
@pytest.mark.parametrize("megahertz", [100.0, 1000 / 33, 41.7])
def test_the_clock_is_the_manifests_on_every_board(
    tiny: Image, board: Board, megahertz: float
) -> None:
    """Seen from the board's own oscillator, which pynq does not know."""
    wanted = 1e6 * megahertz
    with simulated_board(CONFIGURATIONS["tiny"], board=board) as (device, overlay):
        overlay = replace(overlay, manifest=replace(overlay.manifest, clock_hz=wanted))
        with BoardRuntime(tiny, overlay, device, QUICK) as runtime:
            assert device.clock_hz == pytest.approx(runtime.clock.hz, rel=1e-4)
            assert device.clock_hz <= wanted * (1 + TOLERANCE)
            # The nearest product of two divisors may lie above; then the next one below is taken.
            assert device.clock_hz >= 0.96 * wanted


def test_a_hand_off_of_another_pll_is_noticed(tiny: Image) -> None:
    """Its divisors give 150 MHz where 100 are meant; the clock found is kept for reports."""
    fast = replace(BOARDS["pynq-z2"], io_pll_hz=1.5e9)
    with (
        simulated_board(CONFIGURATIONS["tiny"], board=fast) as (device, overlay),
        BoardRuntime(tiny, overlay, device, QUICK) as runtime,
    ):
        assert device.clock_hz == pytest.approx(100e6)
        assert "at 100 MHz (read)" in runtime.note


def test_bench_prints_the_clock_that_it_found(
    tiny: Image, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["bench", "-m", tiny.source, "-e", "pynq-sim", "-n", "2", "-p", "2", "--rounds", "1"]
    assert main([*options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clock_hz"] == pytest.approx(100e6)
    assert main(options) == 0
    assert "100 MHz" in capsys.readouterr().out


class Stuck:
    """Clocks that cannot be set."""

    fclk0_mhz: Any = property(lambda self: 150.0, lambda self, value: None)


class Broken:
    @property
    def fclk0_mhz(self) -> float:
        raise ValueError("Invalid PLL Source")


def test_a_clock_that_stays_too_high_is_refused_by_name() -> None:
    with pytest.raises(OverlayError, match=r"is 150\.000 MHz and could not be set to the 100\.000"):
        set_fabric_clock(Stuck(), BOARDS["pynq-z2"], 100e6)


def test_a_lower_clock_is_taken_where_no_other_can_be_had() -> None:
    assert set_fabric_clock(Stuck(), BOARDS["pynq-z2"], 200e6).hz == 150e6


def test_clocks_that_cannot_be_read_are_an_error() -> None:
    with pytest.raises(OverlayError, match="cannot read or set the fabric's clock on PYNQ-Z2"):
        set_fabric_clock(Broken(), BOARDS["pynq-z2"], 100e6)
