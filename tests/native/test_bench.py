"""`tritstream bench` and what it is made of. No test looks at how large a rate is."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from support.native import shaped, synthetic_image, tokens
from tritstream.bench import Comparison, Workload, compare, geometry_of, measure, write_synthetic
from tritstream.bench.compare import rate_of_command
from tritstream.bench.figures import TAGS, bytes_per_token, resident_bytes
from tritstream.bench.writing import tokenizer_of, written_per_s
from tritstream.cli import main
from tritstream.configurations import Layout
from tritstream.engines.float import FloatEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import ConfigurationError, OptionError
from tritstream.geometry import Geometry
from tritstream.image.trits import valid_bytes
from tritstream.native import built
from tritstream.reference import weights_of_image
from tritstream.sampling import STORY

needs_core = pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
KEYS = (
    "decode_tokens_per_s",
    "prefill_tokens_per_s",
    "time_to_first_token_s",
    "greedy_tokens_per_s",
    "sampled_tokens_per_s",
    "sampled_share",
    "bytes_per_token",
    "bandwidth_share",
    "peak_rss_bytes",
)


def test_a_geometry_by_name_or_numbers() -> None:
    assert geometry_of("370m").hidden == 1024
    assert geometry_of("64,128,2,99").vocabulary == 99
    for bad in ("371m", "1,2,3", "a,b,c,d", "1,2,3,-4", ""):
        with pytest.raises(ConfigurationError, match="unknown geometry"):
            geometry_of(bad)


@pytest.mark.parametrize("packing", ["base3", "2bit"])
def test_random_images_are_whole_models(tmp_path: Path, packing: str) -> None:
    bound = shaped("odd", packing, "default")
    image = synthetic_image(tmp_path / "a.trit", bound)
    write_synthetic(tmp_path / "b.trit", *bound)
    assert (tmp_path / "a.trit").read_bytes() == (tmp_path / "b.trit").read_bytes()
    layout, record = image.layer_layout, image.record(0)
    for phase in layout.phases:
        trits = layout.read_trits(record, phase.matrix.name)
        assert set(np.unique(trits)) == {-1, 0, 1}
        start = layout.stream_offset(0) + phase.weights
        assert valid_bytes(packing)[record[start : start + 16 * phase.words]].all()
    ids = tokens(image, 5)
    exact = FloatEngine(weights_of_image(image)).logits(ids)
    fixed = SpecEngine(image).logits(ids)
    # The same model in float and fixed point: they differ by quantisation ties alone.
    assert np.corrcoef(exact.ravel(), fixed.ravel())[0, 1] > 0.99


def test_bytes_per_token_are_the_packed_weights_and_little_else(tmp_path: Path) -> None:
    bound = Layout("2bit", "default", 64, 4), Geometry(256, 512, 1, 512)
    image = synthetic_image(tmp_path / "m.trit", bound)
    weights = image.geometry.ternary_weights / 4
    assert weights < bytes_per_token(image) < 1.6 * weights
    assert bytes_per_token(image) < image.data.size


def test_figures_of_an_engine_without_a_read_loop(tmp_path: Path) -> None:
    image = synthetic_image(tmp_path / "m.trit", shaped("narrow", "base3", "small"))
    figures = measure(SpecEngine(image), image, Workload(2, 3, 1), 0.5)
    assert figures.bandwidth_share is None
    assert figures.load_s == 0.5
    assert set(figures.table()) == set(TAGS)


@pytest.mark.parametrize("vocabulary", [9, 300, 32_000])
def test_a_random_image_writes_text(tmp_path: Path, vocabulary: int) -> None:
    """Every token of the stand-in is its own text, and a text has as many as were asked for."""
    bound = Layout("base3", "small", 16, 1), Geometry(16, 16, 1, vocabulary)
    image = synthetic_image(tmp_path / "m.trit", bound)
    tokenizer = tokenizer_of(image)
    assert tokenizer.size == vocabulary
    assert not tokenizer.ends
    assert tokenizer.decode([vocabulary - 1])
    for sampling in (None, STORY):
        engine = SpecEngine(image)
        assert written_per_s(engine, tokenizer, [1, 2], 3, sampling) > 0
        assert np.any(engine.state)


@needs_core
def test_the_resident_part_of_an_image(tmp_path: Path) -> None:
    image = synthetic_image(tmp_path / "m.trit", shaped("tiny", "base3", "default"))
    found = resident_bytes(image.source)
    if found is None:
        pytest.skip("/proc/self/smaps is not to be had here")
    assert 0 < found <= image.data.size + 4096
    assert resident_bytes(str(tmp_path / "nothing")) == 0


@needs_core
def test_the_command_reports_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    args = ["bench", "--geometry", "64,128,2,99", "--engine", "native", "--tokens", "4"]
    assert main([*args, "--rounds", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    for key in KEYS:
        assert report[key] > 0, key
        assert report["tags"][key] in ("measured", "derived")
    assert report["engine"] == "native"
    assert report["tokens"] == 4


@needs_core
def test_the_command_prints_a_table_and_forces_a_level(
    capsys: pytest.CaptureFixture[str],
) -> None:
    args = ["bench", "-g", "tiny", "-n", "2", "--rounds", "1", "--threads", "1"]
    options = ["--engine", "native:c", "--packing", "2bit", "--profile", "small"]
    assert main([*args, *options, "--compare", "spec", "--figure", "prefill"]) == 0
    out = capsys.readouterr().out
    assert "native:c, 1 threads" in out
    assert "2bit, small" in out
    assert "times" in out and "measured" in out and "derived" in out


@needs_core
def test_comparison_with_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    program = f"{sys.executable} -c \"print('a 3 tok/s b 0.5 tokens/s')\""
    args = ["bench", "-g", "tiny", "-n", "2", "--rounds", "3", "--json"]
    assert main([*args, "--compare", program]) == 0
    found = json.loads(capsys.readouterr().out)["comparison"]
    assert found["theirs"] == [0.5] * 3
    assert found["ratios"] == [ours / 0.5 for ours in found["ours"]]
    assert found["tag"] == "measured"


def test_pairs_are_taken_in_turn() -> None:
    order: list[str] = []

    def rate(name: str, value: float) -> float:
        order.append(name)
        return value

    result = compare(lambda: rate("a", 6.0), lambda: rate("b", 2.0), 3)
    assert "".join(order) == "ababab"
    assert result.ratio == 3.0
    assert Comparison([1, 9, 4], [1, 3, 1]).ratio == 3


def test_a_pattern_picks_the_number() -> None:
    program = f"{sys.executable} -c \"print('decode: 12.5 per second, 99 tok/s')\""
    assert rate_of_command(program) == 99
    assert rate_of_command(program, r"decode: ([0-9.]+)") == 12.5


@pytest.mark.parametrize(
    ("command", "pattern", "told"),
    [
        ("/no/such/program", "(1)", "cannot run"),
        ("true", "(1)", "no rate"),
        ("false", "(1)", "failed with status 1"),
        ("echo one tok", "(one)", "no number"),
        ("true", "(", "no regular expression"),
        ("true", "1", "group"),
        ('"unbalanced', "(1)", "cannot run"),
    ],
)
def test_programs_that_tell_nothing(command: str, pattern: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        rate_of_command(command, pattern)


@pytest.mark.parametrize(
    "options",
    [
        ["--tokens", "0"],
        ["--prompt-tokens", "0"],
        ["--rounds", "0"],
        ["--geometry", "huge"],
        ["--model", "nowhere.trit"],
        ["--packing", "2bit"],
        ["--engine", "nothing", "-g", "64,64,1,8"],
        ["--engine", "spec", "--threads", "2", "-g", "64,64,1,8"],
        ["--engine", "native:mmx", "-g", "64,64,1,8"],
        ["--engine", "native", "--threads", "0", "-g", "64,64,1,8"],
    ],
)
def test_options_that_make_no_sense(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", *options]) == 2
    assert "tritstream: error:" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["-n", "-p", "--rounds"])
@pytest.mark.parametrize("value", ["0", "99999999999999999999"])
def test_what_would_never_end_is_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", option, value]) == 2
    assert "must be 1 to 1,000" in capsys.readouterr().err
