"""Writing files so that a final name only ever holds a whole file, and hashing them."""

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tritstream.errors import FileError

_CHUNK = 1 << 20
_POINTER = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: str | os.PathLike[str], beginning: bytes) -> None:
    """Raise FileError where a file's first bytes say that it is a git-lfs pointer, and no more."""
    if beginning.startswith(_POINTER):
        raise FileError(
            f"{path} is a git-lfs pointer, which stands for the file in a clone without git-lfs: "
            f"run `git lfs pull` in its repository, or download the file itself"
        )


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file beside `path`; it takes that name only if the block ends normally.

    The data is flushed to the disk before the rename, so after a power cut the name holds either
    what was there before or all of the new file. On any exception, Ctrl-C included, the temporary
    file is removed and `path` is as it was. The file is readable as well as writable.

    Raises FileError where the folder is missing, the disk is full or writing is not permitted.
    """
    final = Path(path)
    if final.is_dir():
        raise FileError(f"cannot write {final}: it is a folder")
    temporary = final.with_name(f".{final.name}.{secrets.token_hex(6)}.part")
    renamed = False
    try:
        # Opened inside, under a name known before: Ctrl-C at any moment leaves nothing behind.
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, final)
        renamed = True
    except OSError as error:
        # Only what concerns this file is explained here: another file's error keeps its own story.
        if error.filename is None or Path(error.filename) == temporary:
            raise _explained(error, final) from error
        raise
    finally:
        if not renamed:
            temporary.unlink(missing_ok=True)


def atomic_write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` as the whole file `path`; see atomic_write."""
    with atomic_write(path) as file:
        file.write(data)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file as 64 hex digits, read in chunks. Raises FileError if unreadable."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()


def _explained(error: OSError, path: Path) -> FileError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FileError(f"cannot write {path}: the disk is full; free some space and try again")
    if error.errno == errno.ENOENT:
        return FileError(f"cannot write {path}: the folder {path.parent} does not exist")
    return FileError(f"cannot write {path}: {error.strerror or error}")
