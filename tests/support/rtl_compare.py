"""Runs kernels through the interpreter and through their RTL, and compares."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

from support import rtl_fuzz
from support.rtl_fuzz import Kernel
from tritstream.rtl import (
    FABRICS,
    VENDOR,
    Compiled,
    MemoryPort,
    MemRefType,
    Module,
    Options,
    RegisterPort,
    Stalls,
    StreamPort,
    Target,
    UnsupportedError,
    build,
    compile_function,
    integers,
    parse,
)
from tritstream.rtl._interpret import Array, Fifo, run
from tritstream.rtl._lower import places


def banked(memory: MemoryPort, t: MemRefType, data: list[int]) -> list[list[int]]:
    """Row-major data as the banks of a memory port."""
    banks = [[0] * memory.depth for _ in range(memory.banks)]
    for value, (bank, at) in zip(data, places(t), strict=True):
        banks[bank][at] = value
    return banks


def unbanked(memory: MemoryPort, t: MemRefType, words: Any) -> list[int]:
    """The inverse of banked(), from the simulation's words."""
    at = places(t)
    return integers(words[at[:, 0], at[:, 1]], memory.width)


def expected(module: Module, kernel: Kernel, values: list[Any]) -> list[Any]:
    """What the interpreter leaves in the arguments: lists; of an input stream, what is left."""
    function = module.function(kernel.top)
    arguments: list[Any] = []
    for value, argument, a in zip(values, function.arguments, kernel.arguments, strict=True):
        if a.kind == "scalar":
            arguments.append(value)
        elif a.kind.startswith("stream"):
            fifo = Fifo(a.width)
            fifo.queue.extend(value or [])
            arguments.append(fifo)
        else:
            t = argument.type
            assert isinstance(t, MemRefType)
            data = value if isinstance(value, list) else [value or 0] * t.size
            arguments.append(Array(t.shape, t.width, list(data)))
    run(module, function, arguments)
    found: list[Any] = []
    for a, argument in zip(kernel.arguments, arguments, strict=True):
        if a.kind in ("scalar", "register"):
            found.append(None)
        elif a.kind == "stream_in":
            found.append(len(argument.queue))
        elif a.kind == "stream_out":
            found.append(list(argument.queue))
        else:
            found.append(argument.data)
    return found


def encoded(compiled: Compiled, module: Module, kernel: Kernel, values: list[Any]) -> list[Any]:
    """Arguments as the simulation takes them."""
    function = module.function(kernel.top)
    made = []
    for port, value, argument in zip(compiled.arguments, values, function.arguments, strict=True):
        if isinstance(port, MemoryPort):
            assert isinstance(argument.type, MemRefType)
            made.append(banked(port, argument.type, value))
        else:
            made.append([] if isinstance(port, StreamPort) and value is None else value)
    return made


def decoded(compiled: Compiled, module: Module, kernel: Kernel, values: list[Any]) -> list[Any]:
    """What the simulation gives, as the interpreter gives it."""
    function = module.function(kernel.top)
    made = []
    for port, value, argument in zip(compiled.arguments, values, function.arguments, strict=True):
        if isinstance(port, MemoryPort):
            assert isinstance(argument.type, MemRefType)
            made.append(unbanked(port, argument.type, value))
        elif isinstance(port, StreamPort) and port.is_input:
            # An output that is never written has no direction in the kernel, and no words.
            made.append(value if kernel.arguments[len(made)].kind == "stream_in" else [])
        elif not (isinstance(port, RegisterPort) and port.is_input):
            made.append(integers(value, port.width))
        else:
            made.append(None)
    return made


def one_sentence(text: str) -> bool:
    """Whether a refusal is one sentence, without a line break."""
    return bool(text) and "\n" not in text and not re.search(r"\.\s+[A-Z]", text)


def options_of(seed: int, strict: bool, target: Target = VENDOR) -> Options:
    """Different clocks, fabrics and memories for different seeds."""
    rng = random.Random(seed * 7 + 3)
    fabric = FABRICS[rng.choice(("xc7", "xcup"))]
    period = (
        rng.choice((10.0, 14.0, 20.0)) if fabric.name.startswith("7") else rng.choice((6.0, 8.0))
    )
    return Options(
        period=period,
        fabric=fabric,
        memory_latency=rng.choice((1, 1, 2)),
        strict=strict,
        masters=rng.random() < 0.4,
        prefix=f"seed{seed}_",
        target=target,
    )


def compare(
    seeds: list[int],
    runs: int = 2,
    generate: Callable[[int], Kernel] = rtl_fuzz.generate,
    target: Target = VENDOR,
) -> dict[str, int]:
    """Builds the kernels of the seeds together, runs each ``runs`` times, and asserts equality.

    Returns counts: kernels, runs, strictly pipelined kernels, refusals of the strict mode.
    """
    counts = {"kernels": 0, "runs": 0, "refused": 0, "loops": 0, "pipelined": 0, "cycles": 0}
    built: list[tuple[int, Kernel, Module, Compiled]] = []
    for seed in seeds:
        kernel = generate(seed)
        module = parse(kernel.text, f"fuzz{seed}")
        try:
            compiled = compile_function(module, kernel.top, options_of(seed, True, target))
        except UnsupportedError as refusal:
            assert one_sentence(str(refusal)), (seed, str(refusal))
            counts["refused"] += 1
            try:
                compiled = compile_function(module, kernel.top, options_of(seed, False, target))
            except UnsupportedError as second:
                assert one_sentence(str(second)), (seed, str(second))
                continue
        counts["kernels"] += 1
        counts["loops"] += sum(bool(x.where) for x in compiled.blocks)
        counts["pipelined"] += sum(x.interval for x in compiled.blocks)
        built.append((seed, kernel, module, compiled))
    simulation = build([c for *_, c in built], optimise="-O0")
    jobs, wanted = [], []
    for k, (seed, kernel, module, compiled) in enumerate(built):
        rng = random.Random(seed)
        for n in range(runs):
            values = kernel.values(rng)
            stalls = Stalls(
                seed * runs + n + 1,
                0 if n == 0 else rng.choice((30, 100, 180)),
                rng.randrange(1, 9),
            )
            jobs.append((k, encoded(compiled, module, kernel, values), stalls))
            wanted.append(expected(module, kernel, values))
    outcomes = simulation.run_many(jobs, limit=400_000)
    for (k, _, stalls), outcome, want in zip(jobs, outcomes, wanted, strict=True):
        seed, kernel, module, compiled = built[k]
        have = decoded(compiled, module, kernel, outcome.values)
        for position, (a, b) in enumerate(zip(have, want, strict=True)):
            assert a == b, f"seed {seed}, {stalls}, argument {position}: {a} is not {b}"
        counts["runs"] += 1
        counts["cycles"] += outcome.cycles
    return counts
