"""The test benches that Vitis gets, compiled by g++ with the very sources that it gets."""

import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tritstream.build.bench import bench_source, golden_header, read_signature
from tritstream.build.errors import BuildError
from tritstream.build.vectors import encode, kernel_vectors
from tritstream.configurations import Configuration, configuration_named
from tritstream.errors import EngineError
from tritstream.kernels.csim import header_folder
from tritstream.kernels.manifest import GENERATED, generated_configurations

SANITIZER = "-fsanitize=address,bounds"
Compile = Callable[[Path], Path]
KERNELS = ("ternary_matvec", "rmsnorm", "mlgru", "swiglu", "dequantise", "engine")


def compiler() -> list[str]:
    path = shutil.which(os.environ.get("CXX", "g++"))
    if path is None:
        pytest.skip("no C++ compiler is here: apt-get install g++")
    try:
        return [path, "-std=c++14", "-O0", "-w", f"-I{header_folder()}"]
    except EngineError as error:
        pytest.skip(str(error))


def sources(configuration: Configuration, kernel: str) -> Path:
    path = GENERATED / configuration.name / f"{kernel}.cpp"
    assert path.is_file(), f"{path} is not checked in"
    return path


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Compiles a source file with its bench, once."""
    folder = tmp_path_factory.mktemp("bench")

    @cache
    def program(source: Path) -> Path:
        return compile_bench(folder / source.parent.name, source)

    return program


def compile_bench(folder: Path, source: Path, *flags: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "golden.hpp").write_bytes(golden_header())
    bench = folder / f"{source.stem}_test.cpp"
    bench.write_text(bench_source(read_signature(source)), encoding="utf-8")
    program = folder / source.stem
    command = [*compiler(), *flags, f"-I{folder}", str(source), str(bench), "-o", str(program)]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=240)
    assert result.returncode == 0, result.stderr
    return program


def run(program: Path, folder: Path, vectors: bytes) -> subprocess.CompletedProcess[str]:
    path = folder / "vectors"
    path.write_bytes(vectors)
    return subprocess.run(
        [str(program), str(path)], capture_output=True, encoding="utf-8", timeout=240
    )


@pytest.mark.parametrize(
    ("name", "kernel"),
    [*(("tiny", k) for k in KERNELS), *(("z7020", k) for k in ("ternary_matvec", "engine"))],
)
def test_every_kernel_is_bit_exact(
    name: str, kernel: str, compiled: Compile, tmp_path: Path
) -> None:
    configuration = configuration_named(name)
    program = compiled(sources(configuration, kernel))
    calls = kernel_vectors(configuration)[kernel]()
    result = run(program, tmp_path, encode(calls))
    assert result.returncode == 0, result.stdout
    expected = sum(len(a) for call in calls for n, a in call.items() if n.endswith("="))
    top = read_signature(sources(configuration, kernel)).name
    assert f"TRITSTREAM bit-exact: {top}, {expected} values" in result.stdout


@pytest.mark.long
@pytest.mark.parametrize("name", list(generated_configurations()))
def test_engines_of_every_size_stay_within_their_memories(name: str, tmp_path: Path) -> None:
    """What is out of bounds is harmless in hardware, but ends Vitis' C simulation."""
    configuration = configuration_named(name)
    program = compile_bench(tmp_path, sources(configuration, "engine"), "-O1", SANITIZER)
    result = run(program, tmp_path, encode(kernel_vectors(configuration)["engine"]()))
    assert result.returncode == 0, result.stdout + result.stderr[:2000]
    assert "TRITSTREAM bit-exact: engine," in result.stdout


def test_one_wrong_bit_is_seen(compiled: Compile, tmp_path: Path) -> None:
    configuration = configuration_named("tiny")
    program = compiled(sources(configuration, "swiglu"))
    calls = kernel_vectors(configuration)["swiglu"]()
    calls[0]["product="] = calls[0]["product="].copy()
    calls[0]["product="][17, 0] ^= 1
    result = run(program, tmp_path, encode(calls))
    assert result.returncode == 1
    assert "product[17] differs" in result.stdout
    assert "1 of 256 values differ" in result.stdout
    assert "bit-exact" not in result.stdout


def test_vectors_that_expect_nothing_prove_nothing(compiled: Compile, tmp_path: Path) -> None:
    configuration = configuration_named("tiny")
    program = compiled(sources(configuration, "swiglu"))
    calls = kernel_vectors(configuration)["swiglu"]()
    del calls[0]["product="]
    for vectors, status in ((encode(calls), 1), (encode(calls)[:-3], 1), (b"", 1)):
        result = run(program, tmp_path, vectors)
        assert result.returncode == status, result.stdout
        assert "bit-exact" not in result.stdout
    result = subprocess.run([str(program), str(tmp_path / "none")], capture_output=True)
    assert result.returncode == 1


def test_vectors_are_the_same_every_time() -> None:
    configuration = configuration_named("tiny")
    once, again = (kernel_vectors(configuration) for _ in range(2))
    assert {k: encode(v()) for k, v in once.items()} == {k: encode(v()) for k, v in again.items()}


def test_a_source_with_another_shape_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "engine.cpp"
    source.write_text("void engine() {}\n", encoding="utf-8")
    with pytest.raises(BuildError, match="0 functions"):
        read_signature(source)
    source.write_text('extern "C" void engine(\n  int (*p)(int)\n) {\n}\n', encoding="utf-8")
    with pytest.raises(BuildError, match="not understood"):
        read_signature(source)
