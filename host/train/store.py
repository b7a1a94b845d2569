"""The tokens of a run as files: made once, by one process, and read as memory maps by all.

So a text need not fit in memory, a resumed run does not tokenize again, and each process reads only
what it trains on. The files hold plain little-endian integers, uint16 where the vocabulary allows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tritstream.errors import CheckpointError, FileError, OptionError
from tritstream.files import atomic_write, atomic_write_bytes, sha256_of
from tritstream.train.corpus import Corpus, marks_of
from tritstream.train.text import Source

INDEX = "index.json"
TOKENIZER = "tokenizer.json"
PARTS = ("train", "validation")
_CHUNK = 1000


def key_of(sources: Iterable[Source], **settings: Any) -> str:
    """SHA-256 of everything that decides the tokens: the texts and what was done to them."""
    names = [[source.name, source.sha256] for source in sources]
    return hashlib.sha256(json.dumps([names, settings], sort_keys=True).encode()).hexdigest()


def write_store(folder: Path, key: str, tokenizer: Tokenizer, sources: list[Source]) -> None:
    """Tokenize every source into `folder`. The index comes last: without it nothing counts.

    Raises OptionError where nothing is left to validate on.
    """
    if not any(len(source.validation) for source in sources):
        raise OptionError("the texts are too short to keep a part for validation; give more text")
    marks = marks_of(tokenizer)
    tokenizer.encode_special_tokens = True  # a text about </s> does not end there
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / INDEX).unlink(missing_ok=True)
    except OSError as error:
        raise FileError(f"cannot write the folder {folder}: {error.strerror}") from error
    kind = "<u2" if tokenizer.get_vocab_size() <= 1 << 16 else "<u4"
    entries = []
    for number, source in enumerate(sources):
        entry: dict[str, Any] = {"name": source.name, "sha256": source.sha256}
        for part in PARTS:
            size = 0
            documents: Iterator[str] = iter(getattr(source, part))
            with atomic_write(folder / _file(number, part)) as file:
                while chunk := list(islice(documents, _CHUNK)):
                    size += sum(len(document.encode()) for document in chunk)
                    for one in tokenizer.encode_batch_fast(chunk, add_special_tokens=False):
                        file.write(np.array([*one.ids, marks.eos], dtype=kind).tobytes())
            entry[f"{part}_bytes"] = size
        entries.append(entry)
    atomic_write_bytes(folder / TOKENIZER, tokenizer.to_str(pretty=False).encode())
    index = {
        "key": key,
        "dtype": kind,
        "tokenizer": sha256_of(folder / TOKENIZER),
        "sources": entries,
    }
    atomic_write_bytes(folder / INDEX, json.dumps(index, indent=2).encode())


def holds(folder: Path, key: str) -> bool:
    """Whether `folder` has the tokens of this key, complete."""
    try:
        index: dict[str, Any] = json.loads((folder / INDEX).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(index, dict) and index.get("key") == key


def open_store(folder: Path) -> Corpus:
    """The tokens in `folder`. Raises CheckpointError where they are missing or damaged."""
    try:
        index = json.loads((folder / INDEX).read_text())
        if sha256_of(folder / TOKENIZER) != index["tokenizer"]:
            raise ValueError(f"{TOKENIZER} is another one")
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        entries, kind = index["sources"], np.dtype(index["dtype"])
        train, validation = (
            [_open(folder / _file(number, part), kind) for number in range(len(entries))]
            for part in PARTS
        )
        return Corpus(
            names=[entry["name"] for entry in entries],
            digests=[entry["sha256"] for entry in entries],
            tokenizer=tokenizer,
            train=train,
            validation=validation,
            train_bytes=[int(entry["train_bytes"]) for entry in entries],
            validation_bytes=[int(entry["validation_bytes"]) for entry in entries],
            marks=marks_of(tokenizer),
        )
    except (OSError, KeyError, TypeError, ValueError, FileError) as error:
        raise CheckpointError(
            f"the tokens in {folder} are damaged ({error}); remove the folder, and it is made anew"
        ) from error


def _file(number: int, part: str) -> str:
    return f"{number}-{part}.bin"


def _open(path: Path, kind: np.dtype[Any]) -> np.ndarray:
    if not path.stat().st_size:  # which cannot be mapped
        return np.zeros(0, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r")
