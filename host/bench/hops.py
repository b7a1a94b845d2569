"""What a cluster's network adds to a token: `python -m tritstream.bench.hops --hidden 2048`.

Each board of a model over several (`--engine boards`) gets a vector and answers with one, the last
with logits. This measures such exchanges with workers that compute nothing, and derives what the
bytes alone take on a line of a given rate.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from tritstream.cluster.connection import connected


class Echo:
    """An actor that answers with so many bytes."""

    def run(self, vector: bytes, answer: int) -> bytes:
        return bytes(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dask", default="local:3")
    parser.add_argument("--dask-tls")
    parser.add_argument("--hidden", type=int, default=2048)
    parser.add_argument("--vocabulary", type=int, default=32_000)
    parser.add_argument("--boards", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--line-mbit", type=float, default=1000.0)
    args = parser.parse_args()
    vector, logits = 8 * args.hidden, 4 * args.vocabulary
    with connected(args.dask, args.dask_tls) as client:
        # Actors answer with futures, which their own type does not say.
        stages: list[Any] = [
            client.submit(Echo, actor=True, pure=False, key=f"echo-{n}").result()
            for n in range(args.boards)
        ]
        seconds = []
        for _ in range(args.tokens):
            start = time.perf_counter()
            for n, stage in enumerate(stages):
                answer = logits if n + 1 == args.boards else vector
                stage.run(bytes(vector), answer).result()
            seconds.append(time.perf_counter() - start)
        del stage, stages  # while there is somebody to tell
    sent = (2 * args.boards - 1) * vector + logits
    print(
        f"{args.boards} exchanges, {sent:,} bytes a token: {statistics.median(seconds) * 1e3:.2f} "
        f"ms with {args.dask} (measured); the bytes alone {sent * 8e-3 / args.line_mbit:.2f} ms on "
        f"a line of {args.line_mbit:g} Mbit/s (derived)"
    )


if __name__ == "__main__":
    main()
