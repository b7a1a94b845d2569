"""Bitstreams of other tools: what is not modelled is refused, or left out and counted."""

from __future__ import annotations

import pytest

from support.timing_fabric import CLBS, PART, pipeline
from tritstream.bitstream.database import Database
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.timing.report import make_report
from tritstream.bitstream.timing.run import analyse_features

ONE, TWO, THREE = CLBS


def changed(tile: str, *more: str) -> dict[str, list[str]]:
    features = pipeline(2, len(CLBS))
    features[tile] = [*features[tile], *more]
    return features


def test_a_shift_register_begins_no_path(timed_database: Database) -> None:
    features = changed(TWO, "SLICEL_X0.BLUT.SRL")
    with pytest.raises(BitstreamError, match=r"BLUT\.SRL: a mode that is not supported"):
        analyse_features(timed_database, features)
    timing = analyse_features(timed_database, features, partial=True)
    assert timing.design.cuts == {"shift registers and memories in look-up tables": 1}
    assert all(p.end == f"{ONE}/SLICEL_X0Y0/AFF" or p.end == "PS7" for p in timing.worst(9))
    report = make_report(timing, PART, "design", 10e6, 3)
    assert report.untimed == 1 and report.passed
    assert "shift registers" in "\n".join(report.lines())


def test_the_falling_edge_is_another_clock(timed_database: Database) -> None:
    features = changed(THREE, "SLICEL_X0.CLKINV")
    with pytest.raises(BitstreamError, match="CLKINV: a mode that is not supported"):
        analyse_features(timed_database, features)
    timing = analyse_features(timed_database, features, partial=True)
    clocks = {clock for clock, *_ in timing.by_clock()}
    assert clocks == {"PS7.FCLKCLK0"}  # what the falling edge starts ends nowhere in its own
    assert timing.crossings == 2 and timing.need > 0


def test_what_contradicts_itself_is_left_out(timed_database: Database) -> None:
    features = pipeline(2, len(CLBS))
    features[THREE] = [f for f in features[THREE] if "AFFMUX" not in f]
    with pytest.raises(BitstreamError, match="AFFMUX is used and not set"):
        analyse_features(timed_database, features)
    timing = analyse_features(timed_database, features, partial=True)
    assert timing.design.cuts == {"... is used and not set": 1}
