"""Slow checks of the native core: sanitizers, emulated ARM, allocations, damaged images."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.native import (
    HERE,
    compile_driver,
    run_driver,
    shaped,
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
    return synthetic_image(path, shaped(*request.param))


Compiled = Callable[..., Path]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Compiles the driver once for each set of flags; skips where a compiler is missing."""
    programs: dict[tuple[str, ...], Path] = {}

    def compile_(compiler: str, *flags: str, package: str) -> Path:
        if shutil.which(compiler) is None:
            pytest.skip(f"{compiler} is not installed (Debian: {package})")
        key = (compiler, *flags)
        if key not in programs:
            program = tmp_path_factory.mktemp("driver") / "driver"
            done = compile_driver(compiler, program, *flags)
            if "cannot find -l" in done.stderr:
                pytest.skip(f"{compiler} cannot link: {done.stderr[-200:]}")
            assert done.returncode == 0, done.stderr
            programs[key] = program
        return programs[key]

    return compile_


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


@pytest.mark.parametrize("sanitizer", SANITIZERS)
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("level", HERE)
def test_sanitizers_find_nothing(
    compiled: Compiled, image: Image, tmp_path: Path, level: str, threads: int, sanitizer: str
) -> None:
    program = compiled("gcc", *SANITIZERS[sanitizer], package="gcc")
    # Without address randomisation: older ThreadSanitizers do not know newer kernels' layouts.
    setarch = shutil.which("setarch")
    prefix = [setarch, "-R"] if setarch else []
    check([*prefix, str(program)], image, tmp_path, level, threads)


@pytest.mark.parametrize("sanitizer", SANITIZERS)
def test_threads_that_come_and_go(
    compiled: Compiled, image: Image, tmp_path: Path, sanitizer: str
) -> None:
    """The number of threads changes at almost every pass, and no result does."""
    program = compiled("gcc", *SANITIZERS[sanitizer], "-DRESTLESS", package="gcc")
    setarch = shutil.which("setarch")
    prefix = [setarch, "-R"] if setarch else []
    check([*prefix, str(program)], image, tmp_path, HERE[0], 4)


def test_a_sanitizer_would_find_something(compiled: Compiled, image: Image, tmp_path: Path) -> None:
    program = compiled("gcc", *SANITIZERS["address"], package="gcc")
    ids = tokens(image, 9)
    done, _ = run_driver([str(program)], image, ids, tmp_path, "c", 1, "overrun")
    assert done.returncode != 0
    assert "AddressSanitizer" in done.stderr


def test_nothing_is_allocated_after_loading(
    compiled: Compiled, image: Image, tmp_path: Path
) -> None:
    wrap = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "posix_memalign")]
    program = compiled("gcc", "-DCOUNT_ALLOCATIONS", *wrap, package="gcc")
    printed = check([str(program)], image, tmp_path, HERE[0], 2)
    assert "allocations while running: 0\n" in printed


AARCH64 = ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "qemu-aarch64")
ARMV7 = ("arm-linux-gnueabihf-gcc", "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross", "qemu-arm")
ARM = (
    (AARCH64, "max", "neon-dotprod"),
    (AARCH64, "cortex-a53", "neon"),
    (AARCH64, "cortex-a53", "c"),
    (ARMV7, "cortex-a9", "neon"),
    (ARMV7, "cortex-a9", "c"),
)


def emulated(compiled: Compiled, machine: tuple[str, str, str], cpu: str) -> list[str]:
    compiler, package, emulator = machine
    if shutil.which(emulator) is None:
        pytest.skip(f"{emulator} is not installed (Debian: qemu-user)")
    return [emulator, "-cpu", cpu, str(compiled(compiler, "-static", package=package))]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("machine", "cpu", "level"), ARM)
def test_arm_equals_the_specification(
    compiled: Compiled,
    image: Image,
    tmp_path: Path,
    machine: tuple[str, str, str],
    cpu: str,
    level: str,
    threads: int,
) -> None:
    check(emulated(compiled, machine, cpu), image, tmp_path, level, threads)


def test_arm_without_dot_products_is_told(compiled: Compiled, image: Image, tmp_path: Path) -> None:
    command = emulated(compiled, AARCH64, "cortex-a53")
    done, _ = run_driver(command, image, tokens(image, 1), tmp_path, "neon-dotprod", 1)
    assert done.returncode == 4


@pytest.mark.skipif(built() is None, reason="the native core was not compiled here")
def test_the_suite_passes_on_an_emulated_processor_without_avx512() -> None:
    """A Haswell stops at the first instruction that it lacks, whatever a mask says."""
    emulator = shutil.which("qemu-x86_64")
    if emulator is None or platform.machine() != "x86_64":
        pytest.skip("qemu-x86_64 is not installed (Debian: qemu-user), or this is no x86-64")
    folder = Path(__file__).parent
    done = subprocess.run(
        [emulator, "-cpu", "Haswell", sys.executable, "-m", "pytest", "-q", "-p", "no:xdist"]
        + ["-p", "no:cacheprovider", "--timeout", "3000", str(folder)],
        capture_output=True,
        text=True,
        timeout=3000,
        check=False,
        cwd=folder.parents[1],
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


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
