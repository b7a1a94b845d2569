"""Writing files so that a final name only ever holds a whole file, scratch folders, and hashing.

What a killed process leaves behind is found by its name and by its lock, which a process that is
gone does not hold, and is removed by the next one that writes there.
"""

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tritstream.errors import FileError

_CHUNK = 1 << 20
_POINTER = b"version https://git-lfs.github.com/spec/"
_PREFIX = "tritstream-"
_PART = ".part"
_LOCK = ".lock"
_STREAMS = {"/dev/stdout": "/dev/fd/1", "/dev/stderr": "/dev/fd/2"}
_YOUNG_S = 60.0
"""A leftover is older than this: between its making and its lock a file has neither."""


def refuse_pointer(path: str | os.PathLike[str], beginning: bytes) -> None:
    """Raise FileError where a file's first bytes say that it is a git-lfs pointer, and no more."""
    if beginning.startswith(_POINTER):
        raise FileError(
            f"{path} is a git-lfs pointer, which stands for the file in a clone without git-lfs: "
            f"run `git lfs pull` in its repository, or download the file itself"
        )


def known_kind(name: str, beginning: bytes) -> str:
    """What a file is that should be something else, and what to do with it; "" if that is unknown.

    For errors: ` (it is a gzip archive: unpack it first)`.
    """
    kinds = {
        b"\x1f\x8b": "a gzip archive: unpack it first",
        b"\x28\xb5\x2f\xfd": "compressed with Zstandard: unpack it first",
        b"\xfd7zXZ": "compressed with xz: unpack it first",
        b"PK\x03\x04": "a zip archive, or weights that PyTorch saved: unpack or convert it first",
        b"GGUF": "a model of llama.cpp: pack the checkpoint that it was made from",
        b"\x7fELF": "a program",
        b"\xff\xfe": "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`",
        b"\xfe\xff": "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`",
        b"TRITSTRM": "a model image",
    }
    for magic, kind in kinds.items():
        if beginning.startswith(magic):
            return f" (it is {kind})"
    if name.endswith(".safetensors"):
        return " (it is the weights of a checkpoint: name the folder that it lies in)"
    return ""


def read_bytes(path: Path) -> bytes:
    """What a file holds, or what is written to a pipe. Raises OSError, also for a pipe that nobody
    writes to, which would keep its reader waiting."""
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        beginning = b""
        if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            with suppress(BlockingIOError):  # somebody writes, and has written nothing yet
                beginning = os.read(file.fileno(), 1)
                if not beginning:
                    raise OSError(errno.EPIPE, "nobody writes to this pipe")
        os.set_blocking(file.fileno(), True)
        return beginning + file.read()


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file beside `path`; it takes that name only if the block ends normally.

    The data is flushed to the disk before the rename, so after a power cut the name holds either
    what was there before or all of the new file. On any exception, Ctrl-C included, the temporary
    file is removed and `path` is as it was. The file is readable as well as writable.

    A symbolic link stays, and what it points to is written. A file that is replaced passes on its
    mode and owner. A device or FIFO stays what it is, and gets everything when the block ends.

    Raises FileError where the folder is missing, the disk is full or writing is not permitted.
    """
    before = check_output(path)
    if _descriptor(path) is not None or (before and not stat.S_ISREG(before.st_mode)):
        with _poured(Path(path)) as file:
            yield file
        return
    final = _behind_links(path)
    _remove_leftovers(final.parent.glob(f".{_PREFIX}*{_PART}"))
    # Short, whatever the name is: a file system that holds the one holds the other.
    temporary = final.with_name(f".{_PREFIX}{secrets.token_hex(6)}{_PART}")
    renamed = False
    try:
        # Opened inside, under a name known before: Ctrl-C at any moment leaves nothing behind.
        with open(temporary, "x+b") as file:
            _lock(file.fileno())
            yield file
            file.flush()
            if before is not None:
                _pass_on(before, file.fileno())
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


def check_output(path: str | os.PathLike[str]) -> os.stat_result | None:
    """What is at `path` now, None for nothing; before long work whose result is to go there.

    Raises FileError where writing would fail: an empty name, a folder or socket of that name, a
    missing or protected folder, a protected file.
    """
    if not os.fspath(path):
        raise FileError("cannot write the output: the name of its file is empty")
    if _descriptor(path) is not None:
        return None
    try:
        found = os.stat(path)
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as error:
        raise FileError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}"
        ) from error
    if found is None and os.fspath(path).endswith(os.sep):
        raise FileError(f"cannot write {path}: it names a folder, which does not exist")
    if found is not None and stat.S_ISDIR(found.st_mode):
        raise FileError(f"cannot write {path}: it is a folder")
    if found is not None and stat.S_ISSOCK(found.st_mode):
        raise FileError(f"cannot write {path}: it is a socket")
    final = _behind_links(path)
    if found is None and not final.parent.is_dir():
        raise FileError(f"cannot write {path}: the folder {final.parent} does not exist")
    regular = found is None or stat.S_ISREG(found.st_mode)
    if (found is not None and not os.access(final, os.W_OK)) or (
        regular and not os.access(final.parent, os.W_OK | os.X_OK)
    ):
        raise FileError(f"cannot write {path}: {os.strerror(errno.EACCES)}")
    return found


def check_output_folder(path: str | os.PathLike[str]) -> None:
    """Raise FileError where `path` cannot be a folder to write into, or be made one."""
    folder = Path(path)
    try:
        there = next(p for p in (folder, *folder.absolute().parents) if os.path.lexists(p))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(f"cannot make the folder {path}: {reason}") from error
    if not there.is_dir():
        raise FileError(f"cannot make the folder {path}: {there} is no folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FileError(f"cannot write to the folder {there}: {os.strerror(errno.EACCES)}")


@contextmanager
def scratch_folder(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder that is gone after the block; in ``parent``, or where TMPDIR says.

    Those that killed processes have left there are removed. Raises FileError naming TMPDIR where
    none can be made.
    """
    base = Path(tempfile.gettempdir() if parent is None else parent)
    beginning = f"{'.' if parent else ''}{_PREFIX}"
    _remove_leftovers(base.glob(f"{beginning}*/{_LOCK}"))
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{beginning}{kind}-", dir=base))
    except OSError as error:
        raise FileError(
            f"cannot make a temporary folder in {base} ({error.strerror}): set TMPDIR to a folder "
            f"that can be written"
        ) from error
    try:
        with open(folder / _LOCK, "xb") as lock:
            _lock(lock.fileno())
            yield folder
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) and _within(error.filename, folder):
            raise FileError(
                f"the temporary folder {base} is full: free some space there, or set TMPDIR to "
                f"another folder"
            ) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


