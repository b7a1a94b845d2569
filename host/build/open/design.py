"""The SystemVerilog of a whole design: processor, shell, and the compiled engine."""

from __future__ import annotations

from collections.abc import Mapping

from tritstream.configurations import Configuration
from tritstream.rtl import ZYNQ7_OPEN
from tritstream.shell import AXI3
from tritstream.shell.zynq7 import system_source, top_source, zynq7_source


def design_source(configuration: Configuration, ports: Mapping[str, str]) -> str:
    """The text of all modules; ``ports`` maps the engine's bundles to HP ports.

    Raises EngineError where there is no MLIR, UnsupportedError where the compiler cannot translate
    it.
    """
    from tritstream.system import engine_parts

    parts = engine_parts(configuration, AXI3, target=ZYNQ7_OPEN)
    table = parts.table
    texts = (parts.text, zynq7_source(), system_source(table, ports), top_source(table, ports))
    return "\n".join(texts)
