"""What can go wrong between a board and its engine, each with its own name."""

from __future__ import annotations

from tritstream.errors import EngineError


class BoardError(EngineError):
    """Base class: the board, its overlay or its memory cannot run the model."""


class OverlayError(BoardError):
    """An overlay is missing, damaged, or built for another configuration than the image."""


class MemoryShortError(BoardError):
    """The contiguous memory (CMA) of the board does not hold what the model needs."""


class EngineTimeoutError(BoardError):
    """The engine did not report done within the time limit."""


class BoardBusyError(BoardError):
    """Another process has the board, or its engine still works on a start of an earlier one."""


class LostOverlayError(BoardError):
    """The engine's registers no longer hold what this runtime wrote: nothing was started."""


class BusError(BoardError):
    """The engine ended a start early: accesses to memory failed, or what it was told cannot be.

    ``descriptors`` is how many records' descriptors it had read by then; 0 where that is not known.
    """

    def __init__(self, message: str, descriptors: int = 0) -> None:
        super().__init__(message)
        self.descriptors = descriptors


class NoResultError(BoardError):
    """The engine reported done, but its result never reached the host."""


class WrongResultError(BoardError):
    """The engine's result is not what the specification gives, or impossible in itself."""


class WrongWeightsError(BoardError):
    """The engine read other weights than the image holds."""


class CacheError(BoardError):
    """Host and engine see different contents of the same memory."""
