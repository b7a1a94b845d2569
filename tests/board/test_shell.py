"""What the driver does with the shell's own registers: window, stop, counters, checksums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from support.boards import QUICK, greedy, limit_of, needs_pynq
from tritstream.board.errors import BusError, WrongWeightsError
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.board.selftest import check_weights
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS
from tritstream.errors import ConfigurationError
from tritstream.image import Image
from tritstream.kernels.arguments import BEAT_BYTES
from tritstream.kernels.descriptors import DESCRIPTOR_WORDS, GEOMETRY_WORDS, read_test
from tritstream.kernels.memories import Saturated
from tritstream.kernels.registers import (
    PAGE_BYTES,
    STOP,
    STOPPED,
    Counters,
    budget_of,
    joined_checksum,
    weights_checksum,
)
from tritstream.numerics.integers import VECTOR_MAX
from tritstream.sim import Faults, simulated_board

needs_pynq()


def test_the_window_is_the_buffers_and_no_more(tiny: Image, load: Any) -> None:
    device, _ = load(tiny, QUICK)
    live = device.memory.live
    first, last = min(live), max(base + size for base, size in live.items())
    assert device.engine.window == (first // PAGE_BYTES, last // PAGE_BYTES - 1)


def test_a_descriptor_that_leaves_the_window(tiny: Image, load: Any) -> None:
    device, runtime = load(tiny, QUICK)
    runtime._table[GEOMETRY_WORDS + DESCRIPTOR_WORDS + 1] = (
        1 << 26
    )  # parameters of layer 1, 1 GiB away
    runtime._descriptors.sync_to_device()
    with pytest.raises(BusError, match=r"would have left the memory .* allocated for the engine"):
        runtime.step(1)
    assert "outside of the window" in device.reports[0]


IMPOSSIBLE = {
    "no words of a phase": (0, 0, "the sizes in front of the descriptors cannot be"),
    "a norm that is too long": (1, 1 << 30, "the sizes in front of the descriptors cannot be"),
    "a longer vector than fits": (28, 1 << 12, "the sizes in front of the descriptors cannot be"),
    "more words than its phases": (30, 1 << 20, "the sizes in front of the descriptors cannot be"),
    "a kind": (GEOMETRY_WORDS + 8, 7, r"2nd descriptor of the start cannot be.*come to layer 1;"),
    "parameters too far": (GEOMETRY_WORDS + 17, 1 << 28, r"3rd descriptor .*come to head;"),
    "a state before memory": (GEOMETRY_WORDS + 6, -16, r"1st descriptor .*come to layer 0;"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_descriptor_that_cannot_be(
    tiny: Image, load: Any, expected: Any, what: str, injected: Callable[[str, str], None]
) -> None:
    _, runtime = load(tiny, QUICK)
    at, value, sentence = IMPOSSIBLE[what]
    right = int(runtime._table[at])
    runtime._table[at] = value
    runtime._descriptors.sync_to_device()
    with pytest.raises(BusError, match=sentence):
        runtime.step(1)
    injected(f"descriptors: {what}", "BusError that says which, before any transfer of it")
    runtime._table[at] = right
    assert greedy(runtime, 5) == expected(tiny, 5)


@pytest.mark.parametrize("name", ["vector_in", "state_out", "weights_1"])
def test_a_base_address_that_is_misaligned(tiny: Image, load: Any, name: str) -> None:
    _, runtime = load(tiny, QUICK)
    runtime._driver.set_address(name, runtime._buffers.spans[0][0] + 8)
    with pytest.raises(BusError, match="a base address"):
        runtime.step(1)


def weights_at(runtime: BoardRuntime, record: int, port: int) -> int:
    """The physical address of a record's weights for a port, as its descriptor has it."""
    row = runtime._table[GEOMETRY_WORDS:].reshape(-1, DESCRIPTOR_WORDS)[record]
    return int(runtime._base) + BEAT_BYTES * int(row[2 + port])


@pytest.mark.parametrize("limit", [None, 300_000], ids=["resident", "partly streamed"])
def test_a_flipped_bit_is_named_by_record_and_port(
    deep: Image, load: Any, limit: int | None
) -> None:
    given = limit and limit_of(deep, limit)
    device, runtime = load(deep, BoardOptions(cma_limit=given, time_limit_s=1.0))
    assert bool(runtime.placement.streamed) == (limit is not None)
    for record in runtime.placement.resident:
        layout = deep.layout(record)
        for port in range(layout.layout.ports):
            at = weights_at(runtime, record, port) + layout.stream_bytes - 1
            device.memory.view(at, 1)[0] ^= 1
            name = deep.header.records[record].name
            with pytest.raises(WrongWeightsError, match=f"port {port} delivered other .* {name}"):
                check_weights(runtime)
            device.memory.view(at, 1)[0] ^= 1
    check_weights(runtime)


def test_exchanged_ports_are_named(tiny: Image, load: Any) -> None:
    _, runtime = load(tiny, QUICK)
    rows = runtime._table[GEOMETRY_WORDS:].reshape(-1, DESCRIPTOR_WORDS)
    rows[:, [2, 3]] = rows[:, [3, 2]]
    runtime._descriptors.sync_to_device()
    with pytest.raises(WrongWeightsError, match=r"port 0 delivered other weights of layer 0"):
        check_weights(runtime)


