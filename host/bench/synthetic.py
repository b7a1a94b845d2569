"""Random images of any shape: what speed needs of a model, without a checkpoint.

Trits are drawn as packed bytes and written record by record, so that an image of any size is made
in little memory. Trits are uniform and norm weights near one; no engine's work depends on them.
"""

from __future__ import annotations

import os

import numpy as np
import numpy.typing as npt

from tritstream.checkpoint.layout import matrix_tensors
from tritstream.configurations import Layout
from tritstream.errors import ConfigurationError
from tritstream.files import atomic_write
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image import ImageHeader, RecordLayout
from tritstream.image.reader import float_vector_lengths
from tritstream.image.trits import valid_bytes
from tritstream.image.writer import ImageWriter, planned
from tritstream.packing.fold import fold_norm, fold_room
from tritstream.reference.norms import FloatNorm
from tritstream.reference.quantise import lower_bounds

_EPS = 1e-6
_WEIGHT_SCALE = 0.02
_CHUNK_ROWS = 2048


def geometry_of(text: str) -> Geometry:
    """A geometry by name, or from `HIDDEN,INTERMEDIATE,LAYERS,VOCABULARY`.

    Raises ConfigurationError naming the known ones.
    """
    if text in GEOMETRIES:
        return GEOMETRIES[text]
    numbers = text.split(",")
    if len(numbers) != 4 or not all(n.strip().isdecimal() for n in numbers):
        raise ConfigurationError(
            f"unknown geometry '{text}': choose one of {', '.join(GEOMETRIES)}, or give "
            f"HIDDEN,INTERMEDIATE,LAYERS,VOCABULARY as four numbers"
        )
    return Geometry(*(int(n) for n in numbers))


def write_synthetic(
    path: str | os.PathLike[str], layout: Layout, geometry: Geometry, seed: int = 0
) -> None:
    """Write an image of random weights of a geometry, packed for a layout.

    The same seed gives the same bytes. It has an fp16 embedding and no tokenizer.
    Raises FileError where it cannot be written.
    """
    rng = np.random.default_rng(seed)
    g, header = geometry, _plan(layout, geometry)
    vectors = {
        name: rng.normal(0.0 if "lower" in name else 1.0, 0.1, length).astype(np.float32)
        for name, length in float_vector_lengths(g, header.use_lower_bound)
    }
    bounds = lower_bounds(vectors["model.lower_bounds"].reshape(g.layers, g.hidden))

    def rows(first: int) -> npt.NDArray[np.uint8]:
        count = min(_CHUNK_ROWS, g.vocabulary - first)
        values = rng.standard_normal((count, g.hidden), np.float32)
        return values.astype("<f2").reshape(-1).view(np.uint8)

    with atomic_write(path) as file:
        writer = ImageWriter(file, header, None)
        writer.put(header.section("tokenizer"), [])
        chunks = range(0, g.vocabulary, _CHUNK_ROWS)
        writer.put(header.section("embedding"), (rows(first) for first in chunks))
        writer.put(header.section("embedding_columns"), [])
        floats = np.concatenate(list(vectors.values())).astype("<f4")
        writer.put(header.section("float_vectors"), [floats.view(np.uint8)])
        for index, section in enumerate(header.records):
            head = index == g.layers
            bound = None if head else bounds[index]
            writer.put(section, [_record(layout, g, index, bound, vectors, rng)])
        writer.finish(dict.fromkeys(header.weight_scales, _WEIGHT_SCALE))


def _plan(layout: Layout, g: Geometry) -> ImageHeader:
    random = ImageHeader(
        layout=layout,
        geometry=g,
        embedding="fp16",
        rms_norm_eps=_EPS,
        use_lower_bound=True,
        bos_token_id=None,
        eos_token_id=None,
        weight_scales={},
        sections=(),
        records=(),
        provenance={"weights": "random, for measurements"},
    )
    return planned(random, tokenizer_bytes=0)


def _record(
    layout: Layout,
    geometry: Geometry,
    index: int,
    bound: npt.NDArray[np.float64] | None,
    vectors: dict[str, npt.NDArray[np.float32]],
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    places = RecordLayout(layout, geometry, "head" if bound is None else "layer")
    record = np.zeros(places.record_bytes, np.uint8)
    choice = np.flatnonzero(valid_bytes(layout.packing)).astype(np.uint8)
    for phase in places.phases:
        name = phase.matrix.name
        norm = fold_norm(name, _norm(name, index, vectors), layout.profile)
        room = fold_room(bound, layout.profile) if bound is not None else None
        places.write_norm(record, name, norm, room)
        if phase.padded != phase.matrix:
            trits = rng.integers(-1, 2, (phase.matrix.rows, phase.matrix.cols), np.int8)
            places.write_trits(record, name, trits)
            continue
        for port in range(layout.ports):
            stream = places.phase_stream(record, phase, port)
            stream[:] = choice[rng.integers(0, len(choice), stream.shape, np.uint8)]
    return record


def _norm(matrix: str, layer: int, vectors: dict[str, npt.NDArray[np.float32]]) -> FloatNorm:
    _, own, block = matrix_tensors(layer, matrix)
    wide = None if block is None else vectors[block].astype(np.float64)
    return FloatNorm(wide, vectors[own].astype(np.float64), _EPS, _WEIGHT_SCALE)
