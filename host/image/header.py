"""The first bytes of a .trit file: magic, version, and a JSON header that its own hash protects.

    0   8 bytes   b"TRITSTRM"
    8   u32       format version          12  u32  length of the JSON header
    16  32 bytes  SHA-256 of the JSON     48  the JSON, padded with spaces to a page

Everything is little endian. Every later byte of the file belongs to a section or a record that the
header names with offset, length and SHA-256, or is padding.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import asdict, dataclass, field
from typing import Any

from tritstream.configurations import Layout, round_up
from tritstream.errors import ConfigurationError, ImageError
from tritstream.files import known_kind
from tritstream.geometry import Geometry
from tritstream.image.embedding import EMBEDDINGS
from tritstream.image.records import PAGE
from tritstream.numerics import PROFILES

MAGIC = b"TRITSTRM"
VERSION = 2
_OLD_VERSION = 1
"""Read, and written no more."""
PREFIX = struct.Struct("<8sII32s")
MAX_HEADER_BYTES = 16 << 20
_LONGEST_TEMPLATE = 1 << 16
NO_HASH = "0" * 64
SECTIONS = ("tokenizer", "embedding", "embedding_columns", "float_vectors")
"""The sections of every image, in file order; one that a model does not need is empty."""


@dataclass(frozen=True)
class Section:
    """A named span of the file."""

    name: str
    offset: int
    length: int
    sha256: str = NO_HASH


@dataclass(frozen=True)
class ImageHeader:
    """What an image says about itself."""

    layout: Layout
    geometry: Geometry
    """As the checkpoint has it."""
    embedding: str
    rms_norm_eps: float
    use_lower_bound: bool
    bos_token_id: int | None
    eos_token_id: int | tuple[int, ...] | None
    """The token that ends a text, or all of several."""
    weight_scales: dict[str, float]
    """Scale of every ternary matrix (`<layer>.<matrix>` or `head`): value = trit * scale."""
    sections: tuple[Section, ...]
    records: tuple[Section, ...]
    """One per decoder layer, in order, then the LM head."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Where the model comes from, as the checkpoint's training.json says."""
    add_bos_token: bool | None = None
    """Whether a text begins with BOS; None leaves it to the tokenizer's post-processor."""
    chat_template: str | None = None
    """How messages become a text, in Jinja, if the model was made for chats."""

    def section(self, name: str) -> Section:
        for section in self.sections:
            if section.name == name:
                return section
        raise ImageError(f"the image has no section '{name}': pack the checkpoint again")


def encode_header(header: ImageHeader, size: int | None = None) -> bytes:
    """Prefix and JSON, padded to ``size`` bytes or else to the next page."""
    body = asdict(header)
    for name in ("add_bos_token", "chat_template"):
        if body[name] is None:
            del body[name]
    body["layout"] = header.layout.table()
    body["profile"] = header.layout.profile.table()
    text = json.dumps(body, sort_keys=True, ensure_ascii=True, allow_nan=False).encode()
    size = round_up(PREFIX.size + len(text), PAGE) if size is None else size
    if PREFIX.size + len(text) > size:
        raise AssertionError(f"the header's {len(text)} bytes do not fit the {size} planned for it")
    text = text.ljust(size - PREFIX.size)
    return PREFIX.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()) + text


def header_digest(data: memoryview) -> str:
    """The SHA-256 of the header that `decode_header` has accepted, 64 hex digits."""
    digest: bytes = PREFIX.unpack_from(data)[3]
    return digest.hex()


def decode_header(data: memoryview, source: str) -> ImageHeader:
    """Check and read the header at the start of a file's bytes.

    Raises ImageError for what is no image, is damaged, or was made by a newer version.
    """
    if len(data) < PREFIX.size or bytes(data[: len(MAGIC)]) != MAGIC:
        kind = known_kind(source, bytes(data[:16]))
        raise ImageError(f"{source} is not a tritstream model image (.trit){kind}")
    _, version, length, digest = PREFIX.unpack_from(data)
    if version not in (VERSION, _OLD_VERSION):
        raise ImageError(
            f"{source} has image format version {version}, this tritstream reads "
            f"{_OLD_VERSION} and {VERSION}: "
            + ("update tritstream" if version > VERSION else "pack the checkpoint again")
        )
    if length > MAX_HEADER_BYTES or PREFIX.size + length > len(data):
        raise ImageError(f"{source} is truncated or damaged: its header does not fit the file")
    text = bytes(data[PREFIX.size : PREFIX.size + length])
    if hashlib.sha256(text).digest() != digest:
        raise ImageError(f"{source} is damaged: the SHA-256 of its header does not match")
    try:
        body = json.loads(text)
        if version == _OLD_VERSION:
            _renew(body, source)
        elif sorted(body["layout"]) != ["lanes", "packing", "ports", "profile_name"]:
            raise ImageError(f"{source} is damaged: its layout is {body['layout']!r:.80}")
        header = _parse(body, source)
    # RecursionError: JSON nested deeper than the parser goes.
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ImageError(f"{source}: its header cannot be understood ({error!r})") from error
    _check_places(header, PREFIX.size + length, len(data), source)
    return header


