"""The runtime on the simulated board, with the engine model that is the specification."""

import asyncio
import gc
import math
import signal
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from support.boards import QUICK, greedy, limit_of, needs_pynq
from tritstream.configurations import CONFIGURATIONS
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError, TritstreamError
from tritstream.image import Image
from tritstream.image.embedding import Embedding
from tritstream.kernels.descriptors import GEOMETRY_WORDS
from tritstream.sim import CsimExecution, NoExecution
from tritstream.sim.engine import Timing

needs_pynq()

# How many of the eight records of `deep` are streamed for so many bytes of contiguous memory.
STREAMED = {300_000: 3, 260_000: 4, 130_000: 7, 110_000: 8}


def test_tokens_equal_the_specification(tiny: Image, load: Any, expected: Any) -> None:
    device, runtime = load(tiny)
    assert runtime.placement.streamed == ()
    assert "all 3 records resident" in runtime.note
    assert greedy(runtime, 64) == expected(tiny, 64)
    assert device.reports == []


def test_another_layout_and_profile_too(small: Image, load: Any, expected: Any) -> None:
    _, runtime = load(small)
    assert greedy(runtime, 16) == expected(small, 16)


@pytest.mark.parametrize("late", [False, True], ids=["reads first", "reads last"])
@pytest.mark.parametrize("limit", STREAMED)
def test_double_buffered_tokens_equal_the_specification(
    deep: Image, load: Any, expected: Any, limit: int, late: bool
) -> None:
    """Whether the engine reads a record at the beginning or at the end of its time."""
    options = replace(QUICK, cma_limit=limit_of(deep, limit))
    device, runtime = load(deep, options, timing=Timing(reads=2, late=late))
    assert len(runtime.placement.streamed) == STREAMED[limit]
    assert runtime.placement.bytes <= limit
    assert f"{STREAMED[limit]} streamed" in runtime.note
    assert greedy(runtime, 64) == expected(deep, 64)
    assert device.reports == []


@pytest.mark.parametrize("limit", [1 << 30, *STREAMED])
def test_a_prompt_may_skip_the_head(deep: Image, load: Any, limit: int) -> None:
    device, runtime = load(
        deep, replace(QUICK, cma_limit=limit_of(deep, limit)), timing=Timing(late=True)
    )
    specification = SpecEngine(deep)
    for prompt in ([5], [7, 9, 11], [1, 2], [3, 4, 5, 6]):
        assert np.array_equal(runtime.prefill(prompt), specification.prefill(prompt))
        assert np.array_equal(runtime.step(8), specification.step(8))
    assert device.reports == []


def test_addresses_above_four_gigabytes(tiny: Image, load: Any, expected: Any) -> None:
    _, runtime = load(tiny, memory_base=0x8_7000_0000)
    assert greedy(runtime, 4) == expected(tiny, 4)


def test_polling_interrupt_and_a_missing_interrupt_agree(
    tiny: Image, load: Any, expected: Any
) -> None:
    slow = Timing(seconds=2e-3)
    for options, interrupt in (
        (QUICK, True),
        (replace(QUICK, interrupt=False), True),
        (QUICK, False),
    ):
        device, runtime = load(tiny, options, interrupt=interrupt, timing=slow)
        assert runtime._driver.has_interrupt == interrupt
        assert greedy(runtime, 8) == expected(tiny, 8)
        waits_for_interrupt = interrupt and options.interrupt
        assert device.read_registers(device.engine_base + 4, 4)[0] == waits_for_interrupt


def test_in_a_running_event_loop_as_in_a_notebook(tiny: Image, load: Any, expected: Any) -> None:
    _, runtime = load(tiny)

    async def cell() -> list[int]:
        return greedy(runtime, 4)

    assert asyncio.run(cell()) == expected(tiny, 4)


@pytest.mark.parametrize("interrupt", [True, False])
def test_register_accesses_of_a_token(tiny: Image, load: Any, interrupt: bool) -> None:
    c = CONFIGURATIONS["tiny"]
    options = replace(QUICK, interrupt=interrupt)
    device, runtime = load(tiny, options, execution=NoExecution(c))
    runtime.step(1)
    for token in range(10):
        before, starts = device.accesses, device.engine.starts
        runtime.step(token)
        assert device.engine.starts - starts == 1
        assert device.accesses - before <= 15


def test_a_start_per_streamed_record(deep: Image, load: Any) -> None:
    c = CONFIGURATIONS["tiny"]
    options = replace(QUICK, interrupt=False, cma_limit=limit_of(deep, 110_000))
    device, runtime = load(deep, options, execution=NoExecution(c))
    runtime.step(1)
    before, starts = device.accesses, device.engine.starts
    runtime.step(2)
    assert device.engine.starts - starts == 8
    assert device.accesses - before <= 8 * 5


