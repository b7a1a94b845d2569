"""What the host costs per token: `python -m tritstream.sim.overhead IMAGE`.

The driver and runtime run on a simulated board whose engine takes no time and computes nothing, so
that every microsecond is the host's: Python, pynq, register accesses, copies and syncs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tritstream.board.options import BoardOptions
from tritstream.board.placement import place
from tritstream.board.runtime import BoardRuntime
from tritstream.image import Image, open_image
from tritstream.kernels.memories import board_memories
from tritstream.packing import hardware_for
from tritstream.sim.board import simulated_board
from tritstream.sim.executions import NoExecution


@dataclass(frozen=True)
class Overhead:
    """Medians over tokens (measured); ``copy_s`` is the part that moves streamed records."""

    starts: float
    accesses: float
    token_s: float
    copy_s: float


def measure(image: Image, cma_limit: int | None, interrupt: bool, tokens: int) -> Overhead:
    """The host's cost for one way of running an image."""
    c, image = hardware_for(image)
    options = BoardOptions(cma_limit=cma_limit, interrupt=interrupt, self_test=False)
    with (
        simulated_board(c, execution=NoExecution(c)) as (device, overlay),
        BoardRuntime(image, overlay, device, options) as runtime,
    ):
        for token in range(10):
            runtime.step(token)
        starts, accesses = device.engine.starts, device.accesses
        whole = _median(lambda: runtime.step(5), tokens)
        per_token = (device.engine.starts - starts) / tokens, (device.accesses - accesses) / tokens

        def copies() -> None:
            for record in runtime.placement.streamed:
                runtime._held[0] = None
                runtime._load(record, 0)

        copy = _median(copies, tokens)
        return Overhead(*per_token, whole, copy)


def _median(work: Callable[[], object], times: int) -> float:
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--tokens", type=int, default=300)
    args = parser.parse_args(arguments)
    image = open_image(args.image)
    sizes = [record.length for record in image.header.records]
    half = sum(sizes) // 2 + 2 * max(sizes)
    least = 2 * max(sizes)
    cases: list[tuple[str, int | None, bool]] = [
        ("resident, polling", None, False),
        ("resident, interrupt", None, True),
    ]
    for name, budget in (("half streamed", half), ("all streamed", least)):
        if place(sizes, budget) is not None and budget < sum(sizes):
            cases.append((f"{name}, polling", budget, False))
    for name, limit, interrupt in cases:
        o = measure(image, _with_others(image, limit), interrupt, args.tokens)
        print(
            f"{name}: {1e3 * o.token_s:.3f} ms a token ({o.starts:g} starts, "
            f"{o.accesses:g} register accesses), of which copying records {1e3 * o.copy_s:.3f} ms; "
            f"{1e3 * (o.token_s - o.copy_s) / o.starts:.3f} ms a start without it (measured)"
        )


def _with_others(image: Image, records: int | None) -> int | None:
    """The limit with which `records` bytes are left for records."""
    if records is None:
        return None
    c, image = hardware_for(image)
    return records + board_memories(c.layout, image.geometry, c.tokens).pages_bytes()


if __name__ == "__main__":
    main()
