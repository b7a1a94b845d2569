"""What the arguments of a compiled kernel became: its ports, and the signals of each."""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.rtl._ir.program import Design, Port
from tritstream.rtl._ir.storage import Channel, Memory, Variable, address_bits
from tritstream.verilog import Port as Signal

COUNT_BITS = 32
"""Width of trip counts and of the beats of a request."""
READ_PORTS = 2
"""Read ports of a bank of a memory that belongs to the caller."""


@dataclass(frozen=True)
class RegisterPort:
    """A number: stable during a run where it is an input, the last one written otherwise."""

    name: str
    width: int
    is_input: bool

    def signals(self) -> list[Signal]:
        """One of its own name."""
        return [Signal("input" if self.is_input else "output", self.name, self.width)]


@dataclass(frozen=True)
class StreamPort:
    """Words with valid and ready."""

    name: str
    width: int
    is_input: bool

    def signals(self) -> list[Signal]:
        """Valid, ready and data."""
        there, back = ("input", "output") if self.is_input else ("output", "input")
        return [
            Signal(there, f"{self.name}_valid", 1),
            Signal(back, f"{self.name}_ready", 1),
            Signal(there, f"{self.name}_data", self.width),
        ]


@dataclass(frozen=True)
class MemoryPort:
    """Banks of ``depth`` words that belong to the caller."""

    name: str
    width: int
    banks: int
    depth: int

    def signals(self) -> list[Signal]:
        """Two read ports and a write port a bank; a word comes in the cycle after its address."""
        found: list[Signal] = []
        bits = address_bits(self.depth)
        for name in (f"{self.name}_{bank}" for bank in range(self.banks)):
            for k in range(READ_PORTS):
                found += [
                    Signal("output", f"{name}_ren{k}", 1),
                    Signal("output", f"{name}_raddr{k}", bits),
                    Signal("input", f"{name}_rdata{k}", self.width),
                ]
            found += [
                Signal("output", f"{name}_wen", 1),
                Signal("output", f"{name}_waddr", bits),
                Signal("output", f"{name}_wdata", self.width),
            ]
        return found


@dataclass(frozen=True)
class MasterPort:
    """An array of ``size`` words behind a bus."""

    name: str
    width: int
    size: int
    reads: bool
    writes: bool

    @property
    def address_bits(self) -> int:
        """Width of the addresses, which count words."""
        return address_bits(self.size)

    def signals(self) -> list[Signal]:
        """Requests of (address, count) in beats, answers, and one response per write request."""
        found: list[Signal] = []
        for wanted, letter in ((self.reads, "ar"), (self.writes, "aw")):
            if wanted:
                found += [
                    Signal("output", f"{self.name}_{letter}_valid", 1),
                    Signal("input", f"{self.name}_{letter}_ready", 1),
                    Signal("output", f"{self.name}_{letter}_addr", self.address_bits),
                    Signal("output", f"{self.name}_{letter}_count", COUNT_BITS),
                ]
        if self.reads:
            found += StreamPort(f"{self.name}_r", self.width, True).signals()
        if self.writes:
            found += StreamPort(f"{self.name}_w", self.width, False).signals()
            found.append(Signal("input", f"{self.name}_b_valid", 1))
        return found


ArgumentPort = RegisterPort | StreamPort | MemoryPort | MasterPort


def port_of(port: Port, design: Design, name: str = "") -> ArgumentPort:
    """The port of a design's argument, under another ``name`` if one is given."""
    name = name or port.name
    if isinstance(port, Variable):
        return RegisterPort(name, port.width, port in design.inputs)
    if isinstance(port, Channel):
        return StreamPort(name, port.width, port in design.channels_in)
    if isinstance(port, Memory):
        return MemoryPort(name, port.width, port.banks, port.depth)
    return MasterPort(name, port.width, port.size, port.reads, port.writes)


def design_signals(design: Design) -> list[Signal]:
    """Every port of the module but clk, rst, start and done: by kind, in the order of the
    arguments."""
    every: list[Port] = [*design.inputs, *design.outputs]
    every += [*design.channels_in, *design.channels_out]
    every += [*(m for m in design.memories if m.port), *design.masters]
    return [signal for port in every for signal in port_of(port, design).signals()]


CONTROL = (
    Signal("input", "clk"), Signal("input", "rst"), Signal("input", "start"),
    Signal("output", "done"),
)  # fmt: skip
"""The first ports of every kernel's module."""
