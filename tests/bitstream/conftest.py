"""A small device, and bitstreams for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.bitstreams import bit_of_frames
from support.tiny_fabric import DESIGN, write_database
from tritstream.bitstream.database import Database
from tritstream.bitstream.decode import Layout
from tritstream.bitstream.device import FRAME_WORDS

Features = dict[str, list[str]]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    return write_database(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session")
def layout(database: Database) -> Layout:
    return Layout(database)


@pytest.fixture(scope="session")
def frames_with(layout: Layout) -> Callable[[Features], np.ndarray]:
    """Frames in which exactly the bits of some features are set."""

    def make(features: Features) -> np.ndarray:
        frames = np.zeros((len(layout.database.device.addresses), FRAME_WORDS), np.uint32)
        for tile, names in features.items():
            for name in names:
                for frame, word, bit, value in layout.bits(tile, name):
                    if value:
                        frames[frame, word] |= np.uint32(1 << bit)
        return frames

    return make


@pytest.fixture
def design() -> Features:
    """A copy of the small design: A1 xor A2 on one pin, and its flip-flop on another."""
    return {tile: list(names) for tile, names in DESIGN.items()}


@pytest.fixture
def bit_of_design(
    database: Database, frames_with: Callable[[Features], np.ndarray], design: Features
) -> bytes:
    return bit_of_frames(database.device, frames_with(design), crc=True)


@pytest.fixture
def folder_of_database(database: Database) -> Path:
    return database.folder.parent
