"""The specification still means what the golden vectors say."""

from pathlib import Path

import numpy as np
import pytest

from support.golden_vectors import FOLDER, operations, whole_tokens
from tritstream.models import shipped_model
from tritstream.numerics import PROFILES


def assert_same(found: dict[str, np.ndarray], path: Path) -> None:
    with np.load(path, allow_pickle=False) as golden:
        assert set(found) == set(golden.files)
        for name in golden.files:
            assert np.array_equal(found[name], golden[name]), name


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_operations(name: str) -> None:
    assert_same(operations(PROFILES[name]), FOLDER / f"operations-{name}.npz")


def test_whole_tokens_of_the_demo_model() -> None:
    path = FOLDER / "demo-tokens.npz"
    with np.load(path, allow_pickle=False) as golden:
        token_ids = golden["token_ids"].tolist()
    assert_same(whole_tokens(shipped_model("demo"), token_ids), path)
