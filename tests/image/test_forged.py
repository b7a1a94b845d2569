"""Images whose hashes are right and whose contents are not: files from elsewhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.errors import ImageError
from tritstream.image import Image, open_image
from tritstream.image.header import MAGIC, PREFIX, VERSION
from tritstream.packing import pack

Json = Any


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forged")
    random_checkpoint(folder / "c", hidden=64, intermediate=128, layers=2, vocab=259)
    pack(folder / "c", folder / "m.trit", embedding="fp16")
    return folder / "m.trit"


def forged(packed: Path, path: Path, change: Callable[[Json], Json]) -> Path:
    """A copy with another header, correctly hashed. ``change`` edits the JSON or replaces it."""
    data = packed.read_bytes()
    _, _, length, _ = PREFIX.unpack_from(data)
    body = json.loads(data[PREFIX.size : PREFIX.size + length])
    replaced = change(body)
    text = replaced if isinstance(replaced, bytes) else json.dumps(body).encode()
    text = text.ljust(length)
    assert len(text) == length, "the forged header must fit"
    prefix = PREFIX.pack(MAGIC, VERSION, length, hashlib.sha256(text).digest())
    path.write_bytes(prefix + text + data[PREFIX.size + length :])
    return path


def set_at(*keys: str | int, to: Json) -> Callable[[Json], None]:
    def change(body: Json) -> None:
        for key in keys[:-1]:
            body = body[key]
        body[keys[-1]] = to

    return change


def remove(key: str) -> Callable[[Json], None]:
    return lambda body: body.pop(key) and None


def overlapping(body: Json) -> None:
    body["records"][1]["offset"] = body["records"][0]["offset"]


HEADERS = {
    "layers without end": set_at("geometry", "layers", to=10**12),
    "a vocabulary without end": set_at("geometry", "vocabulary", to=10**12),
    "wide": set_at("geometry", "hidden", to=10**6),
    "a negative size": set_at("geometry", "hidden", to=-64),
    "a boolean size": set_at("geometry", "hidden", to=True),
    "a fractional size": set_at("geometry", "hidden", to=64.0),
    "fractional lanes": set_at("layout", "lanes", to=64.0),
    "no lanes": set_at("layout", "lanes", to=0),
    "many ports": set_at("layout", "ports", to=10**9),
    "the word of an old layout": set_at("layout", "parameter_word", to=32),
    "a packing of another kind": set_at("layout", "packing", to=["base3"]),
    "an unknown packing": set_at("layout", "packing", to="base5"),
    "an unknown profile": set_at("layout", "profile_name", to="huge"),
    "other formats under a known name": set_at("profile", "gate_frac", to=20),
    "an unknown embedding": set_at("embedding", to="int5"),
    "an embedding of another kind": set_at("embedding", to={}),
    "another embedding": set_at("embedding", to="int8"),
    "a negative eps": set_at("rms_norm_eps", to=-1e-6),
    "eps NaN": set_at("rms_norm_eps", to=float("nan")),
    "eps as text": set_at("rms_norm_eps", to="1e-6"),
    "lower bounds maybe": set_at("use_lower_bound", to="yes"),
    "lower bounds that are not there": set_at("use_lower_bound", to=False),
    "BOS outside the vocabulary": set_at("bos_token_id", to=259),
    "BOS as text": set_at("bos_token_id", to="1"),
    "a negative EOS": set_at("eos_token_id", to=-1),
    "a list of one EOS": set_at("eos_token_id", to=[2]),
    "EOS twice": set_at("eos_token_id", to=[2, 2]),
    "EOS of several kinds": set_at("eos_token_id", to=[2, [3]]),
    "BOS perhaps": set_at("add_bos_token", to=1),
    "template a number": set_at("chat_template", to=1),
    "provenance as a list": set_at("provenance", to=[1]),
    "provenance that JSON cannot show": set_at("provenance", to={"loss": float("inf")}),
    "scale NaN": set_at("weight_scales", "head", to=float("nan")),
    "scale zero": set_at("weight_scales", "0.i", to=0.0),
    "scale as text": set_at("weight_scales", "0.i", to="big"),
    "no scales": set_at("weight_scales", to={}),
    "scales as a number": set_at("weight_scales", to=7),
    "overlapping records": overlapping,
    "a section in the header": set_at("sections", 3, "offset", to=0),
    "a section off its page": set_at("sections", 1, "offset", to=4100),
    "a negative offset": set_at("records", 0, "offset", to=-4096),
    "a fractional offset": set_at("records", 0, "offset", to=4096.0),
    "a record beyond the end": set_at("records", 2, "offset", to=1 << 62),
    "a length beyond every machine": set_at("sections", 0, "length", to=10**30),
    "a record of another length": set_at("records", 0, "length", to=4096),
    "a section of another name": set_at("sections", 0, "name", to="tokeniser"),
    "records in another order": set_at("records", 0, "name", to="layer 1"),
    "records missing": set_at("records", to=[]),
    "records as text": set_at("records", to="many"),
    "an unknown key": set_at("surprise", to=1),
    "no profile": remove("profile"),
    "no geometry": set_at("geometry", to=None),
    "a layout as a list": set_at("layout", to=[]),
    "a list": lambda body: b"[]",
    "a number": lambda body: b"7",
    "nothing": lambda body: b"null",
    "no JSON": lambda body: b"{",
    "no text": lambda body: b"\xff\xfe",
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_forged_header_is_refused(packed: Path, tmp_path: Path, name: str) -> None:
    path = forged(packed, tmp_path / "bad.trit", HEADERS[name])
    with pytest.raises(ImageError, match=r"bad\.trit"):
        open_image(path, verify=False)


def test_a_deeply_nested_header_is_refused(packed: Path, tmp_path: Path) -> None:
    text = b"[" * 1_000_000
    prefix = PREFIX.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest())
    (tmp_path / "bad.trit").write_bytes(prefix + text)
    with pytest.raises(ImageError, match="cannot be understood"):
        open_image(tmp_path / "bad.trit")


def test_forging_itself_changes_nothing(packed: Path, tmp_path: Path) -> None:
    open_image(forged(packed, tmp_path / "same.trit", lambda body: None))


def poked(packed: Path, path: Path, span: str, poke: Callable[[Image, np.ndarray], None]) -> Path:
    """A copy with one section or record changed by ``poke``, correctly hashed."""
    image = open_image(packed)
    parts = {s.name: s for s in (*image.header.sections, *image.header.records)}
    changed = image.bytes_of(parts[span]).copy()
    poke(image, changed)

    def rehash(body: Json) -> None:
        for part in body["sections"] + body["records"]:
            if part["name"] == span:
                part["sha256"] = hashlib.sha256(changed).hexdigest()

    data = bytearray(forged(packed, path, rehash).read_bytes())
    data[parts[span].offset : parts[span].offset + len(changed)] = changed.tobytes()
    path.write_bytes(bytes(data))
    return path


def parameter(field: int, value: int) -> Callable[[Image, np.ndarray], None]:
    """Set one int32 of the scalars of phase `down`."""

    def poke(image: Image, record: np.ndarray) -> None:
        at = image.layer_layout.phase("down").header + 4 * field
        record[at : at + 4].view("<i4")[:] = value

    return poke


def room(value: int) -> Callable[[Image, np.ndarray], None]:
    def poke(image: Image, record: np.ndarray) -> None:
        at = image.layer_layout.phase("f").room
        assert at is not None
        record[at : at + 4].view("<i4")[:] = value

    return poke


def weight_byte(value: int) -> Callable[[Image, np.ndarray], None]:
    def poke(image: Image, record: np.ndarray) -> None:
        record[image.layer_layout.stream_offset(3) + 5] = value

    return poke


def last_bytes(data: bytes) -> Callable[[Image, np.ndarray], None]:
    def poke(image: Image, section: np.ndarray) -> None:
        section[-len(data) :] = np.frombuffer(data, np.uint8)

    return poke


VALUES = {
    "a negative mantissa": ("layer 1", parameter(0, -(1 << 30))),
    "a mantissa not normalised": ("layer 1", parameter(0, 1)),
    "an exponent without end": ("layer 1", parameter(1, 1 << 30)),
    "an exponent at the bottom": ("layer 1", parameter(2, -(1 << 31))),
    "a reserved field in use": ("layer 1", parameter(7, 1)),
    "a negative room": ("layer 0", room(-1)),
    "a room above one": ("layer 0", room((1 << 28) + 1)),
    "a byte that is not base 3": ("layer 1", weight_byte(1)),
    "an infinite embedding": ("embedding", last_bytes(b"\x00\x7c")),
    "an embedding of NaN": ("embedding", last_bytes(b"\x01\xfe")),
    "a norm of NaN": ("float_vectors", last_bytes(b"\x00\x00\xc0\x7f")),
}


@pytest.mark.parametrize("name", VALUES)
def test_forged_values_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    span, poke = VALUES[name]
    path = poked(packed, tmp_path / "bad.trit", span, poke)
    with pytest.raises(ImageError, match=r"bad\.trit cannot have been packed from a model"):
        open_image(path)


def test_a_room_of_exactly_one_is_fine(packed: Path, tmp_path: Path) -> None:
    open_image(poked(packed, tmp_path / "good.trit", "layer 0", room(1 << 28)))
