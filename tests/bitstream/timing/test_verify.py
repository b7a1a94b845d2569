"""The timing among the checks of `overlay verify --deep`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from support.timing_fabric import PART, PROCESSOR, pipeline
from tritstream.bitstream.database import Database
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.verify import Sources, _Seen, check_timing
from tritstream.bitstream.wiring import Wiring


def seen(database: Database, *pins: str, tables: int = 2) -> _Seen:
    """What the checks before this one leave of a route."""
    features = pipeline(tables, 3)
    features[PROCESSOR] += [f"PS7_{pin}.W1" for pin in pins]
    found = _Seen(cast(Any, None), database, cast(Any, None), None, features)
    return replace(found, wiring=Wiring(database, open_nodes(database), features))


def sources(mhz: float | None) -> Sources:
    return Sources(b"", "tritstream.bit", PART, clock_hz=None if mhz is None else mhz * 1e6)


@pytest.mark.parametrize(("mhz", "passed"), [(None, True), (50, True), (300, False)])
def test_the_manifests_clock_is_held_against_the_analysis(
    timed_database: Database, mhz: float | None, passed: bool
) -> None:
    found = check_timing(seen(timed_database), sources(mhz))
    assert found.check == "timing" and found.passed is passed
    assert "the slowest path takes" in found.sentence
    if mhz is not None:
        less = "" if passed else "less than "
        assert f"the clock of {mhz:g} MHz leaves {less}10% over it" in found.sentence


def test_a_slow_route_is_caught(timed_database: Database) -> None:
    """The same clock is right for two tables behind each other, and not for four."""
    assert check_timing(seen(timed_database, tables=2), sources(200)).passed is True
    assert check_timing(seen(timed_database, tables=4), sources(200)).passed is False


def test_what_has_no_data_fails(timed_database: Database) -> None:
    found = check_timing(seen(timed_database, "STRANGE"), sources(50))
    assert found.passed is False and "processor's pin STRANGE" in found.sentence
