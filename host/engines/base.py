"""What every execution of a model offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.geometry import Geometry

Logits = npt.NDArray[np.float32]
Tokens = Sequence[int] | npt.NDArray[np.int64]
PREFILL_TOKENS = 256
"""Tokens of a prompt that the NumPy engines take at a time: a long prompt needs no more memory."""


@dataclass(frozen=True)
class EngineInfo:
    """What there is to say of an execution beside its name; None where it has no such thing."""

    note: str | None = None
    """A sentence for whoever waits for it: where weights are, or why this is slow."""
    level: str | None = None
    """Dispatch level of the native core."""
    threads: int | None = None
    clock_hz: float | None = None
    """The fabric's clock, read from the processor's dividers."""
    working_set_bytes: int | None = None
    """What it has allocated beside the image."""
    saturations: Mapping[str, int] | None = None
    """How often values were cut to their format's range since it was made, by operation. None for
    an execution that does not count them: float has no formats, hardware no counters."""


class Engine(Protocol):
    """One model in one execution, with a recurrent state that `step` and `prefill` advance."""

    @property
    def name(self) -> str:
        """The execution's name, as `--engine` takes it."""

    @property
    def geometry(self) -> Geometry: ...

    @property
    def info(self) -> EngineInfo:
        """What there is to say of it now."""

    def close(self) -> None:
        """Give back what it holds beyond this process, such as a board's memory."""

    def reset(self) -> None:
        """Set the recurrent state to zero."""

    def step(self, token_id: int) -> Logits:
        """Take one token; logits (V,) float32 of the next one."""

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        """Take several tokens, at least one; logits (V,) float32 after the last."""

    def logits(self, token_ids: Sequence[int]) -> Logits:
        """Logits (T, V) float32 behind every token, from a fresh state, in which it leaves off."""

    @property
    def state(self) -> npt.NDArray[Any]:
        """(layers, hidden) the recurrent state: integers in the gate format, or floats."""

    def load_state(self, state: npt.NDArray[Any]) -> None:
        """Go on from a state (layers, hidden) that `state` gave."""


def check_tokens(token_ids: Tokens, vocabulary: int) -> npt.NDArray[np.int64]:
    """Token ids as an array (T,).

    Raises EngineError for none, for one outside the vocabulary, and for what are no token ids.
    """
    try:
        given = np.asarray(token_ids)
    except (ValueError, OverflowError):  # lists of different lengths
        given = np.empty((1, 0))
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise EngineError(f"token ids must be whole numbers in one sequence, not {token_ids!r:.80}")
    ids = given.astype(np.int64, copy=False).reshape(-1)
    if not len(ids):
        raise EngineError("there are no tokens to run: give at least one")
    if ids.min() < 0 or ids.max() >= vocabulary:
        bad = int(ids[(ids < 0) | (ids >= vocabulary)][0])
        raise EngineError(f"token id {bad} is outside the model's vocabulary of {vocabulary}")
    return ids
