"""The board table: every fact about a board that build scripts, estimator and runtime need.

Sources: board user guides and reference manuals, data sheets DS187/DS190 (Zynq-7000), DS891/DS925
(Zynq UltraScale+), DS987 (Kria K26), the PYNQ image release notes, and the boards' device trees for
the reference clock. The rows of boards with a community's image are derived from documents alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TypedDict

from tritstream.errors import ConfigurationError


@dataclass(frozen=True)
class Board:
    """One board. Resources are those of the part; rates are peaks from the data sheets."""

    name: str
    title: str
    part: str
    ps_type: str
    """``zynq7`` (Zynq-7000, AXI3, 32-bit addresses) or ``zynqmp`` (Zynq UltraScale+, AXI4)."""
    luts: int
    flip_flops: int
    bram36: int
    uram: int
    dsps: int
    hp_ports: int
    hp_port_bits: int
    ddr_peak_bytes_per_s: float
    cma_default_bytes: int
    clock_hz: float
    """Fabric clock that the shipped configurations aim at."""
    ps_clock_hz: float
    """Oscillator of the processing system, which every clock is made from. pynq reckons with 50 MHz
    on every Zynq-7000 board and with 33.333 MHz on every Zynq UltraScale+ one."""
    io_pll_hz: float
    """IO PLL as the image's boot loader sets it; the fabric's clock is this, divided twice."""
    processor_hz: float
    """Clock that images set the application processors to at least (DS190, DS891)."""
    images: tuple[str, ...]
    """PYNQ images that exist for the board; of some the community's alone."""
    model_names: tuple[str, ...]
    """What /proc/device-tree/model or PYNQ's BOARD variable calls it."""

    @property
    def die(self) -> str:
        """The part without package and speed grade. A bitstream that uses no pin fits every one."""
        found = re.match(r"xc7z\d+|xck26|xczu\d+(?:eg|ev|cg)", self.part)
        assert found is not None, self.part
        return found[0]


class _Resources(TypedDict):
    luts: int
    flip_flops: int
    bram36: int
    uram: int
    dsps: int


class _Ports(TypedDict):
    hp_ports: int
    hp_port_bits: int


_MB = 1 << 20
_MHZ_33 = 100e6 / 3
_HP_ZYNQ7: _Ports = {"hp_ports": 4, "hp_port_bits": 64}
_HP_ZYNQMP: _Ports = {"hp_ports": 4, "hp_port_bits": 128}

_Z7020: _Resources = {"luts": 53_200, "flip_flops": 106_400, "bram36": 140, "uram": 0, "dsps": 220}
_ZU3EG: _Resources = {"luts": 70_560, "flip_flops": 141_120, "bram36": 216, "uram": 0, "dsps": 360}
_K26: _Resources = {
    "luts": 117_120,
    "flip_flops": 234_240,
    "bram36": 144,
    "uram": 64,
    "dsps": 1_248,
}
_ZU7EV: _Resources = {
    "luts": 230_400,
    "flip_flops": 460_800,
    "bram36": 312,
    "uram": 96,
    "dsps": 1_728,
}

# What boards with the same part share.
_z7020 = partial(
    Board,
    ps_type="zynq7",
    **_Z7020,
    **_HP_ZYNQ7,
    cma_default_bytes=128 * _MB,
    clock_hz=100e6,
    io_pll_hz=1e9,
    processor_hz=650e6,
)
_zu3eg = partial(
    Board,
    ps_type="zynqmp",
    **_ZU3EG,
    **_HP_ZYNQMP,
    cma_default_bytes=128 * _MB,
    ps_clock_hz=_MHZ_33,
    io_pll_hz=1.5e9,
    processor_hz=1.2e9,
)
_k26 = partial(
    Board,
    part="xck26-sfvc784-2LV-c",
    ps_type="zynqmp",
    **_K26,
    **_HP_ZYNQMP,
    ddr_peak_bytes_per_s=19.2e9,
    cma_default_bytes=1000 * _MB,
    clock_hz=250e6,
    ps_clock_hz=_MHZ_33,
    io_pll_hz=1e9,  # Kria-PYNQ; boot loaders made from a Vivado preset set 1500
    processor_hz=1.2e9,
    images=("3.0.1 (Kria-PYNQ)",),
)

