"""Small images for the native core, the levels that run here, and jobs for its C driver."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import numpy as np

from tritstream.bench.synthetic import write_synthetic
from tritstream.configurations import Layout
from tritstream.engines.native import describe
from tritstream.geometry import Geometry
from tritstream.image import Image, open_image
from tritstream.native import built, levels, load_core
from tritstream.native.library import MATRICES, SIGMOID_WORDS, Model

SOURCES = Path(__file__).parents[2] / "host" / "native" / "src"
DRIVER = Path(__file__).parents[1] / "native" / "driver.c"
FLAGS = (
    "-std=gnu11",
    "-fwrapv",
    "-fno-math-errno",
    "-ffp-contract=off",
    "-fno-tree-pre",
    "-pthread",
)

HERE = tuple(level.name for level in levels(load_core()) if level.runs_here) if built() else ()
"""Names of the dispatch levels that this machine runs."""

# Odd on purpose: sizes that fill no vector, row counts that fill no byte, one to four ports of 16
# or 8 bytes; with 8, a row group ends in every part of a vector that there is.
SHAPES = {
    "tiny": (Geometry(192, 256, 2, 512), 4, 16),
    "narrow": (Geometry(16, 48, 3, 33), 1, 16),
    "odd": (Geometry(130, 77, 2, 301), 4, 16),
    "two ports": (Geometry(200, 136, 2, 259), 2, 16),
    "three ports": (Geometry(97, 209, 1, 64), 3, 16),
    "wide": (Geometry(1030, 1411, 1, 123), 4, 16),
    "narrow ports": (Geometry(200, 349, 2, 259), 4, 8),
    "one narrow port": (Geometry(37, 90, 1, 64), 1, 8),
}


def shaped(shape: str, packing: str, profile: str) -> tuple[Layout, Geometry]:
    """A shape of SHAPES, in a layout with its ports."""
    geometry, ports, port_bytes = SHAPES[shape]
    return Layout(packing, profile, port_bytes * ports, ports), geometry


def synthetic_image(path: Path, bound: tuple[Layout, Geometry], seed: int = 0) -> Image:
    """A random image in a layout and of a geometry, written to ``path`` and opened."""
    write_synthetic(path, *bound, seed)
    return open_image(path)


def tokens(image: Image, count: int, seed: int = 1) -> list[int]:
    """Random token ids of an image's vocabulary."""
    vocabulary = image.geometry.vocabulary
    return [int(t) for t in np.random.default_rng(seed).integers(0, vocabulary, count)]


def compile_driver(
    compiler: str, out: Path, *flags: str, optimise: str = "-O2"
) -> subprocess.CompletedProcess[str]:
    """Compile the core and its C driver into one program."""
    sources = [str(p) for p in sorted(SOURCES.glob("*.c"))]
    return subprocess.run(
        [compiler, *FLAGS, optimise, *flags, f"-I{SOURCES}", str(DRIVER), *sources]
        + ["-o", str(out), "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )


def write_job(path: Path, image: Image, ids: list[int], batch: int = 8) -> None:
    """What the driver runs: int64 numbers, in the order in which driver.c reads them.

    Pointers become offsets into the image file, -1 standing for none.
    """
    model, alive = describe(image, batch, 1)
    base = image.data.ctypes.data

    def offset(pointer: int | None) -> int:
        return -1 if pointer is None else pointer - base

    def scalar(value: ctypes.Structure) -> list[int]:
        return [value.mantissa, value.exponent]  # type: ignore[attr-defined]

    numbers = [getattr(model, n) for n in ("hidden", "intermediate", "layers", "vocabulary")]
    numbers += [batch]
    profile = model.profile
    numbers += [getattr(profile, name) for name, kind in profile._fields_ if kind is ctypes.c_int32]
    e = model.embedding
    numbers += [offset(e.rows), offset(e.columns), e.row_bytes, e.kind]
    for m in _matrices(model):
        numbers += [offset(s) if s else -1 for s in m.streams]
        numbers += [m.rows, m.cols, m.groups, m.piece, m.ports, m.port_bytes, m.packing]
        numbers += [offset(m.norm.elements), *scalar(m.norm.scale), *scalar(m.norm.eps_square)]
        numbers += [*scalar(m.norm.eps), m.norm.square_exponent, offset(m.room)]
    words = SIGMOID_WORDS * (16 << profile.sigmoid_cells_log2)
    numbers += (ctypes.c_int32 * words).from_address(profile.sigmoid)
    numbers += [len(ids), *ids]
    path.write_bytes(np.array(numbers, "<i8").tobytes())
    del alive


def run_driver(
    command: list[str],
    image: Image,
    ids: list[int],
    folder: Path,
    level: str,
    threads: int,
    *more: str,
) -> tuple[subprocess.CompletedProcess[str], np.ndarray]:
    """Run a compiled driver on a job: the finished process, and the logits (2, T, V).

    First of all tokens in passes of several, then of one token at a time.
    """
    job, out = folder / "job", folder / "out"
    write_job(job, image, ids)
    out.unlink(missing_ok=True)
    done = subprocess.run(
        [*command, image.source, str(job), str(out), level, str(threads), *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    shape = (2, len(ids), image.geometry.vocabulary)
    raw = np.frombuffer(out.read_bytes(), "<f4") if out.exists() else np.zeros(0, "<f4")
    return done, raw.reshape(shape) if raw.size == np.prod(shape) else raw


def _matrices(model: Model) -> list[ctypes.Structure]:
    return [model.matrices[i] for i in range(model.layers * len(MATRICES) + 1)]
