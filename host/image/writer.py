"""Writing an image: its parts in file order, each hashed, then the header in front of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from tritstream.configurations import round_up
from tritstream.image.embedding import LEVELS, row_bytes
from tritstream.image.header import ImageHeader, Section, encode_header
from tritstream.image.places import placed
from tritstream.image.reader import float_vector_lengths
from tritstream.image.records import PAGE

Progress = Callable[[str, int, int], None]
"""Called with what has been written, the bytes written so far and the bytes of the whole image."""
Part = bytes | npt.NDArray[np.uint8]


def planned(header: ImageHeader, tokenizer_bytes: int) -> ImageHeader:
    """The header with every offset in place; hashes and scales are filled in while writing."""
    g = header.geometry
    lengths = {
        "tokenizer": tokenizer_bytes,
        "embedding": g.vocabulary * row_bytes(header.embedding, g.hidden),
        "embedding_columns": 8 * g.hidden if header.embedding in LEVELS else 0,
        "float_vectors": 4 * sum(n for _, n in float_vector_lengths(g, header.use_lower_bound)),
    }
    header.layout.padded(g)  # refuses what would be too large
    return placed(replace(header, weight_scales={}, sections=(), records=()), lengths)


class ImageWriter:
    """Writes the parts of an image that has been planned; `finish` when all are written."""

    def __init__(self, file: BinaryIO, header: ImageHeader, progress: Progress | None) -> None:
        self.header = header
        self._file = file
        self._progress = progress or (lambda what, done, total: None)
        self._hashes: dict[str, str] = {}
        last = header.records[-1]
        self._total = last.offset + last.length

    def put(self, section: Section, parts: Iterable[Part]) -> None:
        """Write a section or a record, which may come in parts, and fill its last page up."""
        digest, length = hashlib.sha256(), 0
        self._file.seek(section.offset)
        for part in parts:
            view = memoryview(part).cast("B") if len(part) else memoryview(b"")
            self._file.write(view)
            digest.update(view)
            length += len(view)
        if length != section.length:
            raise AssertionError(f"section {section.name}: {length} bytes, not {section.length}")
        padding = round_up(length, PAGE) - length
        self._file.write(bytes(padding))
        self._hashes[section.name] = digest.hexdigest()
        self._progress(section.name, section.offset + length + padding, self._total)

    def finish(self, weight_scales: Mapping[str, float]) -> ImageHeader:
        """Write the header, which is returned, with the hashes of everything written."""
        header = self.header
        final = replace(
            header,
            weight_scales=dict(weight_scales),
            sections=tuple(replace(s, sha256=self._hashes[s.name]) for s in header.sections),
            records=tuple(replace(s, sha256=self._hashes[s.name]) for s in header.records),
        )
        self._file.seek(0)
        self._file.write(encode_header(final, header.sections[0].offset))
        return final
