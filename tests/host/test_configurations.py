"""Configurations from a TOML file: read, refused by name, and their kernels found beside it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tritstream.bench.synthetic import write_synthetic
from tritstream.cli import main
from tritstream.configurations import (
    CONFIGURATIONS,
    configuration_named,
    layout_named,
    toml_of,
)
from tritstream.engines.csim import CsimEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import ConfigurationError, EngineError
from tritstream.image import open_image
from tritstream.kernels.csim import header_folder
from tritstream.kernels.manifest import GENERATED, read_manifest

TEXT = """\
packing = "2bit"
profile = "default"
lanes = 32
ports = 2
element_lanes = 4
hidden = 192
intermediate = 256
board = "pynq-z2"
tokens = 3
kernels = "made"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The configuration `tiny` as a file of one's own, with its kernels."""
    path = tmp_path / "own.toml"
    path.write_text(TEXT)
    shutil.copytree(GENERATED / "tiny", tmp_path / "made")
    manifest = json.loads((tmp_path / "made" / "manifest.json").read_text())
    manifest["configuration"]["name"] = "own"
    (tmp_path / "made" / "manifest.json").write_text(json.dumps(manifest))
    return path


def test_a_file_says_what_the_table_says(own: Path) -> None:
    made = configuration_named(str(own))
    assert made == dataclasses.replace(configuration_named("tiny"), name="own")
    assert made.folder == own.parent / "made"
    assert "folder" not in made.table()
    assert layout_named(str(own)) == layout_named("tiny")
    read_manifest(made)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('"2bit"', '"3bit"'), "unknown packing '3bit'"),
        (("lanes = 32\n", ""), "the key 'lanes' is missing"),
        (("ports = 2", "ports = true"), "ports must be a whole number, not True"),
        (("ports = 2", 'ports = "2"'), "ports must be a whole number, not '2'"),
        (("ports = 2", "port = 2"), "unknown key 'port'"),
        (("hidden = 192", "hidden = 200"), "largest hidden size 200 must be a multiple"),
        (("hidden = 192", "hidden = 96"), "at least 4 words"),
        (("tokens = 3", "tokens = 0"), "tokens must be 1 to 8, not 0"),
        (("tokens = 3", "tokens = true"), "tokens must be a whole number, not True"),
        (('"pynq-z2"', '"abacus"'), "unknown board 'abacus'"),
        (('kernels = "made"', "kernels = 1"), "kernels must be the name of a folder"),
        (("ports = 2", "ports = "), "is no TOML file"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(
    change: tuple[str, str], sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TEXT.replace(*change))
    with pytest.raises(ConfigurationError, match=r"own\.toml") as error:
        configuration_named(str(path))
    assert sentence in str(error.value)


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_a_configuration_can_be_written_as_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine.toml").write_text(toml_of(CONFIGURATIONS[name]))
    read = configuration_named(str(tmp_path / "mine.toml"))
    assert read == replace(CONFIGURATIONS[name], name="mine")


def test_names_and_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the configuration"):
        configuration_named(str(tmp_path / "none.toml"))
    (tmp_path / "tiny.toml").write_text(TEXT)
    with pytest.raises(ConfigurationError, match="'tiny' is one of the package: rename it"):
        configuration_named(str(tmp_path / "tiny.toml"))


def test_kernels_that_are_not_made_yet(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TEXT)
    with pytest.raises(ConfigurationError, match=r"build --configuration .*own\.toml"):
        read_manifest(configuration_named(str(tmp_path / "own.toml")))


def test_stale_kernels_are_said_to_be_stale(own: Path) -> None:
    own.write_text(TEXT.replace("intermediate = 256", "intermediate = 512"))
    with pytest.raises(ConfigurationError, match=r"are stale: run .*own\.toml"):
        read_manifest(configuration_named(str(own)))


def test_csim_takes_the_kernels_beside_the_file(own: Path) -> None:
    try:
        header_folder()
    except EngineError as error:
        pytest.skip(str(error))
    configuration = configuration_named(str(own))
    write_synthetic(own.parent / "m.trit", configuration.layout, configuration.sample)
    image = open_image(own.parent / "m.trit")
    expected = SpecEngine(image).logits([1, 7])
    assert np.array_equal(CsimEngine(image, configuration).logits([1, 7]), expected)


def test_commands_take_the_file(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "-c", str(own)]) == 0
    assert "688,128 ternary weights" in capsys.readouterr().out.replace("\n", " ")
    project = own.parent / "project"
    assert main(["build", "-c", str(own), "--project-only", "-o", str(project)]) == 0
    assert (project / "engine.cpp").read_bytes() == (own.parent / "made/engine.cpp").read_bytes()
