"""The engine as a design for Zynq-7000 without vendor IP: PS7, its ports, and the IP in between.

`system_source` is everything but the PS7, so that it can be simulated as it is: control through
GP0 (AXI3 to AXI4-Lite, `zynq7_control`), each AXI3 master of the IP to a memory port: an HP port,
or the ACP, which is used as one more port of 64 bits. Every signal from and to the processor passes
a register. Read data and write answers need no handshake there: the shell's masters only ask for
what they have room for, so they are always ready for it.

`top_source` adds the PS7 primitive, one clock (FCLK_CLK0 through a BUFG) and its reset. All inputs
of the PS7 are driven: unused ones rest as `tritstream.shell.ps7` says, a memory port's size, burst,
cache and ID bits are constants. The ACP's user bits rest at zero: its accesses are not coherent
with the processors' first caches (UG585, 3.5), and cache bits that say "normal, not cacheable" let
them pass the second. So the driver cleans and invalidates caches as it does for HP ports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

from tritstream.kernels.arguments import (
    CONTROL_BUNDLE,
    TOP,
    Argument,
    bundles,
)
from tritstream.kernels.registers import ADDRESS_BITS
from tritstream.shell.bus import AXI3
from tritstream.shell.ps7 import INPUTS, idle
from tritstream.verilog import (
    TRUE,
    Assign,
    Clocked,
    Instance,
    Item,
    Layout,
    Lines,
    Module,
    Net,
    Port,
    narrow,
    pin,
    pins,
)

SOURCES = ("zynq7_slice", "zynq7_control")
"""Modules of this design besides the shell's, each in its own file of the folder ``verilog``."""
SYSTEM, DESIGN = "zynq7_system", "zynq7_top"

_Port = tuple[str, int, str]
# Directions as `zynq7_system` sees them.
_GP0: tuple[_Port, ...] = (
    ("input", 1, "awvalid"), ("output", 1, "awready"), ("input", 32, "awaddr"),
    ("input", 12, "awid"), ("input", 4, "awlen"), ("input", 2, "awsize"), ("input", 2, "awburst"),
    ("input", 1, "wvalid"), ("output", 1, "wready"), ("input", 32, "wdata"), ("input", 4, "wstrb"),
    ("output", 1, "bvalid"), ("input", 1, "bready"), ("output", 12, "bid"), ("output", 2, "bresp"),
    ("input", 1, "arvalid"), ("output", 1, "arready"), ("input", 32, "araddr"),
    ("input", 12, "arid"), ("input", 4, "arlen"), ("input", 2, "arsize"), ("input", 2, "arburst"),
    ("output", 1, "rvalid"), ("input", 1, "rready"), ("output", 32, "rdata"),
    ("output", 12, "rid"), ("output", 2, "rresp"), ("output", 1, "rlast"),
)  # fmt: skip
_READ: tuple[_Port, ...] = (
    ("output", 1, "arvalid"), ("input", 1, "arready"), ("output", 32, "araddr"),
    ("output", 4, "arlen"), ("input", 1, "rvalid"), ("output", 1, "rready"),
    ("input", 64, "rdata"), ("input", 2, "rresp"), ("input", 1, "rlast"),
)  # fmt: skip
_WRITE: tuple[_Port, ...] = (
    ("output", 1, "awvalid"), ("input", 1, "awready"), ("output", 32, "awaddr"),
    ("output", 4, "awlen"), ("output", 1, "wvalid"), ("input", 1, "wready"),
    ("output", 64, "wdata"), ("output", 1, "wlast"), ("input", 1, "bvalid"),
    ("output", 1, "bready"), ("input", 2, "bresp"),
)  # fmt: skip
_OPEN = frozenset({"rready", "bready"})
_CONSTANT = ("ID", "SIZE", "BURST", "LOCK", "CACHE", "PROT", "QOS")
_LITE = (
    "awvalid", "awready", "awaddr", "wvalid", "wready", "wdata", "wstrb", "bvalid", "bready",
    "bresp", "arvalid", "arready", "araddr", "rvalid", "rready", "rdata", "rresp",
)  # fmt: skip


def zynq7_source() -> str:
    """The text of the hand-written modules."""
    folder = files("tritstream.shell") / "verilog"
    return "\n".join((folder / f"{name}.sv").read_text(encoding="utf-8") for name in SOURCES)


