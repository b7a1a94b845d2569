"""The whole engine as RTL: a layer and the head of `tiny`, against the specification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from support import kernel_cases as cases
from support.engine_memories import Memories, same_head
from tritstream.configurations import configuration_named
from tritstream.kernels.memories import Saturated
from tritstream.rtl import (
    TARGETS,
    RtlKernel,
    Stalls,
    build,
    compile_kernel,
    module_of,
    target_named,
)
from tritstream.spec import Saturations, decoder_layer, fixed_operations

pytestmark = pytest.mark.usefixtures("what_rtl_needs")


@pytest.fixture(scope="module", params=list(TARGETS))
def engine(request: pytest.FixtureRequest, what_rtl_needs: None) -> RtlKernel:
    compiled = compile_kernel(
        configuration_named("tiny"), "engine", target=target_named(request.param)
    )
    simulation = build([compiled], optimise="-O0")
    types = [a.type for a in module_of("tiny", "engine").function("engine").arguments]
    return RtlKernel(simulation, 0, types)


@pytest.mark.parametrize("stalls", [Stalls(1), Stalls(2, 0, 60), Stalls(3, 80, 20)])
@pytest.mark.parametrize("kind", ["ordinary", "saturating"])
def test_a_layer_and_the_head(engine: RtlKernel, stalls: Stalls, kind: str) -> None:
    """With zero-wait memory, with latency, and with stalls on every port."""
    c = configuration_named("tiny")
    rng = np.random.default_rng(stalls.seed)
    engine.stalls = stalls

    def run(first: int, last: int, *memories: Any) -> None:
        engine(np.array([first], np.int32), np.array([last], np.int32), *memories)

    layer, output = cases.layer_weights(rng, c), cases.head_weights(rng, c)
    memories = Memories(run, c, layer, output)
    x = cases.RESIDUALS[kind](rng, c.sample.hidden)
    state = cases.STATES["ordinary"](rng, c.sample.hidden)
    saturations = Saturations()
    expected_x, expected_state = decoder_layer(
        x[None], state, layer, fixed_operations(c.profile), c.profile, saturations
    )
    found_x, found_state, _ = memories.run(0, 0, x, state)
    assert memories.saturated == Saturated.of(saturations.counts)
    assert (memories.saturated.residual > 0) == (kind == "saturating")
    assert np.array_equal(found_x, expected_x[0])
    assert np.array_equal(found_state, expected_state)
    same_head(memories, output, expected_x[0])
