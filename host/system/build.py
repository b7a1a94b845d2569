"""Building a system simulation: a shared library from Verilator and g++, kept in a cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from tritstream.caches import made_cache_folder
from tritstream.configurations import Configuration
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.kernels.arguments import (
    TOP,
    VECTOR_BUNDLE,
    Argument,
    argument_table,
    bundles,
)
from tritstream.kernels.checks import limits
from tritstream.rtl import VENDOR, WAIVERS, MappedText, Target, joined
from tritstream.shell import Bus, CorePort, bus_for, core_ports, ip_source, shell_source
from tritstream.system.probe import NO_PROBE, Probe, probe_of
from tritstream.toolchain.cxx import Compiler, compile_all, compiler, link
from tritstream.toolchain.verilator import (
    SOUND,
    axi_memory,
    headers,
    model_flags,
    runtime_objects,
    verilate,
    verilator_version,
)

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What a system is made of: the argument table, the core's text and ports, and the bus; and
    what a simulation watches of the core, if anything."""

    name: str
    table: tuple[Argument, ...]
    core: str
    core_source: MappedText
    ports: tuple[CorePort, ...]
    bus: Bus
    limits: Mapping[str, int] | None = None
    """What the shell checks the descriptor table against; None where the core reads none."""
    probe: Probe | None = None
    target: Target = VENDOR

    @property
    def source(self) -> MappedText:
        """SystemVerilog of everything; the top module is the IP."""
        top = ip_source(self.table, self.core, self.ports, self.bus, self.limits)
        shell = shell_source(self.target)
        return joined((MappedText(shell), self.core_source, MappedText(top)), "\n")

    @property
    def text(self) -> str:
        """The text of `source`."""
        return self.source.text

    def bus_of(self, bundle: str) -> Bus:
        """The bus of an AXI master, which is no wider than its words."""
        bits = next(a.bits for a in self.table if a.bundle == bundle)
        return self.bus.for_words(bits)

    def masters(self, direction: str) -> list[str]:
        """Bundles that are read (``in``) or written (``out``)."""
        return [
            b for b in bundles(self.table)
            if any(a.bundle == b and a.direction == direction for a in self.table if a.beats)
        ]  # fmt: skip


def engine_parts(
    configuration: Configuration, bus: Bus | None = None, target: Target = VENDOR
) -> Parts:
    """The engine of a configuration, for a target. Raises ConfigurationError without a geometry,
    UnsupportedError where the compiler cannot translate it, EngineError where there is no MLIR."""
    from tritstream.rtl import compile_function, module_of, options_for

    table = argument_table(configuration)
    options = replace(options_for(configuration, target), prefix="core_")
    compiled = compile_function(module_of(configuration, TOP), TOP, options)
    return Parts(
        configuration.name,
        table,
        compiled.top,
        compiled.source,
        core_ports(table, compiled),
        bus or bus_for(configuration),
        limits(configuration),
        probe_of(compiled),
        target,
    )


def system_library(parts: Parts, trace: bool = False) -> Path:
    """The simulator as a shared library, built if the cache has none. Raises EngineError."""
    bus = parts.bus
    readers, writers = parts.masters("in"), parts.masters("out")
    widths = [[parts.bus_of(b).bits // 8 for b in masters] for masters in (readers, writers)]
    constants = {
        "BURST": bus.burst,
        "READERS": len(readers),
        "WRITERS": len(writers),
        "READ_BYTES[]": "{" + ", ".join(map(str, widths[0])) + "}",
        "WRITE_BYTES[]": "{" + ", ".join(map(str, widths[1])) + "}",
        "MOST_BYTES": max(map(max, widths)),
        "VECTOR_READER": readers.index(VECTOR_BUNDLE),
        "VECTOR_WRITER": writers.index(VECTOR_BUNDLE),
    }
    generated = {
        "system.sv": parts.text,
        "ports.inc": "".join(
            [f"READER({k}, {name})\n" for k, name in enumerate(readers)]
            + [f"WRITER({k}, {name})\n" for k, name in enumerate(writers)]
        ),
        "bus.inc": "".join(f"constexpr int {n} = {v};\n" for n, v in constants.items()),
        "probe.inc": parts.probe.header if parts.probe else NO_PROBE,
        "probe.vlt": parts.probe.verilator_configuration if parts.probe else "`verilator_config\n",
        "axi_memory.hpp": axi_memory(),
        "model.cpp": (files("tritstream.system") / "model.cpp").read_text(encoding="utf-8"),
    }
    digest = hashlib.sha256()
    tool = compiler()
    for part in (
        verilator_version().encode(),
        tool.key.encode(),
        repr((_flags(tool, trace), SOUND)).encode(),
        *(t.encode() for t in generated.values()),
    ):
        digest.update(hashlib.sha256(part).digest())
    kind = "traced-" if trace else ""
    name = f"{parts.name}-{bus.name}-{kind}{digest.hexdigest()[:16]}.so"
    target = made_cache_folder("system") / name
    if not target.is_file():
        _LOG.info("building the simulation of %s: a minute or two, kept for the next time", name)
        with scratch_folder("system") as folder:
            for file, text in generated.items():
                (folder / file).write_text(text, encoding="utf-8")
            _build(tool, folder, target, trace)
    return target


def _build(tool: Compiler, folder: Path, target: Path, trace: bool) -> None:
    options = ["-Wall", *(f"-Wno-{w}" for w in WAIVERS), "--output-split", "20000", "-O3"]
    options += ["--x-assign", "unique", "--x-initial", "unique"]
    designs = [folder / "probe.vlt", folder / "system.sv"]
    made = verilate(designs, folder / "obj", TOP, "Vsystem", options, trace=trace)
    flags = _flags(tool, trace)
    own = (*flags, *headers(folder / "obj", folder))
    objects = compile_all(tool, [*made, folder / "model.cpp"], lambda source: own, folder)
    library = folder / "system.so"
    link(tool, [*objects, *runtime_objects(tool, flags, trace=trace)], library, library=True)
    atomic_write_bytes(target, library.read_bytes())


def _flags(tool: Compiler, trace: bool) -> tuple[str, ...]:
    # Of a traced simulation few cycles are wanted: building it faster is worth more.
    return (*model_flags(tool, trace=trace, library=True), "-O0" if trace else "-O1")
