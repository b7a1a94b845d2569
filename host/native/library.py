"""Finding the compiled core, loading it with ctypes, and its structures: `src/tritstream.h`."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, c_char_p, c_double, c_int, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from tritstream.errors import EngineError

INTERFACE = 7
"""TRITSTREAM_INTERFACE of the library that this file describes."""
MAX_PORTS = 4
MATRICES = ("i", "f", "g", "o", "gate", "down")
SATURATIONS = ("i", "f", "g", "gate", "residual", *(f"{name} scale" for name in MATRICES))
PACKINGS = {"base3": 0, "2bit": 1}
SIGMOID_WORDS = 4
EMBEDDINGS = {"fp16": 0, "int8": 1, "3.5bit": 2}


def _all(kind: Any, *names: str) -> tuple[tuple[str, Any], ...]:
    """Fields of one type."""
    return tuple((name, kind) for name in names)


class Scalar(ctypes.Structure):
    _fields_ = (("mantissa", c_int64), ("exponent", c_int64))


class Profile(ctypes.Structure):
    # fmt: off
    _fields_ = (
        *_all(
            c_int32, "residual_frac", "gate_frac", "sigmoid_frac", "sigmoid_cells_log2",
            "vector_bits", "gain_bits", "block_bits", "square_bits", "code_bits", "scale_bits",
            "element_bits", "reserved",
        ),
        ("sigmoid", c_void_p),
    )
    # fmt: on


class Norm(ctypes.Structure):
    _fields_ = (
        ("elements", c_void_p),
        *_all(Scalar, "scale", "eps_square", "eps"),
        ("square_exponent", c_int64),
    )


class Matrix(ctypes.Structure):
    _fields_ = (
        ("streams", c_void_p * MAX_PORTS),
        *_all(c_int64, "rows", "cols", "groups", "piece"),
        *_all(c_int32, "ports", "port_bytes", "packing", "reserved"),
        ("norm", Norm),
        ("room", c_void_p),
        ("blocks", c_void_p),
    )


class Embedding(ctypes.Structure):
    _fields_ = (
        *_all(c_void_p, "rows", "columns"),
        ("row_bytes", c_int64),
        *_all(c_int32, "kind", "reserved"),
    )


class Model(ctypes.Structure):
    _fields_ = (
        *_all(c_int64, "hidden", "intermediate", "layers", "vocabulary", "batch", "slots"),
        ("profile", Profile),
        ("embedding", Embedding),
        ("matrices", POINTER(Matrix)),
    )


class Draw(ctypes.Structure):
    _fields_ = (
        ("seen", c_void_p),
        ("penalty", c_double),
        ("temperature", c_double),
        ("top_p", c_double),
        ("top_k", c_int64),
    )


@dataclass(frozen=True)
class Level:
    """One dispatch level of the core: the operations compiled for one instruction set."""

    index: int
    name: str
    runs_here: bool


def built(folder: str | os.PathLike[str] | None = None) -> Path | None:
    """The compiled core in a folder (default: where it was installed), or None if there is none."""
    base = Path(__file__).parent if folder is None else Path(folder)
    return next((p for s in EXTENSION_SUFFIXES if (p := base / f"_core{s}").is_file()), None)


@cache
def load_core(path: str | os.PathLike[str] | None = None) -> ctypes.CDLL:
    """The core, loaded from its file. Raises EngineError where it is missing or cannot be used."""
    if sys.byteorder != "little":
        raise EngineError(
            "engine 'native' reads images as they lie in memory, which is little-endian, and this "
            "processor is big-endian: use --engine spec"
        )
    file = built() if path is None else Path(path)
    if file is None:
        raise EngineError(
            "engine 'native' was not compiled when tritstream was installed: install a C compiler "
            "(on Debian: apt-get install gcc libc6-dev) and install tritstream again, or use "
            "--engine spec"
        )
    try:
        core = ctypes.CDLL(str(file))
        interface = int(core.tritstream_interface())
    except (OSError, AttributeError) as error:
        raise EngineError(
            f"the native core {file} cannot be loaded ({error}): install tritstream again"
        ) from error
    if interface != INTERFACE:
        raise EngineError(
            f"the native core {file} was compiled from another version of tritstream (interface "
            f"{interface}, not {INTERFACE}): install tritstream again"
        )
    _declare(core)
    return core


def levels(core: ctypes.CDLL) -> tuple[Level, ...]:
    """The levels compiled into a core, fastest first."""
    found: list[Level] = []
    while name := core.tritstream_level(len(found)):
        runs = bool(core.tritstream_level_runs_here(len(found)))
        found.append(Level(len(found), name.decode(), runs))
    return tuple(found)


def choose_level(core: ctypes.CDLL, name: str | None) -> Level:
    """The level of a name, or the fastest that runs here. Raises EngineError where it cannot."""
    known = levels(core)
    usable = [level for level in known if level.runs_here]
    if name is None:
        return usable[0]
    chosen = next((level for level in known if level.name == name), None)
    choice = "choose one of " + ", ".join(level.name for level in usable)
    if chosen is None:
        raise EngineError(f"the native core has no level '{name}' for this processor: {choice}")
    if not chosen.runs_here:
        raise EngineError(f"this processor lacks the instructions of level '{name}': {choice}")
    return chosen


def _declare(core: ctypes.CDLL) -> None:
    engine = weights = c_void_p
    for name, result, arguments in (
        ("level", c_char_p, (c_int,)),
        ("level_runs_here", c_int, (c_int,)),
        ("weights_create", weights, (POINTER(Model), c_int)),
        ("weights_destroy", None, (weights,)),
        ("weights_bytes", c_int64, (weights,)),
        ("weights_memory", c_void_p, (weights,)),
        ("create", engine, (POINTER(Model), weights, c_int, c_int)),
        ("destroy", None, (engine,)),
        ("working_set", c_int64, (engine,)),
        (
            "run",
            None,
            (engine, c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_int64, c_void_p),
        ),
        ("residual", POINTER(c_int64), (engine, c_int64)),
        ("states", POINTER(c_int32), (engine,)),
        ("saturations", POINTER(c_int64), (engine,)),
        ("read", c_uint64, (engine, c_void_p, c_int64)),
        (
            "draw",
            c_int64,
            (c_void_p, c_int64, POINTER(Draw), c_double, c_void_p, c_void_p, c_void_p),
        ),
        ("operations", c_void_p, (c_int,)),
    ):
        function = getattr(core, f"tritstream_{name}")
        function.restype, function.argtypes = result, arguments
