import os
from pathlib import Path

import pytest

from support.stories import story


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")


@pytest.fixture(scope="session")
def kernels(torch):
    from tritstream.train.kernels import SWITCH, load_kernels

    assert SWITCH not in os.environ
    found, why = load_kernels()
    if found is None:
        pytest.skip(f"the compiled passes {why}")
    return found


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    paths = []
    for seed in (1, 2):
        path = tmp_path / f"story{seed}.txt"
        path.write_text(story(seed, 40))
        paths.append(path)
    return paths
