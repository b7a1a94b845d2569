"""Block RAM: each 18-kbit half that is in use, as its bits and its own wires say.

A memory of 36 kbit is two halves with the same controls, the lower with the even bits: no bit says
so. Ports are 18 bits wide (a row of 16 and its two of parity) or 9 (a byte of it with its parity);
what they do is AMD's UG473. What the extraction does not know it refuses, naming the feature.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tritstream.bitstream.circuit import ONE, ZERO, Circuit, Memory, MemoryPort
from tritstream.bitstream.errors import BitstreamError

_MODES = {"WRITE_FIRST": 0, "READ_FIRST": 1, "NO_CHANGE": 2}
_REFUSED = re.compile(r"SDP_|FIFO_MODE|RDADDR_COLLISION_HWCONFIG_PERFORMANCE|DO[AB]_REG")
_REFUSED_TILE = re.compile(r"RAMB36\.(EN_ECC|RAM_EXTENSION_[AB]_LOWER|BRAM36_)|EN_SYN|FIRST_WORD")
_INIT = re.compile(r"INIT(P?)_([0-9A-F]{2})\[(\d+)\]$")
PORTS = (
    ("A", "CLKARDCLK", "ENARDEN", "RSTRAMARSTRAM", "WEA", "ADDRARDADDR", "DIADI", "DIPADIP"),
    ("B", "CLKBWRCLK", "ENBWREN", "RSTRAMB", "WEBWE", "ADDRBWRADDR", "DIBDI", "DIPBDIP"),
)


def make_half(
    tile: str,
    upper: bool,
    features: list[str],
    circuit: Circuit,
    pin: Callable[[str], int],
    check_clock: Callable[[str, str], None],
) -> Memory:
    """A half as its tile's features set it. ``pin`` gives the signal at an input pin, and
    ``check_clock`` refuses a clock pin (for the named half) that is not the design's clock.

    Raises BitstreamError for what is not supported.
    """
    start = f"RAMB18_Y{int(upper)}."
    own = {f.removeprefix(start) for f in features if f.startswith(start)}
    name = f"{tile}.{start[:-1]}"
    if "IN_USE" not in own:
        raise BitstreamError(f"{name}.IN_USE is not set, and its output is used")
    for feature in sorted(features):
        if _REFUSED_TILE.match(feature):
            raise BitstreamError(f"{tile}.{feature}: a mode that is not supported here")
    for feature in sorted(own):
        if _REFUSED.match(feature):
            raise BitstreamError(f"{name}.{feature}: a mode that is not supported here")
    rows, values = [0] * 1024, dict.fromkeys(("ZSRVAL_A", "ZSRVAL_B", "ZINIT_A", "ZINIT_B"), 0)
    for feature in own:
        match = _INIT.match(feature)
        if match:
            bit = int(match[2], 16) * 256 + int(match[3])
            width, above = (2, 16) if match[1] else (16, 0)
            rows[bit // width] |= 1 << above + bit % width
        elif feature.endswith("]"):
            vector, _, number = feature[:-1].partition("[")
            values[vector] |= 1 << int(number)

    def inverting(pin_name: str) -> int:
        signal = pin(pin_name)
        if f"ZINV_{pin_name}" in own:
            return signal
        if signal in (ZERO, ONE):
            return ONE - signal
        return circuit.lookup(f"{name}.{pin_name}", 0b01, [lambda: signal])

    ports = []
    for side, clock, enable, clear, write, address, data, parity in PORTS:
        enabled = inverting(enable)
        # Of a port that is never enabled nothing else counts.
        live = enabled != ZERO
        if live:
            if f"ZINV_{clock}" not in own:
                raise BitstreamError(f"{name}.ZINV_{clock} is not set: an inverted clock")
            check_clock(name, clock)
        signals = [
            tuple(pin(f"{stem}{k}") if live else ZERO for k in range(bits))
            for stem, bits in ((write, 4), (address, 14), (data, 16), (parity, 2))
        ]
        writes = any(s != ZERO for s in signals[0])
        widths = _width(own, f"READ_WIDTH_{side}"), _width(own, f"WRITE_WIDTH_{side}")
        for width, used, what in zip(widths, (live, writes), ("READ", "WRITE"), strict=True):
            if used and not width:
                raise BitstreamError(f"{name}.{what}_WIDTH_{side} is neither 18 nor 9")
        q = tuple(circuit.signal(f"{name}.DO{side}[{k}]") for k in range(18))
        ports.append(
            MemoryPort(
                widths,
                _mode(own, side, name),
                values[f"ZSRVAL_{side}"] ^ 0x3FFFF,
                values[f"ZINIT_{side}"] ^ 0x3FFFF,
                enabled,
                inverting(clear) if live else ZERO,
                signals[0],
                signals[1],
                signals[2] + signals[3],
                q,
            )
        )
    return Memory(name, upper, (ports[0], ports[1]), tuple(rows))


def output_of(memory: Memory, pin: str) -> int:
    """The signal at an output pin: ``DOADO3`` is bit 3 of port A, ``DOPADOP1`` is bit 17."""
    match = re.match(r"DO(P?)([AB])DOP?(\d+)$", pin)
    if match is None:
        raise BitstreamError(f"{memory.name} is read at {pin}, which is not supported here")
    return memory.ports["AB".index(match[2])].q[int(match[3]) + (16 if match[1] else 0)]


def _width(own: set[str], parameter: str) -> int:
    return next((w for w in (18, 9) if f"{parameter}_{w}" in own), 0)


def _mode(own: set[str], port: str, name: str) -> int:
    found = [m for m in _MODES if f"WRITE_MODE_{port}_{m}" in own]
    if len(found) > 1:
        raise BitstreamError(f"{name}.WRITE_MODE_{port} is set to {' and '.join(found)}")
    return _MODES[found[0]] if found else _MODES["WRITE_FIRST"]