@contextmanager
def _poured(final: Path) -> Iterator[BinaryIO]:
    """A temporary file that is written into a device or FIFO in the end."""
    with tempfile.NamedTemporaryFile(prefix=_PREFIX) as file:
        yield file  # type: ignore[misc]
        file.flush()
        file.seek(0)
        try:
            # Without blocking, so that a FIFO that nobody reads is told and not waited for.
            target = _descriptor(final)
            if target is not None:
                target = os.dup(target)
            else:
                target = os.open(final, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
                os.set_blocking(target, True)
            with open(target, "wb") as writer:
                shutil.copyfileobj(file, writer, _CHUNK)
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise FileError(f"cannot write {final}: it is a FIFO that nobody reads") from error
            raise _explained(error, final) from error


def _behind_links(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.realpath(path) if os.path.islink(path) else path)


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """The number of an open file that a path such as /dev/stdout or /dev/fd/3 names."""
    name = _STREAMS.get(os.fspath(path), os.fspath(path))
    match = re.fullmatch(r"(?:/dev/fd|/proc/self/fd)/(\d+)", name)
    return int(match[1]) if match else None


def _pass_on(before: os.stat_result, file: int) -> None:
    """Give a file the owner and mode of the one that it replaces, as far as this user may."""
    with suppress(PermissionError):
        os.fchown(file, before.st_uid, before.st_gid)
    os.fchmod(file, stat.S_IMODE(before.st_mode))


def _lock(file: int) -> None:
    with suppress(OSError):  # a file system without locks: its leftovers stay
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_leftovers(found: Iterable[Path]) -> None:
    """Remove those files, or the folders of those lock files, whose process is gone."""
    for path in found:
        with suppress(OSError):
            info = path.lstat()
            if info.st_uid != os.getuid() or time.time() - info.st_mtime < _YOUNG_S:
                continue
            with open(path, "r+b") as file:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.name == _LOCK:
                    shutil.rmtree(path.parent, ignore_errors=True)
                else:
                    path.unlink()


def _within(name: object, folder: Path) -> bool:
    return name is None or (isinstance(name, str | os.PathLike) and folder in Path(name).parents)


def _explained(error: OSError, path: Path) -> FileError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FileError(f"cannot write {path}: the disk is full; free some space and try again")
    if error.errno == errno.ENOENT:
        return FileError(f"cannot write {path}: the folder {path.parent} does not exist")
    return FileError(f"cannot write {path}: {error.strerror or error}")
