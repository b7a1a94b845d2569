"""The Vivado scripts under stand-in commands: right on every board; what is broken is caught."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from support.block_design import complaints, read_record
from support.stub_tcl import TCL, interpreters, run_stubbed
from tritstream.boards import BOARDS, Board
from tritstream.build.ports import port_map
from tritstream.build.settings import as_tcl, settings
from tritstream.configurations import CONFIGURATIONS, Configuration, configuration_named
from tritstream.errors import ConfigurationError

HARDWARE = [name for name, c in CONFIGURATIONS.items() if c.board_name is not None]


def project(folder: Path, configuration: Configuration, board: Board) -> Path:
    """The scripts of a project after step ip, without the sources that Vivado never looks at."""
    for name in ("block_design", "bitstream"):
        shutil.copy(TCL / "vivado" / f"{name}.tcl", folder)
    shutil.copy(TCL / "vivado" / f"ps_{board.ps_type}.tcl", folder / "ps.tcl")
    shutil.copy(TCL / "boards" / f"{board.name}.tcl", folder / "board.tcl")
    values = settings(configuration, board, {"engine": "engine"})
    (folder / "settings.tcl").write_text(as_tcl(values), encoding="utf-8")
    ip = folder / "hls" / "solution" / "impl" / "ip"
    ip.mkdir(parents=True)
    (ip / "component.xml").touch()
    return folder


def judged(folder: Path, configuration: Configuration, board: Board) -> list[str]:
    status, facts, output = run_stubbed("vivado", "bitstream.tcl", folder, configuration)
    found = complaints(read_record(facts), board, configuration)
    assert (status == 0) == (not any(f[0] == "error" for f in facts)), output
    return found


@pytest.mark.parametrize("configuration_name", HARDWARE)
@pytest.mark.parametrize("board_name", BOARDS)
def test_every_board_is_connected(board_name: str, configuration_name: str, tmp_path: Path) -> None:
    configuration, board = configuration_named(configuration_name), BOARDS[board_name]
    project(tmp_path, configuration, board)
    assert judged(tmp_path, configuration, board) == []
    assert (tmp_path / "output" / "tritstream.bit").exists()
    assert (tmp_path / "output" / "tritstream.hwh").exists()


def test_a_board_may_have_too_few_ports() -> None:
    with pytest.raises(ConfigurationError, match="4 weight masters"):
        port_map(configuration_named("z7020"), replace(BOARDS["pynq-z2"], hp_ports=3))


def test_weights_have_ports_of_their_own() -> None:
    kria = port_map(configuration_named("kv260"), BOARDS["kv260"])
    assert list(kria.values()) == ["HP0", "HP1", "HP2", "HP3", "HPC0"]
    assert list(port_map(configuration_named("tiny"), BOARDS["pynq-z1"]).values()) == [
        "HP0",
        "HP1",
        "HP2",
    ]
    assert list(port_map(configuration_named("z7020"), BOARDS["pynq-z1"]).values()) == [
        "HP0",
        "HP1",
        "HP2",
        "HP3",
        "ACP",
    ]


# Each breaks one thing in a script, and says which complaint must follow.
BROKEN = {
    "misspelt command": (
        "block_design",
        "validate_bd_design",
        "validate_design",
        "unknown command",
    ),
    "unknown option": ("block_design", "-range 64K", "-size 64K", "no such option -size"),
    "option without value": (
        "block_design",
        "-type ip -vlnv xilinx.com:ip:axi_intc axi_intc_0",
        "-type ip axi_intc_0 -vlnv",
        "needs a value",
    ),
    "no such pin": (
        "block_design",
        "engine_0/ap_rst_n",
        "engine_0/ap_rst",
        "cell engine_0|engine_0 has none",
    ),
    "no such cell": (
        "block_design",
        "engine_0/interrupt",
        "engine_1/interrupt",
        "no cell engine_1",
    ),
    "no such interface": (
        "block_design",
        "m_axi_$bundle]",
        "m_axi_${bundle}_x]",
        "has none of that name",
    ),
    "no such segment": ("ps_", "DDR_LOW", "DDR_ALL", "address segment"),
    "no such address space": ("block_design", "Data_m_axi_", "Data_", "address space"),
    "unknown property": (
        "block_design",
        "CONFIG.C_IRQ_CONNECTION",
        "CONFIG.IRQ_CONNECTION",
        "no option IRQ_CONNECTION",
    ),
    "impossible value": (
        "block_design",
        "CONFIG.NUM_CLKS 1",
        "CONFIG.NUM_CLKS 0",
        "NUM_CLKS cannot be '0'",
    ),
    "unknown IP": (
        "block_design",
        "xilinx.com:ip:smartconnect",
        "xilinx.com:ip:smart_connect",
        "no IP",
    ),
    "IP before the catalogue": (
        "bitstream",
        "update_ip_catalog -rebuild",
        "",
        "before update_ip_catalog",
    ),
    "catalogue at the wrong place": ("bitstream", "impl ip", "impl", "holds no IP"),
    "pin left open": (
        "block_design",
        "set held [list engine_0/ap_rst_n",
        "set held [list",
        "input /engine_0/ap_rst_n is not connected",
    ),
    "clock left open": (
        "block_design",
        "lappend clocked control_smc/aclk",
        "",
        "input /control_smc/aclk is not connected",
    ),
    "port clock left open": (
        "block_design",
        "lappend clocked ${bundle}_smc/aclk $ps/$slave_clock",
        "lappend clocked ${bundle}_smc/aclk",
        "aclk is not connected",
    ),
    "interface left open": (
        "block_design",
        "connect_bd_intf_net [interface control_smc/M01_AXI] [interface axi_intc_0/s_axi]",
        "",
        "interface /axi_intc_0/s_axi is not connected",
    ),
    "master left open": (
        "block_design",
        "connect_bd_intf_net [interface engine_0/m_axi_$bundle] [interface ${bundle}_smc/S00_AXI]",
        "",
        "reaches no memory port",
    ),
    "a master twice": (
        "block_design",
        "[interface control_smc/M01_AXI]",
        "[interface control_smc/M00_AXI]",
        "connected 2 times",
    ),
    "master to master": (
        "block_design",
        "[interface control_smc/M01_AXI] [interface axi_intc_0/s_axi]",
        "[interface control_smc/M01_AXI] [interface $ps/$control]",
        "are both Master",
    ),
    "reset of the wrong polarity": (
        "block_design",
        "pin reset_0/peripheral_aresetn",
        "pin reset_0/peripheral_reset",
        "is active low",
    ),
    "reset straight from the processor": (
        "block_design",
        "connect_bd_net [pin reset_0/peripheral_aresetn] [pin $sink]",
        "connect_bd_net [pin $ps/[ps_reset]] [pin $sink]",
        "not by the reset block",
    ),
    "clock from a reset": (
        "block_design",
        "connect_bd_net [pin $ps/[ps_clock]] [pin $sink]",
        "connect_bd_net [pin $ps/[ps_reset]] [pin $sink]",
        "is no clock",
    ),
    "no address": (
        "block_design",
        "assign_bd_address -target_address_space $space [get_bd_addr_segs $ps/$ddr]",
        "",
        "has no DDR segment",
    ),
    "no control address": (
        "block_design",
        "{engine_0/s_axi_control/Reg axi_intc_0/S_AXI/Reg}",
        "{engine_0/s_axi_control/Reg}",
        "/axi_intc_0/S_AXI/Reg has 0 addresses",
    ),
    "overlapping addresses": ("block_design", "incr base 0x10000", "", "overlap"),
    "address out of reach": ("ps_", "0xA0000000", "0x10000000", "is outside what"),
    "segment left over": (
        "block_design",
        "exclude_bd_addr_seg -target_address_space $space $segment",
        "",
        "neither given to",
    ),
    "narrow port": ("ps_", "DATA_WIDTH 128\n    }", "DATA_WIDTH 64\n    }", "bits wide, not 128"),
    "another clock": ("ps_", "FREQMHZ $clock_mhz", "FREQMHZ 100", "the fabric clock is"),
    "interrupt to nowhere": (
        "block_design",
        "connect_bd_net [pin axi_intc_0/irq] [pin $ps/[ps_interrupt]]",
        "",
        "does not reach the processor",
    ),
    "no interrupt": (
        "block_design",
        "connect_bd_net [pin engine_0/interrupt] [pin axi_intc_0/intr]",
        "",
        "intr",
    ),
    "interrupt not enabled": (
        "ps_",
        "CONFIG.PSU__USE__IRQ0 1",
        "CONFIG.PSU__USE__IRQ0 0",
        "zynq_ultra_ps_e_0 has none",
    ),
    "port not enabled": (
        "ps_",
        "CONFIG.PSU__USE__S_AXI_GP$gp 1",
        "CONFIG.PSU__USE__S_AXI_GP$gp 0",
        "zynq_ultra_ps_e_0 has none",
    ),
    "not validated": ("block_design", "    validate_bd_design\n", "", "has not been validated"),
    "not saved": ("block_design", "    save_bd_design\n", "", "not saved"),
    "implementation before synthesis": (
        "bitstream",
        "run_to_end synth_1 -jobs $jobs\n",
        "",
        "impl_1 before synth_1",
    ),
    "another part": (
        "bitstream",
        "[dict get $settings part]",
        "xc7z010clg400-1",
        "the project is for part",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_caught(name: str, tmp_path: Path) -> None:
    script, old, new, expected = BROKEN[name]
    configuration, board = configuration_named("kv260"), BOARDS["kv260"]
    project(tmp_path, configuration, board)
    path = tmp_path / ("ps.tcl" if script == "ps_" else f"{script}.tcl")
    text = path.read_text(encoding="utf-8")
    assert old in text, "the script has changed: break it in another place"
    path.write_text(text.replace(old, new), encoding="utf-8")
    found = judged(tmp_path, configuration, board)
    assert any(re.search(expected, c) for c in found), found


def test_shared_ports_are_caught(tmp_path: Path) -> None:
    configuration, board = configuration_named("kv260"), BOARDS["kv260"]
    project(tmp_path, configuration, board)
    path = tmp_path / "settings.tcl"
    path.write_text(path.read_text().replace("gmem_w1 HP1", "gmem_w1 HP0"), encoding="utf-8")
    assert any("gmem_w1" in c or "smc" in c for c in judged(tmp_path, configuration, board))


def test_weights_on_the_coherent_port_are_caught(tmp_path: Path) -> None:
    configuration, board = configuration_named("kv260"), BOARDS["kv260"]
    project(tmp_path, configuration, board)
    path = tmp_path / "settings.tcl"
    text = (
        path.read_text().replace("gmem_w3 HP3", "gmem_w3 HPX").replace("gmem_v HPC0", "gmem_v HP3")
    )
    path.write_text(text.replace("HPX", "HPC0"), encoding="utf-8")
    found = judged(tmp_path, configuration, board)
    assert any("coherent port" in c for c in found), found


def test_a_part_of_another_width_is_a_different_engine(tmp_path: Path) -> None:
    """The checker knows the configuration's masters, so a design for fewer ports is caught."""
    configuration, board = configuration_named("tiny"), BOARDS["zcu104"]
    project(tmp_path, configuration, board)
    wide = replace(configuration_named("kv260"), name="wide")
    _, facts, _ = run_stubbed("vivado", "bitstream.tcl", tmp_path, wide)
    assert any("gmem_w2" in c for c in complaints(read_record(facts), board, wide))


def test_every_tcl_here_tells_the_same(tmp_path: Path) -> None:
    configuration, board = configuration_named("tiny"), BOARDS["pynq-z2"]
    records = []
    for number, command in enumerate(interpreters()):
        folder = tmp_path / str(number)
        folder.mkdir()
        project(folder, configuration, board)
        status, facts, output = run_stubbed(
            "vivado", "bitstream.tcl", folder, configuration, command=command
        )
        assert status == 0, output
        records.append([[x.replace(str(folder), "") for x in fact] for fact in facts])
    if not records:
        pytest.skip("neither tclsh nor Python's tkinter is here: apt-get install tcl")
    assert all(record == records[0] for record in records)
