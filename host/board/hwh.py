"""The hardware hand-off (.hwh) of an overlay, written from the engine's argument table.

Vivado writes such a file beside a bitstream, and pynq reads registers, addresses and interrupts
from it. Until a vendor build exists this one stands in for it: the parts that pynq looks at, in
Vivado's structure. What reaches the processor from the engine is its AXI-Lite slave and its
interrupt, the latter through an AXI interrupt controller, as the boards' images expect it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from xml.etree import ElementTree

from tritstream.board.clocks import divisors
from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.kernels.arguments import (
    CONTROL,
    CONTROL_BUNDLE,
    GLOBAL_INTERRUPT_ENABLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    REGISTER_BITS,
    TOP,
    VLNV,
    argument_table,
    bundles,
)

ENGINE = f"{TOP}_0"
"""Instance name of the engine in the block design."""
CONTROLLER = "axi_intc_0"
"""Instance name of the interrupt controller."""
GENERATED = "generated from the argument table; not the output of a vendor build"
OPEN_TOOLS = "generated from the argument table, for a bitstream built with open tools"

_RANGE = 0x1_0000
_BASES = {"zynq7": 0x4000_0000, "zynqmp": 0xA000_0000}
_IO_PLLS_HZ = {"zynq7": 1e9, "zynqmp": 1.5e9}
"""Where there is no board to ask."""
DEFAULT_CLOCK_HZ = 100e6
"""Of the fabric, for a configuration that is made for no board."""
_INTC_VLNV = "xilinx.com:ip:axi_intc:4.1"
_AXI = "xilinx.com:interface:aximm:1.0"
_SLAVE = f"s_axi_{CONTROL_BUNDLE}"

_Field = tuple[str, int, int, str]
_Register = tuple[str, int, str, Sequence[_Field]]

# Names, bits and access as Vitis HLS exports them; arguments are write-only there.
_BLOCK_CONTROL: tuple[_Register, ...] = (
    (
        "CTRL",
        CONTROL,
        "read-write",
        (
            ("AP_START", 0, 1, "read-write"),
            ("AP_DONE", 1, 1, "read-only"),
            ("AP_IDLE", 2, 1, "read-only"),
            ("AP_READY", 3, 1, "read-only"),
            ("AUTO_RESTART", 7, 1, "read-write"),
            ("INTERRUPT", 9, 1, "read-only"),
        ),
    ),
    ("GIER", GLOBAL_INTERRUPT_ENABLE, "read-write", (("Enable", 0, 1, "read-write"),)),
    (
        "IP_IER",
        INTERRUPT_ENABLE,
        "read-write",
        (("CHAN0_INT_EN", 0, 1, "read-write"), ("CHAN1_INT_EN", 1, 1, "read-write")),
    ),
    (
        "IP_ISR",
        INTERRUPT_STATUS,
        "read-write",
        (("CHAN0_INT_ST", 0, 1, "read-write"), ("CHAN1_INT_ST", 1, 1, "read-write")),
    ),
)
# AXI INTC (PG099), the registers that pynq.interrupt uses.
_INTC_REGISTERS: tuple[_Register, ...] = tuple(
    (name, offset, "read-write", ())
    for name, offset in (("ISR", 0x00), ("IPR", 0x04), ("IER", 0x08), ("IAR", 0x0C), ("MER", 0x1C))
)


def hardware_handoff(
    configuration: Configuration,
    interrupt: bool = True,
    clock_hz: float | None = None,
    ports: Mapping[str, str] | None = None,
    source: str = GENERATED,
) -> bytes:
    """The .hwh of a configuration's overlay; the same every time.

    ``interrupt`` says whether there is an interrupt controller; without one the driver polls.
    ``clock_hz`` is the board's unless given. ``ports`` maps AXI masters to ports of the processor,
    where they are known. Raises ConfigurationError for a configuration without a geometry.
    """
    table = argument_table(configuration)
    board = configuration.board
    kind = "zynqmp" if board is None else board.ps_type
    base = _BASES[kind]
    ps, ps_vlnv, master, irq = {
        "zynq7": (
            "processing_system7_0",
            "xilinx.com:ip:processing_system7:5.5",
            "M_AXI_GP0",
            "IRQ_F2P",
        ),
        "zynqmp": (
            "zynq_ultra_ps_e_0",
            "xilinx.com:ip:zynq_ultra_ps_e:3.4",
            "M_AXI_HPM0_FPD",
            "pl_ps_irq0",
        ),
    }[kind]

    root = ElementTree.Element("EDKSYSTEM", EDWVERSION="1.2", TIMESTAMP="", VIVADOVERSION="")
    root.append(ElementTree.Comment(source))
    ElementTree.SubElement(
        root,
        "SYSTEMINFO",
        ARCH="zynq" if kind == "zynq7" else "zynquplus",
        NAME=f"tritstream_{configuration.name.replace('-', '_')}",
        PART="" if board is None else board.part,
    )
    ElementTree.SubElement(root, "EXTERNALPORTS")
    ElementTree.SubElement(root, "EXTERNALINTERFACES")
    modules = ElementTree.SubElement(root, "MODULES")

    registers = list(_BLOCK_CONTROL)
    for a in table:
        names = (a.name,) if a.words == 1 else (f"{a.name}_1", f"{a.name}_2")
        for word, name in enumerate(names):
            field = (a.name, 0, REGISTER_BITS, "write-only")
            registers.append((name, a.offset + 4 * word, "write-only", (field,)))
    engine = _module(modules, ENGINE, VLNV, registers, _SLAVE)
    for bundle in bundles(table):
        _interface(engine, f"m_axi_{bundle}", "MASTER")
    addresses = [(ENGINE, _SLAVE, base)]
    wires = []
    if interrupt:
        _module(modules, CONTROLLER, _INTC_VLNV, _INTC_REGISTERS, "s_axi")
        addresses.append((CONTROLLER, "s_axi", base + _RANGE))
        wires = [((ENGINE, "interrupt"), (CONTROLLER, "intr")), ((CONTROLLER, "irq"), (ps, irq))]
    _memory(engine, ps, ports or {})
    processor = _processor(modules, ps, ps_vlnv, kind, board, clock_hz)
    _interface(processor, master, "MASTER")
    for port in sorted(set((ports or {}).values())):
        _interface(processor, f"S_AXI_{port}", "SLAVE")
    _memory_map(processor, master, addresses)
    _connect(modules, wires)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _module(
    modules: ElementTree.Element,
    name: str,
    vlnv: str,
    registers: Iterable[_Register],
    interface: str,
) -> ElementTree.Element:
    """An IP with one AXI-Lite slave and its registers."""
    module = _bare_module(modules, name, vlnv)
    blocks = ElementTree.SubElement(module, "ADDRESSBLOCKS")
    block = ElementTree.SubElement(
        blocks,
        "ADDRESSBLOCK",
        ACCESS="read-write",
        INTERFACE=interface,
        NAME="Reg",
        RANGE=str(_RANGE),
        USAGE="register",
    )
    listed = ElementTree.SubElement(block, "REGISTERS")
    for register_name, offset, access, fields in registers:
        register = ElementTree.SubElement(listed, "REGISTER", NAME=register_name)
        _properties(
            register,
            DESCRIPTION=register_name,
            ADDRESS_OFFSET=hex(offset),
            SIZE=REGISTER_BITS,
            ACCESS=access,
            IS_ENABLED="true",
        )
        if fields:
            all_fields = ElementTree.SubElement(register, "FIELDS")
            for field_name, low, width, field_access in fields:
                field = ElementTree.SubElement(all_fields, "FIELD", NAME=field_name)
                _properties(
                    field,
                    DESCRIPTION=field_name,
                    ACCESS=field_access,
                    BIT_OFFSET=low,
                    BIT_WIDTH=width,
                )
    _interface(module, interface, "SLAVE")
    return module


def _processor(
    modules: ElementTree.Element,
    name: str,
    vlnv: str,
    kind: str,
    board: Board | None,
    clock_hz: float | None,
) -> ElementTree.Element:
    """The processing system with the clock parameters that pynq looks for; only clock 0 runs.

    pynqmetadata below 0.2.0, which the boards' images have, knows a processing system by IS_PL
    alone. 0.2.0 gives the frequency instead of the divisors, and looks for UltraScale+'s parameter
    of that name on Zynq-7000 too.
    """
    module = _bare_module(modules, name, vlnv)
    module.set("IS_PL", "FALSE")
    parameters = module.find("PARAMETERS")
    assert parameters is not None
    hertz = clock_hz or (board.clock_hz if board else 0.0) or DEFAULT_CLOCK_HZ
    first, second = divisors(board.io_pll_hz if board else _IO_PLLS_HZ[kind], hertz)
    for clock in range(4):
        running = clock == 0
        if kind == "zynq7":
            values: dict[str, object] = {
                f"PCW_FPGA_FCLK{clock}_ENABLE": int(running),
                f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR0": first,
                f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR1": second,
                f"PCW_FCLK{clock}_PERIPHERAL_CLKSRC": "IO PLL",
            }
        else:
            values = {
                f"PSU__FPGA_PL{clock}_ENABLE": int(running),
                f"PSU__CRL_APB__PL{clock}_REF_CTRL__DIVISOR0": first,
                f"PSU__CRL_APB__PL{clock}_REF_CTRL__DIVISOR1": second,
                f"PSU__CRL_APB__PL{clock}_REF_CTRL__SRCSEL": "IOPLL",
            }
        values[f"PSU__CRL_APB__PL{clock}_REF_CTRL__ACT_FREQMHZ"] = hertz / 1e6
        for key, value in values.items():
            ElementTree.SubElement(parameters, "PARAMETER", NAME=key, VALUE=str(value))
    return module


def _bare_module(modules: ElementTree.Element, name: str, vlnv: str) -> ElementTree.Element:
    _, _, kind, version = vlnv.split(":")
    module = ElementTree.SubElement(
        modules,
        "MODULE",
        FULLNAME=f"/{name}",
        INSTANCE=name,
        IPTYPE="PERIPHERAL",
        IS_ENABLE="1",
        MODCLASS="PERIPHERAL",
        MODTYPE=kind,
        HWVERSION=version,
        VLNV=vlnv,
    )
    parameters = ElementTree.SubElement(module, "PARAMETERS")
    ElementTree.SubElement(parameters, "PARAMETER", NAME="Component_Name", VALUE=name)
    for part in ("PORTS", "BUSINTERFACES", "MEMORYMAP"):
        ElementTree.SubElement(module, part)
    return module


def _interface(module: ElementTree.Element, name: str, kind: str) -> None:
    interfaces = module.find("BUSINTERFACES")
    assert interfaces is not None
    ElementTree.SubElement(interfaces, "BUSINTERFACE", NAME=name, TYPE=kind, VLNV=_AXI, BUSNAME="")


def engine_base(hwh: bytes) -> int | None:
    """The address of the engine's registers in a hardware hand-off; None where it has no engine.

    Raises ElementTree.ParseError for what is no XML.
    """
    root = ElementTree.fromstring(hwh)
    names = {m.get("INSTANCE") for m in root.iter("MODULE") if m.get("VLNV") == VLNV}
    bases = [
        int(r.get("BASEVALUE", ""), 16)
        for r in root.iter("MEMRANGE")
        if r.get("INSTANCE") in names and r.get("MEMTYPE") == "REGISTER"
    ]
    return bases[0] if bases else None


def _memory_map(
    processor: ElementTree.Element, master: str, addresses: Iterable[tuple[str, str, int]]
) -> None:
    memory_map = processor.find("MEMORYMAP")
    assert memory_map is not None
    for instance, interface, base in addresses:
        ElementTree.SubElement(
            memory_map,
            "MEMRANGE",
            ADDRESSBLOCK="Reg",
            BASENAME="C_BASEADDR",
            BASEVALUE=f"0x{base:08X}",
            HIGHNAME="C_HIGHADDR",
            HIGHVALUE=f"0x{base + _RANGE - 1:08X}",
            INSTANCE=instance,
            IS_DATA="TRUE",
            IS_INSTRUCTION="TRUE",
            MASTERBUSINTERFACE=master,
            MEMTYPE="REGISTER",
            SLAVEBUSINTERFACE=interface,
        )


def _memory(engine: ElementTree.Element, processor: str, ports: Mapping[str, str]) -> None:
    """That the engine's masters reach the low 512 MiB, all that boards with Zynq-7000 have."""
    memory_map = engine.find("MEMORYMAP")
    assert memory_map is not None
    for bundle, port in ports.items():
        ElementTree.SubElement(
            memory_map,
            "MEMRANGE",
            ADDRESSBLOCK=f"{port}_DDR_LOWOCM",
            BASENAME="C_BASEADDR",
            BASEVALUE="0x00000000",
            HIGHNAME="C_HIGHADDR",
            HIGHVALUE="0x1FFFFFFF",
            INSTANCE=processor,
            IS_DATA="TRUE",
            IS_INSTRUCTION="TRUE",
            MASTERBUSINTERFACE=f"m_axi_{bundle}",
            MEMTYPE="MEMORY",
            SLAVEBUSINTERFACE=f"S_AXI_{port}",
        )


def _connect(
    modules: ElementTree.Element, wires: Iterable[tuple[tuple[str, str], tuple[str, str]]]
) -> None:
    """Single-bit wires from an output pin to an input pin, written at both ends."""
    for source, target in wires:
        for (instance, pin), (other, other_pin), direction in (
            (source, target, "O"),
            (target, source, "I"),
        ):
            module = next(m for m in modules if m.get("INSTANCE") == instance)
            ports = module.find("PORTS")
            assert ports is not None
            port = ElementTree.SubElement(
                ports, "PORT", NAME=pin, DIR=direction, SIGIS="INTERRUPT", SIGNAME=source[1]
            )
            connections = ElementTree.SubElement(port, "CONNECTIONS")
            ElementTree.SubElement(connections, "CONNECTION", INSTANCE=other, PORT=other_pin)


def _properties(element: ElementTree.Element, **values: object) -> None:
    for name, value in values.items():
        ElementTree.SubElement(element, "PROPERTY", NAME=name, VALUE=str(value))
