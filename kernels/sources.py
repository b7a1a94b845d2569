"""Kernel sources of one configuration, as Allo reads them.

A region's signature cannot depend on a constant, but the number of weight ports does. The sources
are therefore written for four ports, and lines that end in `# port n` are blanked where there are
not more than n; line numbers stay what they are in the file.
"""

from __future__ import annotations

import importlib
import linecache
import re
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
KERNELS = ("ternary_matvec", "rmsnorm", "mlgru", "swiglu", "dequantise", "engine")
"""Modules with a top and a `schedule`; the top of `dequantise` is `dequantise_gates`."""
_PORT = re.compile(r"# port (\d)\s*$")


def for_ports(source: str, ports: int) -> str:
    """The source with lines for absent ports blanked."""
    lines = source.splitlines(keepends=True)
    return "".join(
        "\n" if (m := _PORT.search(line)) and int(m[1]) >= ports else line for line in lines
    )


def load_kernel(name: str, ports: int) -> ModuleType:
    """Import a kernel module for a number of ports; constants must be configured before.

    Allo reads sources through `inspect`, which reads them through `linecache`: it is given the
    same text that is executed.
    """
    full = f"tritstream.kernels.{name}"
    if full in sys.modules:
        return sys.modules[full]
    path = FOLDER / f"{name}.py"
    source = path.read_text()
    if not any(_PORT.search(line) for line in source.splitlines()):
        return importlib.import_module(full)
    for needed in KERNELS[: KERNELS.index(name)]:
        load_kernel(needed, ports)
    text = for_ports(source, ports)
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    module = ModuleType(full)
    module.__file__ = str(path)
    sys.modules[full] = module
    exec(compile(text, str(path), "exec"), module.__dict__)
    return module
