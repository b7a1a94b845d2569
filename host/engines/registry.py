"""Engines by name, each imported only when it is asked for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tritstream.engines.base import Engine
from tritstream.errors import EngineError
from tritstream.image import Image, open_image


def _spec(image: Image) -> Engine:
    from tritstream.engines.spec import SpecEngine

    return SpecEngine(image)


def _native(image: Image) -> Engine:
    from tritstream.engines.native import NativeEngine

    return NativeEngine(image)


def _float(precision: str) -> Callable[[Image], Engine]:
    def make(image: Image) -> Engine:
        from tritstream.engines.float import FloatEngine
        from tritstream.reference import weights_of_image

        return FloatEngine(weights_of_image(image), precision)

    return make


ENGINES: dict[str, Callable[[Image], Engine]] = {
    "native": _native,
    "spec": _spec,
    "float": _float("float64"),
    "float32": _float("float32"),
    "float16": _float("float16"),
}
"""Makers of engines by the name that `--engine` takes."""

_FLOATS = {"float": "float64", "float32": "float32", "float16": "float16"}


@cache
def default_engine() -> str:
    """The engine to use where none is named: native, or spec, with one warning, where it cannot run."""
    from tritstream.native import load_core

    try:
        load_core()
    except EngineError as error:
        warnings.warn(f"falling back to the slow engine spec: {error}", stacklevel=2)
        return "spec"
    return "native"


def load_engine(path: str | os.PathLike[str], name: str | None = None) -> Engine:
    """An engine for an image file; the float ones also take a checkpoint folder.

    Raises EngineError for an unknown name, ImageError or CheckpointError for a bad model.
    """
    name = name or default_engine()
    if name not in ENGINES:
        raise EngineError(f"unknown engine '{name}': choose one of {', '.join(ENGINES)}")
    if Path(path).is_dir():
        if name not in _FLOATS:
            raise EngineError(
                f"engine '{name}' runs packed images, and {path} is a checkpoint folder: run "
                f"`tritstream pack {path} -o model.trit` first, or use --engine float"
            )
        from tritstream.checkpoint import Checkpoint
        from tritstream.engines.float import FloatEngine
        from tritstream.reference import weights_of_checkpoint

        return FloatEngine(weights_of_checkpoint(Checkpoint.open(path)), _FLOATS[name])
    return ENGINES[name](open_image(path))
