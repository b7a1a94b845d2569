"""The board table: every fact about a board that build scripts, estimator and runtime need.

Sources: board user guides and data sheets DS187/DS190 (Zynq-7000), DS891/DS925 (Zynq UltraScale+),
DS987 (Kria K26), and the PYNQ image release notes.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    ddr_total_bytes: int
    cma_default_bytes: int
    clock_hz: float
    """Fabric clock that the shipped configurations aim at."""
    images: tuple[str, ...]
    """PYNQ images that exist for the board."""
    model_names: tuple[str, ...]
    """What /proc/device-tree/model or PYNQ's BOARD variable calls it."""


_MB = 1 << 20
_Z7020 = {"luts": 53_200, "flip_flops": 106_400, "bram36": 140, "uram": 0, "dsps": 220}
_ZU3EG = {"luts": 70_560, "flip_flops": 141_120, "bram36": 216, "uram": 0, "dsps": 360}

BOARDS = {
    b.name: b
    for b in (
        Board(
            name="pynq-z1",
            title="PYNQ-Z1",
            part="xc7z020clg400-1",
            ps_type="zynq7",
            **_Z7020,
            hp_ports=4,
            hp_port_bits=64,
            ddr_peak_bytes_per_s=2.1e9,
            ddr_total_bytes=512 * _MB,
            cma_default_bytes=128 * _MB,
            clock_hz=100e6,
            images=("3.0.1", "3.1"),
            model_names=("Pynq-Z1", "PYNQ-Z1", "Digilent PYNQ-Z1"),
        ),
        Board(
            name="pynq-z2",
            title="PYNQ-Z2",
            part="xc7z020clg400-1",
            ps_type="zynq7",
            **_Z7020,
            hp_ports=4,
            hp_port_bits=64,
            ddr_peak_bytes_per_s=2.1e9,
            ddr_total_bytes=512 * _MB,
            cma_default_bytes=128 * _MB,
            clock_hz=100e6,
            images=("3.0.1", "3.1"),
            model_names=("Pynq-Z2", "PYNQ-Z2", "TUL PYNQ-Z2"),
        ),
        Board(
            name="ultra96v2",
            title="Ultra96-V2",
            part="xczu3eg-sbva484-1-i",
            ps_type="zynqmp",
            **_ZU3EG,
            hp_ports=4,
            hp_port_bits=128,
            ddr_peak_bytes_per_s=4.3e9,
            ddr_total_bytes=2048 * _MB,
            cma_default_bytes=128 * _MB,
            clock_hz=200e6,
            images=("3.0.1",),
            model_names=("Ultra96", "Ultra96v2", "Avnet Ultra96-V2 Rev1"),
        ),
        Board(
            name="aup-zu3",
            title="AUP-ZU3",
            part="xczu3eg-sfvc784-2-e",
            ps_type="zynqmp",
            **_ZU3EG,
            hp_ports=4,
            hp_port_bits=128,
            ddr_peak_bytes_per_s=9.6e9,
            ddr_total_bytes=4096 * _MB,
            cma_default_bytes=128 * _MB,
            clock_hz=250e6,
            images=("3.1",),
            model_names=("AUP-ZU3", "RealDigital AUP-ZU3"),
        ),
        Board(
            name="kv260",
            title="Kria KV260",
            part="xck26-sfvc784-2LV-c",
            ps_type="zynqmp",
            luts=117_120,
            flip_flops=234_240,
            bram36=144,
            uram=64,
            dsps=1_248,
            hp_ports=4,
            hp_port_bits=128,
            ddr_peak_bytes_per_s=19.2e9,
            ddr_total_bytes=4096 * _MB,
            cma_default_bytes=1000 * _MB,
            clock_hz=250e6,
            images=("3.0.1 (Kria-PYNQ)",),
            model_names=("KV260", "ZynqMP SMK-K26 Rev1/B/A", "SMK-K26"),
        ),
        Board(
            name="zcu104",
            title="ZCU104",
            part="xczu7ev-ffvc1156-2-e",
            ps_type="zynqmp",
            luts=230_400,
            flip_flops=460_800,
            bram36=312,
            uram=96,
            dsps=1_728,
            hp_ports=4,
            hp_port_bits=128,
            ddr_peak_bytes_per_s=17.1e9,
            ddr_total_bytes=2048 * _MB,
            cma_default_bytes=512 * _MB,
            clock_hz=250e6,
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
