"""The whole emitted engine against the specification: records, descriptors, memories and all."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support import kernel_cases as cases
from support.engine_memories import Memories, same_head
from support.random_checkpoint import random_checkpoint
from tritstream.bench.synthetic import write_synthetic
from tritstream.configurations import configuration_named
from tritstream.engines.csim import CsimEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image import Image, open_image
from tritstream.kernels.memories import Saturated
from tritstream.models import shipped_model
from tritstream.numerics.integers import GATE_MAX, VECTOR_MAX, Ints
from tritstream.packing import hardware_for, pack
from tritstream.spec import (
    Saturations,
    decoder_layer,
    fixed_operations,
)

SMALL = ("tiny", "z7020")


def image_of(name: str, folder: Path, geometry: Geometry | None = None) -> Image:
    """A random model of a geometry, or of a configuration's sample, packed for its layout."""
    g = geometry or configuration_named(name).sample
    random_checkpoint(
        folder / "checkpoint",
        hidden=g.hidden,
        intermediate=g.intermediate,
        layers=g.layers,
        vocab=g.vocabulary,
    )
    pack(folder / "checkpoint", folder / "model.trit", layout=name)
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


GEOMETRIES_OF_ONE_LIBRARY = {
    "z7020": (
        Geometry(256, 768, 2, 3072),
        Geometry(512, 1536, 1, 8000),
        # Padded: too narrow for the drain, no multiple of the lanes, logits that are no whole beat.
        Geometry(90, 250, 2, 301),
        Geometry(256, 768, 2, 3072),
    ),
    "kv260": (Geometry(512, 1536, 1, 2000), Geometry(256, 768, 1, 510)),
}


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
@pytest.mark.usefixtures("what_csim_needs")
@pytest.mark.parametrize("name", GEOMETRIES_OF_ONE_LIBRARY)
def test_one_library_runs_every_model_one_after_the_other(name: str, tmp_path: Path) -> None:
    tokens = np.random.default_rng(9).integers(0, 300, 3)
    for number, geometry in enumerate(GEOMETRIES_OF_ONE_LIBRARY[name]):
        folder = tmp_path / str(number)
        folder.mkdir()
        same_run(image_of(name, folder, geometry), tokens)


@pytest.mark.long
@pytest.mark.usefixtures("what_csim_needs")
@pytest.mark.parametrize(
    ("name", "released", "layers"),
    [("z7020", "370m", 24), ("z7020", "1.3b", 1), ("kv260", "2.7b", 1), ("kv260", "1.3b", 1)],
)
def test_released_sizes(name: str, released: str, layers: int, tmp_path: Path) -> None:
    c = configuration_named(name)
    geometry = replace(GEOMETRIES[released], layers=layers)
    write_synthetic(tmp_path / "random.trit", c.layout, geometry, 5)
    same_run(open_image(tmp_path / "random.trit"), np.array([7, 301]))


@pytest.mark.filterwarnings("ignore:.*tokens and the model:UserWarning")
def test_what_no_hardware_holds_is_refused_by_name(tmp_path: Path) -> None:
    large = Geometry(3072, 5632, 1, 512)
    write_synthetic(tmp_path / "large.trit", configuration_named("kv260").layout, large)
    with pytest.raises(EngineError, match=r"'kv260' holds models up to hidden size 2560"):
        CsimEngine(open_image(tmp_path / "large.trit"))


@pytest.mark.usefixtures("what_csim_needs")
def test_an_image_in_another_layout_is_packed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny = configuration_named("tiny")
    layout = replace(tiny.layout, packing="base3", lanes=16, ports=1)
    geometry = Geometry(128, 160, 2, 300)
    write_synthetic(tmp_path / "model.trit", layout, geometry)
    image = open_image(tmp_path / "model.trit")
    with pytest.warns(UserWarning, match="packing it again into"):
        configuration, again = hardware_for(image, [tiny])
    assert configuration is tiny and again.header.layout == tiny.layout
    same = [SpecEngine(i).logits([3, 250]) for i in (image, again)]
    assert np.array_equal(*same)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert hardware_for(image, [tiny])[1].source == again.source


