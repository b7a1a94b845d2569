"""The reader that the format's documentation shows reads what the package writes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritstream.image
from support.random_checkpoint import random_checkpoint
from tritstream.image import open_image
from tritstream.packing import pack

README = Path(tritstream.image.__file__).with_name("README.md")


@pytest.mark.parametrize("profile", ["default", "small"])
@pytest.mark.parametrize("packing", ["base3", "2bit"])
def test_the_documented_reader(packing: str, profile: str, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)
    folder = random_checkpoint(tmp_path / "c", hidden=72, intermediate=100, layers=2, vocab=301)
    pack(folder, tmp_path / "m.trit", packing=packing, profile=profile)
    image = open_image(tmp_path / "m.trit")
    for layer in range(3):
        for phase in image.layout(layer).phases:
            name = phase.matrix.name
            expected = image.layout(layer).read_trits(image.record(layer), name)
            assert np.array_equal(names["read_matrix"](tmp_path / "m.trit", layer, name), expected)


def test_the_documented_keys_are_the_headers(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c")
    pack(folder, tmp_path / "m.trit")
    text = README.read_text(encoding="utf-8")
    header = vars(open_image(tmp_path / "m.trit").header)
    for key in (*header, *header["layout"].table(), "profile"):
        assert f"`{key}`" in text
