"""Kernel modules of one configuration, as Python runs them: with every weight port."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

from tritstream.kernels.ports import for_every_port

FOLDER = Path(__file__).resolve().parent
KERNELS = ("ternary_matvec", "rmsnorm", "mlgru", "swiglu", "dequantise", "engine")
"""Modules with a top and a `schedule`; the top of `dequantise` is `dequantise_gates`."""
_OF_PORT_0 = re.compile(r"^ *(?:weights|trits)_0:", re.M)


def load_kernel(name: str, ports: int) -> ModuleType:
    """Import a kernel module for a number of ports; constants must be configured before.

    Allo reads a source by itself: `source_locations` has it read the same for every port.
    """
    full = f"tritstream.kernels.{name}"
    if full in sys.modules:
        return sys.modules[full]
    path = FOLDER / f"{name}.py"
    source = path.read_text()
    if not _OF_PORT_0.search(source):
        return importlib.import_module(full)
    for needed in KERNELS[: KERNELS.index(name)]:
        load_kernel(needed, ports)
    module = ModuleType(full)
    module.__file__ = str(path)
    sys.modules[full] = module
    tree = for_every_port(ast.parse(source), ports)
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module
