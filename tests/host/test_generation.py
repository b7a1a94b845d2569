import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.random_checkpoint import byte_tokenizer
from tritstream.errors import EngineError, OptionError, TokenizerError
from tritstream.generation import Generation, Limits
from tritstream.reading import Reading, SharedEngine
from tritstream.sampling import Sampling
from tritstream.text import Tokenizer

TOKENIZER = Tokenizer(byte_tokenizer().to_str(), bos_token_id=1, eos_token_id=2)


class Script:
    """An engine that writes a given text, whatever it reads; its state is a place in that."""

    width = 1024

    def __init__(self, text: str, interrupt_after: int | None = None) -> None:
        self.tokens = [*TOKENIZER.encode(text), 2]
        self.interrupt_after = interrupt_after
        self.read: list[int] = [99]
        self.place = 0

    def reset(self) -> None:
        self.read, self.place = [], 0

    @property
    def state(self) -> np.ndarray:
        return np.array([[self.place]])

    def load_state(self, state: np.ndarray) -> None:
        self.place = int(state[0, 0])

    def slot_state(self, slot: int) -> np.ndarray:
        raise AssertionError("there are no slots")

    def run(
        self, token_ids: Sequence[int], slots: Sequence[int], wanted: Any = None, *_: Any
    ) -> np.ndarray:
        self.read += token_ids
        return self._next()[None] if wanted else np.empty((0, 259), np.float32)

    def step(self, token_id: int) -> np.ndarray:
        self.read.append(token_id)
        if self.place == self.interrupt_after:
            raise KeyboardInterrupt
        return self._next()

    def _next(self) -> np.ndarray:
        logits = np.zeros(259, np.float32)
        logits[self.tokens[self.place]] = 10
        self.place += 1
        return logits


def generation_of(engine: Script, prompt: str, *more: Any, **options: Any) -> Generation:
    """A text on an engine of its own."""
    tokens = TOKENIZER.encode_prompt(prompt)
    return Generation(Reading(SharedEngine(engine)), TOKENIZER, tokens, *more, **options)


def write(text: str, stop: Sequence[str] = (), max_tokens: int = 1000) -> Generation:
    generation = generation_of(Script(text), "go", limits=Limits(max_tokens, tuple(stop)))
    assert "".join(generation) == generation.result.text
    return generation


def test_writes_until_the_end_of_text() -> None:
    engine = Script("a story 🚀")
    generation = generation_of(engine, "go")
    assert list(generation) == [*"a story ", "🚀"]
    result = generation.result
    assert result.text == "a story 🚀"
    assert result.stop_reason == "end of text"
    assert result.token_ids == engine.tokens
    assert result.prompt_tokens == 3
    assert engine.read == [1, *TOKENIZER.encode("go"), *engine.tokens[:-1]]
    assert result.tokens_per_second > 0


def test_max_tokens_takes_no_step_too_many() -> None:
    engine = Script("abcdef")
    generation = generation_of(engine, "", limits=Limits(max_tokens=3))
    assert "".join(generation) == "abc"
    assert generation.result.stop_reason == "max tokens"
    assert engine.read == [1, *TOKENIZER.encode("ab")]


def test_max_tokens_within_a_character_shows_it_as_unreadable() -> None:
    assert write("🚀", max_tokens=2).result.text == "\ufffd"


def test_one_token_has_no_rate() -> None:
    assert write("abc", max_tokens=1).result.tokens_per_second == 0


@pytest.mark.parametrize(
    ("stop", "expected", "reason"),
    [
        ([" day"], "One", "stop string"),
        (["x", "e d"], "On", "stop string"),
        (["day", "ne"], "O", "stop string"),
        (["One"], "", "stop string"),
        (["days!"], "One day", "end of text"),
        (["y"], "One da", "stop string"),
    ],
)
def test_stop_strings(stop: list[str], expected: str, reason: str) -> None:
    result = write("One day", stop).result
    assert (result.text, result.stop_reason) == (expected, reason)


def test_a_stop_string_may_begin_inside_a_false_start() -> None:
    assert write("aab--", ["ab"]).result.text == "a"
    assert write("----->x", ["--->"]).result.text == "--"


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3))
def test_stop_strings_cut_where_a_search_of_the_whole_would(text: str, stop: list[str]) -> None:
    # The earliest position at which any stop string is complete first: with one token a character
    # the writer stops at the first end, not the first beginning.
    ends = [(text.index(s) + len(s), text.index(s)) for s in stop if s in text]
    first_end = min((end for end, _ in ends), default=None)
    expected = text if first_end is None else text[: min(b for e, b in ends if e == first_end)]
    assert write(text, stop).result.text == expected


def test_an_interruption_keeps_what_there_was() -> None:
    generation = generation_of(Script("abcdef", interrupt_after=3), "go")
    pieces = []
    with pytest.raises(KeyboardInterrupt):
        for piece in generation:
            pieces.append(piece)
    assert pieces == ["a", "b", "c"]
    assert generation.result.text == "abc"
    assert generation.result.stop_reason == "interrupted"
    assert len(generation.result.token_ids) == 3


