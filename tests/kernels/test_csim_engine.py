"""The whole emitted engine against the specification: records, descriptors, memories and all."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support import kernel_cases as cases
from support.random_checkpoint import random_checkpoint
from tritstream.configurations import Configuration, configuration_named
from tritstream.engines.csim import CsimEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import ConfigurationError
from tritstream.image import Image, RecordLayout, open_image
from tritstream.kernels.arguments import argument_table
from tritstream.kernels.descriptors import descriptor
from tritstream.models import shipped_model
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints
from tritstream.packing import pack
from tritstream.spec import (
    HeadWeights,
    LayerWeights,
    Saturations,
    decoder_layer,
    fixed_operations,
    head,
)

SMALL = ("tiny", "tiny-2bit")


class Memories:
    """A layer record and a head record, written as packing writes them, and the engine's run."""

    def __init__(
        self, run: Callable, c: Configuration, layer: LayerWeights, output: HeadWeights
    ) -> None:
        self.run_engine, self.configuration = run, c
        layouts = RecordLayout(c, "layer"), RecordLayout(c, "head")
        records = [np.zeros(layout.record_bytes, np.uint8) for layout in layouts]
        for name, trits in layer.trits.items():
            layouts[0].write_trits(records[0], name, trits)
            layouts[0].write_norm(records[0], name, layer.norms[name], layer.room)
        layouts[1].write_trits(records[1], "head", output.trits)
        layouts[1].write_norm(records[1], "head", output.norm, None)
        self.records = np.concatenate(records)
        rows = [descriptor(layouts[0], 0, 0), descriptor(layouts[1], len(records[0]), 0)]
        self.descriptors = np.stack(rows)

    def run(self, first: int, last: int, x: Ints, state: Ints) -> tuple[Ints, Ints, np.ndarray]:
        g = self.configuration.geometry
        assert g is not None
        vector, states = x.copy(), state.astype(np.int32)
        logits = np.full(g.vocabulary + 4, -1, np.int32)
        memories = {
            "descriptors": self.descriptors,
            "vector_in": vector,
            "vector_out": vector,
            "state_in": states,
            "state_out": states,
            "logits": logits,
        }
        table = [a for a in argument_table(self.configuration) if a.kind == "memory"]
        self.run_engine(first, last, *(memories.get(a.name, self.records) for a in table))
        return vector, states.astype(np.int64), logits


def image_of(name: str, folder: Path, target: str | None = None) -> Image:
    """A random model of a configuration's geometry, packed for it or for another target."""
    g = configuration_named(name).geometry
    assert g is not None
    random_checkpoint(
        folder / "checkpoint",
        hidden=g.hidden,
        intermediate=g.intermediate,
        layers=g.layers,
        vocab=g.vocabulary,
    )
    pack(folder / "checkpoint", folder / "model.trit", target=target or name)
    return open_image(folder / "model.trit")


def same_run(image: Image, tokens: Ints) -> None:
    """Every token through all layers and the head, in both engines."""
    spec, csim = SpecEngine(image), CsimEngine(image)
    for token in tokens.tolist():
        x = spec.residuals([token])
        expected = spec.head(x)
        csim.step(token)
        found = csim.sums()
        assert np.array_equal(csim.residual, x[0])
        assert np.array_equal(csim.state, spec.state)
        assert np.array_equal(found.codes, expected.codes)
        assert np.array_equal(found.scale.mantissa, expected.scale.mantissa)
        assert np.array_equal(found.scale.exponent, expected.scale.exponent)


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
@pytest.mark.usefixtures("what_csim_needs")
@pytest.mark.parametrize("name", SMALL)
def test_a_whole_model(name: str, tmp_path: Path) -> None:
    tokens = np.random.default_rng(6).integers(0, 512, 24)
    same_run(image_of(name, tmp_path), tokens)


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
@pytest.mark.usefixtures("what_csim_needs")
def test_the_engine_interface(tmp_path: Path) -> None:
    """prefill, step and logits agree with the specification's, and reset forgets."""
    image = image_of("tiny", tmp_path)
    spec, csim = SpecEngine(image), CsimEngine(image)
    tokens = [1, 5, 300, 7]
    assert np.array_equal(csim.logits(tokens), spec.logits(tokens))
    csim.reset()
    spec.reset()
    assert np.array_equal(csim.prefill(tokens[:3]), spec.prefill(tokens[:3]))
    assert np.array_equal(csim.step(tokens[3]), spec.step(tokens[3]))