def memory_port(table: Sequence[Argument], bundle: str) -> tuple[_Port, ...]:
    """The signals of a bundle's memory port that are not constants."""
    directions = {a.direction for a in table if a.bundle == bundle and a.kind == "memory"}
    return (_READ if "in" in directions else ()) + (_WRITE if "out" in directions else ())


def system_source(table: Sequence[Argument], ports: Mapping[str, str]) -> str:
    """SystemVerilog of the module between PS7 and IP; ``ports`` maps bundles to ``HP0`` to ``HP3``
    and ``ACP``.

    Its ports are ``clk``, ``rst_n``, ``irq``, ``gp0_*``, ``hp<n>_*`` and ``acp_*``, signals named
    as in AXI.
    """
    declared = [("input", 1, "clk"), ("input", 1, "rst_n"), ("output", 1, "irq")]
    declared += [(d, w, f"gp0_{name}") for d, w, name in _GP0]
    items: list[Item] = [Net("rst", None), Assign("rst", "~rst_n")]
    pins = [".ap_clk(clk)", ".ap_rst_n(rst_n)", ".interrupt(irq)"]

    widths = {"awaddr": ADDRESS_BITS, "araddr": ADDRESS_BITS, "wdata": 32, "rdata": 32}
    widths |= {"wstrb": 4, "bresp": 2, "rresp": 2}
    items += [Net(f"lite_{n}", narrow(widths.get(n, 1))) for n in _LITE]
    pins += [f".s_axi_{CONTROL_BUNDLE}_{n.upper()}(lite_{n})" for n in _LITE]
    control = [".clk(clk)", ".rst(rst)", *(f".{n}(gp0_{n})" for _, _, n in _GP0)]
    control += [f".lite_{n}(lite_{n})" for n in _LITE]
    parameters = f".ADDRESS_BITS({ADDRESS_BITS})"
    items.append(Instance("zynq7_control", "control", tuple(control), parameters))

    for bundle in bundles(tuple(table)):
        hp = ports[bundle].lower()
        signals = memory_port(table, bundle)
        names = {name for _, _, name in signals}
        declared += [(d, w, f"{hp}_{name}") for d, w, name in signals]
        items.append(Lines((f"// {bundle} to {ports[bundle]}.",)))
        if "arvalid" in names:
            items += _address(bundle, hp, "ar")
            items += _always_ready(hp, "r", ("rdata", "rresp", "rlast"))
        if "awvalid" in names:
            items += _address(bundle, hp, "aw") + _always_ready(hp, "b", ("bresp",))
            items += _write_data(hp)
        pins += _master_pins(bundle, hp, names)
    items.append(Lines(("/* verilator lint_off PINCONNECTEMPTY */",)))
    items.append(Instance(TOP, "ip", tuple(pins)))
    items.append(Lines(("/* verilator lint_on PINCONNECTEMPTY */",)))
    return _module(SYSTEM, declared, items)


def top_source(table: Sequence[Argument], ports: Mapping[str, str]) -> str:
    """SystemVerilog of the whole design: no pins, the PS7 inside."""
    inner = [".clk(clk)", ".rst_n(awake[2])", ".irq(irq)"]
    driven = {"MAXIGP0ACLK": "clk", "IRQF2P": "{19'd0, irq}"}
    outputs = {"FCLKCLK": "fclk", "FCLKRESETN": "fclk_reset_n"}
    buffer = pin("I", "fclk[0]"), pin("O", "clk")
    note = "// The reset comes from another clock; it lasts until the flip-flops have seen it."
    items: list[Item] = [
        Net("clk, irq", None),
        Net("fclk, fclk_reset_n", 4),
        Instance("BUFG", "buffer", buffer, layout=Layout.LINE),
        Lines((note, "logic [2:0] awake = 3'd0;")),
        Clocked(("awake <= {awake[1:0], fclk_reset_n[0]};",)),
    ]

    def wire(direction: str, width: int, inside: str, outside: str) -> None:
        items.append(Net(inside, narrow(width)))
        inner.append(f".{inside}({inside})")
        (driven if direction == "output" else outputs)[outside] = inside

    for direction, width, name in _GP0:
        wire(direction, width, f"gp0_{name}", f"MAXIGP0{name.upper()}")
    for bundle, port in ports.items():
        driven[f"SAXI{port}ACLK"] = "clk"
        signals = memory_port(table, bundle)
        for direction, width, name in signals:
            wire(direction, width, f"{port.lower()}_{name}", f"SAXI{port}{name.upper()}")
        for letters in sorted({n[:2].upper() for _, _, n in signals if n.endswith("addr")}):
            # 8 bytes a beat, incrementing, modifiable and bufferable.
            constants = {"SIZE": "2'd3", "BURST": "2'd1", "CACHE": "4'd3"}
            driven |= {f"SAXI{port}{letters}{k}": v for k, v in constants.items()}
            if letters == "AW":
                driven[f"SAXI{port}WSTRB"] = "8'hff"
    items.append(Instance(SYSTEM, "system", tuple(inner)))
    pins = [f".{name}({driven.get(name) or idle(name)})" for name in INPUTS]
    pins += [pin(name, signal) for name, signal in outputs.items()]
    items.append(Instance("PS7", "ps7", tuple(pins)))
    return _module(DESIGN, [], items)


