"""The engine as an IP: its top module, generated from the argument table around a core.

The contract between shell and core, which `tritstream.rtl` keeps for memory arguments of a dataflow
region (`<p>` is the name of the core's port for the argument):

* ``clk``, ``rst`` (synchronous, active high), ``start`` (one cycle), ``done`` (one cycle, after
  the answers to all writes); scalar arguments are plain inputs, stable during a run.
* A memory that is read: ``<p>_ar_valid/ready/addr/count`` asks for ``count`` consecutive words of
  the argument's width from word ``addr``; they come on ``<p>_r_valid/ready/data``. Several
  requests may be open.
  Arguments of one bundle are of one width and share one AXI master, which delivers in the order of
  the requests.
* A memory that is written: ``<p>_aw_*`` announces words that follow on ``<p>_w_valid/ready/data``;
  ``<p>_b_valid`` is high for a cycle when all of a request has been answered.

Ready never depends on valid within a cycle, and a valid may fall again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from tritstream.errors import ConfigurationError
from tritstream.kernels.arguments import (
    CONTROL_BUNDLE,
    TOP,
    VECTOR_BUNDLE,
    Argument,
    bundles,
)
from tritstream.kernels.registers import (
    ADDRESS_BITS,
    FIRST_PAGE,
    IDENTITY,
    IDENTITY_VALUE,
    LAST_PAGE,
    PAGE_BITS,
    PORT_COUNTERS,
)
from tritstream.rtl import VENDOR, Target, library
from tritstream.shell.bus import Bus
from tritstream.verilog import (
    FALSE,
    ZERO,
    Assign,
    Instance,
    Item,
    Module,
    Net,
    Port,
    narrow,
)

if TYPE_CHECKING:
    from tritstream.rtl import Compiled

SOURCES = (
    "shell_fifo",
    "shell_control",
    "shell_counters",
    "shell_check",
    "shell_run",
    "shell_reader",
    "shell_writer",
)
"""Modules of the shell, each in its own file of the folder ``verilog``."""

READ_WORDS, WRITE_WORDS, BURSTS = 256, 128, 16
"""Words that a read master reserves and a write master holds, and bursts under way, at most: a read
master covers READ_WORDS cycles from a request to its data."""


@dataclass(frozen=True)
class CorePort:
    """What the core calls an argument, and the width of its addresses (0 for a register)."""

    name: str
    address_bits: int


def shell_source(target: Target = VENDOR) -> str:
    """The text of all shell modules, and of the FIFO that the RTL compiler has for ``target``."""
    folder = files("tritstream.shell") / "verilog"
    texts = [(folder / f"{name}.sv").read_text(encoding="utf-8") for name in SOURCES]
    fifo = ["stream_fifo"]
    if target.instantiated_memories:
        fifo = ["tritstream_ram", "tritstream_fifo"]
    return "\n".join([*texts, *(library(name, "shell_") for name in fifo)])


def core_ports(table: Sequence[Argument], compiled: Compiled) -> tuple[CorePort, ...]:
    """The ports of a compiled engine. Raises ConfigurationError where they do not fit the table."""
    from tritstream.rtl import MasterPort

    if len(compiled.arguments) != len(table):
        raise ConfigurationError(
            f"the compiled engine has {len(compiled.arguments)} arguments and the table "
            f"{len(table)}: generate the kernels anew"
        )
    ports = []
    for argument, port in zip(table, compiled.arguments, strict=True):
        memory = isinstance(port, MasterPort)
        fits = memory == (argument.kind == "memory") and port.width == argument.bits
        if isinstance(port, MasterPort) and fits:
            fits = (port.reads, port.writes) == (
                argument.direction == "in",
                argument.direction == "out",
            )
        if not fits:
            raise ConfigurationError(
                f"the compiled engine's port for argument '{argument.name}' is not as the argument "
                f"table says: generate the kernels anew"
            )
        ports.append(CorePort(port.name, port.address_bits if isinstance(port, MasterPort) else 0))
    return tuple(ports)


def ip_source(
    table: Sequence[Argument],
    core: str,
    ports: Sequence[CorePort],
    bus: Bus,
    limits: Mapping[str, int] | None,
    top: str = TOP,
) -> str:
    """SystemVerilog of the top module: AXI ports named as Vitis HLS names them, ``core`` inside.

    The text of the core and `shell_source` are not part of it. ``limits`` are those of
    `tritstream.kernels.checks`; None for a core that reads no descriptor table.
    """
    return _Top(tuple(table), core, tuple(ports), bus, limits, top).text()


def check_parameters(limits: Mapping[str, int]) -> str:
    """Parameters of `shell_check` for the limits of `tritstream.kernels.checks`."""
    widths = {"ROWS": 7 * 32, "COLUMN_WORDS": 16, "VECTOR_WORDS": 16, "ROOM_BEATS": 12}
    return ",\n    ".join(f".{n}({widths.get(n, 32)}'h{value:x})" for n, value in limits.items())


class _Top:
    def __init__(
        self,
        table: tuple[Argument, ...],
        core: str,
        ports: tuple[CorePort, ...],
        bus: Bus,
        limits: Mapping[str, int] | None,
        top: str,
    ) -> None:
        self.table, self.core, self.bus, self.top = table, core, bus, top
        self.limits = limits
        self.ports = dict(zip(table, ports, strict=True))
        self.declared: list[Port] = []
        self.items: list[Item] = []
        self.pins = [".clk(ap_clk)", ".rst(core_rst)", ".start(core_start)", ".done(core_done)"]

    def text(self) -> str:
        self.port("input", 1, "ap_clk")
        self.port("input", 1, "ap_rst_n")
        # The name is Vitis HLS's; that it is a word of C++ concerns Verilator alone.
        self.declared.append(Port("output", "interrupt", waiver="SYMRSVDWORD"))
        self.control()
        masters: list[str] = []
        for bundle in bundles(self.table):
            masters += self.masters(bundle)
        self.run(masters)
        self.counters()
        self.check()
        self.instance(self.core, "core", self.pins)
        note = "The engine as an IP, generated from the argument table, do not edit"
        return Module(self.top, self.declared, self.items, note).text()

    def port(self, direction: str, width: int, name: str) -> str:
        self.declared.append(Port(direction, name, narrow(width)))
        return name

    def wire(self, width: int, *names: str) -> None:
        self.items.append(Net(", ".join(names), narrow(width)))

    def vector(self, width: int, *names: str) -> None:
        """As `wire`, but of bits that are selected one by one."""
        self.items.append(Net(", ".join(names), width))

    def assign(self, target: str, value: str) -> None:
        self.items.append(Assign(target, value))

    def instance(self, module: str, name: str, pins: Sequence[str], *parameters: str) -> None:
        """``parameters`` are rows of them."""
        text = ",\n    ".join(parameters)
        self.items.append(Instance(module, name, tuple(pins), text))

    def control(self) -> None:
        bits = ADDRESS_BITS
        words = [(a.offset + 4 * k, a.words > 1) for a in self.table for k in range(a.words)]
        words += [(FIRST_PAGE, True), (LAST_PAGE, True)]
        ports = self.weight_ports()
        readings = 3 + len(PORT_COUNTERS) * len(ports)
        pins = [".clk(ap_clk)", ".rst(rst)"]
        channels = (
            ("input", 1, "AWVALID"), ("output", 1, "AWREADY"), ("input", bits, "AWADDR"),
            ("input", 1, "WVALID"), ("output", 1, "WREADY"), ("input", 32, "WDATA"),
            ("input", 4, "WSTRB"), ("output", 1, "BVALID"), ("input", 1, "BREADY"),
            ("output", 2, "BRESP"), ("input", 1, "ARVALID"), ("output", 1, "ARREADY"),
            ("input", bits, "ARADDR"), ("output", 1, "RVALID"), ("input", 1, "RREADY"),
            ("output", 32, "RDATA"), ("output", 2, "RRESP"),
        )  # fmt: skip
        for direction, width, name in channels:
            port = self.port(direction, width, f"s_axi_{CONTROL_BUNDLE}_{name}")
            pins.append(f".{name.lower()}({port})")
        pins.append(".line(interrupt)")
        for name in ("start", "busy", "finished", "faults", "halt", "armed", "arguments"):
            pins.append(f".{name}({name})")
        pins.append(f".readings({{counters, 32'(rows), 32'h{IDENTITY_VALUE:x}}})")
        offsets = ", ".join(f"16'h{offset:x}" for offset, _ in reversed(words))
        needed = "".join(str(int(of_memory)) for _, of_memory in reversed(words))
        self.wire(1, "rst")
        self.assign("rst", "~ap_rst_n")
        self.wire(1, "start", "busy", "finished", "core_rst", "core_start", "core_done")
        self.wire(1, "stop", "clear", "halt", "armed")
        self.wire(7, "faults")
        self.wire(9, "rows")
        self.wire(1, "bad")
        self.wire(32 * (readings - 2), "counters")
        self.wire(PAGE_BITS, "first_page", "last_page")
        self.wire(32 * len(words), "arguments")
        self.instance(
            "shell_control",
            "control",
            [", ".join(pins)],
            f".ADDRESS_BITS({bits}), .COUNT({len(words)})",
            f".OFFSETS({{{offsets}}})",
            f".NEEDED({len(words)}'b{needed})",
            f".READINGS({readings}), .READ_FROM('h{IDENTITY:x})",
        )
        at = 0
        for a in self.table:
            width = 32 * a.words
            self.wire(width, f"value_{a.name}")
            self.assign(f"value_{a.name}", f"arguments[{at} +: {width}]")
            at += width
            if a.kind == "register":
                self.pins.append(f".{self.ports[a].name}(value_{a.name})")
        for name in ("first_page", "last_page"):
            self.assign(f"{name}", f"arguments[{at} +: {PAGE_BITS}]")
            at += 32

    def weight_ports(self) -> list[str]:
        """The bundles that carry weights alone."""
        return [b for b in bundles(self.table) if b != VECTOR_BUNDLE]

    def counters(self) -> None:
        ports = self.weight_ports()

        def of(signal: str) -> str:
            return ", ".join(f"{bundle}_reader_{signal}" for bundle in reversed(ports))

        pins = [".clk(ap_clk)", ".start(start)", ".busy(busy)", ".counters(counters)"]
        pins += [f".{signal}({{{of(signal)}}})" for signal in ("valid", "ready", "data")]
        bits = next(a.bits for a in self.table if a.bundle == ports[0])
        parameters = f".PORTS({len(ports)}), .WIDTH({bits})"
        self.instance("shell_counters", "counts", pins, parameters)

    def check(self) -> None:
        """Looks at registers, and at the descriptor table as the core reads it."""
        if self.limits is None:
            self.assign("bad", FALSE)
            self.assign("rows", ZERO)
            return
        read = [a.name for a in self.table if a.bundle == VECTOR_BUNDLE and a.direction == "in"]
        at, reader = read.index("descriptors"), f"{VECTOR_BUNDLE}_reader"
        bases = [f"value_{a.name}[3:0]" for a in self.table if a.kind == "memory"]
        pins = [".clk(ap_clk)", ".rst(rst)", ".start(start)"]
        pins += [".first(value_first)", ".last(value_last)"]
        pins += [".base_low({" + ", ".join(bases) + "})", f".data({reader}_data)"]
        pins += [f".take({reader}_valid[{at}] & {reader}_ready[{at}])", ".bad(bad)", ".rows(rows)"]
        parameters = f".BASES({len(bases)})", check_parameters(self.limits)
        self.instance("shell_check", "check", pins, *parameters)

    def masters(self, bundle: str) -> list[str]:
        """The master or masters of a bundle; their names."""
        made = []
        for direction, kind in (("in", "reader"), ("out", "writer")):
            users = [
                a for a in self.table
                if a.bundle == bundle and a.kind == "memory" and a.direction == direction
            ]  # fmt: skip
            if users:
                made.append(self.master(bundle, kind, users))
        return made

    def master(self, bundle: str, kind: str, users: list[Argument]) -> str:
        name, n, bits = f"{bundle}_{kind}", len(users), users[0].bits
        bus = self.bus.for_words(bits)
        read = kind == "reader"
        asks, channel = ("ar", "r") if read else ("aw", "w")
        self.wire(1, f"{name}_quiet", f"{name}_error", f"{name}_decode_error", f"{name}_outside")
        self.vector(n, f"{name}_ask_valid", f"{name}_ask_ready", f"{name}_valid", f"{name}_ready")
        self.wire(32 * n, f"{name}_ask_address", f"{name}_ask_count")
        self.wire(bits if read else bits * n, f"{name}_data")
        if not read:
            self.vector(n, f"{name}_answered")
        for k, a in enumerate(users):
            core = self.ports[a]
            for signal in ("valid", "ready"):
                self.pins.append(f".{core.name}_{asks}_{signal}({name}_ask_{signal}[{k}])")
                self.pins.append(f".{core.name}_{channel}_{signal}({name}_{signal}[{k}])")
            address = f"address_{a.name}"
            self.wire(core.address_bits, address)
            self.assign(f"{name}_ask_address[{32 * k} +: 32]", f"32'({address})")
            self.pins.append(f".{core.name}_{asks}_addr({address})")
            self.pins.append(f".{core.name}_{asks}_count({name}_ask_count[{32 * k} +: 32])")
            data = f"{name}_data" if read else f"{name}_data[{bits * k} +: {bits}]"
            self.pins.append(f".{core.name}_{channel}_data({data})")
            if not read:
                self.pins.append(f".{core.name}_b_valid({name}_answered[{k}])")
        pins = [".clk(ap_clk)", ".rst(rst)", ".stop(stop)", ".clear(clear)"]
        pins += [".first_page(first_page)", ".last_page(last_page)"]
        inner = ["quiet", "error", "decode_error", "outside", "ask_valid", "ask_ready"]
        inner += [
            "ask_address",
            "ask_count",
            "valid",
            "ready",
            "data",
            *([] if read else ["answered"]),
        ]
        pins += [f".{x}({name}_{x})" for x in inner]
        bases = ", ".join(f"value_{a.name}" for a in reversed(users))
        pins.append(f".bases({{{bases}}})")
        pins += self.read_bus(bundle, bus) if read else self.write_bus(bundle, bus)
        depth = READ_WORDS if read else WRITE_WORDS
        self.instance(
            f"shell_{kind}",
            name,
            pins,
            f".USERS({n}), .DATA_BITS({bits}), .BUS_BITS({bus.bits})",
            f".BURST({bus.burst}), .DEPTH({depth}), .BURSTS({BURSTS})",
        )
        return name

    def address_channel(self, prefix: str, letters: str, bus: Bus) -> list[str]:
        """The signals of AR or AW: constant ones are assigned, the others returned as pins."""

        def port(direction: str, width: int, name: str) -> str:
            return self.port(direction, width, f"{prefix}_{letters.upper()}{name}")

        length = f"{prefix}_{letters}len"
        self.wire(8, length)
        pins = [
            f".{letters}valid({port('output', 1, 'VALID')})",
            f".{letters}ready({port('input', 1, 'READY')})",
            f".{letters}addr({port('output', 64, 'ADDR')})",
            f".{letters}len({length})",
        ]
        size = (bus.bits // 8).bit_length() - 1
        constants = (
            ("ID", bus.id_bits, 0), ("SIZE", 3, size), ("BURST", 2, 1), ("LOCK", bus.lock_bits, 0),
            ("CACHE", 4, 3), ("PROT", 3, 0), ("QOS", 4, 0),
        )  # fmt: skip
        length_port = port("output", bus.length_bits, "LEN")
        self.assign(f"{length_port}", f"{length}[{bus.length_bits - 1}:0]")
        for name, width, value in constants:
            self.assign(f"{port('output', width, name)}", f"{width}'d{value}")
        return pins

    def read_bus(self, bundle: str, bus: Bus) -> list[str]:
        prefix = f"m_axi_{bundle}"
        pins = self.address_channel(prefix, "ar", bus)
        self.port("input", bus.id_bits, f"{prefix}_RID")
        for direction, width, name in (
            ("input", 1, "RVALID"), ("output", 1, "RREADY"), ("input", bus.bits, "RDATA"),
            ("input", 2, "RRESP"), ("input", 1, "RLAST"),
        ):  # fmt: skip
            pins.append(f".{name.lower()}({self.port(direction, width, f'{prefix}_{name}')})")
        return pins

    def write_bus(self, bundle: str, bus: Bus) -> list[str]:
        prefix = f"m_axi_{bundle}"
        pins = self.address_channel(prefix, "aw", bus)
        if bus.protocol == 3:
            name = self.port("output", bus.id_bits, f"{prefix}_WID")
            self.assign(f"{name}", f"{bus.id_bits}'d0")
        name = self.port("output", bus.bits // 8, f"{prefix}_WSTRB")
        self.assign(f"{name}", "'1")
        self.port("input", bus.id_bits, f"{prefix}_BID")
        for direction, width, name in (
            ("output", 1, "WVALID"), ("input", 1, "WREADY"), ("output", bus.bits, "WDATA"),
            ("output", 1, "WLAST"), ("input", 1, "BVALID"), ("output", 1, "BREADY"),
            ("input", 2, "BRESP"),
        ):  # fmt: skip
            pins.append(f".{name.lower()}({self.port(direction, width, f'{prefix}_{name}')})")
        return pins

    def run(self, masters: list[str]) -> None:
        readers = [m for m in masters if m.endswith("reader")]
        writers = [m for m in masters if m.endswith("writer")]
        quiet = " & ".join(f"{m}_quiet" for m in masters)
        decode = " | ".join(f"{m}_decode_error" for m in masters)
        outside = " | ".join(f"{m}_outside" for m in masters)
        pins = [".clk(ap_clk)", ".rst(rst)"]
        for name in ("start", "busy", "finished", "faults", "core_rst", "core_start", "core_done"):
            pins.append(f".{name}({name})")
        pins += [".armed(armed)", ".halt(halt)", f".outside({outside})", ".bad(bad)"]
        pins += [".stop(stop)", ".clear(clear)", f".quiet({quiet})"]
        pins.append(f".read_error({' | '.join(f'{m}_error' for m in readers)})")
        pins.append(f".write_error({' | '.join(f'{m}_error' for m in writers)})")
        pins.append(f".decode_error({decode})")
        self.instance("shell_run", "run", pins)
