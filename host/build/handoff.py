"""Comparing a produced .hwh with the engine's argument table, before a board loads anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tritstream.build.errors import BuildError
from tritstream.configurations import Configuration
from tritstream.kernels.arguments import (
    CONTROL,
    CONTROL_BUNDLE,
    GLOBAL_INTERRUPT_ENABLE,
    INTERRUPT_ENABLE,
    INTERRUPT_STATUS,
    VLNV,
    argument_table,
    bundles,
)

_CLOCKS = ("PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ", "PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ")
_PROCESSORS = ("processing_system7", "zynq_ultra_ps_e")


def check_handoff(path: Path, configuration: Configuration, interrupt: bool = True) -> float | None:
    """Check the hardware hand-off; return the clock that the processor gives, in Hz, if it says.

    ``interrupt``: whether there has to be one.

    Raises BuildError listing every difference: registers and offsets, AXI masters that do not reach
    memory, a control slave without an address, an interrupt that leads nowhere.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise BuildError(f"the hardware hand-off {path} cannot be read: {error}") from error
    differences = list(_differences(root, configuration, interrupt))
    if differences:
        raise BuildError(
            f"{path} is not what configuration '{configuration.name}' should give: "
            f"{'; '.join(differences)}. Remove the project folder and build again; if it stays, "
            f"the kernels were generated from another argument table"
        )
    return _clock(root)


def expected_registers(configuration: Configuration) -> dict[str, int]:
    """Register names and offsets as Vitis HLS exports them."""
    registers = {
        "CTRL": CONTROL,
        "GIER": GLOBAL_INTERRUPT_ENABLE,
        "IP_IER": INTERRUPT_ENABLE,
        "IP_ISR": INTERRUPT_STATUS,
    }
    for a in argument_table(configuration):
        if a.words == 1:
            registers[a.name] = a.offset
        else:
            registers |= {f"{a.name}_1": a.offset, f"{a.name}_2": a.offset + 4}
    return registers


def _differences(
    root: ElementTree.Element, configuration: Configuration, interrupt: bool
) -> Iterator[str]:
    engines = [m for m in root.iter("MODULE") if m.get("VLNV") == VLNV]
    if len(engines) != 1:
        yield f"it has {len(engines)} modules {VLNV} and not one"
        return
    engine = engines[0]
    name = engine.get("INSTANCE", "")

    found = _registers(engine)
    expected = expected_registers(configuration)
    for register in sorted(expected.keys() | found.keys()):
        here, there = found.get(register), expected.get(register)
        if here is None:
            yield f"register {register} is missing"
        elif there is None:
            yield f"register {register} at {here:#x} is not in the table"
        elif here != there:
            yield f"register {register} is at {here:#x}, not {there:#x}"

    memory = {
        r.get("MASTERBUSINTERFACE")
        for r in engine.iterfind("MEMORYMAP/MEMRANGE")
        if r.get("MEMTYPE") == "MEMORY"
    }
    for bundle in bundles(argument_table(configuration)):
        if f"m_axi_{bundle}" not in memory:
            yield f"AXI master m_axi_{bundle} does not reach memory"

    processors = [m for m in root.iter("MODULE") if m.get("MODTYPE") in _PROCESSORS]
    slaves = {
        (r.get("INSTANCE"), r.get("SLAVEBUSINTERFACE"))
        for p in processors
        for r in p.iterfind("MEMORYMAP/MEMRANGE")
    }
    if (name, f"s_axi_{CONTROL_BUNDLE}") not in slaves:
        yield f"the processor has no address for s_axi_{CONTROL_BUNDLE}"

    wired = engine.find("PORTS/PORT[@NAME='interrupt']/CONNECTIONS/CONNECTION")
    if interrupt and wired is None:
        yield "the interrupt is not connected"


def _registers(engine: ElementTree.Element) -> dict[str, int]:
    found = {}
    for register in engine.iterfind("ADDRESSBLOCKS/ADDRESSBLOCK/REGISTERS/REGISTER"):
        offset = register.find("PROPERTY[@NAME='ADDRESS_OFFSET']")
        if offset is not None:
            found[register.get("NAME", "")] = int(offset.get("VALUE", "0"), 0)
    return found


def _clock(root: ElementTree.Element) -> float | None:
    for parameter in root.iter("PARAMETER"):
        if parameter.get("NAME") in _CLOCKS:
            return float(parameter.get("VALUE", "0")) * 1e6
    return None
