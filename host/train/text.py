"""Plain text files, cleaned and split for training."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tritstream.errors import FileError, OptionError
from tritstream.files import known_kind, refuse_pointer
from tritstream.text.characters import universal

SEQUENCE = 10

TYPOGRAPHY = str.maketrans(
    {
        "\ufeff": "", "\u00a0": " ", "\t": " ", "\u2018": "'", "\u2019": "'", "\u201c": '"',
        "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u2026": "...", "\f": "\n",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One text file: its name, the SHA-256 of its bytes, and the documents of its two parts."""

    name: str
    sha256: str
    train: Sequence[str]
    validation: Sequence[str]


def read_source(path: Path, held_out: float, clean: bool, separator: str | None = None) -> Source:
    """Read a UTF-8 file and keep a part of it for validation, before anything else.

    held_out: share kept for validation. clean: apply `clean_prose` to each document. separator: a
    line that ends each document; then every 1 / held_out-th document is kept. Without one the
    file is one document, whose last part is split off at a paragraph's end.
    Raises FileError for a file that cannot be read or is not UTF-8, OptionError for one too short.
    """
    try:
        data = path.read_bytes()
        refuse_pointer(path, data)
        text = data.decode("utf-8")
    except OSError as error:
        raise FileError(f"cannot read the text file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        kind = known_kind(path.name, data[:16])
        raise FileError(
            f"{path} is not UTF-8 text (byte {error.start}){kind or '; convert it first'}"
        ) from error
    text = universal(text)
    train: tuple[str, ...]
    validation: tuple[str, ...]
    if separator is None:
        pieces = split(text, held_out)
        train, validation = ((piece,) if piece.strip() else () for piece in pieces)
    else:
        train, validation = split_documents(text, held_out, separator)
    if clean:
        train, validation = (tuple(map(clean_prose, part)) for part in (train, validation))
    if not any(document.strip() for document in train):
        raise OptionError(f"{path} holds no text to train on")
    return Source(path.name, hashlib.sha256(data).hexdigest(), train, validation)


def split_documents(
    text: str, held_out: float, separator: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The documents that end with a line `separator`: those to train on, those held out.

    Blanks around a document are dropped, and so are empty documents.
    """
    pieces = re.split(rf"^{re.escape(separator)}[ \t]*$", text, flags=re.M)
    documents = [piece.strip() for piece in pieces if piece.strip()]
    train, validation = every(range(len(documents)), held_out)
    return tuple(documents[k] for k in train), tuple(documents[k] for k in validation)


def every(places: range, held_out: float) -> tuple[list[int], list[int]]:
    """Places to train on and places held out, which are every 1 / held_out-th."""
    if held_out <= 0:
        return list(places), []
    step = max(round(1 / held_out), 2)
    return [k for k in places if k % step != step - 1], list(places[step - 1 :: step])


def drop_duplicates(sources: list[Source]) -> tuple[list[Source], int]:
    """Drop held-out documents whose text occurs in the training part of any source.

    A document goes when more than half of its sequences of SEQUENCE words (case and punctuation
    aside) occur there. Returns the sources and the number of documents dropped.
    """
    wanted = [[_sequences(d) for d in source.validation] for source in sources]
    held_out: set[str] = set().union(*(s for documents in wanted for s in documents))
    seen = {s for source in sources for d in source.train for s in _sequences(d) & held_out}
    kept = [
        tuple(
            d for d, s in zip(source.validation, documents, strict=True)
            if 2 * len(s & seen) <= len(s)
        )
        for source, documents in zip(sources, wanted, strict=True)
    ]  # fmt: skip
    dropped = sum(len(s.validation) - len(k) for s, k in zip(sources, kept, strict=True))
    return [replace(s, validation=k) for s, k in zip(sources, kept, strict=True)], dropped


def _sequences(document: str) -> set[str]:
    words = re.findall(r"[^\W_]+", document.lower())
    return {
        " ".join(words[k : k + SEQUENCE]) for k in range(max(len(words) - SEQUENCE, 0) + 1)
    }  # fmt: skip


def split(text: str, held_out: float) -> tuple[str, str]:
    """Cut at the first blank line (failing that, line end) after the first 1 - held_out."""
    if held_out <= 0:
        return text, ""
    at = int(len(text) * (1 - held_out))
    for separator in ("\n\n", "\n"):
        found = text.find(separator, at)
        # A separator far off would leave next to nothing for validation.
        if 0 <= found < at + (len(text) - at) // 2:
            return text[: found + len(separator)], text[found + len(separator) :]
    return text[:at], text[at:]


def clean_prose(text: str) -> str:
    """Typography in ASCII, one line per paragraph, a blank line between paragraphs.

    Verse keeps its lines. Drops illustration marks, rules and page numbers, underscores used as
    emphasis, hyphens that only break a word at a line end, and blanks before punctuation.
    """
    text = text.translate(TYPOGRAPHY)
    text = re.sub(r"\[Illustration[^\]]*\]", "", text)
    text = re.sub(r"(?<!\w)_([^_\n]+(?:\n[^_\n]+)?)_(?!\w)", r"\1", text)
    text = re.sub(r"^\s*(?:\d+ +[A-Z][A-Z .,']+|[A-Z][A-Z .,']+ \d+)\s*$", "", text, flags=re.M)
    words = set(re.findall(r"[a-z]{4,}", text))

    def join_word(match: re.Match[str]) -> str:
        whole = match[1] + match[2]
        return whole if whole.lower() in words else f"{match[1]}-{match[2]}"

    text = re.sub(r"(\w+)- *\n *([a-z]+)", join_word, text)
    blocks = [
        [line.strip() for line in block.split("\n") if line.strip()]
        for block in re.split(r"\n\s*\n", text)
    ]
    blocks = [block for block in blocks if block and re.search(r"[A-Za-z]", " ".join(block))]
    continuations = [line for block in blocks for line in block[1:]]
    capitals = sum(line[0].isupper() for line in continuations)
    all_verse = capitals > len(continuations) // 2
    return "".join(
        _tidy("\n".join(block) if all_verse or _is_verse(block) else " ".join(block)) + "\n\n"
        for block in blocks
    )


def _is_verse(lines: list[str]) -> bool:
    rest = [line.lstrip("\"'(") for line in lines[1:]]
    return len(rest) >= 2 and all(line[:1].isupper() for line in rest)


def _tidy(paragraph: str) -> str:
    paragraph = re.sub(r" {2,}", " ", paragraph)
    if re.search(r'(?:^|\s)"(?:\s|$)', paragraph):
        paragraph = _close_quotes(paragraph)
    return re.sub(r"(?<=\w) ([;:?!,])", r"\1", paragraph)


def _close_quotes(paragraph: str) -> str:
    """Move quotes that stand free, as in `" No, " said he`, to the words that they enclose."""
    parts = paragraph.split('"')
    # Odd parts are inside quotes; the text of a quote that is not closed runs to the end.
    inside = [part.strip() if k % 2 else part for k, part in enumerate(parts)]
    if len(parts) % 2 == 0 and len(parts) > 1:
        inside[-1] = parts[-1].strip()
    return '"'.join(inside)
