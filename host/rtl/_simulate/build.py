"""Building simulations: Verilated modules behind a generated harness, many kernels in a program.

That makes thousands of small ones affordable.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tritstream.files import scratch_folder
from tritstream.rtl._compiled import Compiled
from tritstream.rtl._ports import CONTROL, ArgumentPort, MemoryPort, RegisterPort, StreamPort
from tritstream.rtl._simulate.run import Simulation
from tritstream.toolchain.cxx import compile_all, compiler, link
from tritstream.toolchain.verilator import (
    headers,
    model_flags,
    runtime_objects,
    verilate,
    verilator,
)
from tritstream.verilog import Instance, Module, Port, pin

WAIVERS = {
    "DECLFILENAME": "a file holds the modules of a whole kernel",
    "UNUSEDSIGNAL": "values are exact integers, of which often only the low bits are needed",
    "UNSIGNED": "a comparison may be settled by the widths of its operands",
    "CMPCONST": "the same, of a constant",
}
"""Warnings of Verilator's -Wall that are switched off, and why."""

_LOG = logging.getLogger(__name__)


def lint(text: str, top: str) -> str:
    """Verilator's -Wall on the text, but WAIVERS; empty if clean, else it raises EngineError."""
    with scratch_folder("lint") as folder:
        source = folder / f"{top}.sv"
        source.write_text(text)
        waived = [f"-Wno-{w}" for w in WAIVERS]
        return verilator(["--lint-only", "-Wall", *waived, "--top-module", top, source])


def build(
    kernels: Sequence[Compiled],
    folder: Path | None = None,
    trace: bool = False,
    optimise: str = "-O1",
    watch: bool = False,
) -> Simulation:
    """Verilate and compile; in ``folder``, or in a temporary one that lives with the Simulation.

    ``watch``: outcomes have the cycles by state of each kernel's controller, for `states.spent`.
    """
    names = ", ".join(kernel.top for kernel in kernels)
    _LOG.info("building the simulation of %s: some seconds", names)
    stack = ExitStack()
    if folder is None:
        folder = stack.enter_context(scratch_folder("rtl"))
    with stack:
        program = _built(kernels, folder, trace, optimise, watch)
        return Simulation(kernels, program, stack.pop_all(), watch)


def _built(
    kernels: Sequence[Compiled], folder: Path, trace: bool, optimise: str, watch: bool
) -> Path:
    (folder / "harness.sv").write_text(_wrapper(kernels))
    (folder / "kernels.hpp").write_text(_bindings(kernels, trace, watch))
    main = folder / "main.cpp"
    main.write_text((Path(__file__).parent / "main.cpp").read_text(encoding="utf-8"))
    (folder / "watch.vlt").write_text(_watched(kernels) if watch else "`verilator_config\n")
    options = ["-Wall", *(f"-Wno-{w}" for w in WAIVERS), "--output-split", "15000"]
    options += ["--x-assign", "unique", "--x-initial", "unique"]
    designs = [folder / "watch.vlt", folder / "harness.sv"]
    made = verilate(designs, folder / "obj", "harness", "Vharness", options, trace=trace)
    tool = compiler()
    flags = model_flags(tool, trace=trace)
    own = (*flags, *headers(folder / "obj", Path(__file__).parent), optimise)
    sources = [*_together(made, folder), main]
    objects = compile_all(tool, sources, lambda source: own, folder)
    program = folder / "simulate"
    link(tool, [*objects, *runtime_objects(tool, (*flags, "-O2"), trace=trace)], program)
    return program


def _watched(kernels: Sequence[Compiled]) -> str:
    """For Verilator: the controllers' states stay visible, under names known beforehand."""
    lines = ["`verilator_config"]
    watched = {k.controller.module: k.top for k in kernels}
    for module, top in watched.items():
        lines += [f'inline -module "{name}"' for name in dict.fromkeys((top, module))]
        lines.append(f'public_flat_rd -module "{module}" -var "state"')
    return "\n".join(lines) + "\n"


def _together(sources: list[Path], folder: Path) -> list[Path]:
    """The sources in two files of about the same size: Verilator's headers, which each file reads,
    take longer than what it makes of a small kernel."""
    groups: list[list[Path]] = [[], []]
    sizes = [0, 0]
    for source in sorted(sources, key=lambda s: -s.stat().st_size):
        least = sizes.index(min(sizes))
        groups[least].append(source)
        sizes[least] += source.stat().st_size
    made = []
    for k, group in enumerate(groups):
        if group:
            made.append(folder / f"all{k}.cpp")
            made[-1].write_text("".join(f'#include "{s.name}"\n' for s in sorted(group)))
    return made