def test_the_self_test_checks_every_record(tiny: Image) -> None:
    """A wrong head, which a comparison of the first layer cannot see."""

    class Broken(BoardRuntime):
        def _fill(self) -> None:
            super()._fill()
            at = weights_at(self, self._records - 1, 1)
            self._device.memory.view(at, 1)[0] ^= 1

    with (
        simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay),
        pytest.raises(WrongWeightsError, match="port 1 delivered other weights of head than"),
    ):
        Broken(tiny, overlay, device, BoardOptions(time_limit_s=1.0))


def test_a_wrong_bit_of_the_first_layer_is_no_matter_of_caches(tiny: Image) -> None:
    """The layer comes out right through other memory, which alone does not say why."""

    class Broken(BoardRuntime):
        def _fill(self) -> None:
            super()._fill()
            self._device.memory.view(weights_at(self, 0, 1), 1)[0] ^= 1

    with (
        simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay),
        pytest.raises(WrongWeightsError, match="port 1 delivered other weights of layer 0 than"),
    ):
        Broken(tiny, overlay, device, BoardOptions(time_limit_s=1.0))


def test_a_run_can_be_stopped(tiny: Image, expected: Any) -> None:
    faults = Faults()
    with simulated_board(CONFIGURATIONS["tiny"], faults=faults) as (device, overlay):
        runtime = BoardRuntime(tiny, overlay, device, QUICK)
        faults.never_done = True
        runtime._driver.start()
        assert runtime._driver.stop(1.0)
        assert not device.engine.busy and device.engine.flags == STOPPED == STOP
        faults.never_done = False
        runtime.reset()
        assert greedy(runtime, 5) == expected(tiny, 5)
        runtime.close()


def test_an_engine_without_the_shell_works_as_before(tiny: Image, expected: Any) -> None:
    """Vitis HLS packages engines too: they have no such registers."""
    with (
        simulated_board(CONFIGURATIONS["tiny"], faults=Faults(no_shell=True)) as (device, overlay),
        BoardRuntime(tiny, overlay, device, BoardOptions(time_limit_s=1.0)) as runtime,
    ):
        assert not runtime._driver.has_shell
        assert runtime.run_record(0) is None
        assert not runtime._driver.stop(1.0)
        check_weights(runtime)  # nothing to compare
        runtime.reset()
        assert greedy(runtime, 5) == expected(tiny, 5)
        assert device.reports == []


def test_counters_of_a_record(tiny: Image, load: Any) -> None:
    _, runtime = load(tiny, QUICK)
    counters = runtime.run_record(0)
    layout = tiny.layout(0)
    assert counters.words == (layout.stream_bytes // 16,) * layout.layout.ports


@pytest.mark.parametrize("streamed", [False, True])
def test_ports_read_alone_and_together(
    tiny: Image, load: Any, expected: Any, streamed: bool
) -> None:
    limit = limit_of(tiny, 192 << 10) if streamed else None
    _, runtime = load(tiny, BoardOptions(self_test=False, cma_limit=limit))
    assert bool(runtime.placement.streamed) == streamed
    ports = runtime.hardware.ports
    for chosen in ([0], [1], [0, 1]):
        found = runtime.read_test(chosen, most_bytes=2 * PAGE_BYTES)
        assert found is not None
        words = 2 * PAGE_BYTES // runtime.hardware.port_bytes
        assert found.words == tuple(words * (port in chosen) for port in range(ports))
    assert greedy(runtime, 5) == expected(tiny, 5)


def test_a_read_test_that_cannot_be() -> None:
    tiny = CONFIGURATIONS["tiny"]
    for offsets, words in (([0, 8], 1), ([0, 0], 0), ([0, 1 << 30], 1 << 30)):
        with pytest.raises(ConfigurationError, match="a read test of"):
            read_test(tiny, offsets, words, [0])


def test_the_board_says_what_was_cut(tiny: Image, load: Any) -> None:
    _, runtime = load(tiny, QUICK)
    runtime.step(3)
    assert runtime.saturated == Saturated()
    runtime.layers(np.full(tiny.geometry.hidden, VECTOR_MAX))
    cut = runtime.saturated
    assert cut is not None and cut.residual > 0
    runtime.close()
    assert runtime.saturated is None


def test_checksums_see_order_and_join() -> None:
    words = np.random.default_rng(1).integers(0, 1 << 32, (100, 4), dtype=np.uint32)
    whole = weights_checksum(words)
    assert whole == joined_checksum(weights_checksum(words[:37]), weights_checksum(words[37:]), 63)
    assert whole != weights_checksum(words[::-1])
    total = 0
    for row in words.tolist():  # the hardware's own step
        turned = (total << 1 | total >> 31) & 0xFFFF_FFFF
        total = turned ^ row[0] ^ row[1] ^ row[2] ^ row[3]
    assert whole == total


def test_a_budget_is_of_counted_cycles() -> None:
    assert budget_of(Counters(0, (5,), (0,), (0,))) is None
    budget = budget_of(Counters(1000, (700, 700), (20, 50), (1, 2)))
    assert budget is not None and budget.other == 250
    assert str(budget) == (
        "1,000 cycles: 70.0% with a weight word, 5.0% waiting for memory, 25.0% else (counted by "
        "the engine)"
    )


def test_verbose_says_what_is_counted(tiny: Image, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", "Once", "-n", "1", "-m", tiny.source, "-e", "pynq-sim", "--verbose"]
    assert main(words) == 0
    assert "engine pynq-sim counts no cycles" in capsys.readouterr().err
