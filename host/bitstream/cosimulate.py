"""The proof by simulation: starts of the engine, RTL and netlist in lockstep, and their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tritstream.bitstream.lockstep import Difference, Lockstep
from tritstream.bitstream.netlist import Netlist
from tritstream.bitstream.workload import LockstepEngine, control_address
from tritstream.caches import cache_folder
from tritstream.configurations import Configuration
from tritstream.engines.spec import SpecEngine
from tritstream.files import scratch_folder
from tritstream.geometry import GEOMETRIES
from tritstream.image import open_image
from tritstream.packing import in_layout

TOKEN = 1
_STALL, _LATENCY = 16, 20
_SHOWN = 4
_RELEASED = "370m"
_VOCABULARY = 512


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
    """A token on an image, by default on two of random weights, one after the other.

    It passes where no pin ever differs and the tokens' logits are the specification's. Raises
    EngineError where the simulation cannot be built or the RTL does not end.
    """
    progress("building the simulation of the RTL, which can take minutes")
    lockstep = Lockstep(rtl, top, netlist.processor, cache or cache_folder("lockstep"))
    lockstep.load(netlist)
    lockstep.set_conditions(stall=_STALL, latency=_LATENCY)
    lockstep.reset()
    control = control_address(handoff)
    sizes = []
    with scratch_folder("lockstep") as folder:
        for path in [image] if image is not None else _random_images(configuration, folder):
            opened = in_layout(open_image(path), configuration.layout)
            sizes.append(f"hidden {opened.geometry.hidden}")
            engine = LockstepEngine(
                opened,
                configuration,
                lockstep,
                control,
                lambda cycles: progress(f"simulating, cycle {cycles}"),
            )
            logits = engine.step(TOKEN) if lockstep.difference is None else None
            if (difference := lockstep.difference) is not None:
                return Outcome(False, _told(difference))
            assert logits is not None
            if not np.array_equal(logits, SpecEngine(opened).step(TOKEN)):
                return Outcome(
                    False,
                    f"no pin differs in {lockstep.cycles} cycles (simulated), but both give wrong "
                    f"logits of the model of {sizes[-1]}",
                )
    counted = f"{lockstep.cycles} cycles and {lockstep.beats} beats (simulated)"
    if lockstep.clash:
        return Outcome(
            False,
            f"no pin differs in {counted}, but both ports of a block RAM met, which the hardware "
            f"leaves open",
        )
    return Outcome(
        True,
        f"the netlist drives all {len(lockstep.connected)} pins as the RTL does in {counted}, a "
        f"token of {'each of the models' if len(sizes) > 1 else 'the model'} of "
        f"{' and '.join(sizes)}; the logits are the specification's",
    )


def _random_images(configuration: Configuration, folder: Path) -> Iterator[Path]:
    """Random weights of the configuration's sample, and of a layer with the sizes of a released
    model where the engine can run it."""
    from tritstream.bench.synthetic import write_synthetic

    geometries = [configuration.sample]
    shape = GEOMETRIES[_RELEASED]
    if shape.hidden <= configuration.hidden and shape.intermediate <= configuration.intermediate:
        vocabulary = min(shape.vocabulary, _VOCABULARY)
        geometries.append(replace(shape, layers=1, vocabulary=vocabulary))
    for number, geometry in enumerate(geometries):
        path = folder / f"random{number}.trit"
        write_synthetic(path, configuration.layout, geometry, 1 + number)
        yield path


def _told(difference: Difference) -> str:
    pins = ", ".join(difference.pins[:_SHOWN])
    more = len(difference.pins) - _SHOWN
    return (
        f"in cycle {difference.cycle} the netlist drives {pins}"
        f"{f' and {more} more' if more > 0 else ''} otherwise than the RTL does"
    )