SANITISED = """
import sys
from tritstream.kernels import csim
csim.FLAGS = (*csim.FLAGS, "-fsanitize=bounds", "-fno-sanitize-recover=bounds")
from tritstream.engines.csim import CsimEngine
from tritstream.image import open_image
CsimEngine(open_image(sys.argv[1])).step(5)
print("every index was in range")
"""


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
@pytest.mark.usefixtures("what_csim_needs")
def test_no_index_leaves_its_array(tmp_path: Path) -> None:
    """What lies behind an array differs between C simulation and hardware."""
    image = image_of("tiny", tmp_path).source
    command = [sys.executable, "-c", SANITISED, image]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == "every index was in range\n", done.stderr


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
def test_an_image_for_software_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no kernels.*pack the model for one of tiny"):
        CsimEngine(image_of("tiny", tmp_path, target="generic"))


@pytest.mark.parametrize("name", SMALL)
def test_layers_and_heads_at_the_limits(name: str, kernel: Callable) -> None:
    """Every kind of residual with every kind of state, over several random records."""
    c = configuration_named(name)
    run, ops, g = kernel(name, "engine"), fixed_operations(c.profile), c.geometry
    assert g is not None
    saturations = Saturations()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        layer, output = cases.layer_weights(rng, c), cases.head_weights(rng, c)
        memories = Memories(run, c, layer, output)
        for make_x in cases.RESIDUALS.values():
            for make_state in cases.STATES.values():
                x, state = make_x(rng, g.hidden), make_state(rng, g.hidden)
                expected_x, expected_state = decoder_layer(
                    x[None], state, layer, ops, c.profile, saturations
                )
                found_x, found_state, _ = memories.run(0, 0, x, state)
                assert np.array_equal(found_x, expected_x[0])
                assert np.array_equal(found_state, expected_state)
            same_head(memories, output, expected_x[0])
    # The cases reach what they are for: a residual that is cut, and gates that are.
    assert saturations.counts["residual"] > 0
    assert max(map(abs, expected_state.tolist())) <= GATE_MAX


def same_head(memories: Memories, output: HeadWeights, x: Ints) -> None:
    c = memories.configuration
    assert c.geometry is not None
    expected = head(x[None], output, fixed_operations(c.profile))
    state = np.arange(c.geometry.hidden)
    found_x, found_state, logits = memories.run(1, 1, x, state)
    assert np.array_equal(logits[:-4], expected.codes[0])
    assert logits[-4:-2].tolist() == [expected.scale.mantissa[0], expected.scale.exponent[0]]
    # A head leaves residual and state as they are.
    assert np.array_equal(found_x, x) and np.array_equal(found_state, state)


# The longer limits are for machines that do other things as well.
@pytest.mark.parametrize("name", ["370m-kv260"])
def test_one_layer_and_the_head_of_370m(name: str, kernel: Callable) -> None:
    c = configuration_named(name)
    g = c.geometry
    assert g is not None
    rng = np.random.default_rng(7)
    layer, output = cases.layer_weights(rng, c), cases.head_weights(rng, c)
    memories = Memories(kernel(name, "engine"), c, layer, output)
    x = cases.RESIDUALS["ordinary"](rng, g.hidden)
    state = cases.STATES["ordinary"](rng, g.hidden)
    expected_x, expected_state = decoder_layer(
        x[None], state, layer, fixed_operations(c.profile), c.profile, Saturations()
    )
    found_x, found_state, _ = memories.run(0, 0, x, state)
    assert np.array_equal(found_x, expected_x[0])
    assert np.array_equal(found_state, expected_state)
    same_head(memories, output, expected_x[0])


@pytest.mark.parametrize("name", ["370m-z2"])
@pytest.mark.long
def test_the_other_370m_configuration(name: str, kernel: Callable) -> None:
    test_one_layer_and_the_head_of_370m(name, kernel)


@pytest.mark.usefixtures("what_csim_needs")
def test_64_tokens_of_the_demo_model() -> None:
    image = open_image(shipped_model("demo"))
    tokens = np.random.default_rng(8).integers(0, image.geometry.vocabulary, 64)
    same_run(image, tokens)


def test_saturation_is_reached_on_purpose() -> None:
    """The case tables hold what their names say."""
    rng = np.random.default_rng(0)
    assert np.abs(cases.RESIDUALS["saturating"](rng, 8)).min() == VECTOR_MAX
    assert np.abs(cases.STATES["alternating"](rng, 8)).min() == GATE_MAX
