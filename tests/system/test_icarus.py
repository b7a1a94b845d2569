"""The engine of `tiny` in a second simulator, one with four states, from power-up on."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.configurations import Configuration, configuration_named
from tritstream.engines.memory import MemoryEngine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image, open_image
from tritstream.kernels.arguments import TOP, bundles
from tritstream.kernels.memories import base_addresses, placed, register_writes
from tritstream.kernels.registers import FIRST_PAGE, LAST_PAGE, window
from tritstream.packing import pack
from tritstream.shell import AXI4
from tritstream.system.build import engine_parts

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        shutil.which("iverilog") is None,
        reason="Icarus Verilog is not on the PATH: install Debian's iverilog",
    ),
]


def with_watch(text: str) -> str:
    """The IP with a flag that rises for ever when, out of reset, a valid, a ready or the interrupt
    is unknown, or a payload while its valid is high."""
    head = text[text.index(f"\nmodule {TOP} (") :]
    outputs = re.findall(r"output logic (?:\[\d+:0\] )?(\w+)", head[: head.index(");")])
    always = [name for name in outputs if re.search(r"(VALID|READY)$|interrupt$", name)]
    lines = ["  reg unknown = 0, awake = 0;", "  always @(posedge ap_clk) awake <= ap_rst_n;"]
    lines.append("  always @(negedge ap_clk) if (ap_rst_n && awake) begin")
    assert len(always) > 10
    for name in outputs:
        when = ""
        if name not in always:
            prefix, channel, _ = re.fullmatch(r"(.*_)(AW|AR|W|R|B)([A-Z]+)", name).groups()  # type: ignore[union-attr]
            when = f"{prefix}{channel}VALID === 1'b1 && "
        lines.append(
            f"    if ({when}^{name} === 1'bx) begin"
            f' if (!unknown) $display("UNKNOWN %0t {name}", $time); unknown = 1; end'
        )
    end = text.rindex("endmodule")
    return text[:end] + "\n".join([*lines, "  end"]) + "\nendmodule\n"


def spelt_out(text: str) -> str:
    """With branches where a state is chosen by a condition, for which Icarus asks a cast that its
    older versions do not have."""
    chosen, branches = (
        r"following = (.+) \? ([A-Z]+) : ([A-Z]+);",
        r"if (\1) following = \2; else following = \3;",
    )
    changed, count = re.subn(chosen, branches, text)
    assert count == 2
    return changed


class IcarusEngine(MemoryEngine):
    """Starts in Icarus Verilog; built in ``folder``, on first use."""

    def __init__(self, image: Image, configuration: Configuration, folder: Path) -> None:
        super().__init__(image, configuration)
        from cocotb_tools.runner import get_runner

        self.folder = folder
        self.runner = get_runner("icarus")
        source = folder / "ip.sv"
        text = spelt_out(with_watch(engine_parts(configuration, AXI4).text))
        source.write_text(f"`timescale 1ns/1ps\n{text}")
        self.runner.build(
            sources=[source], hdl_toplevel=TOP, build_dir=folder / "build",
            timescale=("1ns", "1ps"), log_file=folder / "build.log",
        )  # fmt: skip

    def start(self, first: int, last: int) -> None:
        addresses, regions = placed(self.arrays, 0x6000_0000)
        values = {"first": first, "last": last, **base_addresses(self.table, addresses)}
        pages = window((region.address, region.data.nbytes) for region in regions)
        writes = register_writes(self.table, values)
        writes += [(FIRST_PAGE, pages[0]), (LAST_PAGE, pages[1])]
        start = {
            "regions": [(region.address, region.data.nbytes) for region in regions],
            "bundles": list(bundles(self.table)),
            "writes": writes,
        }
        (self.folder / "start.json").write_text(json.dumps(start))
        for number, region in enumerate(regions):
            (self.folder / f"region{number}").write_bytes(region.data.tobytes())
        from cocotb_tools.runner import get_results

        results = self.runner.test(
            hdl_toplevel=TOP, test_module="icarus_case", build_dir=self.folder / "build",
            test_dir=self.folder, log_file=self.folder / "test.log",
            results_xml=str(self.folder / "results.xml"),
        )  # fmt: skip
        log = (self.folder / "test.log").read_text()
        assert get_results(results) == (1, 0), log[-3000:]
        assert "UNKNOWN" not in log, log[-3000:]
        for number, region in enumerate(regions):
            if region.writeable:
                made = (self.folder / f"region{number}").read_bytes()
                region.data[:] = np.frombuffer(made, np.uint8)


def test_a_token_from_power_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Specification and Icarus agree, and nothing that leaves the IP is unknown after reset."""
    monkeypatch.setenv("ICARUS_FOLDER", str(tmp_path))
    monkeypatch.syspath_prepend(Path(__file__).parent)
    checkpoint = random_checkpoint(
        tmp_path / "checkpoint", hidden=192, vocab=512, intermediate=256, layers=2
    )
    with pytest.warns(UserWarning, match="padding"):
        pack(checkpoint, tmp_path / "tiny.trit", layout="tiny")
    image = open_image(tmp_path / "tiny.trit")
    icarus = IcarusEngine(image, configuration_named("tiny"), tmp_path)
    specification = SpecEngine(image)
    assert np.array_equal(icarus.step(5), specification.step(5))
    assert np.array_equal(icarus.state, specification.state)
