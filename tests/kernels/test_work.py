"""The documentation shows what is computed, what is written and what is emitted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tritstream.configurations import configuration_named
from tritstream.estimate import work
from tritstream.geometry import GEOMETRIES
from tritstream.kernels.arguments import PREFETCH_WORDS
from tritstream.kernels.manifest import GENERATED, generated_configurations

FOLDER = GENERATED.parent
README = (FOLDER / "README.md").read_text()


def test_the_tables_in_the_documentation_are_the_computed_ones() -> None:
    assert work.markdown(configuration_named("kv260"), GEOMETRIES["370m"]) in README


@pytest.mark.parametrize(
    ("language", "file"),
    [("python", FOLDER / "swiglu.py"), ("cpp", GENERATED / "kv260" / "swiglu.cpp")],
)
def test_the_sources_in_the_documentation_are_the_real_ones(language: str, file: Path) -> None:
    shown = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert shown is not None and shown[1] in file.read_text()


def test_element_wise_work_stays_within_its_budget() -> None:
    """At 370M at most 10 % of a layer's cycles are not weight words (derived)."""
    layer = work.phases(configuration_named("kv260"), GEOMETRIES["370m"])[:-1]
    words, total = (sum(getattr(p.cycles, n) for p in layer) for n in ("words", "total"))
    assert words == 40172
    assert total - words < 0.1 * words


@pytest.mark.parametrize("name", generated_configurations())
def test_the_weight_fifos_are_as_deep_as_estimates_take_them(name: str) -> None:
    text = (GENERATED / name / "engine.mlir").read_text()
    depths = re.findall(r'name = "trits_\d".*!allo\.stream<i\d+, (\d+)>', text)
    assert len(depths) == configuration_named(name).ports
    assert set(depths) == {str(PREFETCH_WORDS)}


@pytest.mark.parametrize("name", generated_configurations())
def test_buffers_are_those_of_the_emitted_engine(name: str) -> None:
    code = (GENERATED / name / "engine.cpp").read_text()
    core = code[code.index("void core_0(") :]
    for buffer in work.buffers(configuration_named(name)):
        found = re.search(rf"^  (\w+|ap_u?int<\d+>) {buffer.name}((?:\[\d+\])+);", core, re.M)
        if found is None:
            continue  # a FIFO or a table; those have other names in the text
        bits = int(re.sub(r"\D", "", found[1].replace("_t", "")))
        for size in re.findall(r"\d+", found[2]):
            bits *= int(size)
        assert bits == buffer.total_bits, buffer.name
    depths = sorted(
        int(d) for d in re.findall(r"#pragma HLS stream variable=\w+ depth=(\d+)", code)
    )
    c = configuration_named(name)
    plans = [4] * (2 + c.ports) + [8]  # and the sizes
    fifos = {b.name: b.entries for b in work.buffers(c)[:5]}
    trits = [fifos.pop("trits")] * c.ports
    assert depths == sorted([*plans, *trits, *fifos.values()])
