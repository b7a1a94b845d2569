"""What a prompt takes with 1, 2, ... tokens a start: `python -m tritstream.cosim.prompt`.

Two layers are simulated for each number of tokens, with the memory that is asked for; a start of
all layers is derived from them, the layers behind the second taking what the second took.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tritstream.bench.synthetic import geometry_of
from tritstream.boards import Board
from tritstream.configurations import Configuration, configuration_named
from tritstream.cosim.trial import Trial
from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.kernels.memories import Take
from tritstream.system import Conditions


@dataclass(frozen=True)
class Prompt:
    """Cycles of a layer that follows another (simulated) and of a whole prompt without its head
    (derived), with so many tokens a start."""

    tokens: int
    layer: int
    prompt: int


def ddr(board: Board, efficiency: float, latency: int) -> Conditions:
    """A share of the board's DDR peak for all ports together, at the board's fabric clock."""
    bytes_a_cycle = efficiency * board.ddr_peak_bytes_per_s / board.clock_hz
    return Conditions(latency=latency, bandwidth=round(256 * bytes_a_cycle))


def prompts(
    configuration: Configuration, geometry: Geometry, conditions: Conditions, length: int
) -> Iterator[Prompt]:
    """A prompt of ``length`` tokens with every number of tokens a start.

    Raises EngineError where a layer is not bit-exact.
    """
    trial = Trial(configuration, conditions, geometry=replace(geometry, layers=2))
    for tokens in range(1, configuration.tokens + 1):
        run = trial.run(0, 1, [Take(None if n else 0, 0, silent=True) for n in range(tokens)])
        if run.wrong:
            raise EngineError(f"with {tokens} tokens a start: {', '.join(run.wrong)} is wrong")
        layer = sum(phase.total for phase in run.course.record(1))
        start = run.course.cycles + (geometry.layers - 2) * layer
        yield Prompt(tokens, layer, -(-length // tokens) * start)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-c", "--configuration", default="kv260", metavar="NAME")
    parser.add_argument("--geometry", default="370m", metavar="NAME")
    parser.add_argument("--latency", type=int, default=60, help="cycles to the first beat")
    parser.add_argument("--efficiency", type=float, default=0.75, help="share of the DDR peak")
    parser.add_argument("--length", type=int, default=64, help="tokens of the prompt")
    args = parser.parse_args(arguments)
    configuration = configuration_named(args.configuration)
    conditions = ddr(configuration.board, args.efficiency, args.latency)
    single = None
    for found in prompts(configuration, geometry_of(args.geometry), conditions, args.length):
        single = single or found.prompt
        print(
            f"{found.tokens} a start: {found.layer:,} cycles a layer (simulated); "
            f"{found.prompt:,} for {args.length} tokens, {found.prompt / single:.1%} (derived)"
        )


if __name__ == "__main__":
    main()
