"""What is done of a batch: kept line by line beside the output, which is written in the end."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from tritstream.errors import FileError
from tritstream.files import atomic_write, check_output

SUFFIX = ".journal"


class Journal:
    """Answers by number, appended as they come; see `open_journal`.

    Attributes:
        done: the answers so far.
    """

    def __init__(self, file: BinaryIO, path: Path, done: dict[int, dict[str, Any]]) -> None:
        self._file, self._path, self.done = file, path, done

    def add(self, number: int, answer: dict[str, Any]) -> None:
        """Keep an answer; one that is there already stays."""
        if number in self.done:
            return
        self._write([number, answer])
        self.done[number] = answer

    def _write(self, value: Any) -> None:
        try:
            self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise FileError(f"cannot write {self._path}: {error.strerror}") from error

    def finish(self, output: str | os.PathLike[str]) -> None:
        """Write the answers in their order, and remove the journal."""
        with atomic_write(output) as file:
            for number in sorted(self.done):
                line = json.dumps(self.done[number], ensure_ascii=False)
                file.write(line.encode() + b"\n")
        self._path.unlink(missing_ok=True)


@contextmanager
def open_journal(output: str | os.PathLike[str], batch: str, restart: bool) -> Iterator[Journal]:
    """The journal of an output file: a new one, or that of the same `batch`, to go on with.

    `restart` forgets what is there. Raises FileError for that of another batch, one that another
    process has open, and what cannot be written.
    """
    check_output(output)
    path = Path(f"{os.fspath(output)}{SUFFIX}")
    try:
        file = open(path, "a+b")  # noqa: SIM115 - closed below
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FileError(f"{path} is in use by another `tritstream batch`") from error
        if restart:
            file.truncate(0)
        done = _read(file, path, batch)
        journal = Journal(file, path, done)
        if file.tell() == 0:
            journal._write({"batch": batch})
        yield journal


def _read(file: BinaryIO, path: Path, batch: str) -> dict[int, dict[str, Any]]:
    """What a journal has; a last line that was not finished is cut off."""
    file.seek(0)
    whole, _, _ = file.read().rpartition(b"\n")
    file.truncate(len(whole) + 1 if whole else 0)
    file.seek(0, os.SEEK_END)
    if not whole:
        return {}
    try:
        head, *lines = (json.loads(line) for line in whole.split(b"\n"))
        found, done = head["batch"], {int(number): dict(answer) for number, answer in lines}
    except (ValueError, TypeError, KeyError) as error:
        raise FileError(f"{path} is damaged: --restart begins anew") from error
    if found != batch:
        raise FileError(
            f"{path} is of other prompts, options or another model: --restart forgets it and "
            f"begins anew, or name another output"
        )
    return done