def test_an_abandoned_iteration_counts_as_interrupted() -> None:
    generation = generation_of(Script("abcdef"), "go")
    for _ in generation:
        break
    assert generation.result.stop_reason == "interrupted"
    assert generation.result.text == "a"


def test_a_drawn_seed_is_reported_only_when_it_matters() -> None:
    assert generation_of(Script("a"), "go").result.seed is None
    assert generation_of(Script("a"), "go", Sampling(1.0)).result.seed is not None
    assert generation_of(Script("a"), "go", Sampling(1.0, seed=5)).result.seed == 5


def test_bad_limits_and_prompts() -> None:
    with pytest.raises(OptionError, match="max tokens"):
        Limits(max_tokens=0)
    with pytest.raises(OptionError, match="stop string"):
        Limits(stop=("a", ""))
    bare = Tokenizer(byte_tokenizer().to_str())
    with pytest.raises(TokenizerError, match="no BOS"):
        bare.encode_prompt("")


def test_a_text_is_written_once() -> None:
    generation = write("abc")
    with pytest.raises(EngineError, match="begun already"):
        iter(generation)
    assert generation.text() == generation.text() == "abc"
    assert generation.result.text == "abc"
    assert len(generation.result.token_ids) == 4
    begun = generation_of(Script("abc"), "go")
    next(iter(begun))
    with pytest.raises(EngineError, match="begun already"):
        begun.text()


def test_two_texts_in_turn_go_on_from_their_states() -> None:
    shared = SharedEngine(Script("abcdef"))
    prompt = TOKENIZER.encode_prompt("go")
    first = iter(Generation(Reading(shared), TOKENIZER, prompt))
    assert next(first) == "a"
    second = Generation(Reading(shared), TOKENIZER, prompt)
    assert next(first) == "b"  # the other is not begun yet
    pieces = iter(second)
    assert next(pieces) == "a"
    assert "".join(first) == "cdef"
    assert "".join(pieces) == "bcdef"


def test_an_interruption_within_the_prompt_says_how_much_was_read() -> None:
    class Slow(Script):
        def run(
            self, token_ids: Sequence[int], slots: Sequence[int], wanted: Any = None, *_: Any
        ) -> np.ndarray:
            if len(self.read) >= 2048:
                raise KeyboardInterrupt
            return super().run(token_ids, slots, wanted)

    generation = generation_of(Slow("a"), "x" * 5000)
    with pytest.raises(KeyboardInterrupt):
        generation.text()
    result = generation.result
    assert (result.prompt_tokens, result.prompt_read) == (5001, 2048)
    assert result.prompt_seconds > 0


def test_whoever_watches_sees_how_much_of_the_prompt_was_read() -> None:
    seen = []

    class Watched(Script):
        def run(
            self, token_ids: Sequence[int], slots: Sequence[int], wanted: Any = None, *_: Any
        ) -> np.ndarray:
            seen.append(generation.prompt_read)
            return super().run(token_ids, slots, wanted)

    generation = generation_of(Watched("abcdef"), "x" * 2500)
    assert generation.prompt_read == 0
    generation.text()
    assert seen == [0, 1024, 2048]
    assert generation.prompt_read == 2501


def test_the_time_is_not_that_of_whoever_takes_the_pieces() -> None:
    generation = generation_of(Script("abcdef"), "go")
    for _ in generation:
        time.sleep(0.05)
    assert generation.result.seconds < 0.15  # six pieces were waited for 0.3 s


def test_one_stop_string_is_not_its_letters() -> None:
    generation = generation_of(Script("a kingdom"), "go", limits=Limits(stop="dom"))
    assert generation.text() == "a king"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limits(max_tokens=2.5),  # type: ignore[arg-type]
        lambda: Limits(max_tokens=True),
        lambda: Limits(max_tokens="3"),  # type: ignore[arg-type]
        lambda: Limits(stop=5),  # type: ignore[arg-type]
        lambda: Limits(stop=[b"a"]),  # type: ignore[list-item]
        lambda: Sampling(temperature="hot"),  # type: ignore[arg-type]
        lambda: Sampling(temperature=float("nan")),
        lambda: Sampling(1.0, top_k=2.5),  # type: ignore[arg-type]
        lambda: Sampling(1.0, top_p=None),  # type: ignore[arg-type]
        lambda: Sampling(1.0, seed=1.5),  # type: ignore[arg-type]
        lambda: Sampling(1.0, seed=-1),
    ],
)
def test_arguments_of_another_kind_are_named(make: Callable[[], object]) -> None:
    with pytest.raises(OptionError):
        make()


def test_numbers_of_numpy_are_numbers() -> None:
    assert Limits(max_tokens=np.int64(3)).max_tokens == 3  # type: ignore[arg-type]
    assert Sampling(np.float32(0.5), top_k=np.uint8(3)).top_k == 3  # type: ignore[arg-type]
