"""The argument table and the descriptor table: offsets as hardware and host understand them."""

from __future__ import annotations

import pytest

from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import ConfigurationError
from tritstream.image import RecordLayout
from tritstream.kernels.arguments import (
    BEAT_BYTES,
    FIRST_ARGUMENT,
    argument_table,
    bundles,
    control_address_bits,
)
from tritstream.kernels.descriptors import HEAD, LAYER, descriptor, descriptor_table

HARDWARE = [c.name for c in CONFIGURATIONS.values() if c.geometry is not None]


@pytest.mark.parametrize("name", HARDWARE)
def test_offsets_follow_the_rule_of_vitis(name: str) -> None:
    table = argument_table(configuration_named(name))
    at = FIRST_ARGUMENT
    for argument in table:
        assert argument.offset == at
        at += 8 if argument.kind == "register" else 12
    assert at <= 1 << control_address_bits(table)


def test_the_ports_of_one_configuration() -> None:
    table = {a.name: a for a in argument_table(configuration_named("demo-z2"))}
    assert list(table) == [
        "first", "last", "descriptors", "weights_0", "weights_1", "parameters",
        "vector_in", "vector_out", "state_in", "state_out", "logits",
    ]  # fmt: skip
    assert [table[n].offset for n in ("first", "last", "descriptors", "weights_0")] == [
        0x10, 0x18, 0x20, 0x2C,
    ]  # fmt: skip
    assert bundles(tuple(table.values())) == ("gmem_v", "gmem_w0", "gmem_w1")
    assert table["logits"].direction == "out" and table["state_in"].direction == "in"
    assert table["vector_in"].beats == 128 and table["logits"].beats == 769


def test_the_software_target_has_no_ports() -> None:
    with pytest.raises(ConfigurationError, match="software engines"):
        argument_table(configuration_named("generic"))


@pytest.mark.parametrize("name", HARDWARE)
def test_descriptors_point_at_parameters_weights_and_state(name: str) -> None:
    c = configuration_named(name)
    assert c.geometry is not None
    layer, head = RecordLayout(c, "layer"), RecordLayout(c, "head")
    base = 8192
    offsets = [base + k * layer.record_bytes for k in range(c.geometry.layers + 1)]
    table = descriptor_table(layer, head, offsets)
    assert table.shape == (c.geometry.layers + 1, 8) and table.dtype.name == "int32"
    assert table[:, 0].tolist() == [LAYER] * c.geometry.layers + [HEAD]
    for index, layout in ((0, layer), (1, layer), (c.geometry.layers, head)):
        row = table[index].astype(int) * BEAT_BYTES
        assert row[1] == offsets[index]
        for port in range(c.ports):
            assert row[2 + port] == offsets[index] + layout.stream_offset(port)
        assert row[6] == (0 if layout is head else index * 4 * c.geometry.hidden)


@pytest.mark.parametrize("offset", [8, BEAT_BYTES << 31])
def test_an_offset_that_is_no_beat_or_too_far_is_refused(offset: int) -> None:
    layout = RecordLayout(configuration_named("tiny"), "layer")
    with pytest.raises(ConfigurationError, match="multiples of 16"):
        descriptor(layout, offset, 0)
