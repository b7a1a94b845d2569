"""The checked-in sources: whole, made from these kernels, and of the shape that hardware needs."""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest

from tritstream.caches import cache_folder
from tritstream.configurations import configuration_named
from tritstream.errors import ConfigurationError, EngineError
from tritstream.kernels import csim, manifest
from tritstream.kernels.arguments import TOP, argument_table
from tritstream.kernels.build import allo_available, build, check
from tritstream.kernels.manifest import GENERATED, generated_configurations, read_manifest
from tritstream.kernels.ports import for_every_port
from tritstream.kernels.sources import KERNELS

NAMES = generated_configurations()


def text(name: str, kernel: str, suffix: str = "cpp") -> str:
    return (GENERATED / name / f"{kernel}.{suffix}").read_text()


def function(code: str, name: str) -> str:
    found = re.search(rf'^(?:extern "C" )?void {name}\(.*?^\}}$', code, re.M | re.S)
    assert found is not None, name
    return found[0]


@pytest.mark.parametrize("name", NAMES)
def test_every_configuration_is_checked_in_whole(name: str) -> None:
    content = read_manifest(configuration_named(name))
    expected = {f"{kernel}.{suffix}" for kernel in KERNELS for suffix in ("cpp", "mlir")}
    assert set(content["files"]) == expected
    assert {p.name for p in (GENERATED / name).iterdir()} == expected | {"manifest.json"}
    for file, digest in content["files"].items():
        assert hashlib.sha256((GENERATED / name / file).read_bytes()).hexdigest() == digest
    assert re.fullmatch("[0-9a-f]{40}", content["allo_commit"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernel", ["engine", "ternary_matvec"])
def test_no_multiplication_in_the_matvec(name: str, kernel: str) -> None:
    body = function(text(name, kernel), "multiply_word")
    # Subscripts are arithmetic on counters of unrolled loops: constants in hardware.
    while "[" in body:
        body = re.sub(r"\[[^\[\]]*\]", "", body)
    body = body.replace("multiply_word", "").replace("int32_t *", "")
    assert "+" in body and "*" not in body


@pytest.mark.parametrize("name", NAMES)
def test_the_streaming_loop_is_pipelined_and_its_arrays_are_split(name: str) -> None:
    core = function(text(name, "engine"), "core_0")
    start = core.index("multiply_word(")
    # The last pragma in front of the call is that of its own loop, behind the norm.
    before = core[:start]
    assert before.rindex("#pragma HLS pipeline II=1") > before.rindex(" codes_and_scale(")
    second_pass = function(text(name, "engine"), "codes_and_scale")
    assert second_pass.count("#pragma HLS pipeline II=1") == 1
    assert second_pass.index("#pragma HLS pipeline II=1") < second_pass.index(" quantise(")
    several = configuration_named(name).tokens > 1  # a dimension of one is not split
    for array, dimension in (
        *([("codes", 2)] if several else []),
        *(("codes", 3), ("codes", 4), ("values", 2), ("sums", 1)),
    ):
        assert f"array_partition variable={array} complete dim={dimension}" in core
    multiply = function(text(name, "engine"), "multiply_word")
    assert "#pragma HLS inline" in multiply
    for dimension in (1, 2, 3) if several else (1, 3):
        assert f"array_partition variable=tree complete dim={dimension}" in multiply


@pytest.mark.parametrize("name", NAMES)
def test_only_the_loaders_touch_weights_and_never_keep_them(name: str) -> None:
    code, c = text(name, "engine"), configuration_named(name)
    for port in range(c.ports):
        loader = function(code, f"load_{port}_0")
        arrays = re.findall(r"\b(?:ap_uint<\d+>|uint64_t) \w+\[\d+\]", loader)
        assert len(arrays) == 1  # the argument itself
        assert "pipeline II=1" in loader
    assert f"load_{c.ports}_0" not in code
    core = function(code, "core_0")
    arrays = re.findall(r"^ +([\w<>]+) \w+((?:\[\d+\])+);", core, re.M)
    longest = max(c.hidden, c.intermediate)
    for _, shape in arrays:
        elements = 1
        for size in re.findall(r"\d+", shape):
            elements *= int(size)
        assert elements <= c.tokens * longest


@pytest.mark.parametrize("name", NAMES)
def test_the_top_has_the_ports_of_the_argument_table(name: str) -> None:
    top = function(text(name, "engine"), TOP)
    signature = top[top.index("(") : top.index(") {")]
    table = argument_table(configuration_named(name))
    names = re.findall(r"(\w+)(?:\[(\d+)\])?,?$", signature, re.M)
    assert names == [(a.name, str(a.beats) if a.kind == "memory" else "") for a in table]
    assert "s_axilite port=return bundle=control" in top and "#pragma HLS dataflow" in top


@pytest.mark.parametrize("name", NAMES)
def test_locations_in_the_mlir_are_relative(name: str) -> None:
    for kernel in KERNELS:
        mlir = text(name, kernel, "mlir")
        assert f'"kernels/{kernel}.py":' in mlir
        assert not re.search(r'"/\w+/', mlir)


ONE_PORT = """\
from constants import PORT_0, WORDS

def top(first: int, weights_0: Word[WEIGHTS_0_BEATS], last: int):
    plan_0: Stream
    def core():
        for n in range(WORDS):
            if n < 3:
                word[PORT_0] = plan_0.get()
            else:
                word[0] = 0

    @kernel(args=[weights_0])
    def load_0(memory: Word):
        plan_0.put(memory[0])
"""
TWO_PORTS = """\
from constants import PORT_0, PORT_1, WORDS

def top(first: int, weights_0: Word[WEIGHTS_0_BEATS], weights_1: Word[WEIGHTS_0_BEATS], last: int):
    plan_0: Stream
    plan_1: Stream
    def core():
        for n in range(WORDS):
            if n < 3:
                word[PORT_0] = plan_0.get()
                word[PORT_1] = plan_1.get()
            else:
                word[0] = 0

    @kernel(args=[weights_0])
    def load_0(memory: Word):
        plan_0.put(memory[0])

    @kernel(args=[weights_1])
    def load_1(memory: Word):
        plan_1.put(memory[0])
"""


def test_what_is_written_for_port_0_is_there_for_every_port() -> None:
    assert ast.unparse(for_every_port(ast.parse(ONE_PORT), 1)) == ast.unparse(ast.parse(ONE_PORT))
    made = for_every_port(ast.parse(ONE_PORT), 2)
    assert ast.unparse(made) == ast.unparse(ast.parse(TWO_PORTS))
    lines = {node.lineno for node in ast.walk(made) if isinstance(node, ast.FunctionDef)}
    assert max(lines) == 13, "copies stand where their source does"


def test_an_unknown_or_changed_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = configuration_named("tiny")
    with pytest.raises(ConfigurationError, match="no kernels for configuration 'other'"):
        read_manifest(dataclasses.replace(tiny, name="other"))
    content = read_manifest(tiny)
    content["configuration"]["lanes"] = 16
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "manifest.json").write_text(json.dumps(content))
    monkeypatch.setattr(manifest, "GENERATED", tmp_path)
    with pytest.raises(ConfigurationError, match="are stale: run"):
        read_manifest(tiny)


def test_a_missing_compiler_and_missing_headers_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "kernel.cpp"
    source.write_text('extern "C" void kernel() {}')
    monkeypatch.setenv("CXX", str(tmp_path / "no-compiler"))
    with pytest.raises(EngineError, match=r"no C\+\+ compiler that runs here"):
        csim.load(source)
    monkeypatch.delenv("CXX")

    def absent(name: str) -> None:
        raise csim.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(csim.importlib.metadata, "distribution", absent)
    monkeypatch.delenv(csim.HEADERS_VARIABLE, raising=False)
    with pytest.raises(EngineError, match="pip install --no-deps hls4ml"):
        csim.header_folder()


@pytest.mark.usefixtures("what_csim_needs")
def test_source_that_does_not_compile_is_reported_and_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "broken.cpp"
    source.write_text("void f( {")
    with pytest.raises(EngineError, match=r"compiling broken\.cpp failed"):
        csim.load(source)
    assert not list(cache_folder("csim").iterdir())


@pytest.mark.usefixtures("what_csim_needs")
def test_a_compiled_kernel_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "one.cpp"
    source.write_text('extern "C" void one(int *x) { *x = 1; }')
    csim.load(source)
    (library,) = cache_folder("csim").iterdir()
    made = library.stat().st_mtime_ns
    csim.load.cache_clear()
    csim.load(source)
    assert [p.stat().st_mtime_ns for p in cache_folder("csim").iterdir()] == [made]
    source.write_text('extern "C" void one(int *x) { *x = 2; }')
    csim.load.cache_clear()
    csim.load(source)
    assert len(list(cache_folder("csim").iterdir())) == 2


def test_building_without_allo_says_what_is_missing() -> None:
    if allo_available():
        pytest.skip("Allo is here")
    with pytest.raises(EngineError, match="needs Allo"):
        build(["tiny"], print)


@pytest.mark.parametrize("name", NAMES)
def test_allo_makes_what_is_checked_in(name: str) -> None:
    if not allo_available():
        pytest.skip("regenerating the kernels needs Allo, which this Python does not have")
    assert check([name], print)
