"""The shell around a small core that moves words, and what such a run must leave in memory."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from tritstream.configurations import configuration_named
from tritstream.kernels.arguments import Argument, argument_table
from tritstream.rtl import MappedText
from tritstream.shell import Bus, CorePort
from tritstream.system import Parts

WORDS = 1024
"""Words of every memory."""
BASES = {
    "descriptors": 0x6000_0000, "weights_0": 0x6010_0000, "weights_1": 0x6020_0F00,
    "parameters": 0x6030_0010, "vector_in": 0x6040_0FF0, "vector_out": 0x6050_0FE0,
    "state_in": 0x6060_0000, "state_out": 0x6070_0A50, "logits": 0x6080_0FF0,
}  # fmt: skip
"""Addresses that are aligned to words only, so that bursts meet boundaries everywhere."""


def table(weight_bits: int = 128) -> tuple[Argument, ...]:
    tiny = argument_table(configuration_named("tiny"))
    return tuple(replace(a, bits=weight_bits) if a.name.startswith("weights_") else a for a in tiny)


def parts(bus: Bus, weight_bits: int = 128) -> Parts:
    widths = {"state_out": 14}
    source = Path(__file__).with_name("copy_core.sv").read_text()
    of = table(weight_bits)
    return Parts(
        "copy-core",
        of,
        "copy_core",
        MappedText(source.replace("`WEIGHT_BITS", str(weight_bits))),
        tuple(CorePort(a.name, 0 if a.kind == "register" else widths.get(a.name, 12)) for a in of),
        bus,
    )


Memories = dict[str, list[int]]


def _of_width(words: list[int], bits: int) -> list[int]:
    """The same memory in words of fewer bits."""
    return [w >> at & (1 << bits) - 1 for w in words for at in range(0, 128, bits)]


def memories(source: random.Random) -> Memories:
    """Random words everywhere."""
    return {name: [source.getrandbits(128) for _ in range(WORDS)] for name in BASES}


def expected(before: Memories, count: int, offset: int, weight_bits: int = 128) -> Memories:
    """What a run with ``first=count, last=offset`` makes of the memories."""
    after = {name: list(words) for name, words in before.items()}
    span = slice(offset, offset + count)
    weights = [_of_width(before[f"weights_{port}"], weight_bits)[span] for port in (0, 1)]
    after["vector_out"][span] = [a ^ b for a, b in zip(*weights, strict=True)]
    moved = before["descriptors"][:2]
    for name in ("parameters", "vector_in", "state_in"):
        moved = moved + before[name][span]
    after["state_out"][offset : offset + len(moved)] = moved
    after["logits"][0] = sum(moved) % (1 << 128)
    return after
