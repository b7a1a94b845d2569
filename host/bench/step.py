"""A board's work for each token besides the fabric's, to count its instructions:
`python -m tritstream.bench.step COUNT`; see instructions/README.md."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from tritstream import sampling
from tritstream.bench.synthetic import write_synthetic
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.configurations import layout_named
from tritstream.files import scratch_folder
from tritstream.geometry import Geometry
from tritstream.image import open_image
from tritstream.packing import hardware_for
from tritstream.sampling import STORY, Sampler
from tritstream.sim.board import simulated_board
from tritstream.sim.executions import NoExecution

_SEEN = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokens", type=int)
    parser.add_argument("--vocabulary", type=int, default=32_000)
    parser.add_argument("--draw", choices=("core", "numpy", "none"), default="core")
    args = parser.parse_args()
    if args.draw == "numpy":
        sampling._core = lambda: None  # type: ignore[assignment]
    with scratch_folder("step") as folder:
        # Small, as the fabric's part does not count.
        shape = Geometry(64, 64, 2, args.vocabulary)
        write_synthetic(folder / "m.trit", layout_named("z7020"), shape)
        c, image = hardware_for(open_image(folder / "m.trit"))
        sampler = Sampler(replace(STORY, seed=1), range(_SEEN))
        with (
            simulated_board(c, execution=NoExecution(c)) as (device, overlay),
            BoardRuntime(image, overlay, device, BoardOptions(self_test=False)) as runtime,
        ):
            # Nothing is computed, so that these logits stay.
            sums = runtime._sums
            sums[:] = np.random.default_rng(0).normal(0, 40_000, sums.size).astype(sums.dtype)
            for _ in range(args.tokens):
                logits = runtime.step(5)
                if args.draw != "none":
                    sampler.pick(logits)
    core = "none" if sampling._core() is None else "compiled"
    print(f"{args.tokens} tokens, drawn by {args.draw} (native core: {core})")


if __name__ == "__main__":
    main()