@pytest.mark.parametrize("limit", [1 << 30, 300_000])
def test_nothing_is_allocated_on_the_way_of_a_token(
    deep: Image, load: Any, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the embedding row, which the image gives out, and Python's own small objects."""
    c = CONFIGURATIONS["tiny"]
    options = replace(QUICK, interrupt=False, cma_limit=limit_of(deep, limit))
    _, runtime = load(deep, options, execution=NoExecution(c))
    row = deep.embedding.residual(5)
    monkeypatch.setattr(Embedding, "residual", lambda self, token_ids: row)
    small, tokens = 1792, 201  # less than the smallest array on the way, 512 values of 4 bytes
    peaks = np.zeros(tokens)
    tracemalloc.start()
    try:
        for token in range(100):  # until the interpreter's own free lists are full
            runtime.step(token)
        before, _ = tracemalloc.get_traced_memory()
        for token in range(tokens):
            peaks[token] = _peak(lambda token=token: runtime.step(token))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The median and not the largest: threads of the test runner allocate now and then.
    assert np.median(peaks) <= small
    assert after - before < tokens * 64


def _peak(work: Any) -> int:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    work()
    return tracemalloc.get_traced_memory()[1] - before


def test_seconds_of_each_record(deep: Image, load: Any, expected: Any) -> None:
    for limit in (1 << 30, 260_000):
        _, runtime = load(deep, replace(QUICK, cma_limit=limit_of(deep, limit)))
        seconds = runtime.record_seconds(3)
        assert len(seconds) == 8
        assert min(seconds) > 0
        assert int(runtime.step(expected(deep, 1)[0]).argmax()) == expected(deep, 2)[1]


def test_interrupted_by_the_user(tiny: Image, load: Any, expected: Any) -> None:
    device, runtime = load(tiny, timing=Timing(seconds=5e-3))
    runtime.step(1)

    def ctrl_c(*_: object) -> None:
        del runtime._driver.wait
        raise KeyboardInterrupt

    runtime._driver.wait = ctrl_c
    with pytest.raises(KeyboardInterrupt):
        runtime.step(1)
    with pytest.raises(EngineError, match="reset"):
        runtime.step(1)
    assert device.downloads == 1
    assert greedy(runtime, 4) == expected(tiny, 4)


def test_a_closed_model_says_so(tiny: Image, load: Any) -> None:
    _, runtime = load(tiny)
    runtime.close()
    runtime.close()
    for use in (runtime.reset, runtime.state, lambda: runtime.step(1)):
        with pytest.raises(EngineError):
            use()


def test_the_emitted_hardware_description_computes_the_same(
    tiny: Image, load: Any, expected: Any
) -> None:
    try:
        execution = CsimExecution(CONFIGURATIONS["tiny"])
    except TritstreamError as error:
        pytest.skip(f"no C simulation here: {error}")
    device, runtime = load(tiny, replace(QUICK, time_limit_s=0.1), execution=execution)
    assert greedy(runtime, 8) == expected(tiny, 8)
    kind = runtime._descriptors.device_address + 4 * GEOMETRY_WORDS
    device.memory.view(kind, 4)[0] = 7
    runtime._driver.start()
    assert device.reports == ["descriptor 0 cannot be"]
    runtime._stop()


def test_a_long_run_is_slept_through(tiny: Image, load: Any) -> None:
    execution = NoExecution(CONFIGURATIONS["tiny"])
    options = replace(QUICK, interrupt=False)
    device, runtime = load(tiny, options, execution=execution, timing=Timing(seconds=0.03))
    runtime.step(1)
    for token in range(3):
        before = device.accesses
        runtime.step(token)
        assert device.accesses - before <= 15


def test_two_boards_in_one_process(tiny: Image, deep: Image, load: Any, expected: Any) -> None:
    _, first = load(tiny)
    first.step(1)
    _, second = load(deep)
    assert greedy(first, 4) == expected(tiny, 4)
    assert greedy(second, 4) == expected(deep, 4)
    first.close()
    assert greedy(second, 4) == expected(deep, 4)


@pytest.mark.parametrize("interrupt", [True, False])
def test_ctrl_c_in_the_middle_of_a_start(
    tiny: Image, load: Any, expected: Any, interrupt: bool
) -> None:
    device, runtime = load(tiny, replace(QUICK, interrupt=interrupt), timing=Timing(seconds=0.3))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    gc.collect()
    gc.disable()  # an interrupt in the finaliser of an old event loop would be ignored
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt):
            runtime.step(1)
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not device.engine.busy
    assert device.downloads == 1
    device.engine.timing = Timing()
    assert greedy(runtime, 4) == expected(tiny, 4)


@pytest.mark.parametrize("exponent", [-200, -100, -99, -44, -20, 0, 69, 70, 120])
def test_logits_are_rounded_as_the_specification_rounds_them(
    tiny: Image, load: Any, exponent: int
) -> None:
    """In single precision where that is the same, in double where it is not."""
    _, runtime = load(tiny)
    rng = np.random.default_rng(abs(exponent))
    bits = tiny.header.layout.profile.scale_bits
    largest = 127 * tiny.geometry.hidden
    for mantissa in (
        1 << (bits - 1),
        (1 << bits) - 1,
        int(rng.integers(1 << (bits - 1), 1 << bits)),
    ):
        sums = rng.integers(-largest, largest, runtime._sums.size, endpoint=True)
        sums[:4] = largest, -largest, 0, 1
        runtime._sums[:] = sums
        runtime._scale[:2] = mantissa, exponent
        runtime._result.sync_to_device()
        with np.errstate(over="ignore"):
            expected = (sums * math.ldexp(mantissa, exponent)).astype(np.float32)
            np.testing.assert_array_equal(runtime._logits(), expected)