def _wrapper(kernels: Sequence[Compiled]) -> str:
    """One module with every kernel in it, each under a prefix and on its own clock."""
    texts = list(dict.fromkeys(kernel.text for kernel in kernels))
    instances: list[Instance] = []
    ports: list[Port] = []
    for k, compiled in enumerate(kernels):
        rows = []
        for signal in CONTROL:
            ports.append(Port(signal.direction, f"k{k}_{signal.name}", 1))
            rows.append(pin(signal.name, f"k{k}_{signal.name}[0]"))
        for signal in (s for port in compiled.arguments for s in port.signals()):
            ports.append(Port(signal.direction, f"k{k}_{signal.name}", signal.width))
            rows.append(pin(signal.name, f"k{k}_{signal.name}"))
        instances.append(Instance(compiled.top, f"k{k}", tuple(rows)))
    return "\n".join([*texts, Module("harness", ports, [*instances]).text()])


def _bindings(kernels: Sequence[Compiled], trace: bool, watch: bool) -> str:
    """What `main.cpp` includes: which signals of the harness are which port of which kernel."""
    lines = ['#include "harness.hpp"', '#include "Vharness.h"']
    if watch:
        cases = ""
        for k, kernel in enumerate(kernels):
            path = "__DOT__".join(("harness", f"k{k}", *kernel.controller.instances, "state"))
            cases += f"if (kernel == {k}) return top.rootp->{path}; "
        lines += ['#include "Vharness___024root.h"', "#define WATCH"]
        lines.append(f"static size_t state_of(Vharness& top, size_t kernel) {{ {cases}return 0; }}")
    if trace:
        lines.append('#include "verilated_vcd_c.h"')
    lines += [
        "#define SET(name) Set{&top.name, sizeof(top.name)}",
        "#define GET(name, width) Get{&top.name, sizeof(top.name), width}",
    ]
    for k, compiled in enumerate(kernels):
        lines += [f"static void bind{k}(Vharness& top, Kernel& k) {{"]
        for name in ("clk", "rst", "start"):
            lines.append(f"  k.{name} = SET(k{k}_{name});")
        lines.append(f"  k.done = GET(k{k}_done, 1);")
        for port in compiled.arguments:
            lines += [f"  {x}" for x in _binding(port, f"k{k}_")]
        lines.append("}")
    lines.append("using Bind = void (*)(Vharness&, Kernel&);")
    lines.append(
        "static Bind binds[] = {" + ", ".join(f"bind{k}" for k in range(len(kernels))) + "};"
    )
    return "\n".join([*lines, ""])


def _binding(port: ArgumentPort, prefix: str) -> list[str]:
    name, w = prefix + port.name, port.width
    if isinstance(port, RegisterPort):
        if port.is_input:
            return [f"k.add(new ScalarIn({w}, SET({name})));"]
        return [f"k.add(new ScalarOut({w}, GET({name}, {w})));"]
    if isinstance(port, StreamPort):
        if port.is_input:
            return [
                f"k.add(new StreamIn({w}, SET({name}_valid), GET({name}_ready, 1), "
                f"SET({name}_data)));"
            ]
        return [
            f"k.add(new StreamOut({w}, GET({name}_valid, 1), SET({name}_ready), "
            f"GET({name}_data, {w})));"
        ]
    if isinstance(port, MemoryPort):
        bits = max((port.depth - 1).bit_length(), 1)
        return [
            f"k.add(new Bank({w}, {port.depth}, {{GET({b}_ren0, 1), GET({b}_ren1, 1)}}, "
            f"{{GET({b}_raddr0, {bits}), GET({b}_raddr1, {bits})}}, "
            f"{{SET({b}_rdata0), SET({b}_rdata1)}}, "
            f"GET({b}_wen, 1), GET({b}_waddr, {bits}), GET({b}_wdata, {w})));"
            for b in (f"{name}_{k}" for k in range(port.banks))
        ]
    bits = max((port.size - 1).bit_length(), 1)
    lines = [f"{{ auto* m = k.add(new Master({w}, {port.size}));"]
    if port.reads:
        lines += [
            "m->reads = true;",
            f"m->ar_valid = GET({name}_ar_valid, 1); m->ar_ready = SET({name}_ar_ready);",
            f"m->ar_addr = GET({name}_ar_addr, {bits}); m->ar_count = GET({name}_ar_count, 32);",
            f"m->r_valid = SET({name}_r_valid); m->r_ready = GET({name}_r_ready, 1);",
            f"m->r_data = SET({name}_r_data);",
        ]
    if port.writes:
        lines += [
            "m->writes = true;",
            f"m->aw_valid = GET({name}_aw_valid, 1); m->aw_ready = SET({name}_aw_ready);",
            f"m->aw_addr = GET({name}_aw_addr, {bits}); m->aw_count = GET({name}_aw_count, 32);",
            f"m->w_valid = GET({name}_w_valid, 1); m->w_ready = SET({name}_w_ready);",
            f"m->w_data = GET({name}_w_data, {w}); m->b_valid = SET({name}_b_valid);",
        ]
    return [*lines, "}"]
