"""A pass over states in slots as starts of an engine, each of which takes a few tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tritstream.engines.base import Pass
from tritstream.kernels.memories import Take


class Start(NamedTuple):
    """Tokens of a pass by their places, and what the engine does with each."""

    places: list[int]
    takes: list[Take]


def starts_of(work: Pass, tokens: int) -> Iterator[Start]:
    """The starts that make up a pass, with at most ``tokens`` in each, in the pass's order.

    A token joins a start if it goes on from the last token of one of its sequences, or from a state
    that the start leaves alone; and if it leaves a state that no other sequence there needs.
    """
    wanted = set(work.wanted.tolist())
    sequences: list[_Sequence] = []
    for place, (origin, target) in enumerate(
        zip(work.start.tolist(), work.end.tolist(), strict=True)
    ):
        full = sum(len(s.places) for s in sequences) == tokens
        if full or not _joined(sequences, place, origin, target):
            yield _start(sequences, wanted)
            sequences = [_Sequence(origin, [place], [target])]
    if sequences:
        yield _start(sequences, wanted)


class _Sequence(NamedTuple):
    origin: int
    places: list[int]
    targets: list[int]


def _joined(sequences: list[_Sequence], place: int, origin: int, target: int) -> bool:
    own = [s for s in sequences if origin in s.targets]
    if own and own[0].targets[-1] != origin:
        return False
    others = [s for s in sequences if s not in own]
    if any(target == s.origin or target in s.targets for s in others):
        return False
    if own:
        own[0].places.append(place)
        own[0].targets.append(target)
    else:
        sequences.append(_Sequence(origin, [place], [target]))
    return True


def _start(sequences: list[_Sequence], wanted: set[int]) -> Start:
    places = [place for s in sequences for place in s.places]
    takes = [
        Take(s.origin if n == 0 else None, target, place not in wanted)
        for s in sequences
        for n, (place, target) in enumerate(zip(s.places, s.targets, strict=True))
    ]
    return Start(places, takes)
