"""One process, one model, one board: an exclusive lock that ends with its holder.

The kernel gives the lock back when the process that holds it ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tritstream.board.errors import BoardBusyError, BoardError

LOCK_FILE = Path("/run/tritstream.lock")
"""Of the board that this machine is; only root can load overlays, and only root writes to /run."""


class BoardLock:
    """Held from its making until `release`.

    Raises BoardBusyError naming the process that has it, BoardError where the file cannot be had.
    """

    def __init__(self, path: Path = LOCK_FILE) -> None:
        try:
            self._file = open(path, "a+", encoding="ascii")  # noqa: SIM115 (held until release)
        except PermissionError as error:
            raise BoardError(f"loading an overlay needs root: {error}") from error
        except OSError as error:
            raise BoardError(f"cannot lock the board with {path}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            with self._file:
                self._file.seek(0)
                holder = self._file.read(20).strip()
            raise BoardBusyError(_refusal(holder)) from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()

    def __enter__(self) -> BoardLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _refusal(holder: str) -> str:
    if holder == str(os.getpid()):
        return (
            "the board is in use by another model of this very process: close that one first "
            "(model.close(), or restart the notebook's kernel)"
        )
    return (
        f"the board is in use by process {holder or 'unknown'}: let it end, shut down its "
        f"notebook, or stop it with `kill {holder or 'PID'}`"
    )
