"""The pynq package, imported when a board is used, or one sentence on how to get it."""

from __future__ import annotations

import warnings
from types import ModuleType

from tritstream.board.errors import BoardError


def import_pynq() -> ModuleType:
    """The module pynq. Raises BoardError where it is not installed or cannot be imported."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a missing XRT, on a PC
            import pynq
    except ImportError as error:
        raise BoardError(
            f"pynq cannot be imported ({error}): on a PYNQ board use the Python of its image, on a "
            f"PC run pip install 'tritstream[board]' (Python 3.10 to 3.12)"
        ) from error
    module: ModuleType = pynq
    return module
