"""Reading a .trit image: memory-mapped, nothing copied, checked before use."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import stat
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritstream.caches import once
from tritstream.errors import ImageError
from tritstream.files import refuse_pointer
from tritstream.geometry import Geometry
from tritstream.image.check import CHECKED, check_values
from tritstream.image.embedding import LEVELS, Embedding, row_bytes
from tritstream.image.header import ImageHeader, Section, decode_header, header_digest
from tritstream.image.records import RecordLayout


@dataclass(frozen=True)
class Image:
    """An opened image. ``data`` is the whole file, read-only uint8, mapped and not read ahead."""

    source: str
    header: ImageHeader
    data: npt.NDArray[np.uint8]

    @property
    def geometry(self) -> Geometry:
        return self.header.geometry

    @cached_property
    def identity(self) -> str:
        """SHA-256 of what the model computes, however it is laid out: hexadecimal.

        Images of one checkpoint with the same number formats and embedding have the same, whatever
        hardware they are packed for. Weights enter by their scales: records lie differently.
        """
        h = self.header
        about = {
            "geometry": asdict(self.geometry),
            "profile": dict(h.layout.profile.table()),
            "embedding": h.embedding,
            "rms_norm_eps": h.rms_norm_eps,
            "use_lower_bound": h.use_lower_bound,
            "weight_scales": h.weight_scales,
            "sections": {s.name: s.sha256 for s in h.sections},
        }
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()

    def bytes_of(self, section: Section) -> npt.NDArray[np.uint8]:
        """The bytes of a section or record, a view of the mapped file."""
        return self.data[section.offset : section.offset + section.length]

    def record(self, index: int) -> npt.NDArray[np.uint8]:
        """Record ``index``: decoder layer, or the LM head at ``geometry.layers``."""
        return self.bytes_of(self.header.records[index])

    def layout(self, index: int) -> RecordLayout:
        """The layout of record ``index``."""
        return self.head_layout if index == self.geometry.layers else self.layer_layout

    @cached_property
    def layer_layout(self) -> RecordLayout:
        return RecordLayout(self.header.layout, self.geometry, "layer")

    @cached_property
    def head_layout(self) -> RecordLayout:
        return RecordLayout(self.header.layout, self.geometry, "head")

    def part(self, first: int, last: int) -> Image:
        """Layers ``first`` to ``last - 1`` and the LM head as an image of their own, for engines.

        Nothing is copied. Its records, geometry and embedding are right; its header's scales and
        the float vectors are the whole model's.
        """
        layers = self.geometry.layers
        if not 0 <= first < last <= layers:
            raise ImageError(f"{self.source} has {layers} layers, not {first} to {last - 1}")
        records = (*self.header.records[first:last], self.header.records[layers])
        geometry = replace(self.geometry, layers=last - first)
        return Image(
            self.source, replace(self.header, records=records, geometry=geometry), self.data
        )

    @cached_property
    def tokenizer_json(self) -> bytes | None:
        """The tokenizer.json of the checkpoint; None where it had none."""
        raw = self.bytes_of(self.header.section("tokenizer")).tobytes()
        return raw or None

    @cached_property
    def embedding(self) -> Embedding:
        """The embedding table, a view of the mapped file."""
        g, kind = self.geometry, self.header.embedding
        rows = self.bytes_of(self.header.section("embedding"))
        columns = None
        if kind in LEVELS:
            raw = self.bytes_of(self.header.section("embedding_columns"))
            columns = raw.view("<i4").reshape(2, g.hidden)
        return Embedding(
            kind,
            g.hidden,
            self.header.layout.profile.residual_frac,
            rows.reshape(g.vocabulary, row_bytes(kind, g.hidden)),
            columns,
        )

    @cached_property
    def float_vectors(self) -> dict[str, npt.NDArray[np.float32]]:
        """The checkpoint's norm weights and lower bounds as float32, by tensor name."""
        raw = self.bytes_of(self.header.section("float_vectors")).view("<f4")
        vectors, at = {}, 0
        for name, length in float_vector_lengths(self.geometry, self.header.use_lower_bound):
            vectors[name] = raw[at : at + length]
            at += length
        return vectors


def float_vector_lengths(geometry: Geometry, lower_bounds: bool) -> list[tuple[str, int]]:
    """Names and lengths of the float vectors, in the order in which an image stores them."""
    d, i = geometry.hidden, geometry.intermediate
    vectors = []
    for layer in range(geometry.layers):
        prefix = f"model.layers.{layer}."
        vectors += [
            (prefix + "attn_norm.weight", d),
            *((prefix + f"attn.{p}_proj.norm.weight", d) for p in "ifgo"),
            (prefix + "attn.g_norm.weight", d),
            (prefix + "mlp_norm.weight", d),
            (prefix + "mlp.gate_proj.norm.weight", d),
            (prefix + "mlp.down_proj.norm.weight", i),
        ]
    vectors += [("model.norm.weight", d), ("lm_head.norm.weight", d)]
    if lower_bounds:
        vectors.append(("model.lower_bounds", geometry.layers * d))
    return vectors


def open_image(path: str | os.PathLike[str], verify: bool = True) -> Image:
    """Map an image and check it: structure and sizes always, every hash and value if ``verify``.

    The values of an image that passed are not checked again: its hashes say that it is the same.

    Raises ImageError with what is wrong and where.
    """
    source = str(path)
    if Path(path).is_dir():
        raise ImageError(
            f"{source} is a folder, not a model image: `tritstream pack` makes an image from a "
            f"checkpoint"
        )
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):
        kind = None  # opening tells
    if kind is not None and not stat.S_ISREG(kind):
        raise ImageError(
            f"{source} is no regular file, and an image is mapped into memory: write it to a file "
            f"first"
        )
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise ImageError(f"{source} is empty: not a tritstream model image (.trit)")
            refuse_pointer(source, os.pread(file.fileno(), 64, 0))
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise ImageError(f"there is no model image {source}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot read {source}: {reason}") from error
    data = np.frombuffer(mapped, np.uint8)
    header = decode_header(memoryview(mapped), Path(source).name)
    image = Image(source, header, data)
    _check_sizes(image)
    if verify:
        verify_hashes(image)
        # The header, which its own hash protects, holds the hashes of all that the values are in.
        once(f"{CHECKED}-{header_digest(memoryview(mapped))}", lambda: check_values(image))
    return image


def verify_hashes(image: Image) -> None:
    """Compare every section's and record's SHA-256 with the header. Raises ImageError."""
    for section in (*image.header.sections, *image.header.records):
        if hashlib.sha256(image.bytes_of(section)).hexdigest() != section.sha256:
            raise ImageError(
                f"{image.source} is damaged: the SHA-256 of '{section.name}' does not match; "
                f"copy or pack it again"
            )


def _check_sizes(image: Image) -> None:
    g, h = image.geometry, image.header
    floats = sum(n for _, n in float_vector_lengths(g, h.use_lower_bound))
    expected = {
        "embedding": g.vocabulary * row_bytes(h.embedding, g.hidden),
        "embedding_columns": 8 * g.hidden if h.embedding in LEVELS else 0,
        "float_vectors": 4 * floats,
    }
    for name, length in expected.items():
        if h.section(name).length != length:
            raise ImageError(
                f"{image.source} is damaged: section '{name}' has {h.section(name).length} bytes, "
                f"{length} are expected"
            )
    for index, record in enumerate(h.records):
        if record.length != image.layout(index).record_bytes:
            raise ImageError(
                f"{image.source} is damaged: record '{record.name}' has {record.length} bytes, "
                f"{image.layout(index).record_bytes} are expected"
            )
