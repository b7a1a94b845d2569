"""JSON from elsewhere."""

import json
from pathlib import Path
from typing import Any

from tritstream.files import refuse_pointer


def json_object(text: str | bytes) -> dict[str, Any]:
    """The object that a JSON text holds, behind a byte order mark if there is one.

    Raises ValueError, with a reason to show, for anything else: no JSON, numbers that JSON does
    not have (NaN), nesting deeper than the parser goes, a list.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it must hold a JSON object")
    return value


def json_file(path: Path) -> dict[str, Any]:
    """The object that a file holds. Raises OSError, ValueError as json_object, and FileError."""
    data = path.read_bytes()
    refuse_pointer(path, data)
    return json_object(data)


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is not a JSON number")
