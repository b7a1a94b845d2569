"""Programs that are run, and libraries that are loaded: one way for all of it."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tritstream.errors import EngineError, FileError

LIMIT_S = 3600.0
"""For a compiler or generator, which takes minutes at most where nothing is wrong."""
_POLL_S = 0.02
_SHOWN = 3000
"""Characters of a failed program's output that are told."""


def run(
    command: Sequence[str | Path],
    what: str,
    *,
    environment: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> str:
    """Run a program to its end; what it wrote to standard error.

    Raises EngineError, which calls it ``what``, where it fails or is not done after ``limit_s``,
    and FileError where the temporary folder is full or lets no program run.
    """
    (said,) = run_all([command], what, environment=environment, limit_s=limit_s)
    return said


def run_all(
    commands: Iterable[Sequence[str | Path]],
    what: str,
    *,
    environment: Mapping[str, str] | None = None,
    limit_s: float = LIMIT_S,
) -> list[str]:
    """The same for several, as many at a time as there are processors (two at most).

    On any exception, Ctrl-C included, none of them is left running.
    """
    waiting = [[str(part) for part in command] for command in commands]
    most = min(os.cpu_count() or 1, 2)
    running: list[_Running] = []
    said: dict[int, str] = {}
    try:
        for number, command in enumerate(waiting):
            while len(running) == most:
                _collect(running, said, what, limit_s)
            running.append(_Running(number, command, what, environment))
        while running:
            _collect(running, said, what, limit_s)
    finally:
        for left in running:
            left.end()
    return [said[number] for number in range(len(waiting))]


def load_library(path: Path, variable: str) -> ctypes.CDLL:
    """A shared library that was made here.

    Raises FileError naming ``variable``, which says where it lies, where programs may not run.
    """
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        if "failed to map segment" in str(error):
            raise _noexec(path.parent, variable) from error
        raise EngineError(f"{path} cannot be loaded ({error}): remove it and try again") from error


class _Running:
    """A program that has been started; its output goes to files, which never fill up a pipe."""

    def __init__(
        self, number: int, command: list[str], what: str, environment: Mapping[str, str] | None
    ) -> None:
        self.number = number
        self.begun = time.monotonic()
        self.out, self.err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.out,
                stderr=self.err,
                env=None if environment is None else dict(environment),
            )
        except PermissionError as error:
            self._close()
            raise _noexec(Path(command[0]).parent, "TMPDIR") from error
        except OSError as error:
            self._close()
            raise EngineError(f"{what} cannot be run ({command[0]}: {error.strerror})") from error

    def text(self) -> tuple[str, str]:
        """What it wrote, to standard output and error."""
        texts = []
        for file in (self.out, self.err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        self._close()
        return texts[0], texts[1]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        self.out.close()
        self.err.close()


def _collect(running: list[_Running], said: dict[int, str], what: str, limit_s: float) -> None:
    """Wait until one program has ended, and take what it said."""
    while True:
        for each in running:
            status = each.process.poll()
            if status is not None:
                running.remove(each)
                out, err = each.text()
                said[each.number] = err
                if status:
                    raise _failed(what, status, (err or out).strip())
                return
            if time.monotonic() - each.begun > limit_s:
                raise EngineError(f"{what} was not done after {limit_s:.0f} s, and was ended")
        time.sleep(_POLL_S)


def _failed(what: str, status: int, text: str) -> EngineError | FileError:
    if re.search(r"No space left on device|Disk quota exceeded", text):
        return FileError(
            f"{what} failed, because the temporary folder {tempfile.gettempdir()} is full: free "
            f"some space there, or set TMPDIR to another folder"
        )
    how = f"was ended by signal {-status}" if status < 0 else f"failed with status {status}"
    return EngineError(f"{what} {how}:\n{text[-_SHOWN:]}")


def _noexec(folder: Path, variable: str) -> FileError:
    return FileError(
        f"programs may not run in {folder} (it is mounted noexec, or protected): set {variable} to "
        f"a folder where they may"
    )


def beside_python(name: str) -> str | None:
    """A program on the path, or in this Python's own folder, which need not be on it."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    return shutil.which(name, path=path)
