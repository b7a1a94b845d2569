"""Where the parts of an image go: sections and records behind the header, each on a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tritstream.configurations import round_up
from tritstream.image.header import (
    SECTIONS,
    ImageHeader,
    Section,
    encode_header,
    matrix_names,
    record_names,
)
from tritstream.image.records import PAGE, RecordLayout


def placed(header: ImageHeader, lengths: Mapping[str, int]) -> ImageHeader:
    """The header with the place of every section and record; hashes and scales come later.

    ``lengths`` gives the bytes of each of SECTIONS; records have the length of their layout. What
    is not known yet stands there with its greatest length, so that the final header fits into the
    bytes before the first section.
    """
    g = header.geometry
    header = replace(
        header,
        weight_scales=dict.fromkeys(matrix_names(g), -1.2345678901234567e-300),
        sections=tuple(Section(name, 1 << 40, lengths[name]) for name in SECTIONS),
        records=tuple(Section(name, 1 << 40, 1 << 40) for name in record_names(g)),
    )
    at = len(encode_header(header))
    sections = []
    for section in header.sections:
        sections.append(replace(section, offset=at))
        at += round_up(section.length, PAGE)
    records = []
    for i, record in enumerate(header.records):
        kind = "layer" if i < g.layers else "head"
        length = RecordLayout(header.layout, g, kind).record_bytes
        records.append(replace(record, offset=at, length=length))
        at += length
    return replace(header, sections=tuple(sections), records=tuple(records))
