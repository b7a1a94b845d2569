"""A layer of the 370M geometry in the KV260's build: exact, and how well it streams its weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.counted import check_counters
from tritstream.configurations import configuration_named
from tritstream.cosim.report import engine_report
from tritstream.cosim.trial import Trial
from tritstream.estimate.cycles import phase_cycles
from tritstream.geometry import GEOMETRIES
from tritstream.system import Conditions

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

GEOMETRY = replace(GEOMETRIES["370m"], layers=5)
DDR = Conditions(latency=60, stall=16)
"""60 cycles to the first beat; every port waits with probability 1/16 wherever it may."""


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial(configuration_named("kv260"), geometry=GEOMETRY)


@pytest.mark.parametrize(
    ("conditions", "alone", "further"),
    [(Conditions(), 0.90, 0.95), (Conditions(latency=60), 0.90, 0.95), (DDR, 0.85, 0.93)],
)
def test_a_layer_is_exact_and_streams(
    trial: Trial, conditions: Conditions, alone: float, further: float
) -> None:
    trial.engine.system.set_conditions(conditions)
    runs = trial.run(0, 0), trial.run(1, 2)
    report = engine_report(trial.engine.configuration, GEOMETRY, *runs, head=False)
    assert report["bit_exact"], report["wrong"]
    assert report["one_layer_alone_simulated"]["weight_efficiency"] >= alone
    assert report["further_layer_simulated"]["weight_efficiency"] >= further


@pytest.mark.parametrize("conditions", [Conditions(), DDR])
def test_the_shell_counts_what_the_simulation_counts(trial: Trial, conditions: Conditions) -> None:
    trial.engine.system.set_conditions(conditions)
    check_counters(trial.engine, 0, 2)


def test_the_estimate_is_what_is_simulated(trial: Trial) -> None:
    """Phase by phase, but for what it leaves out: the 17 cycles of the gate norm's scalars, and
    what the beginning and end of a phase take for each token that a start can have."""
    trial.engine.system.set_conditions(Conditions())
    run = trial.run(3, 4)
    estimated = phase_cycles(trial.engine.configuration, GEOMETRY, "layer")
    for simulated, phase in zip(run.course.record(1), estimated, strict=True):
        assert simulated.name == phase.name
        assert 0 <= simulated.total - phase.total <= 17 + 10 * trial.engine.tokens
