"""Two engines, or an engine and a program, in alternation: A B A B, and the ratio pair by pair.

A machine's speed drifts; neighbouring runs share most of the drift, so the median of their ratios
is steadier than the ratio of two medians.
"""

from __future__ import annotations

import re
import shlex
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tritstream.errors import OptionError

DEFAULT_PATTERN = r"([0-9.]+)\s*(?:tokens/s|tok/s|t/s)"
"""What a program's rate looks like in what it prints."""

_TIMEOUT_S = 900


@dataclass(frozen=True)
class Comparison:
    """Rates of the pairs in tokens a second, measured."""

    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios."""
        return statistics.median(self.ratios)


def compare(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Comparison:
    """Take both rates in turn, ``rounds`` times."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Comparison([a for a, _ in pairs], [b for _, b in pairs])


def rate_of_command(command: str, pattern: str = DEFAULT_PATTERN) -> float:
    """Run a program and take the last rate that it prints, in tokens a second.

    ``pattern`` is a regular expression whose first group is the number. Raises OptionError where
    the program cannot be run, fails or prints no rate.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise OptionError(f"the pattern {pattern!r} is no regular expression: {error}") from error
    if expression.groups < 1:
        raise OptionError(f"the pattern {pattern!r} needs a group around the number")
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, ValueError) as error:
        raise OptionError(f"cannot run the command to compare with: {error}") from error
    except subprocess.TimeoutExpired:
        raise OptionError(f"`{command}` did not end within {_TIMEOUT_S} s") from None
    if done.returncode:
        raise OptionError(f"`{command}` failed with status {done.returncode}: {done.stderr[-500:]}")
    found = expression.findall(done.stdout + done.stderr)
    if not found:
        raise OptionError(
            f"`{command}` printed no rate that looks like {pattern!r}: give another with --pattern"
        )
    last = found[-1] if isinstance(found[-1], str) else found[-1][0]
    try:
        return float(last)
    except ValueError:
        raise OptionError(f"the pattern {pattern!r} found {last!r}, which is no number") from None
