"""JSON from elsewhere."""

import json
from typing import Any


def json_object(text: str | bytes) -> dict[str, Any]:
    """The object that a JSON text holds.

    Raises ValueError, with a reason to show, for anything else: no JSON, numbers that JSON does
    not have (NaN), nesting deeper than the parser goes, a list.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("it must hold a JSON object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"it holds {constant}, which is not a JSON number")
