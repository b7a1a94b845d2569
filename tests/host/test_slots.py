"""States in slots: a pass over any of them equals single steps from each, on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from support.native import HERE, shaped, synthetic_image
from tritstream.engines import Engine, engine_for
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.image import Image
from tritstream.reading import Reading, SharedEngine
from tritstream.sequences import Part, SequencesInSlots, sequences_of

ENGINES = ("spec", "pynq-sim", *(f"native:{level}" for level in HERE))
SLOTS = 5


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("slots") / "random.trit"
    return synthetic_image(path, shaped("tiny", "base3", "default"))


@pytest.fixture(scope="module", params=ENGINES)
def engine(image: Image, request: pytest.FixtureRequest) -> Iterator[Engine]:
    with closing(engine_for(image, request.param)) as engine:
        yield engine


class Singly:
    """The same by single steps of the specification, one state at a time."""

    def __init__(self, image: Image) -> None:
        self._engine = SpecEngine(image)
        zero = np.array(self._engine.state)
        self.states = [zero.copy() for _ in range(SLOTS)]

    def run(
        self, tokens: list[int], slots: list[int], wanted: list[int], keep: list[int]
    ) -> np.ndarray:
        rows, left = [np.empty((0, 512), np.float32)], {}
        for place, (token, slot, end) in enumerate(zip(tokens, slots, keep, strict=True)):
            self._engine.load_state(self.states[left.get(slot, slot)])
            logits = self._engine.step(token)
            self.states[end] = np.array(self._engine.state)
            left[slot] = end
            rows += [logits[None]] if place in wanted else []
        return np.concatenate(rows)


def test_a_pass_equals_single_steps(engine: Engine, image: Image) -> None:
    rng, singly = np.random.default_rng(3), Singly(image)
    for slot in range(SLOTS):
        engine.load_slot(slot, None)
    for round_ in range(12):
        count = int(rng.integers(1, 10))
        tokens = rng.integers(0, 512, count).tolist()
        slots = rng.integers(0, SLOTS, count).tolist() if round_ % 3 else [0] * count
        keep = slots if round_ % 2 else rng.integers(0, SLOTS, count).tolist()
        wanted = sorted(rng.choice(count, rng.integers(0, count + 1), replace=False).tolist())
        out = np.empty((len(wanted), 512), np.float32) if round_ % 4 else None
        found = engine.run(tokens, slots, wanted, out, None if keep is slots else keep)
        assert out is None or found is out
        np.testing.assert_array_equal(found, singly.run(tokens, slots, wanted, keep))
        for slot, state in enumerate(singly.states):
            np.testing.assert_array_equal(engine.slot_state(slot), state)
        np.testing.assert_array_equal(engine.state, singly.states[0])


def test_every_token_s_state_can_be_gone_on_from(engine: Engine, image: Image) -> None:
    tokens = np.random.default_rng(5).integers(0, 512, 6).tolist()
    expected = SpecEngine(image).logits(tokens)
    engine.reset()
    np.testing.assert_array_equal(engine.run(tokens, [0] * 6, keep=[1, 2, 3, 4, 5, 6]), expected)
    assert not engine.state.any()  # the slot that was begun in is left alone
    for read in (1, 4, 6):
        engine.load_state(engine.slot_state(read))
        rest = engine.run([*tokens[read:], 7], [0] * (7 - read))
        np.testing.assert_array_equal(rest[:-1], expected[read:])


def test_states_survive_a_slot_that_is_loaded(engine: Engine) -> None:
    engine.run([1, 2], [0, 3])
    state, other = engine.slot_state(0), engine.slot_state(3)
    engine.load_slot(2, other)
    np.testing.assert_array_equal(engine.run([5], [2]), engine.run([5], [3]))
    np.testing.assert_array_equal(engine.slot_state(0), state)
    engine.load_slot(0, other)
    np.testing.assert_array_equal(engine.state, other)


def test_what_a_pass_refuses(engine: Engine) -> None:
    for told, *arguments in (
        ("in one pass", [1, 2], [0]),
        ("in one pass", [1] * (engine.width + 1), [0] * (engine.width + 1)),
        ("has slots 0 to", [1], [engine.slots]),
        ("has slots 0 to", [1], [0], [0], None, [-1]),
        ("in their order", [1, 2], [0, 0], [1, 1]),
        ("contiguous float32", [1], [0], [0], np.empty((1, 512))),
        ("at least one", [], []),
    ):
        with pytest.raises(EngineError, match=told):
            engine.run(*arguments)  # type: ignore[arg-type]


def test_an_interrupted_pass_leaves_the_other_slots_alone(image: Image) -> None:
    class Stopped(SpecEngine):
        def _take(self, ids: np.ndarray, wanted: object) -> np.ndarray:
            if 13 in ids:
                raise KeyboardInterrupt
            return super()._take(ids, wanted)  # type: ignore[arg-type]

    engine = Stopped(image)
    engine.run([4, 5], [0, 1])
    state = engine.slot_state(0)
    with pytest.raises(KeyboardInterrupt):
        engine.run([6, 13], [1, 1], keep=[2, 3])
    np.testing.assert_array_equal(engine.state, state)


def test_the_head_runs_for_wanted_logits_alone(image: Image) -> None:
    heads = []

    class Counted(SpecEngine):
        def head(self, x: np.ndarray) -> object:  # type: ignore[override]
            heads.append(len(x))
            return super().head(x)

    shared = SharedEngine(Counted(image))
    reading = Reading(shared, [])
    reading.add(range(300))
    reading.state()
    assert heads == []
    reading.behind(np.argmax)
    assert heads == [1]
    sequences_of(shared, 2).advance([Part(0, range(40), 0), Part(1, range(40), 3)])
    assert sum(heads) == 4


def test_sequences_share_passes_where_there_are_slots(engine: Engine) -> None:
    sequences = sequences_of(SharedEngine(engine), 3)
    assert isinstance(sequences, SequencesInSlots) == (engine.shared_pass > 1)
