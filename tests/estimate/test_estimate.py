"""The estimator: its figures against the layouts that engines really read, and its command."""

import builtins
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tritstream.board import overlays
from tritstream.board.placement import place
from tritstream.boards import BOARDS
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.errors import EngineError, OptionError
from tritstream.estimate import overview
from tritstream.estimate.candidates import best_candidate, candidates
from tritstream.estimate.cycles import phase_cycles, reference_geometry, token_cycles
from tritstream.estimate.host import host_work
from tritstream.estimate.limits import limits, memory
from tritstream.estimate.rates import rates
from tritstream.estimate.resources import resources
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.image.records import RecordLayout
from tritstream.kernels.memories import MARGIN_BYTES, EngineMemories

HARDWARE = list(CONFIGURATIONS)
M370 = GEOMETRIES["370m"]

# Tokens a second that one read of all ternary weights allows, from the boards' DDR peaks.
PEERS = {
    "pynq-z1": (24, 31),
    "pynq-z2": (24, 31),
    "ultra96v2": (50, 63),
    "aup-zu3": (112, 141),
    "zcu104": (200, 250),
    "kv260": (225, 281),
}


@pytest.mark.parametrize("name", PEERS)
def test_the_limits_agree_with_the_published_table(name: str) -> None:
    got = [
        limits(GEOMETRIES["370m"], BOARDS[name], p).tokens_per_s_at_peak for p in ("2bit", "base3")
    ]
    assert got == pytest.approx(PEERS[name], abs=1)


@pytest.mark.parametrize(
    ("model", "packing", "megabytes"),
    [
        ("370m", "2bit", 85.3),
        ("370m", "base3", 68.2),
        ("1.3b", "2bit", 325),
        ("1.3b", "base3", 260),
        ("2.7b", "2bit", 655),
        ("2.7b", "base3", 524),
    ],
)
def test_bytes_of_a_token(model: str, packing: str, megabytes: float) -> None:
    size = limits(GEOMETRIES[model], BOARDS["kv260"], packing).bytes_per_token
    assert size / 1e6 == pytest.approx(megabytes, rel=0.002)


@pytest.mark.parametrize("name", HARDWARE)
def test_weight_cycles_are_the_words_of_the_streams(name: str) -> None:
    configuration = configuration_named(name)
    for kind in ("layer", "head"):
        layout = RecordLayout(configuration.layout, configuration.sample, kind)
        words = sum(p.words for p in phase_cycles(configuration, configuration.sample, kind))
        assert words * configuration.port_bytes == layout.stream_bytes


def test_the_engine_budget_at_the_370m_geometry() -> None:
    """Weight streaming is the only long phase: 1.07 M words, element-wise work under 5%."""
    configuration = configuration_named("kv260")
    got = rates(configuration, M370, BOARDS["kv260"])
    assert sum(p.words for p in got.layer) == 40_172
    assert got.cycles == token_cycles(configuration, M370)
    assert got.cycles == pytest.approx(1.07e6, rel=0.05)
    assert got.element_share < 0.05


def test_no_rate_is_above_what_memory_allows() -> None:
    for name in HARDWARE:
        configuration = configuration_named(name)
        geometry = configuration.sample
        for board in BOARDS.values():
            roof = limits(geometry, board, configuration.packing, 0.75)
            got = rates(configuration, geometry, board, 0.75)
            assert got.tokens_per_s <= roof.tokens_per_s * 1.001
            assert got.stalled_cycles >= got.cycles


def test_a_faster_memory_never_makes_a_token_slower() -> None:
    configuration = configuration_named("kv260")
    speeds = [
        rates(configuration, M370, BOARDS["kv260"], e).tokens_per_s
        for e in (0.2, 0.4, 0.6, 0.8, 1.0)
    ]
    assert speeds == sorted(speeds)
    assert speeds[-1] == pytest.approx(250e6 / token_cycles(configuration, M370))


def test_words_wider_than_a_port_take_several_cycles() -> None:
    narrow = configuration_named("z7020")
    got = rates(replace(narrow, ports=2), M370, BOARDS["pynq-z2"], 1.0)
    assert (got.bound, got.cycles_per_word) == ("ports", 2.0)
    # One word a cycle over four ports of 64 bits is more than the memory of that board gives.
    got = rates(narrow, M370, BOARDS["pynq-z2"], 1.0)
    assert (got.bound, got.cycles_per_word) == ("ddr", pytest.approx(32 / 21))


def test_resident_memory_is_the_records_and_the_vectors() -> None:
    layout = configuration_named("z7020").layout
    got = memory(layout, M370, BOARDS["pynq-z2"])
    layer, head = (RecordLayout(layout, M370, kind).record_bytes for kind in ("layer", "head"))
    assert got.records == 24 * layer + head
    assert got.state >= 24 * 1024 * 4
    assert got.fits
    assert not memory(layout, GEOMETRIES["1.3b"], BOARDS["pynq-z2"]).fits


