"""The argument table: register offsets by the rule of Vitis HLS, memories with one master each."""

from __future__ import annotations

import pytest

from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import ConfigurationError
from tritstream.kernels.arguments import (
    FIRST_ARGUMENT,
    argument_table,
    bundles,
    control_address_bits,
)

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