@pytest.mark.parametrize("name", SMALL)
def test_layers_and_heads_at_the_limits(name: str, kernel: Callable) -> None:
    """Every kind of residual with every kind of state, over several random records."""
    c = configuration_named(name)
    run, ops, g = kernel(name, "engine"), fixed_operations(c.profile), c.sample
    seen = Saturated()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        layer, output = cases.layer_weights(rng, c), cases.head_weights(rng, c)
        memories = Memories(run, c, layer, output)
        for make_x in cases.RESIDUALS.values():
            for make_state in cases.STATES.values():
                x, state = make_x(rng, g.hidden), make_state(rng, g.hidden)
                saturations = Saturations()
                expected_x, expected_state = decoder_layer(
                    x[None], state, layer, ops, c.profile, saturations
                )
                found_x, found_state, _ = memories.run(0, 0, x, state)
                assert memories.saturated == Saturated.of(saturations.counts)
                seen = Saturated(*map(sum, zip(seen, memories.saturated, strict=True)))
                assert np.array_equal(found_x, expected_x[0])
                assert np.array_equal(found_state, expected_state)
            same_head(memories, output, expected_x[0])
    # The cases reach what they are for: a residual that is cut.
    assert seen.residual > 0, seen
    assert max(map(abs, expected_state.tolist())) <= GATE_MAX


@pytest.mark.parametrize("name", SMALL)
def test_what_is_cut_is_counted(name: str, kernel: Callable) -> None:
    """Norms of every magnitude: gates, the residual and scales leave their formats."""
    c = configuration_named(name)
    run, ops, g = kernel(name, "engine"), fixed_operations(c.profile), c.sample
    seen = Saturated()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = cases.RESIDUALS["saturating" if seed % 2 else "ordinary"](rng, g.hidden)
        state = cases.STATES["ordinary"](rng, g.hidden)
        norms = {m.name: cases.random_norm(rng, m.cols, c.profile) for m in g.layer_matrices}
        for matrix in "ifg":
            # Scales with which a sum comes near the limit of a gate, or beyond.
            norm = norms[matrix]
            made = ops.norm_codes(x, norm, ops.sum_of_squares(x)).scale
            exponent = norm.scale.exponent - made.exponent + rng.integers(-6, 3)
            norms[matrix] = replace(norm, scale=norm.scale._replace(exponent=exponent))
        layer = replace(cases.layer_weights(rng, c), norms=norms)
        memories = Memories(run, c, layer, cases.head_weights(rng, c))
        saturations = Saturations()
        expected_x, expected_state = decoder_layer(
            x[None], state, layer, ops, c.profile, saturations
        )
        found_x, found_state, _ = memories.run(0, 0, x, state)
        assert np.array_equal(found_x, expected_x[0])
        assert np.array_equal(found_state, expected_state)
        assert memories.saturated == Saturated.of(saturations.counts)
        seen = Saturated(*map(sum, zip(seen, memories.saturated, strict=True)))
    assert seen.residual > 0 and seen.scales > 0, seen
    # The scales of the others are too short for sums of so few columns.
    assert seen.gates > 0 or name != "tiny"


@pytest.mark.parametrize("name", ["kv260"])
def test_one_layer_and_the_head_of_370m(name: str, kernel: Callable) -> None:
    c, g = configuration_named(name), GEOMETRIES["370m"]
    rng = np.random.default_rng(7)
    layer, output = cases.layer_weights(rng, c, g), cases.head_weights(rng, c, g)
    memories = Memories(kernel(name, "engine"), c, layer, output, g)
    x = cases.RESIDUALS["ordinary"](rng, g.hidden)
    state = cases.STATES["ordinary"](rng, g.hidden)
    expected_x, expected_state = decoder_layer(
        x[None], state, layer, fixed_operations(c.profile), c.profile, Saturations()
    )
    found_x, found_state, _ = memories.run(0, 0, x, state)
    assert np.array_equal(found_x, expected_x[0])
    assert np.array_equal(found_state, expected_state)
    same_head(memories, output, expected_x[0])


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
