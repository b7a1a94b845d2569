"""From a released checkpoint to a model image: quantise, fold, pack, write, read back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from tritstream.checkpoint import Checkpoint
from tritstream.checkpoint.json_object import json_object
from tritstream.configurations import Configuration, configuration_for
from tritstream.errors import CheckpointError, ImageError
from tritstream.files import atomic_write
from tritstream.geometry import Geometry
from tritstream.image.embedding import EMBEDDINGS, LEVELS, quantise_embedding, row_bytes
from tritstream.image.header import ImageHeader, Section, encode_header
from tritstream.image.places import placed
from tritstream.image.reader import Image, float_vector_lengths, open_image
from tritstream.image.records import PAGE, RecordLayout, round_up
from tritstream.packing.fold import FloatNorm, fold_norm, fold_room
from tritstream.packing.quantise import lower_bounds, ternary
from tritstream.text import Tokenizer

Progress = Callable[[str, int, int], None]
"""Called with what has been written, the bytes written so far and the bytes of the whole image."""

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


def pack(
    checkpoint_dir: str | os.PathLike[str],
    out_path: str | os.PathLike[str],
    *,
    target: str = "generic",
    packing: str | None = None,
    profile: str | None = None,
    embedding: str = "fp16",
    progress: Progress | None = None,
) -> PackReport:
    """Pack a checkpoint folder (or Hub id) into one image at ``out_path``.

    ``target`` names the build configuration; ``packing`` ("base3" | "2bit") and ``profile`` may be
    chosen for the software target `generic` and must agree with the hardware of the others.
    ``embedding`` is "fp16", "int8" or "3.5bit". Holds one matrix and the embedding in float at a
    time; the same checkpoint gives the same bytes. The image is read back and every ternary weight
    compared before it takes its name. Raises CheckpointError, ConfigurationError, FileError.
    """
    if embedding not in EMBEDDINGS:
        row_bytes(embedding, 1)
    checkpoint = Checkpoint.open(checkpoint_dir)
    c = checkpoint.config
    geometry = Geometry(c.hidden_size, c.intermediate_size, c.num_hidden_layers, c.vocab_size)
    configuration = configuration_for(target, geometry, packing, profile)
    tokenizer = _tokenizer_bytes(checkpoint)
    Tokenizer(tokenizer, source=str(checkpoint.tokenizer_path)).check_fits(c.vocab_size)
    header = _plan(checkpoint, configuration, embedding, len(tokenizer))
    writer = _Writer(checkpoint, header, progress or (lambda what, done, total: None))
    with atomic_write(out_path) as file:
        header = writer.write(file, tokenizer)
        file.flush()
        # The weights are compared where they will be read from, before the file takes its name.
        _compare(open_image(file.name), writer.digests)
        return _report(str(out_path), header)


def _plan(
    checkpoint: Checkpoint, configuration: Configuration, embedding: str, tokenizer_bytes: int
) -> ImageHeader:
    """The header with every offset in place; hashes and scales are filled in while writing."""
    c, g = checkpoint.config, configuration.geometry
    assert g is not None
    header = ImageHeader(
        configuration=configuration,
        embedding=embedding,
        rms_norm_eps=c.rms_norm_eps,
        use_lower_bound=c.use_lower_bound,
        bos_token_id=c.bos_token_id,
        eos_token_id=c.eos_token_id,
        add_bos_token=c.add_bos_token,
        weight_scales={},
        sections=(),
        records=(),
        provenance=_provenance(checkpoint),
    )
    lengths = {
        "tokenizer": tokenizer_bytes,
        "embedding": g.vocabulary * row_bytes(embedding, g.hidden),
        "embedding_columns": 8 * g.hidden if embedding in LEVELS else 0,
        "float_vectors": 4 * sum(n for _, n in float_vector_lengths(g, c.use_lower_bound)),
    }
    return placed(header, lengths)


class _Writer:
    """Writes the parts of one image in file order and collects their hashes."""

    def __init__(self, checkpoint: Checkpoint, header: ImageHeader, progress: Progress) -> None:
        self.checkpoint = checkpoint
        self.header = header
        self.progress = progress
        self.digests: dict[str, bytes] = {}
        self._hashes: dict[str, str] = {}
        self._scales: dict[str, float] = {}
        last = header.records[-1]
        self._total = last.offset + last.length

    def write(self, file: BinaryIO, tokenizer: bytes) -> ImageHeader:
        header, g = self.header, self.header.geometry
        c = header.configuration
        self._put(file, header.section("tokenizer"), tokenizer)
        table = quantise_embedding(
            self.checkpoint.embedding(), header.embedding, c.profile.residual_frac
        )
        columns = b"" if table.columns is None else table.columns.astype("<i4").tobytes()
        self._put(file, header.section("embedding"), table.rows)
        self._put(file, header.section("embedding_columns"), columns)
        floats = [
            self.checkpoint.tensor(name).astype("<f4").tobytes()
            for name, _ in float_vector_lengths(g, header.use_lower_bound)
        ]
        self._put(file, header.section("float_vectors"), b"".join(floats))

        raw = self.checkpoint.lower_bounds()
        bounds = np.zeros((g.layers, g.hidden)) if raw is None else lower_bounds(raw)
        for layer in range(g.layers):
            self._put(file, header.records[layer], self._layer_record(layer, bounds[layer]))
        self._put(file, header.records[-1], self._head_record())

        final = replace(
            header,
            weight_scales=self._scales,
            sections=tuple(replace(s, sha256=self._hashes[s.name]) for s in header.sections),
            records=tuple(replace(s, sha256=self._hashes[s.name]) for s in header.records),
        )
        first = header.sections[0].offset
        file.seek(0)
        file.write(encode_header(final, first))
        return final

    def _put(self, file: BinaryIO, section: Section, data: bytes | npt.NDArray[np.uint8]) -> None:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        if len(view) != section.length:
            raise AssertionError(f"section {section.name}: {len(view)} bytes, not {section.length}")
        file.seek(section.offset)
        file.write(view)
        padding = round_up(section.length, PAGE) - section.length
        file.write(bytes(padding))
        self._hashes[section.name] = hashlib.sha256(view).hexdigest()
        self.progress(section.name, section.offset + section.length + padding, self._total)

    def _layer_record(self, layer: int, bound: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
        layout = RecordLayout(self.header.configuration, "layer")
        record = np.zeros(layout.record_bytes, np.uint8)
        read, eps = self.checkpoint.layer_tensor, self.header.rms_norm_eps
        blocks = {
            **dict.fromkeys("ifg", read(layer, "attn_norm.weight")),
            "o": read(layer, "attn.g_norm.weight"),
            "gate": read(layer, "mlp_norm.weight"),
            "down": None,
        }
        for matrix in self.header.geometry.layer_matrices:
            name = f"{'mlp' if matrix.name in ('gate', 'down') else 'attn'}.{matrix.name}_proj"
            trits, scale = ternary(read(layer, f"{name}.weight"))
            norm = _float_norm(blocks[matrix.name], read(layer, f"{name}.norm.weight"), eps, scale)
            room = fold_room(bound, layout.configuration.profile) if matrix.name == "f" else None
            self._store(record, layout, matrix.name, f"{layer}.{matrix.name}", trits, norm, room)
        return record

    def _head_record(self) -> npt.NDArray[np.uint8]:
        layout = RecordLayout(self.header.configuration, "head")
        record = np.zeros(layout.record_bytes, np.uint8)
        trits, scale = ternary(self.checkpoint.tensor("lm_head.weight"))
        read = self.checkpoint.tensor
        norm = _float_norm(
            read("model.norm.weight"), read("lm_head.norm.weight"), self.header.rms_norm_eps, scale
        )
        self._store(record, layout, "head", "head", trits, norm, None)
        return record

    def _store(
        self,
        record: npt.NDArray[np.uint8],
        layout: RecordLayout,
        matrix: str,
        name: str,
        trits: npt.NDArray[np.int8],
        norm: FloatNorm,
        room: npt.NDArray[np.int64] | None,
    ) -> None:
        profile = layout.configuration.profile
        layout.write_norm(record, matrix, fold_norm(matrix, norm, profile), room)
        layout.write_trits(record, matrix, trits)
        self._scales[name] = norm.weight_scale
        self.digests[name] = _digest(trits)


def _float_norm(
    block: npt.NDArray[np.float32] | None, own: npt.NDArray[np.float32], eps: float, scale: float
) -> FloatNorm:
    wide = None if block is None else block.astype(np.float64)
    return FloatNorm(wide, own.astype(np.float64), eps, scale)


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
    layouts = {k: RecordLayout(header.configuration, k) for k in ("layer", "head")}
    counts = {"layer": header.geometry.layers, "head": 1}
    ports = header.configuration.ports
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
