"""The shell around a core that moves words, on a memory that waits, fails, and is reset."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from support.copy_core import BASES, WORDS, Memories, expected, memories, parts
from tritstream.errors import EngineError
from tritstream.kernels.arguments import CONTROL, DONE, IDLE, INTERRUPT_STATUS, READY, START
from tritstream.shell.bus import BUSES
from tritstream.system import Conditions, Result, System

READERS = {"gmem_v": 0, "gmem_w0": 1, "gmem_w1": 2}
WRITER = 3


class Bench:
    """A system with known memories: `check` runs it and compares every byte."""

    def __init__(self, bus: str, weight_bits: int) -> None:
        self.weight_bits = weight_bits
        self.system = System(parts(BUSES[bus], weight_bits))
        self.arrays = {name: np.zeros(16 * WORDS, np.uint8) for name in BASES}
        self.system.set_memory([(BASES[name], array, True) for name, array in self.arrays.items()])

    def fill(self, words: Memories) -> None:
        for name, values in words.items():
            raw = b"".join(v.to_bytes(16, "little") for v in values)
            self.arrays[name][:] = np.frombuffer(raw, np.uint8)

    def words(self) -> Memories:
        return {
            name: [int.from_bytes(word, "little") for word in array.reshape(-1, 16)]
            for name, array in self.arrays.items()
        }

    def expected(self, before: Memories, count: int, offset: int) -> Memories:
        return expected(before, count, offset, self.weight_bits)

    def run(self, count: int, offset: int) -> Result:
        return self.system.run({"first": count, "last": offset, **BASES}, limit=200_000)

    def check(self, source: random.Random, count: int, offset: int) -> Result:
        before = memories(source)
        self.fill(before)
        result = self.run(count, offset)
        assert not result.error
        assert self.words() == self.expected(before, count, offset)
        return result


@pytest.fixture(
    scope="session", params=[(bus, bits) for bus in sorted(BUSES) for bits in (128, 64)]
)
def built(request: pytest.FixtureRequest) -> Bench:
    return Bench(*request.param)


@pytest.fixture
def bench(built: Bench) -> Iterator[Bench]:
    yield built
    built.system.reset()
    built.system.set_conditions(Conditions())


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 63, 64, 65, 129, 300])
def test_lengths_around_the_burst(bench: Bench, count: int) -> None:
    for offset in (0, 1, 37):
        bench.check(random.Random(count), count, offset)


def test_bursts_follow_each_other(bench: Bench) -> None:
    """This core waits for its writes: few cycles are not beats, also at a latency of 60."""
    bench.system.set_conditions(Conditions(latency=60))
    result = bench.check(random.Random(1), 300, 0)
    parts, bits = bench.system.parts, bench.weight_bits
    wide, weights = (parts.bus_of(bundle).bits for bundle in ("gmem_v", "gmem_w0"))
    assert weights == min(wide, bits)
    assert result.read == {
        "gmem_v": 902 * 128 // wide, "gmem_w0": 300 * bits // weights,
        "gmem_w1": 300 * bits // weights,
    }  # fmt: skip
    assert result.written == {"gmem_v": 1203 * 128 // wide}
    assert result.written["gmem_v"] / result.cycles > 0.7


def random_conditions(source: random.Random) -> Conditions:
    return Conditions(
        seed=source.randrange(1 << 30),
        stall=source.choice([0, 20, 128, 230]),
        latency=source.choice([1, 2, 20, 60, 200]),
        bandwidth=source.choice([0, 0, 256 * 8, 256 * 20]),
    )


def random_runs(bench: Bench, seeds: range) -> None:
    """A run each under random conditions; before some of them a reset in the middle of another."""
    for seed in seeds:
        source = random.Random(seed)
        bench.system.set_conditions(random_conditions(source))
        if source.random() < 0.4:
            bench.fill(memories(source))
            bench.system.arguments({"first": 200, "last": source.randrange(100), **BASES})
            bench.system.start()
            bench.system.advance(source.randrange(1500))
            bench.system.reset(source.choice([1, 2, 16]))
        count = source.randrange(300)
        try:
            bench.check(source, count, source.randrange(WORDS - 3 * count - 1))
        except (EngineError, AssertionError) as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_random_waits_and_resets(bench: Bench) -> None:
    random_runs(bench, range(25))  # on each of two buses and widths


@pytest.mark.long
def test_a_thousand_random_waits_and_resets(bench: Bench) -> None:
    random_runs(bench, range(1000, 1500))  # on each of two buses and widths


@pytest.mark.parametrize("code", [2, 3])
@pytest.mark.parametrize("master", [*READERS, "writer"])
def test_an_error_ends_the_run(bench: Bench, code: int, master: str) -> None:
    """Wherever the error falls, the run ends, says so, and the next one is as if nothing was."""
    index = READERS.get(master, WRITER)
    for burst in (0, 1, 3):
        for stall in (0, 128):
            source = random.Random(burst)
            bench.system.set_conditions(Conditions(burst + 1, stall, 30, 0, index, burst, code))
            before = memories(source)
            bench.fill(before)
            result = bench.run(250, 3)
            kind = "write" if index == WRITER else "read"
            assert f"a {kind} was answered with {('SLVERR', 'DECERR')[code - 2]}" in result.error
            assert result.control & (DONE | READY | IDLE) == DONE | READY | IDLE
            if kind == "read":
                assert bench.words()["logits"] == before["logits"]
            bench.system.set_conditions(Conditions(burst + 1, stall, 30))
            bench.check(source, 100, 5)


def test_an_address_without_memory(bench: Bench) -> None:
    bench.fill(memories(random.Random(1)))
    values = {"first": 100, "last": 0, **BASES, "weights_1": 0x1_6000_0000}
    result = bench.system.run(values, limit=100_000)
    assert "DECERR" in result.error
    assert "0x160000000" in bench.system.problem


def test_starts_right_after_the_end(bench: Bench) -> None:
    """A start right after done, without reading anything in between, is a run of its own."""
    before = memories(random.Random(7))
    bench.fill(before)
    bench.run(40, 2)
    for offset in (100, 200):
        bench.system.arguments({"last": offset})
        bench.system.write(CONTROL, START)
        assert bench.system.advance(100_000)
        bench.system.write(INTERRUPT_STATUS, 1)
    after = before
    for offset in (2, 100, 200):
        after = bench.expected(after, 40, offset)
    assert bench.words() == after


def test_a_start_while_busy_changes_nothing(bench: Bench) -> None:
    before = memories(random.Random(8))
    bench.fill(before)
    bench.system.arguments({"first": 200, "last": 5, **BASES})
    bench.system.start()
    for _ in range(20):
        bench.system.write(CONTROL, START)
        assert bench.system.read(CONTROL) & START
    assert bench.system.advance(100_000)
    assert bench.system.read(CONTROL) & DONE
    assert not bench.system.advance(2000) or bench.system.read(INTERRUPT_STATUS) & 1
    assert bench.words() == bench.expected(before, 200, 5)
    assert bench.system.read(CONTROL) & (START | DONE) == 0


def test_beats_are_counted(bench: Bench) -> None:
    bench.system.watch(50)
    start = bench.system.timeline().sum(axis=0)
    result = bench.check(random.Random(9), 60, 0)
    moved = bench.system.timeline().sum(axis=0) - (start if start.size else 0)
    bench.system.watch(0)
    assert moved.tolist() == [*result.read.values(), *result.written.values()]
