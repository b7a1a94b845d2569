"""Engine native equals the specification bit for bit: every level, both packings, odd sizes."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.native import HERE, SHAPES, shaped, synthetic_image, tokens
from support.random_checkpoint import random_checkpoint
from tritstream.engines import load_engine
from tritstream.engines.native import BATCH, NativeEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError, ImageError
from tritstream.image import Image, open_image
from tritstream.native import built
from tritstream.packing import pack

pytestmark = pytest.mark.skipif(built() is None, reason="the native core was not compiled here")

CASES = [
    ("tiny", "base3", "default"),
    ("tiny", "2bit", "small"),
    ("narrow", "base3", "small"),
    ("odd", "base3", "default"),
    ("odd", "2bit", "default"),
    ("two ports", "base3", "small"),
    ("two ports", "2bit", "small"),
    ("three ports", "base3", "default"),
    ("wide", "2bit", "small"),
    ("wide", "base3", "default"),
    ("narrow ports", "base3", "small"),
    ("narrow ports", "2bit", "default"),
    ("one narrow port", "base3", "default"),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case).replace(" ", "_"))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("native") / "random.trit"
    return synthetic_image(path, shaped(*request.param))


@pytest.fixture(scope="module")
def expected(image: Image) -> tuple[list[int], np.ndarray, SpecEngine]:
    """Token ids, the specification's logits of them, and its engine as it stands then."""
    ids, spec = tokens(image, 21), SpecEngine(image)
    return ids, spec.logits(ids), spec


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("level", HERE)
def test_it_equals_the_specification(
    image: Image, expected: tuple[list[int], np.ndarray, SpecEngine], level: str, threads: int
) -> None:
    ids, logits, spec = expected
    engine = NativeEngine(image, level=level, threads=threads)
    assert engine.level == level
    np.testing.assert_array_equal(engine.logits(ids), logits)
    np.testing.assert_array_equal(engine.state, spec.state)
    assert engine.saturations.counts == spec.saturations.counts

    engine.reset()
    for token, row in zip(ids[:5], logits, strict=False):
        np.testing.assert_array_equal(engine.step(token), row)
    np.testing.assert_array_equal(engine.prefill(ids[5:]), logits[-1])
    np.testing.assert_array_equal(engine.state, spec.state)


@pytest.mark.parametrize("level", HERE)
def test_the_residual_equals_the_specification(image: Image, level: str) -> None:
    ids = tokens(image, 3)
    engine, spec = NativeEngine(image, level=level), SpecEngine(image)
    for token in ids:
        engine.step(token)
        np.testing.assert_array_equal(engine.residual, spec.residuals([token])[0])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("tiny") / "random.trit"
    return synthetic_image(path, shaped("tiny", "base3", "default"))


def test_prompts_longer_than_a_pass(tiny: Image) -> None:
    ids = tokens(tiny, 2 * BATCH + 7)
    logits = SpecEngine(tiny).logits(ids)
    engine = NativeEngine(tiny)
    np.testing.assert_array_equal(engine.logits(ids), logits)
    engine.reset()
    np.testing.assert_array_equal(engine.prefill(ids), logits[-1])
    engine.reset()
    np.testing.assert_array_equal(engine.prefill(ids[:BATCH]), logits[BATCH - 1])


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_any_number_of_threads(tiny: Image, threads: int) -> None:
    ids = tokens(tiny, 9)
    engine = NativeEngine(tiny, threads=threads)
    np.testing.assert_array_equal(engine.logits(ids), SpecEngine(tiny).logits(ids))


def test_more_threads_than_rows(tmp_path: Path) -> None:
    image = synthetic_image(tmp_path / "m.trit", shaped("narrow", "base3", "default"))
    ids = tokens(image, 4)
    engine = NativeEngine(image, threads=16)
    np.testing.assert_array_equal(engine.logits(ids), SpecEngine(image).logits(ids))


def test_several_sequences_in_one_pass(tiny: Image) -> None:
    texts = [tokens(tiny, n, seed=n) for n in (11, 4, 9)]
    alone = [SpecEngine(tiny).logits(text) for text in texts]
    engine = NativeEngine(tiny, slots=3)
    order = [(s, i) for i in range(11) for s in range(3) if i < len(texts[s])]
    found = [
        engine.run([texts[s][i] for s, i in part], [s for s, _ in part])
        for part in (order[:10], order[10:11], order[11:])
    ]
    rows = np.concatenate(found)
    for (s, i), row in zip(order, rows, strict=True):
        np.testing.assert_array_equal(row, alone[s][i])

    engine.load_slot(1, None)
    again = engine.run([texts[1][0], texts[2][0]], [1, 2])
    np.testing.assert_array_equal(again[0], alone[1][0])
    assert not np.array_equal(again[1], alone[2][0])


