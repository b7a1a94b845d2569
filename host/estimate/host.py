"""What a board's own processor adds to the time of a token: the driver's step and the draw."""

from __future__ import annotations

from dataclasses import dataclass

from tritstream.boards import Board
from tritstream.estimate.rates import Rates

STEP_INSTRUCTIONS, LOGIT_INSTRUCTIONS, DRAW_INSTRUCTIONS = 830_000, 19, 500_000
"""Of a token on ARMv7: a step of the driver, what each logit adds to it, and a draw with the
default options. Step and draw were counted under emulation at 32,000 logits (measured, `python -m
tritstream.bench.step`; host/bench/instructions/README.md); that 57% of the step do not depend on
the number of logits is from counts on x86-64."""
INSTRUCTIONS_PER_CYCLE = 0.5, 1.0
"""What such a processor is taken to do, least and most (assumed)."""


@dataclass(frozen=True)
class HostWork:
    """A token's work beside the fabric (derived), the slower case first."""

    instructions: int
    seconds: tuple[float, float]
    tokens_per_s: tuple[float, float]
    """Fabric, memory and host one after another, as the driver has them."""


def host_work(rates: Rates, board: Board, vocabulary: int) -> HostWork:
    """What a sampled token takes on a board with a model of so many logits."""
    instructions = STEP_INSTRUCTIONS + LOGIT_INSTRUCTIONS * vocabulary + DRAW_INSTRUCTIONS
    hz = board.processor_hz
    slow, quick = (instructions / (rate * hz) for rate in INSTRUCTIONS_PER_CYCLE)
    fabric = 1 / rates.tokens_per_s
    return HostWork(instructions, (slow, quick), (1 / (fabric + slow), 1 / (fabric + quick)))
