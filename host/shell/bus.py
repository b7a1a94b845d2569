"""The two kinds of memory port that boards have."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tritstream.configurations import Configuration


@dataclass(frozen=True)
class Bus:
    """``bits`` of data, at most ``burst`` beats a burst, signals as of AXI ``protocol`` 3 or 4."""

    name: str
    bits: int
    burst: int
    protocol: int

    @property
    def length_bits(self) -> int:
        """Width of AxLEN."""
        return 4 if self.protocol == 3 else 8

    @property
    def lock_bits(self) -> int:
        return 2 if self.protocol == 3 else 1

    @property
    def id_bits(self) -> int:
        """The HP ports of Zynq-7000 have IDs of 6 bits; one transaction stream uses ID 0 only."""
        return 6 if self.protocol == 3 else 1

    def for_words(self, bits: int) -> Bus:
        """The bus of a master whose words have so many bits: no wider than they are."""
        return replace(self, bits=min(self.bits, bits))


AXI4 = Bus("axi4", 128, 64, 4)
"""UltraScale+ and any interconnect: 1 KiB bursts."""
AXI3 = Bus("axi3", 64, 16, 3)
"""The HP ports of Zynq-7000: 128-byte bursts; words of 128 bits go over as two beats."""
BUSES = {bus.name: bus for bus in (AXI4, AXI3)}


def bus_for(configuration: Configuration) -> Bus:
    """The bus of the configuration's board; AXI4 without one."""
    board = configuration.board
    return AXI3 if board is not None and board.ps_type == "zynq7" else AXI4