@pytest.mark.parametrize("embedding", ["fp16", "int8", "3.5bit"])
def test_every_embedding_of_a_packed_checkpoint(tmp_path: Path, embedding: str) -> None:
    folder = random_checkpoint(tmp_path / "c", hidden=67, vocab=259)
    pack(folder, tmp_path / "m.trit", embedding=embedding)
    image = open_image(tmp_path / "m.trit")
    ids = tokens(image, 12)
    engine = NativeEngine(image)
    np.testing.assert_array_equal(engine.logits(ids), SpecEngine(image).logits(ids))


def test_saturation_is_counted_as_the_specification_counts(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", vocab=259, embedding_scale=1e4, seed=3)
    pack(folder, tmp_path / "m.trit")
    image = open_image(tmp_path / "m.trit")
    # Scales so large that gates leave their format; int48 is out of reach of any scale.
    data = image.data.copy()
    loud = replace(image, data=data)
    for index in range(image.geometry.layers):
        record = loud.record(index)
        for phase in image.layer_layout.phases:
            record[phase.header : phase.header + 8].view("<i4")[1] += 60
    ids = tokens(loud, 8)
    spec, engine = SpecEngine(loud), NativeEngine(loud, threads=2)
    np.testing.assert_array_equal(engine.logits(ids), spec.logits(ids))
    assert engine.saturations.counts == spec.saturations.counts
    assert {"i", "f", "g", "gate"} <= set(spec.saturations.counts)


def test_what_it_refuses(tiny: Image) -> None:
    engine = NativeEngine(tiny, slots=3)
    for call, told in (
        (lambda: engine.step(512), "outside the model's vocabulary"),
        (lambda: engine.prefill([]), "at least one"),
        (lambda: engine.run([1], [3]), "slots 0 to 2"),
        (lambda: engine.run([1], [-1]), "slots 0 to 2"),
        (lambda: engine.run([1], [0], keep=[3]), "slots 0 to 2"),
        (lambda: engine.run([1, 2], [0]), "one slot for each"),
        (lambda: engine.run([1, 2], [0, 0], keep=[1]), "one slot for each"),
        (lambda: engine.run([1, 2], [0, 0], [1, 0]), "in their order"),
        (lambda: engine.run([1], [0], out=np.empty((1, 3), np.float32)), "contiguous float32"),
        (lambda: engine.run([1] * (BATCH + 1), [0] * (BATCH + 1)), f"at most {BATCH}"),
        (lambda: NativeEngine(tiny, threads=0), "threads must be 1 to"),
        (lambda: NativeEngine(tiny, level="mmx"), "no level 'mmx'"),
    ):
        with pytest.raises(EngineError, match=told):
            call()


def test_a_forked_process_is_told(tiny: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = NativeEngine(tiny)
    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: -1)
        with pytest.raises(EngineError, match="fork"):
            engine.step(1)
    engine.step(1)


def test_the_shapes_are_odd() -> None:
    assert any(g.hidden % 64 for g, *_ in SHAPES.values())
    assert any(g.hidden % 5 and g.vocabulary % 4 for g, *_ in SHAPES.values())
    assert {ports for _, ports, _ in SHAPES.values()} == {1, 2, 3, 4}
    narrow = [shaped(name, "base3", "small") for name, (*_, width) in SHAPES.items() if width == 8]
    pieces = {8 * (layout.padded(g).hidden // layout.lanes) for layout, g in narrow}
    assert any(piece % 16 for piece in pieces) and any(piece % 32 > 16 for piece in pieces)


def test_a_damaged_or_foreign_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.trit"
    image = synthetic_image(path, shaped("tiny", "base3", "default"))
    good = path.read_bytes()
    weight = image.header.records[0].offset + image.layer_layout.stream_offset(0)
    damaged = bytearray(good)
    damaged[weight] ^= 1
    foreign = good[:8] + good[8:12][::-1] + good[12:16][::-1] + good[16:]
    for data, told in (
        (bytes(damaged), "SHA-256 of 'layer 0' does not match"),
        (foreign, "format version 33554432"),
        (good[:-1], "truncated"),
    ):
        path.write_bytes(data)
        with pytest.raises(ImageError, match=told):
            load_engine(path, "native")
