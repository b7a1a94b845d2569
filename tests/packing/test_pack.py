"""From a checkpoint to an image and back."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint, rounded
from tritstream.checkpoint import Checkpoint
from tritstream.configurations import CONFIGURATIONS, ROWS_PER_BYTE, configuration_for
from tritstream.errors import ConfigurationError, ImageError
from tritstream.geometry import GEOMETRIES
from tritstream.image import EMBEDDINGS, RecordLayout, open_image
from tritstream.image.records import PAGE
from tritstream.packing import pack
from tritstream.packing.quantise import lower_bounds, ternary


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
    assert image.header.configuration.packing == packing
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


def test_the_released_geometry_at_base3_has_68_to_70_megabytes_of_trits() -> None:
    configuration = configuration_for("370m-kv260", GEOMETRIES["370m"])
    layer, head = (RecordLayout(configuration, k) for k in ("layer", "head"))
    trits = 4 * (24 * layer.stream_bytes + head.stream_bytes)
    assert 68e6 <= trits <= 70e6


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


def test_a_hardware_target_takes_only_its_own_geometry(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="built for"):
        pack(checkpoint, tmp_path / "m.trit", target="tiny")
    with pytest.raises(ConfigurationError, match="unknown build configuration"):
        pack(checkpoint, tmp_path / "m.trit", target="huge")
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


@pytest.mark.parametrize("name", [n for n, c in CONFIGURATIONS.items() if c.geometry])
def test_phases_fill_their_record(name: str) -> None:
    for kind in ("layer", "head"):
        layout = RecordLayout(CONFIGURATIONS[name], kind)
        word = layout.parameter_word_bytes
        assert word % 16 == 0 and layout.parameter_bytes % word == 0
        assert sum(p.words for p in layout.phases) * 16 == layout.stream_bytes


class TestDamage:
    """What a damaged, foreign or newer file says; nothing but an ImageError may come out."""

    @pytest.fixture
    def packed(self, checkpoint: Path, tmp_path: Path) -> Path:
        pack(checkpoint, tmp_path / "m.trit")
        return tmp_path / "m.trit"

    def test_flipped_bits_anywhere(self, packed: Path) -> None:
        original = packed.read_bytes()
        image = open_image(packed)
        spans = [(s.offset, s.length) for s in (*image.header.sections, *image.header.records)]
        for offset, length in [(48, 100), *[s for s in spans if s[1]]]:
            data = bytearray(original)
            data[offset + length // 2] ^= 4
            packed.write_bytes(data)
            with pytest.raises(ImageError, match="damaged"):
                open_image(packed)

    def test_truncated(self, packed: Path) -> None:
        data = packed.read_bytes()
        for keep in (0, 7, 40, 3000, len(data) // 2, len(data) - 4097):
            packed.write_bytes(data[:keep])
            with pytest.raises(ImageError):
                open_image(packed)

    def test_newer_version(self, packed: Path) -> None:
        data = bytearray(packed.read_bytes())
        data[8] = 9
        packed.write_bytes(data)
        with pytest.raises(ImageError, match="update tritstream"):
            open_image(packed)

    def test_not_an_image_and_missing(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_bytes(b"PK" * 5000)
        with pytest.raises(ImageError, match="not a tritstream model image"):
            open_image(tmp_path / "x")
        with pytest.raises(ImageError, match="no model image"):
            open_image(tmp_path / "y")


@pytest.mark.parametrize("size", [1.0, 0.37, 1e-4, 3.0])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_matrix_that_is_ternary_already_keeps_its_scale(size: float, dtype: str) -> None:
    """Saved as what it stands for, in any type, it must not shrink by its share of zeros."""
    trits = np.random.default_rng(2).integers(-1, 2, (300, 70)).astype(np.int8)
    stored = rounded((trits * size).astype(np.float32), dtype)
    again, scale = ternary(stored)
    np.testing.assert_array_equal(again, trits)
    assert scale == np.abs(stored).max()
    nearly = stored.copy()
    nearly[299, 69] = 1.001 * scale
    assert ternary(nearly)[1] == pytest.approx(np.abs(nearly).mean(dtype=np.float64))
