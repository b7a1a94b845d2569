"""Engines by name, each imported only when it is asked for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tritstream.board.options import BoardOptions
from tritstream.engines.base import Engine
from tritstream.errors import EngineError, OptionError
from tritstream.geometry import Geometry
from tritstream.image import Image, open_image


def _spec(image: Image) -> Engine:
    from tritstream.engines.spec import SpecEngine

    return SpecEngine(image)


def _csim(image: Image) -> Engine:
    from tritstream.engines.csim import CsimEngine

    return CsimEngine(image)


def _rtl(image: Image) -> Engine:
    from tritstream.engines.rtl import RtlEngine

    return RtlEngine(image)


def _float(precision: str) -> Callable[[Image], Engine]:
    def make(image: Image) -> Engine:
        from tritstream.engines.float import FloatEngine
        from tritstream.reference import weights_of_image

        return FloatEngine(weights_of_image(image), precision)

    return make


def _board(name: str) -> Callable[[Image], Engine]:
    def make(image: Image) -> Engine:
        from tritstream.engines.pynq import open_board_engine

        return open_board_engine(image, name)

    return make


ENGINES: dict[str, Callable[[Image], Engine]] = {
    "native": lambda image: engine_for(image, "native"),
    "spec": _spec,
    "csim": _csim,
    "rtl": _rtl,
    "pynq": _board("pynq"),
    "pynq-sim": _board("pynq-sim"),
    "float": _float("float64"),
    "float32": _float("float32"),
    "float16": _float("float16"),
}
"""Makers of engines by the name that `--engine` takes."""

BOARD_ENGINES = ("pynq", "pynq-sim")
_SLOW_FROM = 50_000_000
"""Ternary weights of which the float reference takes seconds a token."""
_FLOATS = {"float": "float64", "float32": "float32", "float16": "float16"}


def default_engine(image: Image | None = None) -> str:
    """The engine to use where none is named: on a board with an overlay for the image, the board.

    Elsewhere the software engine: native, or spec (with one warning) where it cannot. A board
    without an overlay that fits gets a warning too.
    """
    from tritstream.board.detect import board_here

    board = board_here() if image is not None else None
    if board is None or image is None:
        return _software_engine()
    from tritstream.board.overlays import find_for

    if find_for(image, board.name):
        return "pynq"
    software = _software_engine()
    warnings.warn(
        f"no overlay of {board.title} fits {image.source}: running the software engine {software}; "
        f"see `tritstream overlay list`",
        stacklevel=2,
    )
    return software


@cache
def _software_engine() -> str:
    from tritstream.native import load_core

    try:
        load_core()
    except EngineError as error:
        warnings.warn(f"falling back to the slow engine spec: {error}", stacklevel=2)
        return "spec"
    return "native"


def engine_for(
    image: Image,
    name: str,
    board: BoardOptions | None = None,
    threads: int | None = None,
) -> Engine:
    """The engine of a name on an image.

    ``native:LEVEL`` forces a dispatch level of the native engine, which alone takes ``threads``;
    ``board`` is for the board engines. Raises EngineError for an unknown name, OptionError for
    options of another engine.
    """
    base, colon, level = name.partition(":")
    if base not in ENGINES or (colon and base != "native"):
        raise EngineError(f"unknown engine '{name}': choose one of {', '.join(ENGINES)}")
    if threads is not None and base != "native":
        raise OptionError(f"engine '{name}' does not take --threads: only native does")
    if board is not None and base not in BOARD_ENGINES:
        raise OptionError(f"engine '{name}' takes no board options: use --engine pynq or pynq-sim")
    if base == "native":
        from tritstream.engines.native import NativeEngine

        return NativeEngine(image, level=level or None, threads=threads)
    if board is not None:
        from tritstream.engines.pynq import open_board_engine

        return open_board_engine(image, name, board)
    return ENGINES[name](image)


def _slow(folder: str | os.PathLike[str], geometry: Geometry) -> str | None:
    """What to say of a checkpoint that is run as it is, where that takes seconds a token.

    Measured at the 370M size on two cores: 0.36 tokens/s, and 72 of the packed image.
    """
    if geometry.ternary_weights < _SLOW_FROM:
        return None
    return (
        f"a checkpoint folder runs on the float reference, some 200 times slower than an image on "
        f"engine native: `tritstream pack {folder} -o model.trit`, then -m model.trit"
    )


def load_engine(
    path: str | os.PathLike[str],
    name: str | None = None,
    board: BoardOptions | None = None,
    threads: int | None = None,
) -> Engine:
    """An engine for an image file; the float ones also take a checkpoint folder.

    The options are those of `engine_for`. Raises what it does, and ImageError or CheckpointError
    for a bad model.
    """
    image = None
    if name is None:
        image = None if Path(path).is_dir() else open_image(path)
        name = default_engine(image)
    if name.partition(":")[0] not in ENGINES:
        raise EngineError(f"unknown engine '{name}': choose one of {', '.join(ENGINES)}")
    if Path(path).is_dir():
        if name not in _FLOATS:
            raise EngineError(
                f"engine '{name}' runs packed images, and {path} is a checkpoint folder: run "
                f"`tritstream pack {path} -o model.trit` first, or use --engine float"
            )
        if board is not None or threads is not None:
            option = "board options" if board is not None else "--threads"
            raise OptionError(f"engine '{name}' takes no {option}")
        from tritstream.checkpoint import Checkpoint
        from tritstream.engines.float import FloatEngine
        from tritstream.reference import weights_of_checkpoint

        weights = weights_of_checkpoint(Checkpoint.open(path))
        return FloatEngine(weights, _FLOATS[name], _slow(path, weights.geometry))
    return engine_for(image or open_image(path), name, board, threads)