BOARDS = {
    b.name: b
    for b in (
        _z7020(
            name="pynq-z1",
            title="PYNQ-Z1",
            part="xc7z020clg400-1",
            ddr_peak_bytes_per_s=2.1e9,
            ps_clock_hz=50e6,
            images=("3.0.1", "3.1"),
            model_names=("Pynq-Z1", "PYNQ-Z1", "Digilent PYNQ-Z1"),
        ),
        _z7020(
            name="pynq-z2",
            title="PYNQ-Z2",
            part="xc7z020clg400-1",
            ddr_peak_bytes_per_s=2.1e9,
            ps_clock_hz=50e6,
            images=("3.0.1", "3.1"),
            model_names=("Pynq-Z2", "PYNQ-Z2", "TUL PYNQ-Z2"),
        ),
        _z7020(
            name="arty-z7-20",
            title="Arty Z7-20",
            part="xc7z020clg400-1",
            ddr_peak_bytes_per_s=2.1e9,  # 16 bits of DDR3 at 1050 MT/s
            ps_clock_hz=50e6,
            images=("3.0.1 (that of PYNQ-Z1, community)",),
            model_names=("Arty-Z7-20", "Arty Z7-20", "Digilent Arty Z7"),
        ),
        _z7020(
            name="zybo-z7-20",
            title="Zybo Z7-20",
            part="xc7z020clg400-1",
            ddr_peak_bytes_per_s=4.2e9,  # 32 bits of DDR3L at 1066 MT/s
            ps_clock_hz=_MHZ_33,
            images=("3.0.1 (community)",),
            model_names=("Zybo-Z7-20", "Zybo Z7-20", "Digilent Zybo Z7 board"),
        ),
        _z7020(
            name="zedboard",
            title="ZedBoard",
            part="xc7z020clg484-1",
            ddr_peak_bytes_per_s=4.2e9,  # 32 bits of DDR3 at 1066 MT/s
            ps_clock_hz=_MHZ_33,
            images=("3.0.1 (community)",),
            model_names=("ZedBoard", "Avnet ZedBoard board", "Zynq Zed Development Board"),
        ),
        _zu3eg(
            name="ultra96v2",
            title="Ultra96-V2",
            part="xczu3eg-sbva484-1-i",
            ddr_peak_bytes_per_s=4.3e9,
            clock_hz=200e6,
            images=("3.0.1",),
            model_names=("Ultra96", "Ultra96v2", "Avnet Ultra96-V2 Rev1"),
        ),
        _zu3eg(
            name="aup-zu3",
            title="AUP-ZU3",
            part="xczu3eg-sfvc784-2-e",
            ddr_peak_bytes_per_s=9.6e9,
            clock_hz=250e6,
            images=("3.1",),
            model_names=("AUP-ZU3", "RealDigital AUP-ZU3"),
        ),
        _k26(
            name="kv260",
            title="Kria KV260",
            model_names=("KV260", "ZynqMP SMK-K26 Rev1/B/A", "SMK-K26"),
        ),
        _k26(
            name="kr260",  # the same module on another carrier
            title="Kria KR260",
            model_names=("KR260", "Kria KR260"),
        ),
        Board(
            name="zcu104",
            title="ZCU104",
            part="xczu7ev-ffvc1156-2-e",
            ps_type="zynqmp",
            **_ZU7EV,
            **_HP_ZYNQMP,
            ddr_peak_bytes_per_s=17.1e9,
            cma_default_bytes=512 * _MB,
            clock_hz=250e6,
            ps_clock_hz=_MHZ_33,
            io_pll_hz=1.5e9,
            processor_hz=1.2e9,
            images=("3.0.1", "3.1", "4.0"),
            model_names=("ZCU104", "ZynqMP ZCU104 RevC", "ZynqMP ZCU104 Rev1.0"),
        ),
    )
}


def board_named(name: str) -> Board:
    """The board of that name. Raises ConfigurationError naming the known ones."""
    try:
        return BOARDS[name]
    except KeyError:
        raise ConfigurationError(
            f"unknown board '{name}': choose one of {', '.join(sorted(BOARDS))}"
        ) from None
