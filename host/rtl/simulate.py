"""Simulate: Verilated modules behind a generated C++ harness, run as a program with binary files.

Several compiled kernels can share one build, which makes thousands of small ones affordable.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.files import scratch_folder
from tritstream.rtl._compiled import Compiled
from tritstream.rtl._ports import CONTROL, ArgumentPort, MemoryPort, RegisterPort, StreamPort
from tritstream.rtl.interpret import signed, unsigned
from tritstream.toolchain.cxx import compile_all, compiler, link
from tritstream.toolchain.programs import run
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
TIME_LIMIT_S = 3600.0
"""For one run of a simulated program, which ends by itself after a number of cycles."""

_LOG = logging.getLogger(__name__)


def lint(text: str, top: str) -> str:
    """Verilator's -Wall on the text, but WAIVERS; empty if clean, else it raises EngineError."""
    with scratch_folder("lint") as folder:
        source = folder / f"{top}.sv"
        source.write_text(text)
        waived = [f"-Wno-{w}" for w in WAIVERS]
        return verilator(["--lint-only", "-Wall", *waived, "--top-module", top, source])


# What goes in and comes out of one run.


@dataclass(frozen=True)
class Stalls:
    """How the surroundings behave: a stall with probability ``stall`` / 256 wherever one is
    possible, ``latency`` cycles from a request to a bus to its first beat."""

    seed: int = 1
    stall: int = 0
    latency: int = 1


@dataclass(eq=False)
class Outcome:
    """``values`` by argument, as uint32 words: (1, words) of a register, (n, words) of a stream or
    of what is behind a bus, (banks, depth, words) of a memory; the words left in an input stream;
    None for an input register."""

    cycles: int
    values: list[Any]
    beats: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Beats read and written by bus."""
    states: list[int] = field(default_factory=list)
    """Cycles by state of the controller, where the simulation was built to watch it."""


class Simulation:
    """A built simulator of one or several kernels."""

    def __init__(
        self, kernels: Sequence[Compiled], program: Path, folder: ExitStack, watch: bool = False
    ) -> None:
        self.kernels = list(kernels)
        self.watch = watch
        self.program = program
        # A folder of its own goes with it, at the latest when Python ends.
        self._end = weakref.finalize(self, folder.close)

    def run(
        self,
        arguments: Sequence[Any],
        kernel: int = 0,
        stalls: Stalls = Stalls(),
        limit: int = 10_000_000,
        trace: Path | None = None,
    ) -> Outcome:
        """One run. Arguments by type of port: an integer; integers; for a memory, those of each
        bank. Integers may be an array of uint32 words instead.

        Raises EngineError if it does not end within ``limit`` cycles.
        """
        return self.run_many([(kernel, arguments, stalls)], limit, trace)[0]

    def run_many(
        self,
        jobs: Sequence[tuple[int, Sequence[Any], Stalls]],
        limit: int = 10_000_000,
        trace: Path | None = None,
    ) -> list[Outcome]:
        """Several runs in one process: (kernel, arguments, stalls) each."""
        words: list[npt.NDArray[np.uint32]] = [np.array([len(jobs)], np.uint32)]
        for kernel, arguments, stalls in jobs:
            header = [kernel, stalls.seed, stalls.stall, stalls.latency, limit]
            words.append(np.array(header, np.uint32))
            for port, value in zip(self.kernels[kernel].arguments, arguments, strict=True):
                words += _encode(port, value)
        with scratch_folder("run") as folder:
            source, target = folder / "in", folder / "out"
            source.write_bytes(np.concatenate(words).tobytes())
            command: list[str | Path] = [self.program, source, target]
            command += ["+verilator+rand+reset+2", f"+verilator+seed+{jobs[0][2].seed % 65535 + 1}"]
            if trace is not None:
                command.append(trace)
            run(command, "the simulation", limit_s=TIME_LIMIT_S)
            data = np.fromfile(target, np.uint32)
        at = 0
        outcomes = []
        for kernel, _, _ in jobs:
            compiled = self.kernels[kernel]
            finished, cycles = int(data[at]), int(data[at + 1])
            at += 2
            if not finished:
                raise EngineError(f"{compiled.top} did not end within {limit} cycles (simulated)")
            outcome = Outcome(cycles, [])
            if self.watch:
                outcome.states = data[at + 1 : at + 1 + int(data[at])].tolist()
                at += 1 + len(outcome.states)
            for port in compiled.arguments:
                value, at = _decode(port, data, at, outcome)
                outcome.values.append(value)
            outcomes.append(outcome)
        return outcomes


def _encode(port: ArgumentPort, value: Any) -> list[npt.NDArray[np.uint32]]:
    if isinstance(port, RegisterPort):
        return [_words([value], port.width)] if port.is_input else []
    if isinstance(port, StreamPort):
        if not port.is_input:
            return []
        words = _words(value, port.width)
        return [np.array([len(words) // -(-port.width // 32)], np.uint32), words]
    if isinstance(port, MemoryPort):
        return [_words(bank, port.width) for bank in value]
    # A memory behind a bus is as long as what is in it.
    words = _words(value, port.width)
    return [np.array([len(words) // -(-port.width // 32)], np.uint32), words]


def _words(values: Any, width: int) -> npt.NDArray[np.uint32]:
    """Integers, or an array that already has the words of every integer, as one run of words."""
    if isinstance(values, np.ndarray) and values.dtype == np.uint32:
        return values.reshape(-1)
    count = -(-width // 32)
    raw = b"".join(unsigned(int(v), width).to_bytes(4 * count, "little") for v in values)
    return np.frombuffer(raw, np.uint32)


def integers(words: npt.NDArray[np.uint32], width: int) -> list[int]:
    """(n, words of an integer) as signed integers; a bit is 0 or 1."""
    raw = np.ascontiguousarray(words).tobytes()
    each = 4 * words.shape[1]
    return [
        signed(int.from_bytes(raw[at : at + each], "little"), width)
        for at in range(0, len(raw), each)
    ]


def _decode(
    port: ArgumentPort, data: npt.NDArray[np.uint32], at: int, outcome: Outcome
) -> tuple[Any, int]:
    each = -(-port.width // 32)

    def take(start: int, count: int) -> npt.NDArray[np.uint32]:
        return data[start : start + count * each].reshape(count, each)

    if isinstance(port, RegisterPort):
        if port.is_input:
            return None, at
        return take(at, 1), at + each
    if isinstance(port, StreamPort):
        count = int(data[at])
        if port.is_input:
            return count, at + 1
        return take(at + 1, count), at + 1 + count * each
    if isinstance(port, MemoryPort):
        banks = take(at, port.banks * port.depth).reshape(port.banks, port.depth, each)
        return banks, at + banks.size
    values = take(at + 1, int(data[at]))
    at += 1 + values.size
    outcome.beats[port.name] = (int(data[at]), int(data[at + 1]))
    return values, at + 2


# Building.


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
    text, ports = _wrapper(kernels)
    (folder / "harness.sv").write_text(text)
    (folder / "main.cpp").write_text(_main(kernels, ports, trace, watch))
    (folder / "watch.vlt").write_text(_watched(kernels) if watch else "`verilator_config\n")
    options = ["-Wall", *(f"-Wno-{w}" for w in WAIVERS), "--output-split", "15000"]
    options += ["--x-assign", "unique", "--x-initial", "unique"]
    designs = [folder / "watch.vlt", folder / "harness.sv"]
    made = verilate(designs, folder / "obj", "harness", "Vharness", options, trace=trace)
    tool = compiler()
    flags = model_flags(tool, trace=trace)
    own = (*flags, *headers(folder / "obj", Path(__file__).parent), optimise)
    sources = [*_together(made, folder), folder / "main.cpp"]
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


def _wrapper(kernels: Sequence[Compiled]) -> tuple[str, list[Port]]:
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
    return "\n".join([*texts, Module("harness", ports, [*instances]).text()]), ports


def _main(kernels: Sequence[Compiled], ports: list[Port], trace: bool, watch: bool) -> str:
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
    lines.append(_MAIN)
    return "\n".join(lines)


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


_MAIN = r"""
int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  std::vector<uint32_t> input;
  FILE* f = std::fopen(argv[1], "rb");
  if (!f) return 2;
  uint32_t block[4096];
  for (size_t n; (n = std::fread(block, 4, 4096, f));) input.insert(input.end(), block, block + n);
  std::fclose(f);
  Vharness top(&context);
  const size_t kinds = sizeof(binds) / sizeof(binds[0]);
  std::vector<Kernel> kernels(kinds);
  for (size_t k = 0; k < kinds; k++) binds[k](top, kernels[k]);
