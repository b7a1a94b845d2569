"""Guessed tokens: the same text with them and without, and as many as pay."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tritstream.sessions
import tritstream.speculation
from support.random_checkpoint import random_checkpoint
from tritstream.cli import main
from tritstream.errors import OptionError
from tritstream.model import Model
from tritstream.native import built
from tritstream.packing import pack
from tritstream.speculation import MOST_GUESSES, NGRAM, Guesser, PassCost

ENGINES = ("spec", *(["native"] if built() else []))
OTHERS = ("pynq-sim", "float32")
SAMPLED = {"temperature": 0.005, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.05}
"""Of random weights no token is much likelier than others: warmer texts repeat nothing."""
REFRAIN = "the cat sat on the mat. " * 4


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("speculation") / "model"
    random_checkpoint(folder, hidden=64, vocab=259, intermediate=96, layers=2, eos_token_id=None)
    path = folder.parent / "model.trit"
    pack(folder, path)
    return path


@pytest.fixture(scope="module", params=ENGINES)
def model(image: Path, request: pytest.FixtureRequest) -> Iterator[Model]:
    with tritstream.load(image, request.param) as model:
        yield model


def written(model: Model, prompt: str, speculate: bool | None, **options: Any) -> Any:
    generation = model.generate(prompt, speculate=speculate, **options)
    generation.text()
    return generation.result


def same_with_and_without(model: Model, count: int, seed: int, drawn: dict[str, Any]) -> None:
    options = {"max_tokens": count, "seed": seed, **drawn}
    with_, without = (written(model, REFRAIN, on, **options) for on in (True, False))
    assert (with_.token_ids, with_.text) == (without.token_ids, without.text)
    assert with_.stop_reason == without.stop_reason
    assert without.passes == count - 1
    assert (without.guessed, without.acceptance_rate) == (0, 0)
    # Every token came from a pass of its own or was guessed.
    assert with_.passes + with_.guessed_right == count - 1
    assert 0 <= with_.guessed_right <= with_.guessed <= MOST_GUESSES * with_.passes
    assert with_.guessed > 0
    if not drawn:
        assert with_.tokens_per_pass > 1


@pytest.mark.parametrize("drawn", [{}, SAMPLED], ids=["greedy", "sampled"])
def test_a_text_equals_that_without(model: Model, drawn: dict[str, Any]) -> None:
    same_with_and_without(model, 500 if model.engine.name == "native" else 120, 1, drawn)


@pytest.mark.parametrize("engine", OTHERS)
def test_other_engines_write_the_same_too(image: Path, engine: str) -> None:
    with tritstream.load(image, engine) as model:
        same_with_and_without(model, 70, 0, {})


@pytest.mark.long
@pytest.mark.parametrize("engine", [*ENGINES, *OTHERS])
def test_500_tokens_equal_those_without(image: Path, engine: str) -> None:
    with tritstream.load(image, engine) as model:
        same_with_and_without(model, 500, 0, {})
        for seed in range(20 if engine == "native" else 3):
            for temperature in (0.005, 0.02):
                same_with_and_without(model, 500, seed, {**SAMPLED, "temperature": temperature})


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_many_seeds(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tritstream.speculation, "WORTH_FROM", 0)
    model = tritstream.load(image, "native")
    for seed in range(20):
        options = {"max_tokens": 80, "temperature": 0.02, "seed": seed}
        for stop in ((), ("a",), ("the", "e ", "zz")):
            ways = (True, None, False)
            found = [written(model, REFRAIN, way, stop=stop, **options) for way in ways]
            assert len({(r.text, tuple(r.token_ids), r.stop_reason) for r in found}) == 1


class Oracle:
    """Guesses what was written without guesses, and is wrong now and then."""

    def __init__(self, tokens: Sequence[int], seed: int) -> None:
        self.tokens, self.length = list(tokens), 0
        self._random = np.random.default_rng(seed)

    def add(self, tokens: Iterable[int]) -> None:
        self.length += len(list(tokens))

    def guesses(self, most: int) -> list[int]:
        found = self.tokens[self.length : self.length + min(most, int(self._random.integers(8)))]
        return [(t + int(self._random.random() < 0.15)) % 259 for t in found]


@pytest.fixture
def guessing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Oracle | None], None]:
    """Have every text that is begun from now on guessed at by an oracle, or by nobody."""

    def use(oracle: Oracle | None) -> None:
        for module in (tritstream.model, tritstream.sessions):
            monkeypatch.setattr(module, "guesser_for", lambda *_: oracle)

    return use


Guessing = Callable[[Oracle | None], None]
DRAWN = {"max_tokens": 40, "temperature": 0.5, "repetition_penalty": 1.1}


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 12, 19])
def test_a_state_is_that_of_what_was_written(model: Model, guessing: Guessing, cut: int) -> None:
    """Wherever it is asked for, with guesses read ahead or not; and the text goes on from it."""
    whole = model.session()
    guessing(None)
    whole.generate(REFRAIN, seed=cut, **DRAWN).text()
    found = []
    for oracle in (Oracle(whole.tokens, cut), None):
        guessing(oracle)
        session = model.session()
        pieces = iter(session.generate(REFRAIN, seed=cut, **DRAWN))
        list(islice(pieces, cut))
        found.append((session.tokens, session.state().tolist(), "".join(pieces), session.tokens))
    assert found[0] == found[1]
    assert found[0][3] == whole.tokens


def test_a_saved_session_goes_on_alike(model: Model, guessing: Guessing, tmp_path: Path) -> None:
    found = []
    guessing(None)
    whole = model.session()
    for _ in range(2):
        whole.generate(REFRAIN, seed=3, **DRAWN).text()
    for seed in (None, 1, 2):
        guessing(None if seed is None else Oracle(whole.tokens, seed))
        session = model.session()
        session.generate(REFRAIN, seed=3, **DRAWN).text()
        session.save(tmp_path / "state")
        guessing(None if seed is None else Oracle(whole.tokens, seed))
        forked, loaded = session.fork(), model.session(tmp_path / "state")
        found += [s.generate(REFRAIN, seed=3, **DRAWN).text() for s in (session, forked, loaded)]
        assert session.tokens == whole.tokens
    assert len(set(found)) == 1


def test_texts_in_turn_with_guesses(model: Model, guessing: Guessing) -> None:
    """Each takes the engine from the others between any two tokens."""
    alone, texts = [], []
    for seed in range(3):
        guessing(None)
        session = model.session()
        alone.append(session.generate(REFRAIN, seed=seed, **DRAWN).text())
        guessing(Oracle(session.tokens, seed))
        texts.append(model.generate(REFRAIN, seed=seed, **DRAWN))
    pieces, found, left = [iter(text) for text in texts], ["", "", ""], [0, 1, 2]
    while left:
        for number in list(left):
            for _ in range(number + 1):
                if (piece := next(pieces[number], None)) is not None:
                    found[number] += piece
                elif number in left:
                    left.remove(number)
    assert found == alone
    assert all(text.result.guessed for text in texts)


@pytest.mark.parametrize("at", range(6))
def test_an_interrupted_pass_with_guesses(image: Path, guessing: Guessing, at: int) -> None:
    model = tritstream.load(image, "spec")
    guessing(None)
    whole = model.session()
    whole.generate(REFRAIN, max_tokens=60).text()
    run, count = model.engine.run, 0

    def interrupted(*arguments: Any) -> Any:
        nonlocal count
        rows = run(*arguments)
        count += len(arguments) > 4
        if len(arguments) > 4 and count == at + 1:
            raise KeyboardInterrupt
        return rows

    model.engine.run = interrupted  # type: ignore[method-assign]
    guessing(Oracle(whole.tokens, at))
    session = model.session()
    generation = session.generate(REFRAIN, max_tokens=60)
    with pytest.raises(KeyboardInterrupt):
        generation.text()
    kept = generation.result.token_ids
    assert generation.result.stop_reason == "interrupted"
    guessing(Oracle(whole.tokens, at))
    session.generate(max_tokens=60 - len(kept)).text()
    assert session.tokens == whole.tokens


def test_it_is_done_by_itself_where_passes_are_shared_and_long(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ENGINES:
        model = tritstream.load(image, name)
        assert model.generate("a")._guesser is None  # a small model
        with monkeypatch.context() as large:
            large.setattr(tritstream.speculation, "WORTH_FROM", 0)
            assert (model.generate("a")._guesser is not None) == (name == "native")
            assert model.session().generate("a", speculate=False)._guesser is None
        assert model.session().generate("a", speculate=True)._guesser is not None


def test_the_command_line_tells_how_many_were_right(
    image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["generate", "-m", str(image), "-e", "spec", REFRAIN, "--greedy", "-n", "90"]
    found = []
    for option in ("--speculate", "--no-speculate"):
        assert main([*command, option, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    with_, without = found
    assert with_["text"] == without["text"]
    assert with_["passes"] + with_["guessed_right"] == without["passes"] == 89
    assert with_["acceptance_rate"] == with_["guessed_right"] / with_["guessed"] > 0
    assert with_["tokens_per_pass"] == 89 / with_["passes"] > 1
    assert (without["guessed"], without["tokens_per_pass"]) == (0, 1)
    assert main([*command, "--speculate"]) == 0
    told = capsys.readouterr().err
    assert (
        f"{with_['tokens_per_pass']:.2f} tokens a pass (" in told
        and "guessed tokens right)" in told
    )
    assert main([*command, "--speculate", "--samples", "2"]) == 2
    assert "--speculate is of one text" in capsys.readouterr().err


def test_an_engine_that_cannot_go_back_is_named(image: Path) -> None:
    model = tritstream.load(image, "spec")
    model.engine.keeps_each_state = False  # type: ignore[misc]
    assert model.generate("a", speculate=None).text() is not None
    with pytest.raises(OptionError, match="take guessed tokens back"):
        model.generate("a", speculate=True)


def fed(text: str, **options: Any) -> Guesser:
    guesser = Guesser(7, **options)
    guesser.add(map(ord, text))
    return guesser


def told(guesser: Guesser, most: int = 7) -> str:
    return "".join(map(chr, guesser.guesses(most)))


def test_what_followed_before_is_guessed() -> None:
    assert told(fed("one two three. one two")) == " three."
    assert told(fed("one two three. one two"), 3) == " th"
    assert told(fed("abcdXYZ abcdUVW abcd")) == "UVW abc"  # the last time counts
    assert told(fed("nothing is here twice")) == ""
    assert told(fed("a")) == told(fed("")) == ""
    assert told(fed("abcdefa")) == ""  # shorter than an n-gram
    assert told(fed("abcabcabc")) == "abcabca"  # beyond the end it repeats itself
    assert told(fed("xaaaa")) == "aaaaaaa"


def test_no_guess_behind_a_wrong_one() -> None:
    guesser = fed("one two three. one two")
    guesser.add(map(ord, " f"))
    assert told(guesser) == ""


@given(st.text("ab", max_size=60), st.integers(1, 20))
def test_pieces_make_no_difference(text: str, size: int) -> None:
    whole, pieces = fed(text), fed("")
    for at in range(0, len(text), size):
        pieces.add(map(ord, text[at : at + size]))
    assert pieces.length == len(text)
    found = told(whole)
    assert found == told(pieces)
    # Whatever is guessed has stood behind the same n-gram before.
    if found:
        assert text[-NGRAM:] + found[0] in text


def test_guessing_takes_the_same_time_however_long_the_text_is() -> None:
    """Not a scan: the work for a token, counted in look-ups of tokens, does not grow."""

    class Counted(list[int]):
        reads = 0

        def __getitem__(self, at: Any) -> Any:
            Counted.reads += 1
            return super().__getitem__(at)

    def reads(length: int) -> int:
        guesser = Guesser(7)
        guesser._tokens = Counted()
        rng = np.random.default_rng(0)
        guesser.add(rng.integers(0, 5, length).tolist())
        Counted.reads = 0
        guesser.add([1, 2, 3, 4, 0])
        guesser.guesses(7)
        return Counted.reads

    assert reads(20_000) <= 250


class Always:
    """A cost that does not change."""

    def __init__(self, slope: float) -> None:
        self.of_guesses = [1 + slope * guesses for guesses in range(8)]


def cost(slope: float) -> Any:
    return Always(slope)


def test_no_more_is_guessed_than_pays() -> None:
    text = "what the cat ate, the dog had; " * 30
    assert len(told(fed(text, cost=cost(0.1)))) == 7
    assert told(fed(text, cost=cost(1.0))) == ""
    rng = np.random.default_rng(1)
    noise = "".join(rng.choice(list("ab"), 400))  # matches abound, and are wrong half of the time
    assert told(fed(noise + noise[100:104], cost=cost(0.5))) == ""
    assert told(fed(noise + noise[100:104])) != ""


def test_a_text_that_stops_repeating_itself_is_noticed() -> None:
    guesser = fed("the cat sat on the mat. " * 20, cost=cost(0.4))
    assert told(guesser)
    rng = np.random.default_rng(2)
    guesser.add(map(ord, rng.choice(list("the cat"), 600)))
    count = 0
    for letter in rng.choice(list("the cat"), 200):
        count += len(told(guesser)) > 0
        guesser.add([ord(letter)])
    assert count < 20


@pytest.mark.parametrize(
    ("seconds", "slope"),
    [(lambda n: 1 + 0.3 * n, 0.3), (lambda n: 1.0 + n, 1.0), (lambda n: 1.0, 0.0)],
)
def test_the_cost_of_a_pass_is_measured(seconds: Callable[[int], float], slope: float) -> None:
    cost = PassCost()
    cost.took(4, 100.0)  # nothing to compare it with yet
    for guesses in (0, 0, 0, 3, 7, 2, 0, 1, 4, 7, 3, 0):
        cost.took(guesses, seconds(guesses))
    cost.took(3, 50.0)  # held up by something else
    assert cost.of_guesses == pytest.approx([1 + slope * guesses for guesses in range(8)])


def test_the_cost_of_a_number_of_guesses_is_its_own() -> None:
    """A pass of 8 may take no longer than one of 6."""
    cost = PassCost()
    for guesses in (0, 0, 0, 7, 5, 7, 5, 7, 5, 1):
        cost.took(guesses, (1.0, 1.3, 0, 0, 0, 3.6, 0, 3.5)[guesses])
    assert cost.of_guesses[5] == pytest.approx(3.6)
    assert cost.of_guesses[7] == pytest.approx(3.5)
