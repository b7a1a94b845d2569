"""From a checkpoint, or another image, to a model image: quantise, fold, pack, read back."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tritstream.checkpoint import Checkpoint
from tritstream.checkpoint.json_object import json_object
from tritstream.configurations import DEFAULT_LAYOUT, Layout, layout_named
from tritstream.errors import CheckpointError, FileError, ImageError, OptionError
from tritstream.files import atomic_write, check_output
from tritstream.image.embedding import EMBEDDINGS, Embedding, quantise_embedding, row_bytes
from tritstream.image.header import MAGIC, ImageHeader
from tritstream.image.reader import Image, float_vector_lengths, open_image
from tritstream.image.records import RecordLayout
from tritstream.image.writer import ImageWriter, Progress, planned
from tritstream.models import shipped_models
from tritstream.packing.fold import fold_head, fold_layer
from tritstream.reference.weights import FloatWeights, weights_of_checkpoint, weights_of_image
from tritstream.text import Tokenizer

_LONGEST_PROVENANCE = 1 << 20
"""Bytes of a training.json, all of which goes into the image's header."""


@dataclass(frozen=True)
class PackReport:
    """Sizes of an image's parts in bytes (derived from the file), and of what it holds."""

    path: str
    header: ImageHeader
    header_bytes: int
    tokenizer_bytes: int
    embedding_bytes: int
    float_vector_bytes: int
    parameter_bytes: int
    trit_bytes: int
    padding_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class _Source:
    """What an image is made of. ``header`` has everything but the layout, places and hashes."""

    header: ImageHeader
    tokenizer: bytes
    embedding: Callable[[Layout], Embedding]
    vector: Callable[[str], npt.NDArray[np.float32]]
    """The float vectors, by tensor name."""
    weights: FloatWeights


def pack(
    model: str | os.PathLike[str],
    out_path: str | os.PathLike[str],
    *,
    layout: str | Layout = DEFAULT_LAYOUT,
    packing: str | None = None,
    profile: str | None = None,
    embedding: str | None = None,
    progress: Progress | None = None,
) -> PackReport:
    """Pack a checkpoint folder (or Hub id), or an image for another layout, into ``out_path``.

    An image may be that of a model of the package, by name, as everywhere.

    ``layout`` is that of the named configuration, the hardware that the image is for; software
    engines take any. ``packing`` ("base3" | "2bit") and ``profile`` ("default" | "small") change
    it. ``embedding`` is "fp16" (for a checkpoint where it is not given), "int8" or "3.5bit"; an
    image's stays as it is. Holds one matrix in float, one layer in trits and the embedding at a
    time; the same model gives the same bytes. The image is read back and every ternary weight
    compared before it takes its name. Raises CheckpointError, ImageError, ConfigurationError,
    OptionError, FileError.
    """
    if isinstance(model, str):
        model = shipped_models().get(model, model)
    _spare(out_path, check_output(out_path))
    _spare_input(out_path, Path(model))
    if isinstance(layout, str):
        layout = layout_named(layout, packing, profile)
    source = (_of_image if Path(model).is_file() else _of_checkpoint)(model, embedding)
    with atomic_write(out_path) as file:
        header, digests = _write(file, source, layout, progress)
        file.flush()
        # The weights are compared where they will be read from, before the file takes its name.
        _compare(open_image(file.name), digests)
        return _report(str(out_path), header)


def _spare(out_path: str | os.PathLike[str], before: os.stat_result | None) -> None:
    """Raise FileError for a file with anything in it that is no model image."""
    if before is None or not stat.S_ISREG(before.st_mode) or not before.st_size:
        return
    try:
        with open(out_path, "rb") as file:
            is_image = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise FileError(f"cannot write {out_path}: {error.strerror}") from error
    if not is_image:
        raise FileError(
            f"{out_path} exists and is no model image: remove it, or name another file with -o"
        )


def _spare_input(out_path: str | os.PathLike[str], model: Path) -> None:
    """Raise FileError for the image itself, and for a name among a checkpoint's own files."""
    out = Path(os.path.realpath(out_path))
    if out == Path(os.path.realpath(model)):
        raise FileError(f"{out_path} is what is to be packed: name another file with -o")
    if out.parent == Path(os.path.realpath(model)) and out.suffix != ".trit":
        raise FileError(
            f"{out_path} would lie among the checkpoint's own files: name one that ends in .trit, "
            f"or another folder"
        )


def _of_checkpoint(folder: str | os.PathLike[str], embedding: str | None) -> _Source:
    kind = embedding or "fp16"
    if kind not in EMBEDDINGS:
        row_bytes(kind, 1)
    checkpoint = Checkpoint.open(folder)
    c, weights = checkpoint.config, weights_of_checkpoint(checkpoint)
    tokenizer = _tokenizer_bytes(checkpoint)
    Tokenizer(tokenizer, source=str(checkpoint.tokenizer_path)).check_fits(c.vocab_size)
    header = ImageHeader(
        layout=layout_named(DEFAULT_LAYOUT),
        geometry=weights.geometry,
        embedding=kind,
        rms_norm_eps=c.rms_norm_eps,
        use_lower_bound=c.use_lower_bound,
        bos_token_id=c.bos_token_id,
        eos_token_id=c.eos_token_id,
        weight_scales={},
        sections=(),
        records=(),
        provenance=_provenance(checkpoint),
        add_bos_token=c.add_bos_token,
        chat_template=c.chat_template,
    )
    return _Source(
        header,
        tokenizer,
        lambda layout: quantise_embedding(
            checkpoint.embedding(), kind, layout.profile.residual_frac
        ),
        checkpoint.tensor,
        weights,
    )