#if VM_TRACE
  VerilatedVcdC vcd;
  bool tracing = false;
  const char* last = argv[argc - 1];
  if (last[0] != '+') {
    context.traceEverOn(true);
    top.trace(&vcd, 99);
    vcd.open(last);
    tracing = true;
  }
#endif
  uint64_t time = 0;
  Writer out;
  Reader in(input);
  for (auto& k : kernels) k.clk({0}), k.rst({1}), k.start({0});
  auto step = [&](Kernel& k, int level) {
    k.clk({uint32_t(level)});
    top.eval();
#if VM_TRACE
    if (tracing) vcd.dump(time);
#endif
    time += 5;
  };
  for (uint32_t jobs = in.one(); jobs; jobs--) {
    Kernel& k = kernels.at(in.one());
    Settings settings;
    settings.seed = in.one(), settings.stall = in.one(), settings.latency = in.one();
    settings.limit = in.one();
    uint32_t salt = 0;
    for (auto& m : k.models) {
      m->load(in);
      m->reset(settings, ++salt);
    }
    k.start({0}), k.rst({1});
    for (int n = 0; n < 3; n++) {
      for (auto& m : k.models) m->before();
      step(k, 0), step(k, 1);
    }
    for (auto& m : k.models) m->reset(settings, ++salt);
    k.rst({0});
    uint32_t cycles = 0, finished = 0;
#ifdef WATCH
    std::vector<uint32_t> states;
    auto watch = [&] {
      const size_t state = state_of(top, size_t(&k - &kernels[0]));
      if (states.size() <= state) states.resize(state + 1);
      states[state]++;
    };
#endif
    for (; cycles < settings.limit && !finished; cycles++) {
      k.start({cycles == 0});
      for (auto& m : k.models) m->before();
      step(k, 0);
      for (auto& m : k.models) m->sample();
      finished = k.done()[0];
#ifdef WATCH
      watch();
#endif
      step(k, 1);
    }
    k.start({0});
    step(k, 0);
    out.push_back(finished);
    out.push_back(cycles);
#ifdef WATCH
    if (finished) out.push_back(uint32_t(states.size()));
    if (finished) out.insert(out.end(), states.begin(), states.end());
#endif
    if (finished)
      for (auto& m : k.models) m->store(out);
  }
#if VM_TRACE
  if (tracing) vcd.close();
#endif
  top.final();
  f = std::fopen(argv[2], "wb");
  if (!f) return 2;
  std::fwrite(out.data(), 4, out.size(), f);
  return std::fclose(f);
}
"""
