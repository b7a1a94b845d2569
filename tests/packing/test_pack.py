"""From a checkpoint to an image and back."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.checkpoint import Checkpoint
from tritstream.configurations import CONFIGURATIONS, ROWS_PER_BYTE, layout_named
from tritstream.engines.spec import SpecEngine
from tritstream.errors import ConfigurationError, FileError, OptionError
from tritstream.geometry import GEOMETRIES
from tritstream.image import EMBEDDINGS, RecordLayout, open_image
from tritstream.image.records import PAGE
from tritstream.model import load
from tritstream.packing import pack
from tritstream.reference.quantise import lower_bounds, ternary


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packing") / "model"
    return random_checkpoint(folder, hidden=80, intermediate=136, layers=2, vocab=301, shards=2)


def direct_trits(checkpoint: Path, name: str) -> np.ndarray:
    w = Checkpoint.open(checkpoint).tensor(name).astype(np.float64)
    return np.clip(np.rint(w / np.abs(w).mean()), -1, 1).astype(np.int8)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("packing", ROWS_PER_BYTE)
def test_every_weight_survives(
    checkpoint: Path, packing: str, embedding: str, tmp_path: Path
) -> None:
    path = tmp_path / "m.trit"
    report = pack(checkpoint, path, packing=packing, embedding=embedding, profile="small")
    image = open_image(path)
    assert path.stat().st_size == report.total_bytes
    assert image.header.layout.packing == packing
    for layer in range(2):
        for name, part in (*((n, "attn") for n in "ifgo"), ("gate", "mlp"), ("down", "mlp")):
            found = image.layer_layout.read_trits(image.record(layer), name)
            expected = direct_trits(checkpoint, f"model.layers.{layer}.{part}.{name}_proj.weight")
            assert np.array_equal(found, expected)
    head = image.head_layout.read_trits(image.record(2), "head")
    assert np.array_equal(head, direct_trits(checkpoint, "lm_head.weight"))
    assert image.float_vectors["model.norm.weight"].shape == (80,)
    assert image.tokenizer_json == (checkpoint / "tokenizer.json").read_bytes()


def test_packing_is_byte_identical(checkpoint: Path, tmp_path: Path) -> None:
    digests = set()
    for k in range(2):
        pack(checkpoint, tmp_path / f"{k}.trit")
        digests.add(hashlib.sha256((tmp_path / f"{k}.trit").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_records_lie_on_pages_and_ports_split_the_lanes(checkpoint: Path, tmp_path: Path) -> None:
    pack(checkpoint, tmp_path / "m.trit")
    image = open_image(tmp_path / "m.trit")
    layout, record = image.layer_layout, image.record(0)
    assert all(r.offset % PAGE == 0 for r in image.header.records)
    assert all(layout.stream_offset(p) % PAGE == 0 for p in range(4))
    # Word 0 of matrix i, lane 20 is byte 4 of port 1: column 20, rows 0 to 4, base 3.
    trits = direct_trits(checkpoint, "model.layers.0.attn.i_proj.weight")[:5, 20]
    x = int(sum(int(t + 1) * 3 ** (4 - r) for r, t in enumerate(trits)))
    assert record[layout.stream_offset(1) + 4] == -(-256 * x // 243)
    words = layout.words(layout.stream(record, 1))
    assert words.shape == (layout.stream_bytes // 16, 4)
    assert words[0, 1] & 255 == -(-256 * x // 243)


def test_the_released_geometry_at_base3_has_68_to_70_megabytes_of_trits() -> None:
    layout = layout_named("kv260")
    layer, head = (RecordLayout(layout, GEOMETRIES["370m"], k) for k in ("layer", "head"))
    trits = 4 * (24 * layer.stream_bytes + head.stream_bytes)
    assert 68e6 <= trits <= 70e6


@pytest.mark.parametrize("size", [1.0, 0.0123, 3e-6])
def test_a_matrix_that_is_ternary_already_keeps_its_scale(size: float) -> None:
    """In every block of rows, and where a saved model is read and quantised a second time."""
    trits = np.random.default_rng(3).integers(-1, 2, (700, 12)).astype(np.int8)
    weight = trits * np.float32(size)
    found, scale = ternary(weight)
    assert np.array_equal(found, trits)
    assert scale == float(np.float32(size))
    again, same = ternary(found * np.float32(scale))
    assert np.array_equal(again, trits) and same == scale
    # One weight of another size makes it an ordinary matrix.
    weight[650, 3] = np.float32(2 * size)
    assert ternary(weight)[1] != scale


def test_ternary_is_absmean() -> None:
    w = np.random.default_rng(0).normal(0, 0.02, (700, 30)).astype(np.float32)
    trits, scale = ternary(w)
    assert scale == pytest.approx(np.abs(w.astype(np.float64)).mean(), rel=1e-14)
    assert np.array_equal(trits, np.clip(np.rint(w.astype(np.float64) / scale), -1, 1))
    zeros, least = ternary(np.zeros((2, 2), np.float32))
    assert least == 1e-5 and not zeros.any()


def test_lower_bounds_rise_from_zero_towards_one() -> None:
    raw = np.random.default_rng(0).normal(0, 1, (5, 16)).astype(np.float32)
    bounds = lower_bounds(raw)
    assert np.all(bounds[0] == 0) and np.all(np.diff(bounds, axis=0) > 0) and np.all(bounds < 1)


def test_what_cannot_be_packed_for_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unknown layout"):
        pack(checkpoint, tmp_path / "m.trit", layout="huge")
    with pytest.raises(ConfigurationError, match="unknown profile"):
        pack(checkpoint, tmp_path / "m.trit", profile="huge")
    with pytest.raises(ConfigurationError, match="unknown embedding"):
        pack(checkpoint, tmp_path / "m.trit", embedding="int5")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_packing_leaves_nothing(checkpoint: Path, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        assert 0 < done <= total
        if what == "layer 1":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(checkpoint, tmp_path / "m.trit", progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_phases_fill_their_record(name: str) -> None:
    c = CONFIGURATIONS[name]
    for kind in ("layer", "head"):
        layout = RecordLayout(c.layout, c.sample, kind)
        assert layout.parameter_bytes % 16 == 0
        assert sum(p.words for p in layout.phases) * c.port_bytes == layout.stream_bytes


def test_padding_is_zero_and_the_halves_of_gate_are_apart(checkpoint: Path, tmp_path: Path) -> None:
    """80 columns are padded to the five words that drain, 112 rows of each half to 160."""
    pack(checkpoint, tmp_path / "m.trit", layout="z7020")
    image = open_image(tmp_path / "m.trit")
    g = image.geometry
    padded = image.layer_layout.padded
    assert (padded.hidden, padded.intermediate) == (160, 160) and g.hidden == 80
    whole = replace(image.layer_layout, geometry=padded)
    assert whole.record_bytes == image.layer_layout.record_bytes
    for name in ("i", "gate", "down"):
        trits = image.layer_layout.read_trits(image.record(0), name)
        inside = whole.read_trits(image.record(0), name)
        rows = np.arange(len(trits))
        if name == "gate":
            rows[g.intermediate :] += padded.intermediate - g.intermediate
        assert np.array_equal(inside[rows, : trits.shape[1]], trits)
        assert np.abs(inside).sum() == np.abs(trits).sum()
    norm = whole.read_norm(image.record(0), "i")
    assert not norm.gain[80:].any() and not norm.block[80:].any()
    assert not whole.read_room(image.record(1))[80:].any()


def test_an_image_is_packed_again_for_any_layout(checkpoint: Path, tmp_path: Path) -> None:
    """From one to another and back it is the same as from the checkpoint, to the byte."""
    for name, layout in (("a", "kv260"), ("b", "z7020"), ("c", "kv260")):
        source = checkpoint if name == "a" else tmp_path / f"{chr(ord(name) - 1)}.trit"
        pack(source, tmp_path / f"{name}.trit", layout=layout, embedding="int8")
    assert (tmp_path / "a.trit").read_bytes() == (tmp_path / "c.trit").read_bytes()
    pack(checkpoint, tmp_path / "d.trit", layout="z7020", embedding="int8")
    assert (tmp_path / "b.trit").read_bytes() == (tmp_path / "d.trit").read_bytes()
    with pytest.raises(OptionError, match="keeps its embedding as int8"):
        pack(tmp_path / "a.trit", tmp_path / "e.trit", embedding="fp16")


def test_an_image_of_format_version_1_is_read_and_packed_again(tmp_path: Path) -> None:
    old = Path(__file__).parents[1] / "data" / "version-1.trit"
    image = open_image(old)
    assert not image.header.layout.pads and image.geometry.hidden == 72
    logits = SpecEngine(image).logits([1, 2, 3])
    pack(old, tmp_path / "new.trit", layout="z7020")
    new = open_image(tmp_path / "new.trit")
    assert new.header.layout == layout_named("z7020")
    assert np.array_equal(SpecEngine(new).logits([1, 2, 3]), logits)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "new.bin"])
def test_packing_spares_its_own_input(tmp_path: Path, name: str) -> None:
    folder = random_checkpoint(tmp_path / "c", hidden=16, intermediate=32, layers=1)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    (tmp_path / "link").symlink_to(folder / name)
    for out in (folder / name, tmp_path / "link", folder / ".." / "c" / name):
        with pytest.raises(FileError, match=r"is no model image|checkpoint's own files"):
            pack(folder, out)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_packing_replaces_images_and_empty_files_and_nothing_else(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", hidden=16, intermediate=32, layers=1)
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear reader")
    with pytest.raises(FileError, match=r"letter\.txt exists and is no model image"):
        pack(folder, letter)
    assert letter.read_text() == "Dear reader"
    (tmp_path / "empty").touch()
    for out in (tmp_path / "empty", tmp_path / "empty", folder / "o.trit", folder / "o.trit"):
        pack(folder, out)
        assert out.read_bytes()[:8] == b"TRITSTRM"
    pack(folder, "/dev/null")
    assert Path("/dev/null").is_char_device()


def test_several_ends_and_bos_reach_the_image(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", hidden=16, intermediate=32, layers=1)
    out = tmp_path / "m.trit"
    pack(folder, out)
    first = open_image(out).header
    assert (first.eos_token_id, first.add_bos_token) == (2, None)
    (folder / "generation_config.json").write_text('{"eos_token_id": [2, 70]}')
    (folder / "tokenizer_config.json").write_text('{"add_bos_token": false}')
    pack(folder, out)
    header = open_image(out).header
    assert (header.eos_token_id, header.add_bos_token) == ((2, 70), False)
    loaded, packed = load(folder).tokenizer, load(out).tokenizer
    assert loaded.ends == packed.ends == {2, 70}
    assert loaded.start == packed.start == ()