@pytest.mark.parametrize("spare", [0, 1])
def test_the_estimate_agrees_with_the_runtime_on_resident_or_streamed(spare: int) -> None:
    """At the byte where the runtime would stream, the estimate says that it does not fit."""
    layout = configuration_named("tiny").layout
    geometry = GEOMETRIES["tiny"]
    need = memory(layout, geometry, BOARDS["pynq-z2"]).needed
    board = replace(BOARDS["pynq-z2"], cma_default_bytes=need + MARGIN_BYTES - spare)
    memories = EngineMemories(layout, geometry)
    layer, head = (RecordLayout(layout, geometry, k).record_bytes for k in ("layer", "head"))
    # What BoardRuntime._place does.
    free = board.cma_default_bytes - MARGIN_BYTES - memories.pages_bytes()
    placement = place([layer, layer, head], free)
    assert placement is not None
    assert memory(layout, geometry, board).fits == (not placement.streamed) == (spare == 0)


def test_every_shipped_configuration_fits_its_board() -> None:
    for name in HARDWARE:
        configuration = configuration_named(name)
        assert resources(configuration, configuration.board).fits, name
        _, geometry = reference_geometry(configuration)
        assert memory(configuration.layout, geometry, configuration.board).fits, name


def test_wider_designs_take_more() -> None:
    board = BOARDS["kv260"]
    by_word = {
        c.lanes: c.resources.lut
        for c in candidates(GEOMETRIES["370m"], board, profile_name="default")
        if c.resources and c.packing == "base3" and c.element_lanes == 16
    }
    assert list(by_word) == [16, 32, 48, 64]
    assert sorted(by_word.values()) == list(by_word.values())


def test_the_best_candidate_fits_and_none_that_fits_is_faster() -> None:
    for board in BOARDS.values():
        tried = list(candidates(GEOMETRIES["370m"], board))
        best = best_candidate(tried)
        assert best is not None and best.fits and best.rates is not None
        for c in tried:
            if c.fits and c.rates:
                assert c.rates.tokens_per_s <= best.rates.tokens_per_s * 1.0102


def test_the_shipped_kria_configuration_is_as_fast_as_the_best_for_its_board() -> None:
    """Memory is the bound there, so that half the element lanes would do (within 1%)."""
    board = BOARDS["kv260"]
    best = best_candidate(list(candidates(M370, board)))
    assert best is not None and best.rates is not None
    shipped = rates(configuration_named("kv260"), M370, board)
    assert shipped.tokens_per_s >= 0.99 * best.rates.tokens_per_s
    assert (best.packing, best.lanes) == ("base3", 64)


def test_weight_words_are_as_wide_as_the_ports() -> None:
    for name, lanes in (("pynq-z2", {8, 16, 24, 32}), ("kv260", {16, 32, 48, 64})):
        found = list(candidates(M370, BOARDS[name]))
        assert {c.lanes for c in found} == lanes
        assert {c.configuration.ports for c in found if c.configuration} == {1, 2, 3, 4}
    few = replace(BOARDS["pynq-z2"], hp_ports=3)
    assert {c.refused for c in candidates(M370, few) if c.lanes == 32} == {
        "PYNQ-Z2 has 3 weight ports"
    }


def test_nothing_fits_what_is_too_large() -> None:
    tried = list(candidates(GEOMETRIES["2.7b"], BOARDS["pynq-z1"]))
    assert best_candidate(tried) is None


# The command


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["estimate", *arguments, "--json"]) == 0
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def test_json_tags_every_figure_as_derived(capsys: pytest.CaptureFixture[str]) -> None:
    got = report(capsys, "370m", "-c", "kv260")
    assert got.pop("report") is None
    assert set(got) == {"geometry", "board", "assumed_efficiency", "assumptions", "derived"}
    assert got["derived"]["configuration"]["shipped_as"] == "kv260"
    assert [x["packing"] for x in got["derived"]["limits"]] == ["base3", "2bit"]
    words = {(c["packing"], c["lanes"]) for c in got["derived"]["candidates"]}
    assert words == {(p, n) for p in ("base3", "2bit") for n in (16, 32, 48, 64)}


def test_the_text_says_derived_and_names_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "370m", "--board", "zcu104", "--all"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "All figures derived" in out
    assert "Best that fits: base3" in out
    assert "Resources assume" in out


