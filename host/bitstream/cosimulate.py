"""The proof by simulation: a start of the engine, RTL and netlist in lockstep, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tritstream.bitstream.lockstep import Lockstep
from tritstream.bitstream.netlist import Netlist
from tritstream.bitstream.workload import LockstepEngine, control_address
from tritstream.caches import cache_folder
from tritstream.configurations import Configuration
from tritstream.engines.spec import SpecEngine
from tritstream.files import scratch_folder
from tritstream.image import open_image
from tritstream.packing import in_layout

TOKEN = 1
_STALL, _LATENCY = 16, 20
_SHOWN = 4


@dataclass(frozen=True)
class Outcome:
    passed: bool
    sentence: str


def simulate(
    netlist: Netlist,
    rtl: str,
    top: str,
    configuration: Configuration,
    handoff: Path,
    image: Path | None = None,
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Outcome:
    """One token on an image, by default one of random weights.

    It passes where no pin ever differs and the token's logits are the specification's. Raises
    EngineError where the simulation cannot be built or the RTL does not end.
    """
    progress("building the simulation of the RTL, which can take minutes")
    lockstep = Lockstep(rtl, top, netlist.processor, cache or cache_folder("lockstep"))
    lockstep.load(netlist)
    lockstep.set_conditions(stall=_STALL, latency=_LATENCY)
    with scratch_folder("lockstep") as folder:
        path = image
        if path is None:
            from tritstream.bench.synthetic import write_synthetic

            path = folder / "random.trit"
            write_synthetic(path, configuration.layout, configuration.sample, 1)
        opened = in_layout(open_image(path), configuration.layout)
        engine = LockstepEngine(
            opened,
            configuration,
            lockstep,
            control_address(handoff),
            lambda cycles: progress(f"simulating, cycle {cycles}"),
        )
        lockstep.reset()
        logits = engine.step(TOKEN) if lockstep.difference is None else None
        difference = lockstep.difference
        if difference is not None:
            pins = ", ".join(difference.pins[:_SHOWN])
            more = (
                f" and {len(difference.pins) - _SHOWN} more"
                if len(difference.pins) > _SHOWN
                else ""
            )
            return Outcome(
                False,
                f"in cycle {difference.cycle} the netlist drives {pins}{more} otherwise than the "
                f"RTL does",
            )
        assert logits is not None
        equal = np.array_equal(logits, SpecEngine(opened).step(TOKEN))
    counted = f"{lockstep.cycles} cycles and {lockstep.beats} beats (simulated)"
    if not equal:
        return Outcome(False, f"no pin differs in {counted}, but both give wrong logits")
    if lockstep.clash:
        return Outcome(
            False,
            f"no pin differs in {counted}, but both ports of a block RAM met, which the hardware "
            f"leaves open",
        )
    return Outcome(
        True,
        f"the netlist drives all {len(lockstep.connected)} pins as the RTL does in {counted}; the "
        f"token's logits are the specification's",
    )