def _parse(body: dict[str, Any], source: str) -> ImageHeader:
    profile = body.pop("profile")
    layout = body.pop("layout")
    name = layout["profile_name"]
    if name not in PROFILES:
        raise ImageError(
            f"{source} uses the unknown precision profile {name!r:.80}: known are "
            + ", ".join(sorted(PROFILES))
        )
    if PROFILES[name].table() != profile:
        raise ImageError(
            f"{source} was packed with other number formats under the name '{name}': pack the "
            f"checkpoint again with this version"
        )
    for key in ("lanes", "ports"):
        if type(layout[key]) is not int:
            raise ImageError(f"{source} is damaged: {key} is {layout[key]!r:.80}")
    try:
        geometry = Geometry(**body.pop("geometry"))
        packed_for = Layout(**layout)
        packed_for.padded(geometry)
    except ConfigurationError as error:
        raise ImageError(f"{source}: {error}") from error
    if isinstance(body["eos_token_id"], list):
        body["eos_token_id"] = tuple(body["eos_token_id"])
    header = ImageHeader(
        layout=packed_for,
        geometry=geometry,
        sections=tuple(Section(**s) for s in body.pop("sections")),
        records=tuple(Section(**s) for s in body.pop("records")),
        **body,
    )
    # First of all, because what follows makes lists as long as the geometry says.
    if len(header.records) != geometry.layers + 1:
        raise ImageError(f"{source} is damaged: {len(header.records)} records for {geometry}")
    wrong = _wrong_value(header)
    if wrong:
        raise ImageError(f"{source} is damaged: its header has the impossible {wrong}")
    return header


def _renew(body: dict[str, Any], source: str) -> None:
    """The JSON of format version 1 as that of this version: it had a whole configuration, whose
    element lanes were the word of the parameter blocks, and padded nothing."""
    configuration, element_bits = body.pop("configuration"), body["profile"]["element_bits"]
    element_lanes = configuration["element_lanes"]
    if element_lanes not in (4, 8, 16, 32) or element_bits not in (32, 64):
        raise ImageError(f"{source} is damaged: element_lanes is {element_lanes!r:.80}")
    body["geometry"] = configuration["geometry"]
    body["layout"] = {
        **{key: configuration[key] for key in ("packing", "profile_name", "lanes", "ports")},
        "parameter_word": element_lanes * element_bits // 8,
        "pads": False,
    }


def _wrong_value(header: ImageHeader) -> str | None:
    """The first value of a type or range that no packer writes, as `name value`."""
    vocabulary = header.geometry.vocabulary
    eps, scales = header.rms_norm_eps, header.weight_scales
    possible = {
        "embedding": header.embedding in EMBEDDINGS,
        "rms_norm_eps": isinstance(eps, float) and 0 < eps < 1,
        "use_lower_bound": isinstance(header.use_lower_bound, bool),
        "bos_token_id": _is_token(header.bos_token_id, vocabulary),
        "eos_token_id": _are_tokens(header.eos_token_id, vocabulary),
        "add_bos_token": header.add_bos_token is None or isinstance(header.add_bos_token, bool),
        "chat_template": _is_template(header.chat_template),
        "provenance": isinstance(header.provenance, dict),
    }
    for name, good in possible.items():
        if not good:
            return f"{name} {getattr(header, name)!r:.80}"
    if not isinstance(scales, dict) or sorted(scales) != sorted(matrix_names(header.geometry)):
        return "weight_scales: they are not one for each matrix"
    for name, scale in scales.items():
        if not (isinstance(scale, float) and 0 < scale < math.inf):
            return f"scale of {name} {scale!r:.80}"
    # Provenance is free, but it must survive being shown as JSON, which has no NaN.
    json.dumps(header.provenance, allow_nan=False)
    return None


def _is_template(value: Any) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST_TEMPLATE)


def _is_token(value: Any, vocabulary: int) -> bool:
    return value is None or (type(value) is int and 0 <= value < vocabulary)


def _are_tokens(value: Any, vocabulary: int) -> bool:
    """One token, or a tuple of several that differ, or None."""
    if not isinstance(value, tuple):
        return _is_token(value, vocabulary)
    each = all(type(v) is int and 0 <= v < vocabulary for v in value)
    return each and len(value) > 1 and len(set(value)) == len(value)


def matrix_names(geometry: Geometry) -> list[str]:
    """The keys of `weight_scales`: `<layer>.<matrix>` for every layer's matrices, then `head`."""
    layers = range(geometry.layers)
    return [f"{k}.{m.name}" for k in layers for m in geometry.layer_matrices] + ["head"]


def record_names(geometry: Geometry) -> list[str]:
    """The names of the records, in order."""
    return [f"layer {k}" for k in range(geometry.layers)] + ["head"]


def _check_places(header: ImageHeader, first: int, size: int, source: str) -> None:
    """Check that the parts are those that a packer writes, inside the file and apart.

    ``first`` is the byte behind the header, ``size`` the file's length.
    """
    if [r.name for r in header.records] != record_names(header.geometry):
        raise ImageError(f"{source} is damaged: its records are not the layers and the head")
    if [s.name for s in header.sections] != list(SECTIONS):
        raise ImageError(f"{source} is damaged: it has other sections than {', '.join(SECTIONS)}")
    parts = (*header.sections, *header.records)
    for part in parts:
        if any(type(v) is not int or v < 0 for v in (part.offset, part.length)) or (
            part.offset % PAGE
        ):
            raise ImageError(f"{source} is damaged: section '{part.name}' lies at a bad offset")
        if part.offset + part.length > size:
            raise ImageError(
                f"{source} is truncated: section '{part.name}' ends at byte "
                f"{part.offset + part.length}, the file at {size}"
            )
    end = first
    for part in sorted(parts, key=lambda p: (p.offset, p.length)):
        if part.length and part.offset < end:
            raise ImageError(f"{source} is damaged: section '{part.name}' overlaps another part")
        end = max(end, part.offset + part.length)