def test_what_does_not_ship_comes_as_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines that are printed are a configuration, and every command takes it."""
    assert main(["estimate", "370m", "-b", "pynq-z2", "--profile", "default"]) == 0
    told = capsys.readouterr().out
    assert "CONFIGURATIONS" not in told
    lines = [line.rstrip() for line in told.splitlines() if " = " in line]
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text("\n".join(lines))
    assert main(["estimate", "370m", "-c", "mine.toml"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Configuration mine: base3, default, 16-byte words" in told
    assert "Next: `tritstream pack CHECKPOINT --layout mine.toml -o model.trit`" in told
    assert "`python -m tritstream.kernels build --configuration mine.toml` (with Allo)" in told


def test_a_configuration_brings_a_model_and_its_board(capsys: pytest.CaptureFixture[str]) -> None:
    got = report(capsys, "-c", "z7020")
    assert got["board"] == "pynq-z2"
    assert got["geometry"]["hidden"] == 1024


def test_what_does_not_fit_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["estimate", "2.7b", "--board", "pynq-z2"]) == 0
    assert "takes 5" in capsys.readouterr().out


def test_a_checkpoint_folder_needs_only_its_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {
        "model_type": "hgrn_bit",
        "hidden_size": 192,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "vocab_size": 512,
    }
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert Geometry(**report(capsys, str(tmp_path))["geometry"]) == GEOMETRIES["tiny"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["370m", "--board", "zed"], "unknown board 'zed'"),
        (["9b"], "neither a known geometry"),
        ([], "name a model"),
        (["2.7b", "-c", "z7020"], "holds models up to hidden size 2048"),
        (["370m", "--efficiency", "1.5"], "--efficiency must be"),
        (["370m", "--profile", "huge"], "unknown profile 'huge'"),
        (["370m", "--plot", "roof.pdf"], ".png or .svg"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", *arguments]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_roofline_is_drawn(suffix: str, start: bytes, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no picture to look at")
    path = tmp_path / f"roof{suffix}"
    assert main(["estimate", "370m", "--board", "kv260", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["pynq-z2", "kv260"])
def test_the_parts_of_a_token_are_all_of_it(name: str) -> None:
    board, geometry = BOARDS[name], GEOMETRIES["370m"]
    found = rates(overview.shipped_for(board), geometry, board)
    parts = overview.parts_of(found, geometry, board.clock_hz)
    assert sum(parts.values()) == pytest.approx(1e3 / found.tokens_per_s)


def test_the_overview_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: no picture to look at")
    path = tmp_path / "overview.png"
    assert overview.main([str(path), "--measured", "a PC=374"]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="NAME=TOKENS_PER_S"):
        overview.main([str(path), "--measured", "a PC"])


def test_a_missing_matplotlib_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    from tritstream.estimate.plot import plot_roofline

    with pytest.raises(EngineError, match=r"tritstream\[plot\]"):
        plot_roofline(str(tmp_path / "a.png"), "", GEOMETRIES["tiny"], BOARDS["kv260"], [])


def test_what_ships_is_shown_and_preferred(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a configuration of the package is as fast as the best, it is the best."""
    name = next(n for n, c in CONFIGURATIONS.items() if c.board_name == "pynq-z2" and n != "tiny")
    manifest = replace(
        overlays.manifest_of(CONFIGURATIONS[name]),
        clock_hz=30.3e6,
        bit=overlays.File("tritstream.bit", "0" * 64, "built"),
        build={"status": "built here", "estimated": {"used": {"lut": 35166.0}}},
    )
    monkeypatch.setattr(overlays, "shipped", lambda: [manifest])
    assert main(["estimate", "demo", "--board", "pynq-z2"]) == 0
    told = capsys.readouterr().out
    assert name in told
    assert f"A bitstream of {name} comes with the package, at 30.3 MHz, 35,166 LUT" in told
    assert f"tritstream overlay install {name} --board pynq-z2" in told
    assert main(["estimate", "demo", "--board", "kv260"]) == 0
    assert "A bitstream of" not in capsys.readouterr().out
    for model, board in (("370m", "kv260"), ("demo", "pynq-z2")):
        tried = list(candidates(GEOMETRIES[model], BOARDS[board]))
        best = best_candidate(tried)
        assert best is not None and best.rates is not None
        least = 0.99 * best.rates.tokens_per_s
        close = [
            c
            for c in tried
            if c.fits and c.shipped_as and c.rates and c.rates.tokens_per_s >= least
        ]
        assert best.shipped_as or not close


def test_the_processors_work_is_added_to_the_fabrics() -> None:
    """20 ms of the fabric, and 1.938 M instructions at 325 to 650 M a second."""
    board = BOARDS["pynq-z2"]
    of = rates(configuration_named("z7020"), GEOMETRIES["370m"], board)
    fabric = replace(of, tokens_per_s=50)
    work = host_work(fabric, board, 32_000)
    assert work.instructions == 830_000 + 19 * 32_000 + 500_000
    assert work.seconds == pytest.approx((1.938 / 325, 1.938 / 650))
    assert work.tokens_per_s == pytest.approx((1 / 0.025963, 1 / 0.0229815), rel=1e-4)
