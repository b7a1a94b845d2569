"""The mat-vec at 1024 x 1024: cycles against the ideal of one weight word a cycle.

Asserted: at least 98% of the ideal with zero-wait memory; at least 95% of the beats available where
ports stall with p = 1/4 (FIFOs of 16 beats, as the kernel has by itself) and, in the long run, with
p = 1/2 and a latency of 60 cycles (512 beats, as the engine's).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tritstream.configurations import configuration_named
from tritstream.cosim.cases import cases_of
from tritstream.kernels.manifest import GENERATED
from tritstream.rtl import (
    Compiled,
    RtlKernel,
    Simulation,
    Stalls,
    build,
    compile_function,
    compile_kernel,
    module_of,
    options_for,
    parse,
)

pytestmark = pytest.mark.usefixtures("what_rtl_needs")
NAME = "zu3"
"""The word of `kv260`, and one vector a pass: with four, a row group of 16 words has 20 sums."""


@pytest.fixture(scope="module")
def compiled(what_rtl_needs: None) -> Compiled:
    return compile_kernel(configuration_named(NAME), "ternary_matvec")


@pytest.fixture(scope="module")
def simulation(compiled: Compiled) -> Simulation:
    return build([compiled], optimise="-O0")


@pytest.fixture(scope="module")
def deep_simulation(what_rtl_needs: None) -> Simulation:
    return build([with_deep_fifos()], optimise="-O0")


def with_deep_fifos() -> Compiled:
    """The kernel with the FIFOs that the engine has behind its weight ports."""
    text = (Path(GENERATED) / NAME / "ternary_matvec.mlir").read_text()
    assert "!allo.stream<i128, 16>" in text
    module = parse(text.replace("!allo.stream<i128, 16>", "!allo.stream<i128, 512>"), "deep")
    return compile_function(module, "ternary_matvec", options_for(configuration_named(NAME)))


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
    assert ideal == 205 * 16  # 1024 x 1024 at five rows a byte and 64 lanes
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


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3, 4])
def test_half_of_the_beats(deep_simulation: Simulation, seed: int) -> None:
    """With the engine's FIFOs, although nothing hides the latency in so short a run."""
    cycles, ideal = run(deep_simulation, Stalls(seed, 128, 60))
    assert ideal / cycles / (1 - 128 / 256) >= 0.95
