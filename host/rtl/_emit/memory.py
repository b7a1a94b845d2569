"""Memories: banks with the reads and writes of all blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tritstream.rtl._emit.block import BLOCK_RAM_BITS
from tritstream.rtl._emit.scope import Read, Scope, Uses, Write, active
from tritstream.rtl._ir.program import BasicBlock
from tritstream.rtl._ir.storage import Memory, address_bits
from tritstream.rtl._ports import READ_PORTS
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import TRUE, Instance, Layout, any_of, pin, pins, select


def memory_read_ports(schedules: Mapping[BasicBlock, Schedule]) -> dict[Memory, int]:
    """Read ports, that is copies, that each memory needs."""
    ports: dict[Memory, int] = {}
    for schedule in schedules.values():
        for load, port in schedule.port.items():
            ports[load.memory] = max(ports.get(load.memory, 1), port + 1)
    return ports


def write_memory(scope: Scope, uses: Uses, memory: Memory, copies: int) -> None:
    """A memory with ``copies`` read ports."""
    if memory.port:
        for bank in range(memory.banks):
            _caller_bank(scope, uses, memory, bank)
    elif scope.style.target.instantiated_memories:
        for port in range(copies):
            for banks in _together(uses, memory, port):
                _instance(scope, uses, memory, port, banks)
    else:
        for bank in range(memory.banks):
            _inferred_bank(scope, uses, memory, bank, copies)


def _address(reads: Sequence[Read]) -> str:
    return select([(read.active(), read.address) for read in reads])


def _write_signals(writes: Sequence[Write]) -> tuple[str, str, str]:
    """Enable, address and data."""
    return (
        any_of(w.condition for w in writes),
        select([(w.condition, w.address) for w in writes]),
        select([(w.condition, w.value) for w in writes]),
    )


def _caller_bank(scope: Scope, uses: Uses, memory: Memory, bank: int) -> None:
    name = f"{memory.name}_{bank}"
    for k in range(READ_PORTS):
        reads = uses.reads.get((memory, bank, k), [])
        scope.assign(f"{name}_ren{k}", any_of(active(reads)))
        scope.assign(f"{name}_raddr{k}", _address(reads))
        _output_registers(scope, f"{name}_rdata{k}", f"{name}_q{k}", memory.width, reads)
    signals = _write_signals(uses.writes.get((memory, bank), []))
    for signal, text in zip(("wen", "waddr", "wdata"), signals, strict=True):
        scope.assign(f"{name}_{signal}", text)


def _inferred_bank(scope: Scope, uses: Uses, memory: Memory, bank: int, copies: int) -> None:
    """A bank that the tools make a memory of, a copy a read port."""
    ports = [k for k in range(copies) if (memory, bank, k) in uses.reads]
    if not ports:
        return
    name, bits = f"{memory.name}_{bank}", address_bits(memory.depth)
    style = "block" if memory.depth * memory.width > BLOCK_RAM_BITS else "distributed"
    for k in ports:
        reads = uses.reads[memory, bank, k]
        word, address = f"{name}_word{k}", f"{name}_raddr{k}"
        scope.declare(f"{name}_mem{k}", memory.width, memory.depth, f'ram_style = "{style}"')
        scope.declare(word, memory.width)
        scope.declare(address, bits)
        scope.assign(address, _address(reads))
        scope.clocked(f"if ({any_of(active(reads))}) {word} <= {name}_mem{k}[{address}];")
        _output_registers(scope, word, f"{name}_q{k}", memory.width, reads)
    writes = uses.writes.get((memory, bank), [])
    if not writes:
        for k in ports:
            loop = f"for (int i = 0; i < {memory.depth}; i++)"
            scope.text(f"initial {loop} {name}_mem{k}[i] = '0;")
        return
    widths = {"wen": 1, "waddr": bits, "wdata": memory.width}
    for signal, width in widths.items():
        scope.declare(f"{name}_{signal}", width)
    for signal, text in zip(widths, _write_signals(writes), strict=True):
        scope.assign(f"{name}_{signal}", text)
    for k in ports:
        scope.clocked(f"if ({name}_wen[0]) {name}_mem{k}[{name}_waddr] <= {name}_wdata;")


def _output_registers(
    scope: Scope, source: str, target: str, width: int, reads: Sequence[Read]
) -> None:
    """Further registers behind a memory, where its latency is more than one cycle."""
    if not reads:
        return
    scope.declare(target, width)
    for k in range(1, scope.style.memory_latency):
        name = f"{target}_r{k}"
        scope.declare(name, width)
        scope.clocked(f"if ({any_of(active(reads, k))}) {name} <= {source};")
        source = name
    scope.assign(target, source)


# RAMs of a module of their own.


def _together(uses: Uses, memory: Memory, port: int) -> list[list[int]]:
    """The banks that are read, those that are always used together in one group."""
    groups: dict[object, list[int]] = {}
    for bank in range(memory.banks):
        reads = uses.reads.get((memory, bank, port), [])
        if reads:
            where = tuple((read.stages.name, read.stage, read.address) for read in reads)
            writes = tuple((w.condition, w.address) for w in uses.writes.get((memory, bank), []))
            groups.setdefault((where, writes), []).append(bank)
    return list(groups.values())


def _instance(scope: Scope, uses: Uses, memory: Memory, port: int, banks: list[int]) -> None:
    """Banks that share one RAM, or registers where it is small."""
    name, bits = f"{memory.name}_{banks[0]}", address_bits(memory.depth)
    reads = uses.reads[memory, banks[0], port]
    width = memory.width * len(banks)
    for bank in banks:
        scope.declare(f"{memory.name}_{bank}_q{port}", memory.width)
    words = ", ".join(f"{memory.name}_{bank}_q{port}" for bank in reversed(banks))
    writes = [uses.writes.get((memory, bank), []) for bank in banks]
    if not writes[0]:
        scope.assign(f"{{{words}}}", "'0")
        return
    enable, address, _ = _write_signals(writes[0])
    data = ", ".join(f"({_write_signals(w)[2]})" for w in reversed(writes))
    # What no held stage reads may be read all the time.
    stops = any(read.stage < read.stages.last_enabled for read in reads)
    signals = {
        "wen": (1, enable),
        "waddr": (bits, address),
        "wdata": (width, f"{{{data}}}"),
        "ren": (1, any_of(active(reads)) if stops else TRUE),
        "raddr": (bits, _address(reads)),
        "rce": (1, any_of(active(reads, 1)) if stops else TRUE),
    }
    for signal, (w, text) in signals.items():
        scope.declare(f"{name}_{signal}{port}", w)
        scope.assign(f"{name}_{signal}{port}", text)
    if memory.depth * width > scope.style.target.register_bits:
        connected = [pin(x, f"{name}_{x}{port}") for x in signals]
        scope.add(
            Instance(
                scope.need_ram(),
                f"{name}_ram{port}",
                (*pins(["clk"]), *connected, pin("rdata", f"{{{words}}}")),
                f".WIDTH({width}), .DEPTH({memory.depth})",
                Layout.LINE,
            )
        )
        return
    array, word = f"{name}_mem{port}", f"{name}_word{port}"
    scope.declare(array, width, memory.depth, 'ram_style = "logic"')
    scope.declare(word, width)
    scope.text(
        "always_ff @(posedge clk) begin",
        f"  if ({name}_wen{port}[0]) {array}[{name}_waddr{port}] <= {name}_wdata{port};",
        f"  if ({name}_ren{port}[0]) {word} <= {array}[{name}_raddr{port}];",
        f"  if ({name}_rce{port}[0]) {{{words}}} <= {word};",
        "end",
    )
