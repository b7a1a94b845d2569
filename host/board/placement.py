"""Which records live in contiguous memory, and which are streamed through two slots in it.

A span is what one start of the engine processes: at most one streamed record, first or after the
resident records at the beginning of the model, and the resident records behind it. While the engine
works on a span, the host fills the other slot with the next span's streamed record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SLOTS = 2


@dataclass(frozen=True)
class Span:
    """Records ``first`` to ``last`` (inclusive) of one start; ``streamed`` is the one in a slot."""

    first: int
    last: int
    streamed: int | None


@dataclass(frozen=True)
class Placement:
    """Sizes in bytes. ``streamed`` is empty where the whole model is resident."""

    sizes: tuple[int, ...]
    streamed: tuple[int, ...]

    @property
    def resident(self) -> tuple[int, ...]:
        return tuple(i for i in range(len(self.sizes)) if i not in self.streamed)

    @property
    def resident_bytes(self) -> int:
        return sum(self.sizes[i] for i in self.resident)

    @property
    def slot_bytes(self) -> int:
        """Size of each of the two slots."""
        return max((self.sizes[i] for i in self.streamed), default=0)

    @property
    def bytes(self) -> int:
        """Contiguous memory for records."""
        return self.resident_bytes + SLOTS * self.slot_bytes

    def spans(self, records: int) -> tuple[Span, ...]:
        """The starts that process the first ``records`` records, in order."""
        inside = [i for i in self.streamed if i < records]
        firsts = [0, *inside[1:]] if inside else [0]
        lasts = [i - 1 for i in firsts[1:]] + [records - 1]
        streamed: list[int | None] = [*inside] or [None]
        return tuple(Span(f, e, s) for f, e, s in zip(firsts, lasts, streamed, strict=True))


def place(sizes: Sequence[int], budget: int) -> Placement | None:
    """The placement with the fewest streamed records that fits ``budget`` bytes; None if none does.

    Streamed records are spread over the model, so that each is copied behind the computation of
    several resident ones. The last record, the LM head, is the largest and streamed only if all
    are.
    """
    sizes = tuple(sizes)
    count = len(sizes)
    choices: list[tuple[int, ...]] = [()]
    choices += [
        tuple(j * (count - 1) // streamed for j in range(streamed))
        for streamed in range(SLOTS, count)
    ]
    choices.append(tuple(range(count)))
    for streamed in choices:
        placement = Placement(sizes, streamed)
        if placement.bytes <= budget:
            return placement
    return None
