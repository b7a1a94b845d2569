"""A file of prompts: a JSON object or a text a line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tritstream.errors import FileError, OptionError
from tritstream.generation import Limits
from tritstream.sampling import Sampling

Line = dict[str, Any]
"""What is to be done with one line, every option in it: plain values only."""

_SAMPLING = ("temperature", "top_k", "top_p", "repetition_penalty", "seed")
_WRITING = {*_SAMPLING, "max_tokens", "stop", "special"}
_LONGEST_ID = 1000


def read_lines(text: str, source: str, defaults: Mapping[str, Any]) -> list[Line]:
    """The lines of a file, empty ones left out, with the options that they lack.

    A line is a text, or an object with ``prompt`` and any of `Sampling`'s options, ``max_tokens``,
    ``stop``, ``special`` and an ``id``; with ``continuation`` it is scored. Line n without a seed
    gets the default one plus n, from 0 on. Raises FileError naming the line.
    """
    lines: list[Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        if not raw.strip():
            continue
        try:
            lines.append(_line(json.loads(raw), len(lines), defaults))
        except (ValueError, RecursionError, OptionError) as error:
            reason = f"is no JSON: {error}" if isinstance(error, ValueError) else str(error)
            raise FileError(f"{source}, line {number}: {reason:.300}") from error
    if not lines:
        raise FileError(f"{source} has no prompt: write one a line, such as {_EXAMPLE}")
    return lines


_EXAMPLE = '{"prompt": "Once upon a time"}'


def digest(lines: list[Line], *about: str) -> str:
    """SHA-256 of the lines and of what they are done with: hexadecimal."""
    data = json.dumps([lines, about], sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def sampling_of(line: Line) -> Sampling:
    return Sampling(**{name: line[name] for name in _SAMPLING})


def limits_of(line: Line) -> Limits:
    return Limits(line["max_tokens"], line["stop"])


def _line(value: Any, index: int, defaults: Mapping[str, Any]) -> Line:
    given = {"prompt": value} if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise OptionError("a line must be a text or an object with a prompt")
    if not isinstance(given.get("prompt"), str):
        raise OptionError("the prompt must be a text")
    if "continuation" in given:
        allowed = {"prompt", "continuation", "special", "id"}
        if not isinstance(given["continuation"], str) or not given["continuation"]:
            raise OptionError("the continuation must be a text, and not an empty one")
    else:
        allowed = {"prompt", "id", *_WRITING}
    for field in given:
        if field not in allowed:
            raise OptionError(f"unknown field '{field:.40}'")
    if len(json.dumps(given.get("id"))) > _LONGEST_ID:
        raise OptionError(f"an id may have {_LONGEST_ID} characters")
    if not isinstance(given.get("special", False), bool):
        raise OptionError("special must be true or false")
    line = {**{k: v for k, v in defaults.items() if k in allowed}, **given}
    if "continuation" not in given:
        if "seed" not in given:
            line["seed"] = defaults["seed"] + index
        sampling_of(line)
        limits_of(line)
    return line
