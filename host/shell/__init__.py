"""The IP shell: what stands between a compiled engine core and a board's AXI ports."""

from tritstream.shell.bus import AXI3, AXI4, Bus, bus_for
from tritstream.shell.ip import SOURCES, CorePort, core_ports, ip_source, shell_source

__all__ = [
    "AXI3",
    "AXI4",
    "SOURCES",
    "Bus",
    "CorePort",
    "bus_for",
    "core_ports",
    "ip_source",
    "shell_source",
]
