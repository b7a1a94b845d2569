"""What the emitted text is for: tools that infer memories and products, or a small safe subset.

``vendor`` leaves memories and products to synthesis. ``zynq7-open`` is for Yosys and nextpnr-xilinx
on xc7z020: look-up tables, flip-flops, carry chains, and block RAM that is instantiated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from tritstream.errors import ConfigurationError


@dataclass(frozen=True)
class Target:
    """``logic_products``: a product is a pipeline of tables and carry chains, not a ``*``.
    ``instantiated_memories``: RAMs of `tritstream_ram`, with two cycles of latency and addresses
    from registers. ``free_running``: a loop's pipeline has no enable behind its last stream that is
    read; room for what it writes is reserved when an iteration starts. ``shared_functions``: a
    function of scalars with at least that many operations that is called twice or more outside of
    pipelines exists once (0: nothing is shared). ``one_hot_states``: a controller's state is a
    flip-flop each, which Yosys does of its own for up to 32. ``delay_memories``: a value waits in a
    block RAM for a later stage of a pipeline that nothing holds, where the RAM takes the place of
    that many registers (0: always in registers)."""

    name: str
    logic_products: bool = False
    instantiated_memories: bool = False
    free_running: bool = False
    shared_functions: int = 0
    one_hot_states: bool = False
    delay_memories: int = 0
    register_bits: int = 512
    """Memories up to this size are registers where memories are instantiated."""


VENDOR = Target("vendor")
ZYNQ7_OPEN = Target("zynq7-open", True, True, True, 40, True, 170)
TARGETS = {t.name: t for t in (VENDOR, ZYNQ7_OPEN)}


def target_named(name: str) -> Target:
    """The target of that name. Raises ConfigurationError naming the known ones."""
    if name not in TARGETS:
        raise ConfigurationError(f"unknown RTL target '{name}': choose one of {', '.join(TARGETS)}")
    return TARGETS[name]


@cache
def library(module: str, prefix: str = "") -> str:
    """The text of a module of the folder ``verilog`` (tritstream_ram, tritstream_fifo,
    tritstream_delay), under a name that starts with ``prefix``; the others need the RAM of the same
    prefix."""
    path = files("tritstream.rtl") / "verilog" / f"{module}.sv"
    return path.read_text(encoding="utf-8").replace("PREFIX", prefix)
