"""Plain text files, cleaned and split for training."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from tritstream.errors import FileError, OptionError
from tritstream.text.characters import universal

TYPOGRAPHY = str.maketrans(
    {
        "\ufeff": "", "\u00a0": " ", "\t": " ", "\u2018": "'", "\u2019": "'", "\u201c": '"',
        "\u201d": '"', "\u2013": "-", "\u2014": "--", "\u2026": "...", "\f": "\n",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One text file: its name, the SHA-256 of its bytes, and the two parts of its text."""

    name: str
    sha256: str
    train: str
    validation: str


def read_source(path: Path, held_out: float, clean: bool) -> Source:
    """Read a UTF-8 file and split its last part off, at a paragraph's end, before anything else.

    held_out: share of the characters kept for validation. clean: apply `clean_prose` to each part.
    Raises FileError for a file that cannot be read or is not UTF-8, OptionError for one too short.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise FileError(f"cannot read the text file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(
            f"{path} is not UTF-8 text (byte {error.start}); convert it first"
        ) from error
    text = universal(text)
    train, validation = split(text, held_out)
    if clean:
        train, validation = clean_prose(train), clean_prose(validation)
    if not train.strip():
        raise OptionError(f"{path} holds no text to train on")
    return Source(path.name, hashlib.sha256(data).hexdigest(), train, validation)


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
