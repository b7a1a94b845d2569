"""One compiled RTL for every model: sizes come from memory, so nothing is built for another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tritstream.configurations import configuration_named
from tritstream.cosim.trial import Trial
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.system.build import system_library

SMALL = (
    Geometry(192, 256, 2, 512),
    # Padded: too narrow for the drain, no multiple of the lanes, logits that are no whole beat.
    Geometry(70, 250, 1, 510),
    Geometry(192, 256, 2, 512),
)
RELEASED = {
    "z7020": (
        GEOMETRIES["demo"],
        replace(GEOMETRIES["370m"], layers=2),
        Geometry(512, 1536, 2, 8000),
        replace(GEOMETRIES["1.3b"], layers=1, vocabulary=512),
    ),
    "kv260": (
        replace(GEOMETRIES["370m"], layers=2),
        replace(GEOMETRIES["2.7b"], layers=1, vocabulary=512),
        replace(GEOMETRIES["demo"], layers=2),
    ),
}


def runs(name: str, geometries: tuple[Geometry, ...]) -> None:
    """Every layer and the head of each model, on one library."""
    made = None
    for geometry in geometries:
        trial = Trial(configuration_named(name), geometry=geometry)
        library = system_library(trial.engine.system.parts)
        stamp = library, library.stat().st_mtime_ns
        assert made in (None, stamp), "built again"
        made = stamp
        assert trial.run(0, geometry.layers).wrong == ()


def test_small_models_on_one_rtl(tiny_simulator: None) -> None:
    runs("tiny", SMALL)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", RELEASED)
def test_released_sizes_on_one_rtl(name: str) -> None:
    runs(name, RELEASED[name])
