"""The slow checks of the native core: sanitizers, ARM under emulation, allocations, damaged images."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.native import (
    HERE,
    compile_driver,
    configuration,
    run_driver,
    synthetic_image,
    tokens,
)
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image
from tritstream.native import built

pytestmark = pytest.mark.long

MUTANTS = 12_000
CASES = [("odd", "base3", "default"), ("three ports", "2bit", "small"), ("tiny", "base3", "small")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case).replace(" ", "_"))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    path = tmp_path_factory.mktemp("long") / "random.trit"
    return synthetic_image(path, configuration(*request.param))


def driver(folder: Path, compiler: str, *flags: str, package: str) -> Path:
    """Compile the driver, or skip where the compiler or what it links is missing."""
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed (Debian: {package})")
    program = folder / "driver"
    done = compile_driver(compiler, program, *flags)
    if "cannot find -l" in done.stderr:
        pytest.skip(f"{compiler} cannot link with {' '.join(flags)}: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    return program


def check(command: list[str], image: Image, folder: Path, level: str, threads: int) -> str:
    """Run the driver and compare its logits with the specification's; what it printed."""
    ids = tokens(image, 11)
    done, logits = run_driver(command, image, ids, folder, level, threads)
    assert done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}"
    expected = SpecEngine(image).logits(ids)
    for way in logits:
        np.testing.assert_array_equal(way, expected)
    return done.stdout


SANITIZERS = {
    "address": ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"),
    "thread": ("-fsanitize=thread", "-g"),
}


@pytest.fixture(scope="module", params=SANITIZERS)
def sanitized(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    return driver(folder, "gcc", *SANITIZERS[request.param], package="gcc")


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("level", HERE)
def test_sanitizers_find_nothing(
    sanitized: Path, image: Image, tmp_path: Path, level: str, threads: int
) -> None:
    # Without address randomisation: older ThreadSanitizers do not know newer kernels' layouts.
    setarch = shutil.which("setarch")
    prefix = [setarch, "-R"] if setarch else []
    check([*prefix, str(sanitized)], image, tmp_path, level, threads)


def test_a_sanitizer_would_find_something(tmp_path: Path, image: Image) -> None:
    """The build with sanitizers is one: it stops at a read beyond the job that it is given."""
    program = driver(tmp_path, "gcc", *SANITIZERS["address"], "-DBREAK_BOUNDS", package="gcc")
    done, _ = run_driver([str(program)], image, tokens(image, 2), tmp_path, "c", 1)
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


def test_nothing_is_allocated_after_loading(tmp_path: Path, image: Image) -> None:
    wrap = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "posix_memalign")]
    program = driver(tmp_path, "gcc", "-DCOUNT_ALLOCATIONS", *wrap, package="gcc")
    printed = check([str(program)], image, tmp_path, HERE[0], 2)
    assert "allocations while running: 0\n" in printed


ARM = {
    "aarch64-dotprod": ("aarch64-linux-gnu-gcc", "qemu-aarch64", "max", "neon-dotprod", ()),
    "aarch64": ("aarch64-linux-gnu-gcc", "qemu-aarch64", "cortex-a53", "neon", ()),
    "aarch64-c": ("aarch64-linux-gnu-gcc", "qemu-aarch64", "cortex-a53", "c", ()),
    "armv7": ("arm-linux-gnueabihf-gcc", "qemu-arm", "cortex-a9", "neon", ()),
    "armv7-c": ("arm-linux-gnueabihf-gcc", "qemu-arm", "cortex-a9", "c", ()),
}


@pytest.fixture(scope="module", params=ARM)
def emulated(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], str]:
    compiler, emulator, cpu, level, flags = ARM[request.param]
    package = compiler.removesuffix("-gcc")
    if shutil.which(emulator) is None:
        pytest.skip(f"{emulator} is not installed (Debian: qemu-user)")
    folder = tmp_path_factory.mktemp(request.param)
    program = driver(folder, compiler, "-static", *flags, package=f"gcc-{package} libc6-dev")
    return [emulator, "-cpu", cpu, str(program)], level


@pytest.mark.parametrize("threads", [1, 2])
def test_arm_equals_the_specification(
    emulated: tuple[list[str], str], image: Image, tmp_path: Path, threads: int
) -> None:
    command, level = emulated
    check(command, image, tmp_path, level, threads)


def test_arm_without_dot_products_is_told(image: Image, tmp_path: Path) -> None:
    emulator = shutil.which("qemu-aarch64")
    if emulator is None:
        pytest.skip("qemu-aarch64 is not installed (Debian: qemu-user)")
    program = driver(tmp_path, "aarch64-linux-gnu-gcc", "-static", package="gcc-aarch64-linux-gnu")
    command = [emulator, "-cpu", "cortex-a53", str(program)]
    done, _ = run_driver(command, image, tokens(image, 1), tmp_path, "neon-dotprod", 1)
    assert done.returncode == 4


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_damaged_images_never_crash(tmp_path: Path) -> None:
    """In a process of its own, so that a crash is a result and not the end of the tests."""
    program = Path(__file__).with_name("fuzz_images.py")
    folder = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(MUTANTS)],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, (
        f"status {done.returncode}: {done.stdout[-500:]}{done.stderr[-3000:]}"
    )
    counts = json.loads(done.stdout)
    assert counts["images"] == MUTANTS >= 10_000
    # Both halves must be worth their name: images refused, and forged ones that were run.
    assert counts["refused"] > MUTANTS // 4
    assert counts["run"] > MUTANTS // 10
