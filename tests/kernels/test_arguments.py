"""The argument table and the descriptor table: offsets as hardware and host understand them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import ConfigurationError
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image import RecordLayout
from tritstream.kernels.arguments import (
    BEAT_BYTES,
    FIRST_ARGUMENT,
    MAX_RECORD_BYTES,
    argument_table,
    bundles,
)
from tritstream.kernels.descriptors import (
    GEOMETRY_WORDS,
    HEAD,
    LAYER,
    descriptor,
    descriptor_table,
    geometry_of,
    geometry_words,
    refusal,
)
from tritstream.kernels.registers import IDENTITY

HARDWARE = list(CONFIGURATIONS)


@pytest.mark.parametrize("name", HARDWARE)
def test_offsets_follow_the_rule_of_vitis(name: str) -> None:
    table = argument_table(configuration_named(name))
    at = FIRST_ARGUMENT
    for argument in table:
        assert argument.offset == at
        at += 8 if argument.kind == "register" else 12
    assert at <= IDENTITY


def test_the_ports_of_one_configuration() -> None:
    table = {a.name: a for a in argument_table(configuration_named("z7020"))}
    assert list(table) == [
        "first", "last", "descriptors", "weights_0", "weights_1", "weights_2", "weights_3",
        "parameters", "vector_in", "vector_out", "state_in", "state_out", "logits",
    ]  # fmt: skip
    assert [table[n].offset for n in ("first", "last", "descriptors", "weights_0")] == [
        0x10, 0x18, 0x20, 0x2C,
    ]  # fmt: skip
    assert bundles(tuple(table.values())) == (
        "gmem_v", "gmem_w0", "gmem_w1", "gmem_w2", "gmem_w3",
    )  # fmt: skip
    assert table["logits"].direction == "out" and table["state_in"].direction == "in"
    assert table["vector_in"].beats == 1 + 2048 // 2 + 1 and table["weights_0"].beats == 1 << 28
    assert table["vector_in"].bits == 128 and table["weights_3"].bits == 64


@pytest.mark.parametrize("name", HARDWARE)
def test_descriptors_point_at_parameters_weights_and_state(name: str) -> None:
    c = configuration_named(name)
    g = c.sample
    layer, head = (RecordLayout(c.layout, g, kind) for kind in ("layer", "head"))
    base = 8192
    offsets = [base + k * layer.record_bytes for k in range(g.layers + 1)]
    table = descriptor_table(layer, head, offsets, c.element_lanes)
    assert table.dtype.name == "int32"
    rows = table[GEOMETRY_WORDS:].reshape(g.layers + 1, 8)
    assert rows[:, 0].tolist() == [LAYER] * g.layers + [HEAD]
    for index, layout in ((0, layer), (1, layer), (g.layers, head)):
        row = rows[index].astype(int) * BEAT_BYTES
        assert row[1] == offsets[index]
        for port in range(c.ports):
            assert row[2 + port] == offsets[index] + layout.stream_offset(port)
        assert row[6] == (0 if layout is head else index * 4 * g.hidden)


def test_the_sizes_in_front_of_the_descriptors() -> None:
    c = configuration_named("kv260")
    model = Geometry(hidden=100, intermediate=700, layers=3, vocabulary=501)
    layer, head = (RecordLayout(c.layout, model, kind) for kind in ("layer", "head"))
    words = geometry_words(layer, head, c.element_lanes).reshape(8, 4).tolist()
    # Five words of 64 lanes are the least that drain; 700 is rounded up to 704, 501 to 504.
    assert words[0] == [64 * 5, 5 | 320 // 16 << 16, 320, 64 << 12]
    assert words[1] == [64 * 5, 5 | 320 // 16 << 16, 320, 320 // 4 | 64 << 12]
    assert words[4] == [282 * 5, 5 | 320 // 16 << 16, 1408, 282 << 12]
    assert words[5] == [64 * 11, 11 | 704 // 16 << 16, 320, 64 << 12]
    assert words[6] == [101 * 5, 5 | 320 // 16 << 16, 504, 101 << 12]
    assert words[7] == [160, 126, 4 * 320 + 1410 + 704, 505]
    assert geometry_of(geometry_words(layer, head, c.element_lanes), 3) == c.layout.padded(model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hidden": 2049}, "'z7020' holds models up to hidden size 2048"),
        ({"intermediate": 6912}, "the model's intermediate size is 6912"),
        ({"layers": 200}, "takes layers up to 128; the model has 200"),
        ({"vocabulary": 300_000}, "takes vocabulary up to 262144"),
    ],
)
def test_what_does_not_fit_the_maximum_is_refused(change: dict, reason: str) -> None:
    c, model = configuration_named("z7020"), GEOMETRIES["1.3b"]
    assert refusal(c, model) is None
    assert reason in str(refusal(c, replace(model, **change)))


@pytest.mark.parametrize("offset", [8, MAX_RECORD_BYTES])
def test_an_offset_that_is_no_beat_or_too_far_is_refused(offset: int) -> None:
    c = configuration_named("tiny")
    layout = RecordLayout(c.layout, c.sample, "layer")
    with pytest.raises(ConfigurationError, match="multiples of 16"):
        descriptor(layout, offset, 0)
