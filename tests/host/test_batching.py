"""Several texts in the passes of one engine: each is what it would be alone."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tritstream
from support.random_checkpoint import random_checkpoint
from tritstream.batching import Batch, Likelihood, Score, Text, Work, likelihood_of
from tritstream.errors import EngineError, OptionError
from tritstream.generation import Limits
from tritstream.model import Model
from tritstream.native import built
from tritstream.packing import pack
from tritstream.prefixes import PrefixCache
from tritstream.sampling import Sampling
from tritstream.sequences import Part, Sequences, advance_each

ENGINES = ["spec", *(["native"] if built() else [])]
DRAWN = Sampling(temperature=1.0, top_k=40, repetition_penalty=1.1)
PROMPTS = ("", "a", "once upon a time " * 12, "once upon a time " * 12 + "b", "x" * 64, "y" * 65)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("batch") / "model"
    random_checkpoint(folder, hidden=192, vocab=259, intermediate=256, layers=2, eos_token_id=None)
    path = folder.parent / "model.trit"
    pack(folder, path)
    return path


@pytest.fixture(scope="module", params=ENGINES)
def model(image: Path, request: pytest.FixtureRequest) -> Model:
    return tritstream.load(image, request.param)


def text_of(model: Model, prompt: str, seed: int, count: int = 9, **options: Any) -> Text:
    tokens = model.tokenizer.encode_prompt(prompt)
    sampling = replace(DRAWN, seed=seed)
    return Text(tokens, model.tokenizer, sampling, Limits(count), **options)


def alone(model: Model, prompt: str, seed: int, count: int = 9) -> str:
    return model.generate(
        prompt, max_tokens=count, temperature=1.0, top_k=40, repetition_penalty=1.1, seed=seed
    ).text()


def test_a_batch_and_others_may_use_one_engine_at_a_time(image: Path) -> None:
    """On a board with slots everything is one memory, and a start that meets another is lost."""
    expected = tritstream.load(image, "spec")
    alone_text = alone(expected, "b", 5, 12)
    with tritstream.load(image, "pynq-sim") as board:
        batch = Batch(board.sequences(2))
        text = text_of(board, "a", 1, 12)
        batch.add(text)
        thread = threading.Thread(target=batch.run)
        thread.start()
        assert alone(board, "b", 5, 12) == alone_text
        assert board.record_seconds() is not None
        thread.join()
    assert text.error is None
    assert text.writer.result.text == alone(expected, "a", 1, 12)


def test_a_pass_over_several_sequences_equals_each_alone(model: Model) -> None:
    rng = np.random.default_rng(1)
    tokens = rng.integers(0, 259, (3, 7)).tolist()
    expected = [model.logits(row) for row in tokens]
    sequences = model.sequences(3)
    for step in range(7):
        rows = advance_each(sequences, [row[step] for row in tokens])
        for found, of in zip(rows, expected, strict=True):
            np.testing.assert_array_equal(found, of[step])


def test_parts_of_any_length_and_any_wanted_logits(model: Model) -> None:
    rng = np.random.default_rng(2)
    tokens = rng.integers(0, 259, (2, 20)).tolist()
    expected = [model.logits(row) for row in tokens]
    sequences = model.sequences(2)
    rows = sequences.advance([Part(0, tokens[0][:5], 0), Part(1, tokens[1][:9], 4)])
    np.testing.assert_array_equal(rows, expected[1][5:9])
    rows = sequences.advance([Part(0, tokens[0][5:], 15)])
    np.testing.assert_array_equal(rows, expected[0][5:])
    state = sequences.state(0)
    sequences.load_state(1, state)
    rows = sequences.advance([Part(1, [7], 1), Part(0, [7], 1)])
    np.testing.assert_array_equal(rows[0], rows[1])
    sequences.load_state(0, None)
    np.testing.assert_array_equal(sequences.advance([Part(0, tokens[0])])[0], expected[0][-1])


def test_a_state_taken_out_disturbs_nothing(model: Model) -> None:
    expected = model.logits([1, 2, 3, 4])
    sequences = model.sequences(1)
    sequences.advance([Part(0, [1, 2], 0)])
    kept = sequences.state(0)
    rows = sequences.advance([Part(0, [3, 4], 2)])
    np.testing.assert_array_equal(rows, expected[2:])
    sequences.load_state(0, kept)
    np.testing.assert_array_equal(sequences.advance([Part(0, [3])])[0], expected[2])


def test_how_many_sequences(model: Model) -> None:
    for count in (0, 257):
        with pytest.raises(OptionError, match="1 to 256"):
            model.sequences(count)


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_the_native_engine_checks_what_is_wanted(image: Path) -> None:
    engine: Any = tritstream.load(image, "native").engine
    for wanted in ([2], [-1], [1, 0], [0, 0]):
        with pytest.raises(EngineError, match="places 0 to 1"):
            engine.run([1, 2], [0, 0], wanted)
    with pytest.raises(EngineError, match="contiguous"):
        engine.run([1, 2], [0, 0], [0], np.empty((2, 259), np.float32))


@pytest.mark.parametrize("cached", [False, True])
def test_texts_in_a_batch_are_what_they_are_alone(model: Model, cached: bool) -> None:
    batch = Batch(model.sequences(3), PrefixCache() if cached else None, "m")
    texts = [text_of(model, p, n, 5 + n) for n, p in enumerate(PROMPTS)]
    for work in texts:
        batch.add(work)
    pieces = dict.fromkeys(range(len(texts)), "")

    def told(work: Work) -> None:
        assert isinstance(work, Text) and work.new is not None
        pieces[texts.index(work)] += work.new.piece

    batch.run(told)
    for n, (work, prompt) in enumerate(zip(texts, PROMPTS, strict=True)):
        expected = alone(model, prompt, n, 5 + n)
        assert work.writer.result.text == pieces[n] == expected
        assert work.writer.result.stop_reason == "max tokens"
        assert work.done and work.error is None and work.place is None
    assert batch.idle and batch.running == batch.waiting == 0


def test_they_join_and_leave_at_any_pass(model: Model) -> None:
    batch = Batch(model.sequences(2))
    first, second, third = (text_of(model, "ab", n, 12) for n in range(3))
    batch.add(first)
    batch.run_pass()
    batch.add(second)
    batch.add(third)
    batch.run_pass()
    assert (batch.running, batch.waiting) == (2, 1)
    batch.drop(first)
    batch.drop(first)  # whoever has left has left
    assert [w for w in batch.run_pass() if w is third] == [third]
    batch.drop(second)
    batch.run()
    assert third.writer.result.text == alone(model, "ab", 2, 12)
    assert len(first.writer.result.token_ids) == 2
    waiting = text_of(model, "c", 1)
    batch.add(waiting)
    batch.drop(waiting)
    assert batch.idle


def test_long_prompts_do_not_hold_up_what_is_being_written(model: Model) -> None:
    batch = Batch(model.sequences(3))
    writing = text_of(model, "a", 1, 100)
    batch.add(writing)
    batch.run_pass()
    for n in range(2):
        batch.add(text_of(model, "z" * 300, n))
    for count in range(2, 6):
        batch.run_pass()
        assert len(writing.writer.result.token_ids) == count


def test_more_places_than_a_pass_has_tokens(image: Path) -> None:
    model = tritstream.load(image)
    batch = Batch(model.sequences(100))
    texts = [text_of(model, "", n, 3) for n in range(100)]
    for work in texts:
        batch.add(work)
    batch.run()
    for n in (0, 50, 99):
        assert texts[n].writer.result.text == alone(model, "", n, 3)


def test_equal_prompts_are_read_once(model: Model) -> None:
    cache = PrefixCache()
    batch = Batch(model.sequences(8), cache, "m")
    texts = [text_of(model, "story " * 30, n) for n in range(6)]
    for work in texts:
        batch.add(work)
    batch.run()
    prompt = len(texts[0].tokens) - 9
    assert [work.reused for work in texts] == [0] + [prompt - 1] * 5
    assert batch.tokens < 2 * prompt + 6 * 9
    for n, work in enumerate(texts):
        assert work.writer.result.text == alone(model, "story " * 30, n)
    # A text that goes on from what was written, and one that shares no more than a beginning.
    more = Text([*texts[2].tokens, 5, 6], model.tokenizer, limits=Limits(3))
    other = text_of(model, "story " * 20 + "another", 1)
    for work in (more, other):
        batch.add(work)
    batch.run()
    assert more.reused == len(texts[2].tokens) - 1
    assert other.reused == 64
    assert other.writer.result.text == alone(model, "story " * 20 + "another", 1)


def test_scores_are_the_log_softmax_of_the_logits(model: Model) -> None:
    tokens = np.random.default_rng(3).integers(0, 259, 90).tolist()
    logits = model.logits(tokens[:-1]).astype(np.float64)
    wide = logits - np.log(np.exp(logits - logits.max(1)[:, None]).sum(1))[:, None]
    wide -= logits.max(1)[:, None]
    for cache in (None, PrefixCache()):
        for first in (1, 2, 40, 89, 70):
            score = Score(tokens, first)
            batch = Batch(model.sequences(1), cache, "m")
            batch.add(score)
            batch.run()
            places = range(first, 90)
            expected = [wide[p - 1, tokens[p]] for p in places]
            np.testing.assert_allclose([f.logprob for f in score.likelihoods], expected, atol=1e-12)
            likeliest = [bool(logits[p - 1].argmax() == tokens[p]) for p in places]
            assert [f.greedy for f in score.likelihoods] == likeliest
            assert score.logprob == pytest.approx(sum(expected))
            assert score.greedy == all(likeliest)
    assert cache is not None and cache.hits
    greedy = model.generate("abc", max_tokens=4).result  # not begun: no tokens
    assert greedy.token_ids == []


def test_what_was_written_greedily_scores_as_such(model: Model) -> None:
    text = Text(model.tokenizer.encode_prompt("abc"), model.tokenizer, limits=Limits(5), logprobs=3)
    batch = Batch(model.sequences(2))
    batch.add(text)
    found: list[Likelihood] = []

    def told(work: Work) -> None:
        if isinstance(work, Text) and work.new is not None:
            assert work.new.likelihood is not None
            found.append(work.new.likelihood)

    batch.run(told)
    score = Score(text.tokens, text.given)
    batch.add(score)
    batch.run()
    assert score.greedy and all(f.greedy for f in found)
    assert [f.logprob for f in found] == [f.logprob for f in score.likelihoods]
    assert all(len(f.likeliest) == 3 for f in found)


def test_the_likeliest_with_equal_logits_are_the_lowest_ids() -> None:
    logits = np.zeros(50, np.float32)
    logits[[7, 9]] = 1
    found = likelihood_of(logits, 3, 4)
    assert [token for token, _ in found.likeliest] == [7, 9, 0, 1]
    assert found.logprob == pytest.approx(-np.log(48 + 2 * np.e))
    assert likelihood_of(logits, 3, 0).likeliest == ()
    assert len(likelihood_of(logits[:3], 1, 20).likeliest) == 3


def test_an_engine_that_fails_gives_up_its_pass_and_no_more(model: Model) -> None:
    class Failing:
        def __init__(self, sequences: Sequences) -> None:
            self.of, self.fail = sequences, False
            self.count, self.width = sequences.count, sequences.width
            self.state, self.load_state = sequences.state, sequences.load_state

        def advance(self, parts: Any) -> Any:
            if self.fail:
                self.fail = False
                raise EngineError("a bus error")
            return self.of.advance(parts)

    sequences = Failing(model.sequences(2))
    batch = Batch(sequences, PrefixCache(), "m")
    texts = [text_of(model, "ab", n) for n in range(3)]
    for work in texts:
        batch.add(work)
    batch.run_pass()
    sequences.fail = True
    told = batch.run_pass()
    assert all(str(work.error) == "a bus error" for work in told) and told
    batch.run()
    left = [work for work in texts if work.error is None]
    assert left
    for work in left:
        assert work.writer.result.text == alone(model, "ab", texts.index(work))


def test_what_makes_no_sense_is_refused(model: Model) -> None:
    with pytest.raises(OptionError, match="no token"):
        Text([], model.tokenizer)
    with pytest.raises(OptionError, match="nothing to score"):
        Score([1])
    with pytest.raises(OptionError, match="nothing to score"):
        Score([1, 2], 2)
    with pytest.raises(OptionError, match="logprobs"):
        Text([1], model.tokenizer, logprobs=21)


STATE = np.zeros((2, 4), np.int32)


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=6), max_size=20), st.data())
def test_the_longest_prefix_is_found(texts: list[list[int]], data: st.DataObject) -> None:
    cache = PrefixCache()
    for n, tokens in enumerate(texts):
        cache.put("m", tokens, STATE + n)
    last = {tuple(tokens): n for n, tokens in enumerate(texts)}
    asked = data.draw(st.lists(st.integers(0, 3), max_size=8))
    found = cache.longest("m", asked)
    expected = max((n for n in range(1, len(asked) + 1) if tuple(asked[:n]) in last), default=None)
    if expected is None:
        assert found is None
    else:
        assert found is not None and found.length == expected
        assert found.state[0, 0] == last[tuple(asked[:expected])]
    assert cache.longest("another", asked) is None


def test_the_cache_is_bounded_and_keeps_what_is_used() -> None:
    size = STATE.nbytes + 4
    cache = PrefixCache(3 * size)
    for token in range(3):
        cache.put("m", [token], STATE)
    assert cache.longest("m", [0, 9]) is not None
    cache.put("m", [3], STATE)
    assert cache.longest("m", [1]) is None and cache.longest("m", [0]) is not None
    assert len(cache) == 3 and cache.bytes == 3 * size
    cache.put("m", [3], STATE)
    assert len(cache) == 3 and cache.bytes == 3 * size
    cache.put("m", [1] * 1000, STATE)
    assert len(cache) == 3
    nothing = PrefixCache(0)
    nothing.put("m", [1], STATE)
    assert len(nothing) == 0
    with pytest.raises(OptionError, match="0 bytes"):
        PrefixCache(-1)
    assert (cache.hits, cache.misses, cache.tokens_saved) == (2, 1, 2)
