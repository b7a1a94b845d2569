"""Emitted kernels, compiled once a session (and once a machine: the library is cached)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tritstream.configurations import configuration_named
from tritstream.errors import EngineError
from tritstream.kernels.csim import call, compiled_kernel, header_folder

Kernel = Callable[..., None]


@pytest.fixture(scope="session")
def what_csim_needs() -> None:
    """Skip, saying so, where there is no compiler or no ap_int headers."""
    if shutil.which("g++") is None:
        pytest.skip("csim needs g++")
    try:
        header_folder()
    except EngineError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def kernel(what_csim_needs: None) -> Callable[[str, str, str | None], Kernel]:
    """kernel(configuration, name, top): a function of arrays and integers."""

    def get(configuration: str, name: str, top: str | None = None) -> Kernel:
        library = compiled_kernel(configuration_named(configuration), name)
        function = getattr(library, top or name)

        def run(*arguments: Any) -> None:
            call(function, *arguments)

        return run

    return get
