"""The hardware hand-off, read by pynq's own parser."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from support.boards import needs_pynq
from tritstream.board.hwh import engine_base, hardware_handoff
from tritstream.board.overlays import shipped, shipped_folder
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.kernels.arguments import VLNV, argument_table

needs_pynq()

HARDWARE = list(CONFIGURATIONS)


def parsed(folder: Path, data: bytes) -> Any:
    """Read by the parser of the pynq that is installed, over the pynqmetadata that is."""
    from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
    from pynqmetadata.frontends import Metadata

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
    ("name", "irq", "base"), [("tiny", 61, 0x4000_0000), ("kv260", 121, 0xA000_0000)]
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


@pytest.mark.parametrize("name", HARDWARE)
def test_the_clock_is_the_boards(name: str, tmp_path: Path) -> None:
    """By divisors, which pynq 3 sets, and by frequency, which pynq 4 sets."""
    configuration = configuration_named(name)
    board = configuration.board
    assert board is not None
    clocks = parsed(tmp_path, hardware_handoff(configuration)).clock_dict
    divided = board.io_pll_hz / (clocks[0]["divisor0"] * clocks[0]["divisor1"])
    assert divided == board.clock_hz
    assert 1e6 * clocks[0].get("frequency", board.clock_hz / 1e6) == board.clock_hz
    assert [clocks[n]["enable"] for n in range(4)] == [1, 0, 0, 0]


def test_the_engine_is_found_without_pynq(tmp_path: Path) -> None:
    for name, base in (("tiny", 0x4000_0000), ("kv260", 0xA000_0000)):
        assert engine_base(hardware_handoff(configuration_named(name))) == base
    assert engine_base(b"<EDKSYSTEM/>") is None


# What the images of boards carry: PYNQ 3.0.1 and 3.1 one of 0.1.1 to 0.1.9, Kria-PYNQ 0.1.2.
VERSIONS = ("0.1.2", "0.1.4", "0.1.9", "0.2.0")
PARSE = """
import json, sys, warnings
warnings.simplefilter("ignore")
from pynqmetadata.frontends import Metadata
from pynqmetadata.views.runtime import RuntimeMetadataParser

for path in sys.argv[1:]:
    parser = RuntimeMetadataParser(Metadata(input=path))
    registers = {
        name: {r: d["address_offset"] for r, d in ip["registers"].items()}
        for name, ip in parser.ip_dict.items() if name == "engine_0"
    }
    clock = parser.clock_dict[0]
    print(json.dumps({
        "names": sorted(parser.ip_dict),
        "base": parser.ip_dict["engine_0"]["phys_addr"],
        "registers": registers["engine_0"],
        "clock": [clock["enable"], clock["divisor0"], clock["divisor1"]],
        "irq": {n: c["raw_irq"] for n, c in parser.interrupt_controllers.items()},
    }))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_pynqmetadata_of_the_images_reads_what_is_shipped(
    version: str, tmp_path: Path
) -> None:
    """In a process of its own, since one process has one version."""
    folder = Path(sys.prefix) / f"pynqmetadata-{version}"
    if not folder.is_dir():
        pytest.skip(f"no pynqmetadata {version} in {folder}: `make test-pynq3` installs it")
    paths = [shipped_folder(m) / m.hwh.file for m in shipped()]
    for name in HARDWARE:
        for interrupt in (True, False):
            paths.append(tmp_path / f"{name}-{interrupt}.hwh")
            paths[-1].write_bytes(hardware_handoff(configuration_named(name), interrupt))
    done = subprocess.run(
        [sys.executable, "-c", PARSE, *map(str, paths)],
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(paths)
    for path, got in zip(paths, found, strict=True):
        data = path.read_bytes()
        assert got["base"] == engine_base(data), path
        assert got["clock"] == [1, *declared_divisors(data)], path
        controlled = b"axi_intc_0" in data
        assert got["irq"] == ({"axi_intc_0": irq(data)} if controlled else {}), path
        assert got["registers"].items() >= {"CTRL": 0, "GIER": 4, "IP_IER": 8, "IP_ISR": 12}.items()


def declared_divisors(hwh: bytes) -> list[int]:
    values = {
        p.get("NAME", ""): p.get("VALUE", "") for p in ElementTree.fromstring(hwh).iter("PARAMETER")
    }
    forms = "PCW_FCLK0_PERIPHERAL_DIVISOR{}", "PSU__CRL_APB__PL0_REF_CTRL__DIVISOR{}"
    return [
        int(values[form.format(n)]) for n in (0, 1) for form in forms if form.format(n) in values
    ]


def irq(hwh: bytes) -> int:
    return 61 if b"processing_system7" in hwh else 121
