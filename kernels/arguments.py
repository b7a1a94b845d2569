"""The engine's ports: the one table that C++ pragmas, driver, hardware hand-off and RTL shell use.

Every port of the top function stands here once, in the order of its arguments. Registers are
scalars on the AXI-Lite slave; memories are read or written by AXI masters, their base addresses
being 64-bit registers on the same slave. Offsets follow the rule of Vitis HLS: the first argument
stands at 0x10, each takes its own words and one reserved word.

Counts and offsets that the engine handles are in beats of 16 bytes, from the base of the memory; a
weight master of 64 bits takes two words for one.

Nothing of it depends on a model: the engine reads the model's sizes from memory (`descriptors`).
How long a memory may be is fixed by the bits that addresses have in hardware.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.configurations import Configuration

TOP = "engine"
"""Name of the top function, of the IP and of its module."""
VLNV = "tritstream:hls:engine:1.0"
"""Vendor, library, name and version of the packaged IP: what the driver binds to."""
CONTROL_BUNDLE = "control"
"""The AXI-Lite slave: ports s_axi_control_* of the module."""
VECTOR_BUNDLE = "gmem_v"
"""The AXI master that carries everything but weights."""

# Block control (ap_ctrl_hs) as Vitis HLS lays it out.
CONTROL = 0x00
"""Control and status, see the bits below."""
GLOBAL_INTERRUPT_ENABLE = 0x04
INTERRUPT_ENABLE = 0x08
INTERRUPT_STATUS = 0x0C
FIRST_ARGUMENT = 0x10

START, DONE, IDLE, READY = 0x1, 0x2, 0x4, 0x8
"""Bits of the control register: start (set by the host), done (cleared by reading), idle, ready."""

REGISTER_BITS = 32
ADDRESS_BITS = 64
BEAT_BITS = 128
"""Width of the AXI master that carries everything but weights."""
BEAT_BYTES = BEAT_BITS // 8

MAX_RECORD_BYTES, MAX_LAYERS, MAX_VOCABULARY = 1 << 31, 128, 1 << 18
"""How far apart records may lie in memory, and the largest model besides its widths."""
MAX_STATES = 256
"""Recurrent states that lie side by side in memory."""
PREFETCH_WORDS = 512
"""Words that a weight port loads ahead: more than arrive during a norm."""
GEOMETRY_BEATS = 8
"""Beats in front of the descriptors: the model's sizes."""


@dataclass(frozen=True)
class Argument:
    """One port of the engine."""

    name: str
    kind: str
    """``register`` (a 32-bit scalar) or ``memory`` (an AXI master with a base address)."""
    direction: str
    """``in`` (read by the engine) or ``out`` (written by it)."""
    bits: int
    """Width of the scalar, or of a beat of the memory."""
    bundle: str
    """The AXI master of a memory (module ports m_axi_<bundle>_*); ``control`` for a register."""
    offset: int
    """Of the scalar, or of the low word of the base address, in the AXI-Lite slave; bytes."""
    beats: int
    """The longest that a memory can be, in words of ``bits``; 0 for a register."""

    @property
    def words(self) -> int:
        """32-bit words on the AXI-Lite slave: two for a base address, the low one first."""
        return (REGISTER_BITS if self.kind == "register" else ADDRESS_BITS) // 32


def argument_table(configuration: Configuration) -> tuple[Argument, ...]:
    """The ports of a configuration's engine, in order."""
    c = configuration
    # A streamed model has two descriptors a record.
    descriptors = GEOMETRY_BEATS + 2 * 2 * (MAX_LAYERS + 1)
    # In front of the vectors lies a beat for each, behind them one (`memories`).
    vector = c.tokens * (1 + c.hidden // 2) + 1
    state, logits = MAX_STATES * MAX_LAYERS * c.hidden // 4, MAX_VOCABULARY // 4 + 1
    entries = [
        ("first", "register", "in", CONTROL_BUNDLE, 0),
        ("last", "register", "in", CONTROL_BUNDLE, 0),
        ("descriptors", "memory", "in", VECTOR_BUNDLE, descriptors),
        *(
            (f"weights_{port}", "memory", "in", f"gmem_w{port}", MAX_RECORD_BYTES // c.port_bytes)
            for port in range(c.ports)
        ),
        ("parameters", "memory", "in", VECTOR_BUNDLE, MAX_RECORD_BYTES // BEAT_BYTES),
        ("vector_in", "memory", "in", VECTOR_BUNDLE, vector),
        ("vector_out", "memory", "out", VECTOR_BUNDLE, vector),
        ("state_in", "memory", "in", VECTOR_BUNDLE, state),
        ("state_out", "memory", "out", VECTOR_BUNDLE, state),
        ("logits", "memory", "out", VECTOR_BUNDLE, c.tokens * logits),
    ]
    table, offset = [], FIRST_ARGUMENT
    for name, kind, direction, bundle, beats in entries:
        if kind == "register":
            bits = REGISTER_BITS
        else:
            bits = BEAT_BITS if bundle == VECTOR_BUNDLE else 8 * c.port_bytes
        argument = Argument(name, kind, direction, bits, bundle, offset, beats)
        table.append(argument)
        offset += 4 * (argument.words + 1)
    return tuple(table)


def bundles(table: tuple[Argument, ...]) -> tuple[str, ...]:
    """The AXI masters, in the order in which they first occur."""
    return tuple(dict.fromkeys(a.bundle for a in table if a.kind == "memory"))
