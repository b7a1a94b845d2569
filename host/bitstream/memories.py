"""Block RAM in Verilog: each 18-kbit half that is in use becomes an instance of ``memory_half.v``.

A memory of 36 kbit is two halves with the same controls, the lower with the even bits: there is no
bit that says so. What the extraction does not know, it refuses, naming the feature.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tritstream.bitstream.errors import BitstreamError

_WIDTHS = ("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B")
_MODES = {"WRITE_FIRST": 0, "READ_FIRST": 1, "NO_CHANGE": 2}
_REFUSED = ("SDP_", "FIFO_MODE", "RDADDR_COLLISION_HWCONFIG_PERFORMANCE")
_REFUSED_TILE = re.compile(
    r"RAMB36\.(EN_ECC|RAM_EXTENSION_[AB]_LOWER|BRAM36_)|EN_SYN|FIRST_WORD|CASCOUT_"
)
_INIT = re.compile(r"INIT(P?)_([0-9A-F]{2})\[(\d+)\]$")


@dataclass(frozen=True)
class Half:
    """One half: its settings, and 1,024 rows of 16 bits with two of parity above."""

    name: str
    upper: bool
    widths: tuple[int, int, int, int]
    """Read A, read B, write A, write B: 18, 9, or 0 where the extraction does not model it."""
    modes: tuple[str, str]
    registers: tuple[bool, bool]
    plain: frozenset[str]
    """Pins that are not inverted."""
    resets: tuple[int, int]
    firsts: tuple[int, int]
    rows: tuple[int, ...]

    @property
    def empty(self) -> bool:
        return not any(self.rows)

    def file(self) -> str:
        return "".join(f"{row:05x}\n" for row in self.rows)


def half_of(tile: str, upper: bool, features: list[str]) -> Half | None:
    """A half as its tile's features set it; None where it is not in use.

    Raises BitstreamError for what is not supported.
    """
    start = f"RAMB18_Y{int(upper)}."
    own = {f.removeprefix(start) for f in features if f.startswith(start)}
    if "IN_USE" not in own:
        return None
    name = f"{tile}.{start[:-1]}"
    for feature in features:
        if _REFUSED_TILE.match(feature):
            raise BitstreamError(f"{tile}.{feature}: a mode that is not supported here")
    for feature in sorted(own):
        if feature.startswith(_REFUSED):
            raise BitstreamError(f"{name}.{feature}: a mode that is not supported here")
    rows = [0] * 1024
    values: dict[str, int] = {}
    for feature in own:
        match = _INIT.match(feature)
        if match:
            bit = int(match[2], 16) * 256 + int(match[3])
            width, above = (2, 16) if match[1] else (16, 0)
            rows[bit // width] |= 1 << above + bit % width
        elif feature.endswith("]"):
            vector, _, bit_text = feature[:-1].partition("[")
            values[vector] = values.get(vector, 0) | 1 << int(bit_text)
    return Half(
        name,
        upper,
        tuple(_width(own, w) for w in _WIDTHS),  # type: ignore[arg-type]
        tuple(_mode(own, p, name) for p in "AB"),  # type: ignore[arg-type]
        ("DOA_REG" in own, "DOB_REG" in own),
        frozenset(f.removeprefix("ZINV_") for f in own if f.startswith("ZINV_")),
        tuple(values.get(f"ZSRVAL_{p}", 0) ^ 0x3FFFF for p in "AB"),  # type: ignore[arg-type]
        tuple(values.get(f"ZINIT_{p}", 0) ^ 0x3FFFF for p in "AB"),  # type: ignore[arg-type]
        tuple(rows),
    )


def write_half(half: Half, prefix: str, pin: Callable[[str], str], file: str) -> str:
    """The instance of a half; ``pin`` gives the expression of an input pin. Its outputs are the
    vectors ``<prefix>_DOA`` and ``<prefix>_DOB`` of 18 bits, ``<prefix>_clash`` says that both
    ports met. Raises BitstreamError for a port that is used in a way not modelled."""
    read_a, read_b, write_a, write_b = half.widths
    settings = {
        "UPPER": int(half.upper), "READ_A": read_a, "WRITE_A": write_a, "READ_B": read_b,
        "WRITE_B": write_b, "MODE_A": _MODES[half.modes[0]], "MODE_B": _MODES[half.modes[1]],
        "RESET_A": half.resets[0], "RESET_B": half.resets[1], "FIRST_A": half.firsts[0],
        "FIRST_B": half.firsts[1],
    }  # fmt: skip
    parameters = [f".{k}({v})" for k, v in settings.items()]
    if not half.empty:
        parameters.append(f'.FILE("{file}")')

    def bus(stem: str, bits: int) -> list[str]:
        return [pin(f"{stem}{k}") for k in reversed(range(bits))]

    def inverting(name: str) -> str:
        value = pin(name)
        if name in half.plain:
            return value
        return {"1'b0": "1'b1", "1'b1": "1'b0"}.get(value, f"~{value}")

    connections = [f".clash({prefix}_clash)"]
    for side, clock, enable, reset, write, address, data, parity in (
        ("a", "CLKARDCLK", "ENARDEN", "RSTRAMARSTRAM", "WEA", "ADDRARDADDR", "DIADI", "DIPADIP"),
        ("b", "CLKBWRCLK", "ENBWREN", "RSTRAMB", "WEBWE", "ADDRBWRADDR", "DIBDI", "DIPBDIP"),
    ):
        which = "ab".index(side)
        if half.registers[which]:
            raise BitstreamError(
                f"{half.name}.DO{side.upper()}_REG: an output register, which nextpnr-xilinx gives "
                f"no clock and this extraction does not model"
            )
        enabled = inverting(enable)
        writes = bus(write, 4)
        if enabled != "1'b0":
            if not half.widths[which]:
                raise BitstreamError(f"{half.name}.{_WIDTHS[which]} is neither 18 nor 9")
            if not half.widths[2 + which] and writes != ["1'b0"] * 4:
                raise BitstreamError(f"{half.name}.{_WIDTHS[2 + which]} is neither 18 nor 9")
        pins = {
            "clk": inverting(clock),
            "en": enabled,
            "rst": inverting(reset),
            "we": f"{{{', '.join(writes)}}}",
            "addr": f"{{{', '.join(bus(address, 14))}}}",
            "di": f"{{{', '.join(bus(parity, 2) + bus(data, 16))}}}",
            "do": f"{prefix}_DO{side.upper()}",
        }
        connections += [f".{name}_{side}({value})" for name, value in pins.items()]
    return f"memory_half #({', '.join(parameters)}) {prefix}({', '.join(connections)});"


def output_expression(prefix: str, pin: str) -> str:
    """An output pin of a half: ``DOADO3`` is bit 3 of its DOA, ``DOPADOP1`` is bit 17."""
    match = re.match(r"DO(P?)([AB])DOP?(\d+)$", pin)
    if match is None:
        raise BitstreamError(f"{prefix} is read at {pin}, which is not supported here")
    return f"{prefix}_DO{match[2]}[{int(match[3]) + (16 if match[1] else 0)}]"


def _width(own: set[str], parameter: str) -> int:
    return next((w for w in (18, 9) if f"{parameter}_{w}" in own), 0)


def _mode(own: set[str], port: str, name: str) -> str:
    found = [m for m in _MODES if f"WRITE_MODE_{port}_{m}" in own]
    if len(found) > 1:
        raise BitstreamError(f"{name}.WRITE_MODE_{port} is set to {' and '.join(found)}")
    return found[0] if found else "WRITE_FIRST"
