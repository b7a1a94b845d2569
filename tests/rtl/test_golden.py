"""Small kernels: every stage makes of them what it did; the text is lint-clean and right.

After a change that is meant: pytest tests/rtl/test_golden.py --update-golden, and read the diff.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tritstream.rtl import (
    TARGETS,
    Compiled,
    Module,
    Options,
    RtlKernel,
    Simulation,
    Stalls,
    Target,
    build,
    compile_function,
    integers,
    lint,
    parse,
)

pytestmark = pytest.mark.usefixtures("what_rtl_needs")
GOLDEN = Path(__file__).parent / "golden"
NAMES = ("accumulate", "lookup", "move")


def module_named(name: str) -> Module:
    return parse((GOLDEN / f"{name}.mlir").read_text(), f"{name}.mlir")


def compiled(name: str) -> Compiled:
    return compile_function(module_named(name), name)


@pytest.fixture(scope="module")
def simulation(what_rtl_needs: None) -> Simulation:
    return build([compiled(name) for name in NAMES], optimise="-O0")


Golden = Callable[[Path, str], None]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_the_text_is_what_it_was(name: str, target: Target, golden: Golden) -> None:
    """Of the last stage, and of those before it, so that a difference shows where it comes from."""
    stages: list[str] = []
    made = compile_function(
        module_named(name),
        name,
        Options(target=target),
        lambda stage, text: stages.append(f"-- {stage}\n{text}"),
    )
    assert [s.split()[1] for s in stages][:4] == ["parse", "lower", "legalise", "schedule"]
    golden(GOLDEN / f"{name}.{target.name}.txt", "\n".join(stages))
    golden(GOLDEN / f"{name}.{target.name}.sv", made.text)


@pytest.mark.parametrize("name", NAMES)
def test_lint(name: str) -> None:
    assert lint(compiled(name).text, name) == ""


def test_the_source_line_is_in_the_text() -> None:
    assert "kernel.py:6" in compiled("accumulate").text


@pytest.mark.parametrize("stall", [0, 120])
def test_accumulate(simulation: Simulation, stall: int) -> None:
    values = [int(v) for v in np.random.default_rng(1).integers(-(1 << 15), 1 << 15, 100)]
    for count in (0, 1, 100):
        outcome = simulation.run([count, values, None], 0, Stalls(count + 1, stall))
        assert integers(outcome.values[2], 32) == [sum(values[:count])]
        assert outcome.values[1] == 100 - count
        if not stall:
            # One iteration a cycle: what is beyond them does not grow with their number.
            assert outcome.cycles <= count + 12


def test_lookup(simulation: Simulation) -> None:
    table = np.array([3, -1, 4, 1], np.int8)
    x = np.random.default_rng(2).integers(-128, 128, 16).astype(np.int8)
    y = np.zeros(16, np.int8)
    types = [a.type for a in module_named("lookup").function("lookup").arguments]
    RtlKernel(simulation, 1, types)(x, y)
    assert np.array_equal(y, np.where(x < table[x & 3], table[x & 3], x))


@pytest.mark.parametrize(("stall", "latency"), [(0, 1), (0, 40), (150, 7)])
def test_move(simulation: Simulation, stall: int, latency: int) -> None:
    source = np.random.default_rng(3).integers(0, 256, (64, 16)).astype(np.uint8)
    target = np.zeros_like(source)
    types = [a.type for a in module_named("move").function("move").arguments]
    kernel = RtlKernel(simulation, 2, types, Stalls(5, stall, latency))
    kernel(source, target)
    assert np.array_equal(target[:48], source[16:]) and not target[48:].any()
    assert kernel.outcome is not None
    assert kernel.outcome.beats == {"from": (48, 0), "to": (0, 48)}
    if not stall:
        assert kernel.outcome.cycles <= 48 + 2 * latency + 20
