"""Checks of arguments from Python callers, which the command line's parser makes for its own."""

import math
import operator
from typing import SupportsFloat

from tritstream.errors import OptionError


def whole_number(name: str, value: object) -> int:
    """`value` as an int, where it is one of any kind, NumPy's too. Raises OptionError."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise OptionError(f"{name} must be a whole number, not {value!r:.80}")


def number(name: str, value: object) -> float:
    """`value` as a float that is not NaN. Raises OptionError."""
    if isinstance(value, SupportsFloat) and not isinstance(value, bool | str | bytes):
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError):
            found = math.nan
        if not math.isnan(found):
            return found
    raise OptionError(f"{name} must be a number, not {value!r:.80}")


def text(name: str, value: object) -> str:
    """`value`, which must be a str. Raises OptionError."""
    if isinstance(value, str):
        return value
    raise OptionError(f"{name} must be a text (str), not {type(value).__name__} {value!r:.80}")
