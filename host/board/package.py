"""The pynq package, imported when a board is used, or one sentence on how to get it."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from types import ModuleType

from tritstream.board.detect import board_here
from tritstream.board.errors import BoardError

_VARIABLE = "XILINX_XRT"
_DEFAULT = "/usr"
"""Where the boards' images have XRT."""


def import_pynq() -> ModuleType:
    """The module pynq, which on a board then finds it however this program was started.

    Raises BoardError where it is not installed or cannot be imported.
    """
    set_xrt()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a missing XRT, on a PC
            import pynq
    except ImportError as error:
        raise BoardError(
            f"pynq cannot be imported ({error}): on a PYNQ board use the Python of its image, on a "
            f"PC run pip install 'tritstream[board]' (Python 3.10 to 3.12)"
        ) from error
    except OSError as error:  # pynq 3.0 loads XRT's library on import, from where the variable says
        raise BoardError(
            f"pynq cannot load XRT ({error}), which {_VARIABLE}={os.environ.get(_VARIABLE)} names: "
            f"set it as the image's /etc/profile.d does, or unset it on a PC"
        ) from error
    module: ModuleType = pynq
    return module


def set_xrt(root: Path = Path("/")) -> None:
    """Set XILINX_XRT where the machine is a board of the table and it is not set.

    pynq looks for devices only where it is. The images set it for login shells, in /etc/profile.d;
    a command over ssh, sudo or a service gets none of that (Xilinx/PYNQ issue 1651).
    """
    if os.environ.get(_VARIABLE) or board_here(root) is None:
        return
    for path in sorted((root / "etc/profile.d").glob("*.sh")):
        try:
            said = re.search(rf"^\s*(?:export\s+)?{_VARIABLE}=(\S+)", path.read_text(), re.M)
        except (OSError, UnicodeDecodeError):
            continue
        if said and (root / said[1].strip("\"'").lstrip("/")).is_dir():
            os.environ[_VARIABLE] = said[1].strip("\"'")
            return
    os.environ[_VARIABLE] = _DEFAULT
