"""The specification still means what the golden vectors say."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tritstream.models import shipped_model
from tritstream.numerics import PROFILES

FOLDER = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("golden_make", FOLDER / "make.py")
assert _spec is not None and _spec.loader is not None
make = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make)


def assert_same(found: dict[str, np.ndarray], path: Path) -> None:
    with np.load(path, allow_pickle=False) as golden:
        assert set(found) == set(golden.files)
        for name in golden.files:
            assert np.array_equal(found[name], golden[name]), name


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_operations(name: str) -> None:
    assert_same(make.operations(PROFILES[name]), FOLDER / f"operations-{name}.npz")


def test_whole_tokens_of_the_demo_model() -> None:
    path = FOLDER / "demo-tokens.npz"
    with np.load(path, allow_pickle=False) as golden:
        token_ids = golden["token_ids"].tolist()
    assert_same(make.whole_tokens(shipped_model("demo"), token_ids), path)
