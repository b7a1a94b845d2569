"""The hardware hand-off, read by pynq's own parser."""

from pathlib import Path
from typing import Any

import pytest

from support.boards import needs_pynq
from tritstream.board.hwh import hardware_handoff
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.kernels.arguments import VLNV, argument_table

needs_pynq()

HARDWARE = [name for name, c in CONFIGURATIONS.items() if c.geometry is not None]


def parsed(folder: Path, data: bytes) -> Any:
    from pynqmetadata.frontends import Metadata
    from pynqmetadata.views.runtime import RuntimeMetadataParser

    path = folder / "x.hwh"
    path.write_bytes(data)
    return RuntimeMetadataParser(Metadata(input=path))


@pytest.mark.parametrize("name", HARDWARE)
def test_pynq_finds_every_register_where_the_table_has_it(name: str, tmp_path: Path) -> None:
    configuration = configuration_named(name)
    parser = parsed(tmp_path, hardware_handoff(configuration))
    engine = parser.ip_dict["engine_0"]
    assert engine["type"] == VLNV
    registers = {n: r["address_offset"] for n, r in engine["registers"].items()}
    for argument in argument_table(configuration):
        if argument.words == 1:
            assert registers.pop(argument.name) == argument.offset
        else:
            assert registers.pop(f"{argument.name}_1") == argument.offset
            assert registers.pop(f"{argument.name}_2") == argument.offset + 4
    assert registers == {"CTRL": 0, "GIER": 4, "IP_IER": 8, "IP_ISR": 12}


@pytest.mark.parametrize(
    ("name", "irq", "base"), [("tiny", 61, 0x4000_0000), ("370m-kv260", 121, 0xA000_0000)]
)
def test_the_interrupt_reaches_the_processor(
    name: str, irq: int, base: int, tmp_path: Path
) -> None:
    configuration = configuration_named(name)
    parser = parsed(tmp_path, hardware_handoff(configuration))
    assert parser.ip_dict["engine_0"]["phys_addr"] == base
    assert parser.interrupt_pins["engine_0/interrupt"]["controller"] == "axi_intc_0"
    assert parser.interrupt_controllers["axi_intc_0"]["raw_irq"] == irq
    without = parsed(tmp_path, hardware_handoff(configuration, interrupt=False))
    assert without.interrupt_pins == {}


def test_the_clock_is_the_boards(tmp_path: Path) -> None:
    clocks = parsed(tmp_path, hardware_handoff(configuration_named("370m-kv260"))).clock_dict
    assert clocks[0]["enable"] == 1
    assert 1500 / (clocks[0]["divisor0"] * clocks[0]["divisor1"]) == 250
    assert clocks[1]["enable"] == 0
