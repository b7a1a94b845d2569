"""Hub data sets by name, as texts to train on (needs the `datasets` library)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from tritstream.errors import FileError, OptionError
from tritstream.train.text import Source, clean_prose, every

PREFIX = "hub:"
_NAME = re.compile(
    r"hub:(?P<name>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<config>[\w.-]+))?"
    r"(?::(?P<split>[^:]+))?(?::(?P<column>[^:]+))?"
)


@dataclass(frozen=True)
class _Rows(Sequence[str]):
    """Some rows of a text column, read when asked for."""

    column: Any
    places: range | list[int]
    clean: bool

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[str]: ...
    def __getitem__(self, at: int | slice) -> str | Sequence[str]:
        if isinstance(at, slice):
            return _Rows(self.column, self.places[at], self.clean)
        text = str(self.column[self.places[at]]).strip()
        return clean_prose(text) if self.clean else text

    def __iter__(self) -> Iterator[str]:
        return (self[k] for k in range(len(self)))


def read_hub(name: str, held_out: float, clean: bool, limit: int | None = None) -> Source:
    """A data set of the Hub: `hub:OWNER/NAME[@CONFIG][:SPLIT[:COLUMN]]`, one document a row.

    The split is `train` and the column `text` where not said. Every 1 / held_out-th row is kept
    for validation. limit: rows to use, from the first on. Rows stay on the disk, where the library
    keeps them. Raises OptionError for a name that makes no sense and where the library is missing,
    FileError where the data set cannot be loaded.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise OptionError(
            f"{name} is no Hub data set: write hub:OWNER/NAME, hub:OWNER/NAME:SPLIT or "
            "hub:OWNER/NAME@CONFIG:SPLIT:COLUMN"
        )
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise OptionError(f"{name} needs the library `datasets`: pip install datasets") from error
    split, column = match["split"] or "train", match["column"] or "text"
    try:
        data = load_dataset(match["name"], match["config"], split=split)
    except Exception as error:  # the library raises its own, its HTTP client's and the system's
        reason = str(error).strip().splitlines()
        raise FileError(
            f"cannot load {name}: {reason[0] if reason else type(error).__name__}"
        ) from error
    if column not in data.column_names:
        raise OptionError(f"{name} has no column {column!r}; it has {', '.join(data.column_names)}")
    rows = min(len(data), limit) if limit else len(data)
    train, validation = every(range(rows), held_out)
    if not train:
        raise OptionError(f"{name} holds no text to train on")
    said = "|".join(map(str, (match["name"], match["config"], split, column, rows)))
    digest = hashlib.sha256(said.encode()).hexdigest()
    texts = data[column]
    return Source(name, digest, _Rows(texts, train, clean), _Rows(texts, validation, clean))