def _module(name: str, ports: Sequence[_Port], items: list[Item]) -> str:
    declared = [Port(direction, n, narrow(width)) for direction, width, n in ports]
    return Module(name, declared, items, "Generated by tritstream.shell.zynq7, do not edit").text()


def _slice(name: str, width: int, source: str, data: str, target: str, out: str) -> Instance:
    rows = [*pins(("clk", "rst")), pin("in_valid", f"{source}valid")]
    rows += [pin("in_ready", f"{source}ready"), pin("in_data", data)]
    rows += [pin("out_valid", f"{target}valid"), pin("out_ready", f"{target}ready")]
    rows.append(pin("out_data", out))
    return Instance("zynq7_slice", name, tuple(rows), f".WIDTH({width})")


def _address(bundle: str, hp: str, letters: str) -> list[Item]:
    inner, outer = f"inner_{hp}_{letters}", f"{hp}_{letters}"
    # Addresses of Zynq-7000 have 32 bits; those of the IP have 64.
    data, out = f"{{{inner}addr[31:0], {inner}len}}", f"{{{outer}addr, {outer}len}}"
    return [
        Net(f"{inner}valid, {inner}ready", None),
        Net(f"{inner}addr", 64),
        Net(f"{inner}len", 4),
        _slice(f"{bundle}_{letters}", 36, inner, data, outer, out),
    ]


def _always_ready(hp: str, letter: str, data: Sequence[str]) -> list[Item]:
    """A register for a channel whose receiver is ready whenever something comes."""
    widths = {"rdata": AXI3.bits, "rresp": 2, "rlast": 1, "bresp": 2}
    valid, inner = f"inner_{hp}_{letter}valid", [f"inner_{hp}_{name}" for name in data]
    outer = ", ".join(f"{hp}_{name}" for name in data)
    return [
        Net(valid, None),
        Assign(f"{hp}_{letter}ready", TRUE),
        *(Net(i, narrow(widths[n])) for n, i in zip(data, inner, strict=True)),
        Clocked((f"{valid} <= {hp}_{letter}valid & rst_n;",)),
        Clocked((f"{{{', '.join(inner)}}} <= {{{outer}}};",)),
    ]


def _write_data(hp: str) -> list[Item]:
    inner, outer = f"inner_{hp}_w", f"{hp}_w"
    data, out = f"{{{inner}last, {inner}data}}", f"{{{outer}last, {outer}data}}"
    return [
        Net(f"{inner}valid, {inner}ready, {inner}last", None),
        Net(f"{inner}data", AXI3.bits),
        _slice(f"{hp}_writes", AXI3.bits + 1, inner, data, outer, out),
    ]


def _master_pins(bundle: str, hp: str, names: set[str]) -> list[str]:
    """The IP's pins of a master; open are constants and a ready that is not waited for."""
    pins = [
        f".m_axi_{bundle}_{name.upper()}({'' if name in _OPEN else f'inner_{hp}_{name}'})"
        for name in sorted(names)
    ]
    # IDs are answered as they were asked, and all of them are zero.
    for letters, answer in (("AR", "RID"), ("AW", "BID")):
        if f"{letters.lower()}addr" in names:
            pins.append(f".m_axi_{bundle}_{answer}({AXI3.id_bits}'d0)")
            pins += [f".m_axi_{bundle}_{letters}{constant}()" for constant in _CONSTANT]
    if "wdata" in names:
        pins += [f".m_axi_{bundle}_{constant}()" for constant in ("WID", "WSTRB")]
    return pins