def _of_image(path: str | os.PathLike[str], embedding: str | None) -> _Source:
    image = open_image(path)
    if embedding not in (None, image.header.embedding):
        raise OptionError(
            f"{path} keeps its embedding as {image.header.embedding}, which another layout does "
            f"not change: pack the checkpoint to have it as {embedding}"
        )
    return _Source(
        image.header,
        image.tokenizer_json or b"",
        lambda layout: image.embedding,
        image.float_vectors.__getitem__,
        weights_of_image(image),
    )


def _write(
    file: BinaryIO, source: _Source, layout: Layout, progress: Progress | None
) -> tuple[ImageHeader, dict[str, bytes]]:
    """Write the parts of one image in file order; its header, and digests of all matrices."""
    h, profile = source.header, layout.profile
    header = planned(replace(h, layout=layout), len(source.tokenizer))
    writer, g = ImageWriter(file, header, progress), h.geometry
    writer.put(header.section("tokenizer"), [source.tokenizer])
    table = source.embedding(layout)
    columns = b"" if table.columns is None else table.columns.astype("<i4").tobytes()
    writer.put(header.section("embedding"), [table.rows.reshape(-1)])
    writer.put(header.section("embedding_columns"), [columns])
    del table
    names = [name for name, _ in float_vector_lengths(g, h.use_lower_bound)]
    floats = [source.vector(name).astype("<f4").tobytes() for name in names]
    writer.put(header.section("float_vectors"), floats)

    scales: dict[str, float] = {}
    digests: dict[str, bytes] = {}
    layouts = {kind: RecordLayout(layout, g, kind) for kind in ("layer", "head")}
    for index in range(g.layers):
        layer = source.weights.layer(index)
        writer.put(header.records[index], [layouts["layer"].write(fold_layer(layer, profile))])
        for name, trits in layer.trits.items():
            scales[f"{index}.{name}"] = layer.norms[name].weight_scale
            digests[f"{index}.{name}"] = _digest(trits)
    head = source.weights.head()
    writer.put(header.records[-1], [layouts["head"].write(fold_head(head, profile))])
    scales["head"], digests["head"] = head.norm.weight_scale, _digest(head.trits)
    return writer.finish(scales), digests


def _digest(trits: npt.NDArray[np.int8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(trits)).digest()


def _compare(image: Image, digests: dict[str, bytes]) -> None:
    g = image.geometry
    for index in range(g.layers + 1):
        layout, record = image.layout(index), image.record(index)
        for phase in layout.phases:
            name = "head" if index == g.layers else f"{index}.{phase.matrix.name}"
            if _digest(layout.read_trits(record, phase.matrix.name)) != digests[name]:
                raise ImageError(
                    f"the weights of {name} read back from {image.source} differ from what was "
                    f"written: the disk or memory is failing"
                )


def _tokenizer_bytes(checkpoint: Checkpoint) -> bytes:
    try:
        return checkpoint.tokenizer_path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read the tokenizer: {error}") from error


def _provenance(checkpoint: Checkpoint) -> dict[str, Any]:
    path = checkpoint.folder / "training.json"
    if not path.is_file():
        return {}
    try:
        text = path.read_bytes()
        if len(text) > _LONGEST_PROVENANCE:
            raise ValueError(f"it has {len(text)} bytes, {_LONGEST_PROVENANCE} are supported")
        return json_object(text)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}; mend or remove it") from error


def _report(path: str, header: ImageHeader) -> PackReport:
    layouts = {k: RecordLayout(header.layout, header.geometry, k) for k in ("layer", "head")}
    counts = {"layer": header.geometry.layers, "head": 1}
    ports = header.layout.ports
    parameters = sum(counts[k] * v.parameter_bytes for k, v in layouts.items())
    trits = sum(counts[k] * ports * v.stream_bytes for k, v in layouts.items())
    sizes = {s.name: s.length for s in header.sections}
    last = header.records[-1]
    total = last.offset + last.length
    first = header.sections[0].offset
    embedding = sizes["embedding"] + sizes["embedding_columns"]
    known = first + sizes["tokenizer"] + embedding + sizes["float_vectors"] + parameters + trits
    return PackReport(
        path=path,
        header=header,
        header_bytes=first,
        tokenizer_bytes=sizes["tokenizer"],
        embedding_bytes=embedding,
        float_vector_bytes=sizes["float_vectors"],
        parameter_bytes=parameters,
        trit_bytes=trits,
        padding_bytes=total - known,
        total_bytes=total,
    )
