"""The pins of the processor system (PS7) of a Zynq-7000, as its site has them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from tritstream.bitstream.database import Database
from tritstream.bitstream.errors import BitstreamError

SITE = "PS7"
CLOCKS = tuple(f"FCLKCLK{k}" for k in range(4))
# Pins of the site that are no ports of the primitive.
_PRIVATE = re.compile(r"TEST|DEBUG")


@dataclass(frozen=True)
class Processor:
    """Its ports by name with the number of bits, None for a single pin: ``inputs`` are driven by
    the fabric, ``outputs`` by the processor."""

    tile: str
    wires: dict[str, str]
    """The wire of each pin."""
    inputs: dict[str, int | None]
    outputs: dict[str, int | None]

    @property
    def input_pins(self) -> list[str]:
        return pins_of(self.inputs)

    @property
    def output_pins(self) -> list[str]:
        return pins_of(self.outputs)


def pins_of(ports: dict[str, int | None]) -> list[str]:
    """The pins of ports, in their order, from bit 0 on."""
    return [
        pin
        for port, width in ports.items()
        for pin in ([port] if width is None else [f"{port}{k}" for k in range(width)])
    ]


def processor_of(database: Database) -> Processor:
    """The processor of a device. Raises BitstreamError where it has none."""
    for tile in database.tiles.values():
        if not tile.type.startswith("PSS"):
            continue
        for site in database.tile_type(tile.type).sites:
            if site.type == SITE:
                directions = database.site_pins(SITE)
                known = [p for p in directions if p in site.wires and not _PRIVATE.match(p)]
                kinds = {d: _ports([p for p in known if directions[p] == d]) for d in ("IN", "OUT")}
                return Processor(
                    tile.name,
                    {pin: site.wires[pin] for pin in known},
                    *({name: kinds[d][name] for name in sorted(kinds[d])} for d in ("IN", "OUT")),
                )
    raise BitstreamError(f"{database.part} has no processor of type PS7 in {database.folder}")


def _ports(pins: list[str]) -> dict[str, int | None]:
    numbered: dict[str, set[int]] = defaultdict(set)
    ports: dict[str, int | None] = {}
    for pin in pins:
        match = re.match(r"(.*\D)(\d+)$", pin)
        if match:
            numbered[match[1]].add(int(match[2]))
        else:
            ports[pin] = None
    for name, numbers in numbered.items():
        if numbers != set(range(len(numbers))):
            raise BitstreamError(f"the pins {name}* of {SITE} are not numbered from 0 on")
        ports[name] = len(numbers)
    return ports


_LITERAL = re.compile(r"(\d+)'([bdh])([0-9a-f_]+)$")
_CONNECTION = re.compile(r"\.\s*(\w+)\s*\(")
_RADIX = {"b": 2, "d": 10, "h": 16}


def connections(rtl: str) -> dict[str, str]:
    """The ports that the RTL's instance of the processor connects, and the expressions there.

    Raises BitstreamError where there is no instance.
    """
    match = re.search(rf"\b{SITE}\s+\w+\s*\(", rtl)
    if match is None:
        raise BitstreamError(f"the RTL has no instance of the processor ({SITE})")
    body = _inside(rtl, match.end())
    found, at = {}, 0
    while (start := _CONNECTION.search(body, at)) is not None:
        expression = _inside(body, start.end())
        at = start.end() + len(expression) + 1
        if expression.strip():
            found[start[1]] = expression.strip()
    return found


def ties(rtl: str, processor: Processor) -> dict[str, int]:
    """The input pins that the RTL ties to a literal constant, and their level."""
    tied = {}
    for port, expression in connections(rtl).items():
        match = _LITERAL.match(expression)
        if match and port in processor.inputs:
            value = int(match[3], _RADIX[match[2]])
            for k, pin in enumerate(pins_of({port: processor.inputs[port]})):
                tied[pin] = value >> k & 1
    return tied


def _inside(text: str, start: int) -> str:
    """From behind an opening parenthesis to its closing one."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if not depth:
            return text[start:at]
    raise BitstreamError("the RTL ends within the processor's instance")
