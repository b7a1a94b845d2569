"""Sessions: texts that share an engine, and states that are kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tritstream
from support.random_checkpoint import byte_tokenizer, random_checkpoint
from tritstream.bench.synthetic import write_synthetic
from tritstream.configurations import DEFAULT_LAYOUT, layout_named
from tritstream.errors import EngineError, FileError, OptionError, TritstreamError
from tritstream.geometry import Geometry
from tritstream.model import Model
from tritstream.native import built
from tritstream.packing import pack
from tritstream.sessions import FORMAT

SAMPLED = {"max_tokens": 12, "temperature": 1.0, "repetition_penalty": 1.2, "seed": 5}
PROMPTS = ("a story", "b", "another one", "")
ENGINES = ["spec", "float32", *(["native"] if built() else [])]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("session") / "model"
    random_checkpoint(folder, hidden=192, vocab=259, intermediate=256, layers=2)
    return folder


@pytest.fixture(scope="module")
def image(checkpoint: Path) -> Path:
    path = checkpoint.parent / "model.trit"
    pack(checkpoint, path)
    return path


@pytest.fixture(params=ENGINES)
def model(image: Path, request: pytest.FixtureRequest) -> Model:
    return tritstream.load(image, request.param)


def in_turn(*texts: Iterator[str]) -> list[str]:
    """Every text, taken a piece at a time from each."""
    written, left = ["" for _ in texts], list(range(len(texts)))
    while left:
        for number in list(left):
            piece = next(texts[number], None)
            if piece is None:
                left.remove(number)
            else:
                written[number] += piece
    return written


def test_generations_in_turn_give_what_each_gives_alone(model: Model) -> None:
    alone = [model.generate(p, **SAMPLED).text() for p in PROMPTS]
    assert in_turn(*(iter(model.generate(p, **SAMPLED)) for p in PROMPTS)) == alone


def test_a_session_goes_on_as_one_text_would(model: Model) -> None:
    """The same tokens in several calls: fed, written, fed again."""
    whole = model.session()
    whole.feed("one two")
    first = whole.generate(**SAMPLED)
    first.text()
    tokens = whole.tokens
    again = model.session()
    again._reading.add(tokens)
    np.testing.assert_array_equal(again.state(), whole.state())
    whole.feed(" three")
    assert whole.length == len(whole.tokens) == len(tokens) + len(" three")
    assert whole.tokens[: len(tokens)] == tokens


def test_sessions_interleave_with_everything_else(model: Model) -> None:
    def story(session: Any) -> str:
        session.feed("the")
        return "".join(session.generate(" end", **SAMPLED)) + session.generate(**SAMPLED).text()

    alone = story(model.session())
    other, session = model.session(), model.session()
    session.feed("the")
    other.feed("something quite different")
    pieces = iter(session.generate(" end", **SAMPLED))
    text = next(pieces)
    model.step(7)
    text += next(pieces)
    other.generate(max_tokens=3).text()
    text += "".join(pieces)
    model.reset()
    assert text + session.generate(**SAMPLED).text() == alone


def test_a_fork_and_its_origin_do_not_see_each_other(model: Model) -> None:
    session = model.session()
    session.feed("once")
    forks = [session.fork() for _ in range(3)]
    texts = [f.generate(" upon", **{**SAMPLED, "seed": n}).text() for n, f in enumerate(forks)]
    assert len(set(texts)) > 1
    assert session.tokens == forks[0].tokens[: session.length]
    assert session.generate(" upon", **{**SAMPLED, "seed": 1}).text() == texts[1]
    assert model.session().fork().length == 0


def test_threads_share_a_model(model: Model) -> None:
    alone = {p: model.generate(p, **SAMPLED).text() for p in PROMPTS}
    found: dict[str, str] = {}

    def write(prompt: str) -> None:
        found[prompt] = model.generate(prompt, **SAMPLED).text()

    threads = [threading.Thread(target=write, args=(p,)) for p in PROMPTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def test_an_interruption_loses_nothing(image: Path) -> None:
    """Ctrl-C comes when the engine has read a token and nobody has heard of it."""
    model = tritstream.load(image, "spec")
    alone = model.session()
    alone.feed("abc")
    expected = alone.generate(**SAMPLED).text()
    engine, step = model.engine, model.engine.step
    session = model.session()
    session.feed("abc")
    pieces = iter(session.generate(**SAMPLED))
    text = next(pieces)

    def interrupted(token_id: int) -> np.ndarray:
        step(token_id)
        raise KeyboardInterrupt

    engine.step = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        next(pieces)
    engine.step = step  # type: ignore[method-assign]
    kept = session.tokens
    model.generate("something else", max_tokens=2).text()
    again = model.session()
    again._reading.add(kept)
    np.testing.assert_array_equal(session.state(), again.state())
    assert expected.startswith(text)


@pytest.mark.parametrize("writer", [e for e in ENGINES if e != "float32"])
@pytest.mark.parametrize("reader", [e for e in ENGINES if e != "float32"])
def test_a_saved_session_continues_on_any_engine(
    image: Path, tmp_path: Path, writer: str, reader: str
) -> None:
    session = tritstream.load(image, writer).session()
    session.feed("a long story")
    session.generate(**SAMPLED).text()
    path = tmp_path / "state"
    session.save(path)
    expected = session.generate(" and", **SAMPLED).text()
    loaded = tritstream.load(image, reader).session(path)
    assert loaded.generate(" and", **SAMPLED).text() == expected
    assert loaded.tokens == session.tokens


def test_another_layout_continues_it(checkpoint: Path, image: Path, tmp_path: Path) -> None:
    other = tmp_path / "2bit.trit"
    pack(checkpoint, other, packing="2bit")
    session = tritstream.load(image).session()
    session.feed("text")
    session.save(tmp_path / "s")
    expected = session.generate(**SAMPLED).text()
    assert tritstream.load(other).session(tmp_path / "s").generate(**SAMPLED).text() == expected


def test_a_long_text_takes_no_more_room(image: Path, tmp_path: Path) -> None:
    session = tritstream.load(image).session()
    session.feed("x" * 9)
    session.save(tmp_path / "short")
    session.feed("abcdefghij" * 700)
    session.save(tmp_path / "long")
    sizes = [(tmp_path / n).stat().st_size for n in ("short", "long")]
    assert sizes[1] - sizes[0] <= 4 * 1024
    loaded = tritstream.load(image).session(tmp_path / "long")
    assert loaded.length == session.length == 7010
    assert loaded.tokens == session.tokens[-1024:]
    assert loaded.generate(**SAMPLED).text() == session.generate(**SAMPLED).text()
    again = tmp_path / "again"
    loaded.save(again)
    assert load_file(again)["seen"].tolist() != load_file(tmp_path / "short")["seen"].tolist()


def test_a_370m_state_is_below_110_kb(tmp_path: Path) -> None:
    """Of that geometry but for its matrices, which do not enter: layers, hidden and vocabulary."""
    geometry = Geometry(1024, 64, 24, 32_000)
    write_synthetic(tmp_path / "m.trit", layout_named(DEFAULT_LAYOUT), geometry)
    model = tritstream.load(tmp_path / "m.trit")
    tokenizer = tritstream.text.Tokenizer(byte_tokenizer().to_str(), bos_token_id=1)
    model.__dict__["tokenizer"] = tokenizer
    session = model.session()
    session.feed("abc" * 2000)
    session.save(tmp_path / "state")
    assert (tmp_path / "state").stat().st_size < 110_000


def saved(image: Path, path: Path) -> dict[str, np.ndarray]:
    session = tritstream.load(image).session()
    session.feed("text")
    session.save(path)
    return load_file(path)


def test_what_is_no_session_is_refused(image: Path, tmp_path: Path) -> None:
    model = tritstream.load(image)
    path = tmp_path / "state"
    tensors = saved(image, path)
    with_about = {"format": FORMAT, "model": model._key.identity, "length": "5"}  # type: ignore[union-attr]
    cases: list[tuple[dict[str, Any], dict[str, str], str]] = [
        (tensors, {}, "no saved session"),
        (tensors, {**with_about, "format": "9"}, "its format is '9'"),
        (tensors, {**with_about, "length": "x"}, "damaged"),
        (tensors, {**with_about, "length": "2"}, "damaged"),
        ({**tensors, "state": tensors["state"][:1]}, with_about, "'state'"),
        ({**tensors, "state": tensors["state"].astype(np.int64)}, with_about, "'state'"),
        ({**tensors, "seen": tensors["seen"][:-1]}, with_about, "'seen'"),
        ({**tensors, "tokens": np.array([9999], np.int32)}, with_about, "vocabulary"),
        ({**tensors, "tokens": np.array([-1], np.int32)}, with_about, "vocabulary"),
        ({**tensors, "tokens": np.zeros(0, np.int32)}, with_about, "damaged"),
        ({k: v for k, v in tensors.items() if k != "tokens"}, with_about, "'tokens'"),
    ]
    for contents, about, told in cases:
        save_file(contents, path, about)
        with pytest.raises(FileError, match=told):
            model.session(path)
    for raw in (b"", b"{}", b"\xff" * 100, b"\x08" + bytes(15)):
        path.write_bytes(raw)
        with pytest.raises(FileError):
            model.session(path)
    with pytest.raises(FileError, match="cannot read"):
        model.session(tmp_path / "nowhere")


def test_another_model_and_float_engines_are_refused(
    image: Path, tmp_path: Path, checkpoint: Path
) -> None:
    path = tmp_path / "state"
    saved(image, path)
    other = random_checkpoint(
        tmp_path / "other", hidden=192, vocab=259, intermediate=256, layers=2, seed=9
    )
    pack(other, tmp_path / "other.trit")
    with pytest.raises(OptionError, match="another model"):
        tritstream.load(tmp_path / "other.trit").session(path)
    pack(checkpoint, tmp_path / "small.trit", profile="small")
    with pytest.raises(OptionError, match="number formats"):
        tritstream.load(tmp_path / "small.trit").session(path)
    model = tritstream.load(image, "float32")
    session = model.session()
    session.feed("a")
    with pytest.raises(OptionError, match="float engines"):
        session.save(path)
    with pytest.raises(OptionError, match="packed images only"):
        model.session(path)


def test_nothing_to_keep(model: Model, tmp_path: Path) -> None:
    session = model.session()
    with pytest.raises(TritstreamError):
        session.save(tmp_path / "state")
    with pytest.raises(EngineError, match="nothing has been read"):
        session.state()
    session.feed("abc")
    session.reset()
    assert (session.length, session.tokens) == (0, ())
    for wrong in (None, 5, b"text"):
        with pytest.raises(OptionError):
            session.feed(wrong)  # type: ignore[arg-type]


def test_the_first_text_begins_as_the_models_do(model: Model) -> None:
    session = model.session()
    session.feed("ab")
    assert session.tokens == tuple(model.tokenizer.encode_prompt("ab"))
    session.feed("cd")
    assert session.tokens[-2:] == tuple(model.tokenizer.encode("cd"))
