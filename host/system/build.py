"""Building a system simulation: a shared library from Verilator and g++, kept in a cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from tritstream.caches import made_cache_folder
from tritstream.configurations import Configuration
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.kernels.arguments import TOP, Argument, argument_table, bundles
from tritstream.programs import Compiler, compiler, run, run_all
from tritstream.rtl.simulate import SOUND, WAIVERS, verilator, verilator_root
from tritstream.rtl.targets import VENDOR, Target
from tritstream.shell import Bus, CorePort, bus_for, core_ports, ip_source, shell_source
from tritstream.system.probe import NO_PROBE, Probe, probe_of

_LOG = logging.getLogger(__name__)
_FLAGS = ("-std=gnu++20", "-w", "-fPIC", "-fvisibility=hidden")
_RUNTIME = ("verilated", "verilated_threads", "verilated_vcd_c")


def library_flags(tool: Compiler) -> tuple[str, ...]:
    """How a simulation becomes a library that can be loaded, unloaded, and loaded beside others."""
    return _FLAGS if tool.is_clang else (*_FLAGS, "-fno-gnu-unique")


@dataclass(frozen=True)
class Parts:
    """What a system is made of: the argument table, the core's text and ports, and the bus; and
    what a simulation watches of the core, if anything."""

    name: str
    table: tuple[Argument, ...]
    core: str
    core_text: str
    ports: tuple[CorePort, ...]
    bus: Bus
    probe: Probe | None = None
    target: Target = VENDOR

    @property
    def text(self) -> str:
        """SystemVerilog of everything; the top module is the IP."""
        top = ip_source(self.table, self.core, self.ports, self.bus)
        return "\n".join((shell_source(self.target), self.core_text, top))

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
    Refusal where the compiler cannot translate it, EngineError where there is no MLIR."""
    from tritstream.rtl.compile import compile_function
    from tritstream.rtl.kernel import module_of, options_for

    table = argument_table(configuration)
    options = replace(options_for(configuration, target), prefix="core_")
    compiled = compile_function(module_of(configuration, TOP), TOP, options)
    return Parts(
        configuration.name,
        table,
        compiled.top,
        compiled.text,
        core_ports(table, compiled),
        bus or bus_for(configuration),
        probe_of(compiled.top, compiled.text, options.prefix),
        target,
    )


def system_library(parts: Parts, trace: bool = False) -> Path:
    """The simulator as a shared library, built if the cache has none. Raises EngineError."""
    bus = parts.bus
    readers, writers = parts.masters("in"), parts.masters("out")
    constants = {
        "BUS_BYTES": bus.bits // 8,
        "BURST": bus.burst,
        "READERS": len(readers),
        "WRITERS": len(writers),
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
        "model.cpp": (files("tritstream.system") / "model.cpp").read_text(encoding="utf-8"),
    }
    digest = hashlib.sha256()
    root = verilator_root()
    version = (root / "include" / "verilated_config.h").read_bytes()
    tool = compiler()
    for part in (
        version,
        tool.key.encode(),
        repr((library_flags(tool), SOUND, trace)).encode(),
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
    arguments: list[str | Path] = ["--cc", "-Wall", *(f"-Wno-{w}" for w in WAIVERS)]
    arguments += ["--top-module", TOP, "--prefix", "Vsystem", "--Mdir", folder / "obj"]
    arguments += ["--x-assign", "unique", "--x-initial", "unique", "-O3"]
    arguments += ["--output-split", "20000", *SOUND, *(["--trace"] if trace else [])]
    verilator([*arguments, folder / "probe.vlt", folder / "system.sv"])
    include = verilator_root() / "include"
    flags = [*_flags(tool, trace), f"-I{folder / 'obj'}", f"-I{folder}"]
    sources = [*sorted((folder / "obj").glob("*.cpp")), folder / "model.cpp"]
    objects = _compile(tool, sources, flags, folder)
    runtime = [
        _runtime_object(tool, include / f"{n}.cpp", trace)
        for n in _RUNTIME
        if trace or n[-4:] != "cd_c"
    ]
    made = folder / "system.so"
    linked: list[str | Path] = [*objects, *runtime, "-pthread", *tool.libraries]
    run([*tool.command, "-shared", "-Wl,-Bsymbolic", "-o", made, *linked], "the linker")
    atomic_write_bytes(target, made.read_bytes())


def _flags(tool: Compiler, trace: bool) -> list[str]:
    include = verilator_root() / "include"
    kinds = {"COVERAGE": 0, "SC": 0, "TRACE": trace, "TRACE_VCD": trace, "TRACE_FST": 0}
    flags = [*library_flags(tool), "-O1", *(f"-DVM_{k}={int(v)}" for k, v in kinds.items())]
    # Of a traced simulation few cycles are wanted: building it faster is worth more.
    flags += ["-O0"] if trace else []
    return [*flags, f"-I{include}", f"-I{include / 'vltstd'}"]


def _compile(
    tool: Compiler, sources: Sequence[Path], flags: Sequence[str], folder: Path
) -> list[Path]:
    objects = [folder / f"{source.stem}.o" for source in sources]
    pairs = zip(sources, objects, strict=True)
    run_all(([*tool.command, *flags, "-c", s, "-o", o] for s, o in pairs), "the C++ compiler")
    return objects


def _runtime_object(tool: Compiler, source: Path, trace: bool) -> Path:
    """An object of Verilator's run-time library, compiled once for a user, version and compiler."""
    flags = _flags(tool, trace)
    key = "\0".join((source.read_text("utf-8"), tool.key, *flags)).encode()
    name = f"{source.stem}-{hashlib.sha256(key).hexdigest()[:16]}.o"
    target = made_cache_folder("system") / name
    if not target.is_file():
        with scratch_folder("verilated") as folder:
            made = folder / "made.o"
            run([*tool.command, *flags, "-c", source, "-o", made], "the C++ compiler")
            atomic_write_bytes(target, made.read_bytes())
    return target
