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
import struct
from dataclasses import asdict, dataclass, field
from typing import Any

from tritstream.configurations import Configuration
from tritstream.errors import ConfigurationError, ImageError
from tritstream.geometry import Geometry
from tritstream.image.records import PAGE, round_up
from tritstream.numerics import PROFILES

MAGIC = b"TRITSTRM"
VERSION = 1
PREFIX = struct.Struct("<8sII32s")
MAX_HEADER_BYTES = 16 << 20
NO_HASH = "0" * 64


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

    configuration: Configuration
    """The build configuration, bound to the model's geometry."""
    embedding: str
    rms_norm_eps: float
    use_lower_bound: bool
    bos_token_id: int | None
    eos_token_id: int | None
    weight_scales: dict[str, float]
    """Scale of every ternary matrix (`<layer>.<matrix>` or `head`): value = trit * scale."""
    sections: tuple[Section, ...]
    records: tuple[Section, ...]
    """One per decoder layer, in order, then the LM head."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Where the model comes from, as the checkpoint's training.json says."""

    @property
    def geometry(self) -> Geometry:
        assert self.configuration.geometry is not None
        return self.configuration.geometry

    def section(self, name: str) -> Section:
        for section in self.sections:
            if section.name == name:
                return section
        raise ImageError(f"the image has no section '{name}': pack the checkpoint again")


def encode_header(header: ImageHeader, size: int | None = None) -> bytes:
    """Prefix and JSON, padded to ``size`` bytes or else to the next page."""
    body = asdict(header)
    body["profile"] = header.configuration.profile.table()
    text = json.dumps(body, sort_keys=True, ensure_ascii=True).encode()
    size = round_up(PREFIX.size + len(text), PAGE) if size is None else size
    if PREFIX.size + len(text) > size:
        raise AssertionError(f"the header's {len(text)} bytes do not fit the {size} planned for it")
    text = text.ljust(size - PREFIX.size)
    return PREFIX.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()) + text


def decode_header(data: memoryview, source: str) -> ImageHeader:
    """Check and read the header at the start of a file's bytes.

    Raises ImageError for what is no image, is damaged, or was made by a newer version.
    """
    if len(data) < PREFIX.size or bytes(data[: len(MAGIC)]) != MAGIC:
        raise ImageError(f"{source} is not a tritstream model image (.trit)")
    _, version, length, digest = PREFIX.unpack_from(data)
    if version != VERSION:
        raise ImageError(
            f"{source} has image format version {version}, this tritstream reads {VERSION}: "
            + ("update tritstream" if version > VERSION else "pack the checkpoint again")
        )
    if length > MAX_HEADER_BYTES or PREFIX.size + length > len(data):
        raise ImageError(f"{source} is truncated or damaged: its header does not fit the file")
    text = bytes(data[PREFIX.size : PREFIX.size + length])
    if hashlib.sha256(text).digest() != digest:
        raise ImageError(f"{source} is damaged: the SHA-256 of its header does not match")
    try:
        return _parse(json.loads(text), len(data), source)
    except (KeyError, TypeError, ValueError) as error:
        raise ImageError(f"{source}: its header cannot be understood ({error!r})") from error


def _parse(body: dict[str, Any], size: int, source: str) -> ImageHeader:
    profile = body.pop("profile")
    configuration = body.pop("configuration")
    geometry = Geometry(**configuration.pop("geometry"))
    name = configuration["profile_name"]
    if name not in PROFILES:
        known = ", ".join(sorted(PROFILES))
        raise ImageError(f"{source} uses the unknown precision profile '{name}' (known: {known})")
    if PROFILES[name].table() != profile:
        raise ImageError(
            f"{source} was packed with other number formats under the name '{name}': pack the "
            f"checkpoint again with this version"
        )
    try:
        bound = Configuration(geometry=geometry, **configuration)
    except ConfigurationError as error:
        raise ImageError(f"{source}: {error}") from error
    header = ImageHeader(
        configuration=bound,
        sections=tuple(Section(**s) for s in body.pop("sections")),
        records=tuple(Section(**s) for s in body.pop("records")),
        **body,
    )
    for section in (*header.sections, *header.records):
        if section.offset < 0 or section.length < 0 or section.offset % PAGE:
            raise ImageError(f"{source} is damaged: section '{section.name}' lies at a bad offset")
        if section.offset + section.length > size:
            raise ImageError(
                f"{source} is truncated: section '{section.name}' ends at byte "
                f"{section.offset + section.length}, the file at {size}"
            )
    if len(header.records) != geometry.layers + 1:
        raise ImageError(f"{source} is damaged: {len(header.records)} records for {geometry}")
    return header
