"""Where tritstream keeps what it can make again: one folder of the user's, for every cache."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tritstream.errors import FileError

_MARKS = 256
"""Checks that are remembered; the oldest are forgotten first."""
_ADVICE = "set XDG_CACHE_HOME to a folder that can be written, as an absolute path"


def cache_folder(name: str) -> Path:
    """The folder ``tritstream/<name>`` of the user's cache, which need not exist yet.

    The cache is XDG_CACHE_HOME, which as its specification says counts only when it is absolute, or
    else ``~/.cache``. Raises FileError where there is no home folder: never a folder named ~.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given, "tritstream", name)
    home = os.path.expanduser("~") if os.environ.get("HOME") != "" else ""
    if not os.path.isabs(home):
        raise FileError(f"there is no home folder to keep a cache in: {_ADVICE}")
    return Path(home, ".cache", "tritstream", name)


def made_cache_folder(name: str) -> Path:
    """The same, made where it is missing. Raises FileError where it cannot be."""
    return _made(cache_folder(name))


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def unwritable(folder: Path, error: OSError) -> FileError:
    """What to raise where a file of a cache cannot be written."""
    return FileError(f"cannot write to the cache folder {folder} ({error.strerror}): {_ADVICE}")


def yowasp_folder() -> Path:
    """Where YoWASP's Yosys keeps what it has compiled, which it would choose too.

    Raises FileError where it cannot be written.
    """
    given = os.environ.get("YOWASP_CACHE_DIR")
    return _made(Path(given) if given else cache_folder("").parent / "YoWASP")


def once(name: str, check: Callable[[], None]) -> None:
    """Run a check unless it has passed before under that name, which must say what is checked.

    Whether it has is an empty file in the cache. Without a cache it runs every time.
    """
    try:
        mark = made_cache_folder("checked") / name
    except FileError:
        mark = None
    if mark is not None and mark.is_file():
        return
    check()
    if mark is not None:
        # A full disk or a folder of somebody else's costs time at the next start, and nothing else.
        with suppress(OSError):
            mark.touch()
            marks = sorted(mark.parent.iterdir(), key=lambda path: path.stat().st_mtime)
            for old in marks[:-_MARKS]:
                old.unlink(missing_ok=True)
