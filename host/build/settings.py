"""What a project's Tcl scripts need to know, written as settings.tcl."""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.boards import Board
from tritstream.build.ports import port_map
from tritstream.configurations import Configuration
from tritstream.kernels.arguments import VLNV
from tritstream.kernels.constants import ultra_ram

OVERLAY = "tritstream"
"""Stem of the files that make an overlay, as the runtime looks for them."""

Value = str | Mapping[str, str]


def settings(
    configuration: Configuration, board: Board, kernels: Mapping[str, str]
) -> dict[str, Value]:
    """Everything that differs between projects, by the names that the scripts look up.

    ``kernels`` maps each source file's stem to its top function.
    """
    vendor, library, ip, version = VLNV.split(":")
    return {
        "configuration": configuration.name,
        "overlay": OVERLAY,
        "design": design_name(configuration),
        "board": board.name,
        "part": board.part,
        "vlnv": VLNV,
        "vendor": vendor,
        "library": library,
        "ip": ip,
        "version": version,
        "clock_ns": f"{1e9 / board.clock_hz:g}",
        "clock_mhz": f"{board.clock_hz / 1e6:g}",
        "masters": port_map(configuration, board),
        "kernels": kernels,
        "ultra_ram": " ".join(ultra_ram(configuration, board)),
    }


def design_name(configuration: Configuration) -> str:
    """Name of the block design: a Verilog identifier."""
    return f"tritstream_{configuration.name.replace('-', '_')}"


def as_tcl(values: Mapping[str, Value]) -> str:
    """A Tcl script that sets the dictionary ``settings``."""
    lines = [f"    {_word(key)} {_word(_text(value))} \\\n" for key, value in values.items()]
    return (
        "# Written by `tritstream build`; changes are lost.\n"
        "set settings [dict create \\\n" + "".join(lines) + "]\n"
    )


def _text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return " ".join(_word(word) for pair in value.items() for word in pair)


def _word(text: str) -> str:
    """One Tcl word. Braces quote everything but unbalanced braces and a backslash at the end."""
    if text and not set(text) & set(' \t\n"$[]{};\\#'):
        return text
    if set(text) & set("{}\\"):
        return "".join(f"\\{c}" if c in ' \t"$[]{};\\#' else c for c in text)
    return f"{{{text}}}"
