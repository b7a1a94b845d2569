"""Whether pynq takes a bitstream and its hardware hand-off: its own parsers, on this machine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def parse(data: bytes, handoff: Path | None) -> tuple[bool | None, str]:
    """(whether it does, a sentence); None where pynq is not installed."""
    try:
        installed = version("pynq")
        from pynq.pl_server.embedded_device import bit2bin, parse_bit_header
        from pynqmetadata.frontends import Metadata
        from pynqmetadata.views.runtime import RuntimeMetadataParser
    except (ImportError, PackageNotFoundError):
        return None, "pynq is not installed (pip install 'tritstream[board]')"
    # pynq raises whatever its parsing meets: the reason, not the kind, is what counts here.
    try:
        header = parse_bit_header(data)
        binary = bit2bin(data)
    except Exception as error:
        return False, f"pynq {installed} does not take the .bit: {error!r}"
    if len(binary) != int(header["length"]):
        return False, f"pynq {installed} makes {len(binary)} bytes of {header['length']}"
    if handoff is None:
        return None, f"pynq {installed} takes the .bit (part {header['part']}); there is no .hwh"
    try:
        blocks = sorted(RuntimeMetadataParser(Metadata(input=handoff)).ip_dict)
    except Exception as error:
        return False, f"pynq {installed} does not take {handoff.name}: {error!r}"
    if not blocks:
        return False, f"pynq {installed} finds no blocks in {handoff.name}"
    return True, f"pynq {installed} takes the .bit (part {header['part']}) and {', '.join(blocks)}"
