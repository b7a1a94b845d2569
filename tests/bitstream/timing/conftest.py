"""A device with round delays, and analyses of designs on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.timing_fabric import write_timing_database
from tritstream.bitstream.database import Database
from tritstream.bitstream.timing.analysis import Timing
from tritstream.bitstream.timing.run import analyse_features

Features = dict[str, list[str]]


@pytest.fixture(scope="session")
def timed_database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return write_timing_database(tmp_path_factory.mktemp("timing"))


@pytest.fixture(scope="session")
def analysed(timed_database: Database) -> Callable[[Features], Timing]:
    return lambda features: analyse_features(timed_database, features)
