"""A dataflow region: its processes as modules of their own, its streams as FIFOs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tritstream.rtl._compiled import Controller, StreamFifo
from tritstream.rtl._ir.program import Design
from tritstream.rtl._mlir import Function, Module, Op, StreamType, Value
from tritstream.rtl._ports import CONTROL, ArgumentPort, RegisterPort, StreamPort, port_of
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.verilog import (
    Assign,
    Clocked,
    Instance,
    Item,
    Layout,
    Lines,
    Net,
    pin,
    pins,
)
from tritstream.verilog import Module as VerilogModule
from tritstream.verilog import Port as Signal

HANDSHAKE = ("valid", "ready", "data")


@dataclass(eq=False)
class _Stream:
    name: str
    type: StreamType
    ends: dict[str, str] = field(default_factory=dict)
    """The processes at its two sides, ``in`` and ``out``."""

    @property
    def depth(self) -> int:
        """Words that the FIFO holds: a power of two."""
        return max(2, 1 << max(self.type.depth - 1, 1).bit_length())


@dataclass(eq=False)
class Region:
    """What a region's processes and arguments became; `text` needs the processes' texts beside
    it."""

    function: Function
    prefix: str
    fifo: str
    streams: dict[Value, _Stream] = field(default_factory=dict)
    arguments: dict[Value, ArgumentPort] = field(default_factory=dict)
    controllers: list[Controller] = field(default_factory=list)
    _users: dict[Value, str] = field(default_factory=dict)
    _signals: dict[str, Signal] = field(default_factory=dict)
    _nets: list[Item] = field(default_factory=list)
    _instances: list[Item] = field(default_factory=list)
    _processes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The module's name."""
        return self.prefix + self.function.name

    def build(self, module: Module, compile_process: CompileProcess) -> None:
        """Every operation of the region. Raises UnsupportedError for what cannot be in one."""
        for op in self.function.body.ops:
            if op.name == "allo.stream_construct":
                self._stream(op)
            elif op.name == "func.call":
                callee = module.function(op.callee)
                design, controller = compile_process(callee)
                self.controllers.append(controller)
                self._process(op, callee, design)
            elif op.name != "func.return":
                raise UnsupportedError(f"{op}: a dataflow region contains calls and streams only")
        for stream in self.streams.values():
            if len(stream.ends) < 2:
                raise UnsupportedError(
                    f"stream {stream.name} of {self.function.where} lacks a reader or a writer"
                )
        for value in self.function.arguments:
            if value not in self.arguments:
                raise UnsupportedError(
                    f"argument {self._name_of(value)} of {self.function.where} is used by no "
                    f"process"
                )

    def fifos(self) -> tuple[StreamFifo, ...]:
        """The streams and who is at their ends."""
        return tuple(
            StreamFifo(s.name, s.type.width, s.depth, s.ends["in"], s.ends["out"])
            for s in self.streams.values()
        )

    def text(self) -> str:
        """The module of the region."""
        items: list[Item] = [Net("busy", None), *self._nets, Lines(("",)), *self._instances]
        items += [self._fifo(stream) for stream in self.streams.values()]
        items += self._ending()
        note = f"{self.function.name}: a dataflow region, generated from Allo's MLIR, do not edit"
        ports = [*CONTROL, *self._signals.values()]
        return VerilogModule(self.name, ports, items, note).text()

    # Parts

    def _name_of(self, argument: Value) -> str:
        return argument.name or f"arg{self.function.arguments.index(argument)}"

    def _stream(self, op: Op) -> None:
        t = op.results[0].type
        assert isinstance(t, StreamType)
        stream = _Stream(op.text("name") or op.results[0].name, t)
        self.streams[op.results[0]] = stream
        for side in ("in", "out"):
            end = f"{stream.name}_{side}"
            self._nets.append(Lines((f"logic {end}_valid, {end}_ready;",)))
            self._nets.append(Net(f"{end}_data", t.width))

    def _process(self, op: Op, callee: Function, design: Design) -> None:
        name = design.name
        rows = [*pins(("clk", "rst")), pin("start", "start & ~busy"), pin("done", f"{name}_done")]
        self._nets.append(Lines((f"logic {name}_done, {name}_ended;",)))
        self._processes.append(name)
        for operand, port in zip(op.operands, design.ports, strict=True):
            if operand in self.streams:
                rows += self._end(op, self.streams[operand], port_of(port, design), name)
            else:
                inner = port_of(port, design)
                outer = port_of(port, design, self._name_of(operand))
                rows += self._argument(op, operand, callee, inner, outer)
        self._instances.append(Instance(name, f"{name}_i", tuple(rows)))

    def _end(self, op: Op, stream: _Stream, port: ArgumentPort, process: str) -> list[str]:
        """The pins of a process at one end of a stream."""
        assert isinstance(port, StreamPort)
        side = "out" if port.is_input else "in"
        if side in stream.ends:
            raise UnsupportedError(f"{op}: stream {stream.name} has two readers or writers")
        stream.ends[side] = process
        return [pin(f"{port.name}_{x}", f"{stream.name}_{side}_{x}") for x in HANDSHAKE]

    def _argument(
        self, op: Op, operand: Value, callee: Function, inner: ArgumentPort, outer: ArgumentPort
    ) -> list[str]:
        """The pins of a process for an argument of the region."""
        if not (isinstance(inner, RegisterPort) and inner.is_input):
            if operand in self._users:
                raise UnsupportedError(
                    f"{op}: argument {outer.name} is used by {self._users[operand]} and "
                    f"{callee.name}: only scalars that are read can be shared"
                )
            self._users[operand] = callee.name
        self.arguments.setdefault(operand, outer)
        rows = []
        for own, signal in zip(inner.signals(), outer.signals(), strict=True):
            rows.append(pin(own.name, signal.name))
            self._signals.setdefault(signal.name, signal)
        return rows

    def _fifo(self, stream: _Stream) -> Instance:
        name = stream.name
        rows = [", ".join(pins(("clk", "rst")))]
        for side in ("in", "out"):
            rows.append(", ".join(pin(f"{side}_{x}", f"{name}_{side}_{x}") for x in HANDSHAKE))
        parameters = f".WIDTH({stream.type.width}), .DEPTH({stream.depth})"
        return Instance(self.fifo, f"{name}_i", tuple(rows), parameters, Layout.ROWS)

    def _ending(self) -> list[Item]:
        """A process may end in any order; the region ends with the last."""
        items: list[Item] = [
            Clocked(
                (
                    "if (rst) busy <= 1'b0;",
                    "else if (done) busy <= 1'b0;",
                    "else if (start) busy <= 1'b1;",
                )
            )
        ]
        for name in self._processes:
            items.append(
                Clocked(
                    (
                        f"if (rst | done) {name}_ended <= 1'b0;",
                        f"else if ({name}_done) {name}_ended <= 1'b1;",
                    )
                )
            )
        ended = " & ".join(f"({name}_ended | {name}_done)" for name in self._processes)
        return [*items, Assign("done", f"busy & {ended}")]


CompileProcess = Callable[[Function], tuple[Design, Controller]]
