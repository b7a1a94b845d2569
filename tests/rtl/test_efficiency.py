"""The mat-vec at 1024 x 1024: cycles against the ideal of one weight word a cycle."""

from __future__ import annotations

import numpy as np
import pytest

from tritstream.configurations import configuration_named
from tritstream.rtl.cases import cases_of
from tritstream.rtl.compile import Compiled
from tritstream.rtl.kernel import RtlKernel, compile_kernel, module_of
from tritstream.rtl.simulate import Simulation, Stalls, build

pytestmark = pytest.mark.usefixtures("what_rtl_needs")
NAME = "370m-kv260"


@pytest.fixture(scope="module")
def compiled(what_rtl_needs: None) -> Compiled:
    return compile_kernel(configuration_named(NAME), "ternary_matvec")


@pytest.fixture(scope="module")
def simulation(compiled: Compiled) -> Simulation:
    return build([compiled], optimise="-O0")


def run(simulation: Simulation, stalls: Stalls) -> tuple[int, int]:
    """Cycles of one random product, and its weight words; exact, or it fails."""
    case = next(iter(cases_of(configuration_named(NAME), "ternary_matvec", 1, stalls.seed)))
    types = [a.type for a in module_of(NAME, "ternary_matvec").function("ternary_matvec").arguments]
    kernel = RtlKernel(simulation, 0, types, stalls)
    kernel(*case.arguments)
    for position, expected in case.expected.items():
        assert np.array_equal(case.arguments[position], expected)
    assert kernel.outcome is not None
    return kernel.outcome.cycles, case.ideal


def test_no_multiplier(compiled: Compiled) -> None:
    """Trits add, drop or subtract: there is not one product in the text."""
    assert " * " not in compiled.text


def test_zero_wait(simulation: Simulation) -> None:
    cycles, ideal = run(simulation, Stalls(1))
    assert ideal == 205 * 16
    assert ideal / cycles >= 0.98


def test_random_back_pressure(simulation: Simulation) -> None:
    """Every port stalls by itself with probability p: the slowest of them sets what is available.

    FIFOs of 16 beats behind each port even the stalls out; with them, what a port can deliver is
    1 - p beats a cycle.
    """
    stall = 64
    cycles, ideal = run(simulation, Stalls(2, stall, 30))
    available = 1 - stall / 256
    assert ideal / cycles / available >= 0.95
