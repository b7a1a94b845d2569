"""Finding and loading the core, its levels, and what a machine without it gets."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.native import HERE, SOURCES
from tritstream.engines import registry
from tritstream.errors import EngineError
from tritstream.native import Level, built, levels, load_core
from tritstream.native import library as native

needs_core = pytest.mark.skipif(built() is None, reason="the native core was not compiled here")


@pytest.fixture(autouse=True)
def fresh_caches() -> object:
    load_core.cache_clear()
    registry._software_engine.cache_clear()
    yield
    load_core.cache_clear()
    registry._software_engine.cache_clear()


@needs_core
def test_every_processor_runs_plain_c() -> None:
    assert "c" in HERE
    assert levels(load_core())[-1].name == "c"


@needs_core
def test_the_fastest_level_is_the_default() -> None:
    core = load_core()
    assert native.choose_level(core, None).name == HERE[0]
    assert native.choose_level(core, "c").name == "c"


@needs_core
def test_a_level_that_this_processor_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    here = (Level(0, "avx1024", False), Level(1, "c", True))
    monkeypatch.setattr(native, "levels", lambda core: here)
    assert native.choose_level(load_core(), None).name == "c"
    with pytest.raises(EngineError, match=r"lacks the instructions of level 'avx1024'.*: choose"):
        native.choose_level(load_core(), "avx1024")


@needs_core
def test_no_call_reaches_a_level_that_does_not_run_here() -> None:
    """Masked, a level is as good as lacking: nothing of the library may give it out.

    In a process of its own, which an illegal instruction would end.
    """
    others = ",".join(level.name for level in levels(load_core()) if level.name != "c")
    code = """
import ctypes
import numpy as np
from support.native import shaped, synthetic_image
from pathlib import Path
from tempfile import TemporaryDirectory
from tritstream.engines.native import NativeEngine, describe
from tritstream.errors import EngineError
from tritstream.native import choose_level, levels, load_core

core = load_core()
assert choose_level(core, None).name == "c"
with TemporaryDirectory() as folder:
    image = synthetic_image(Path(folder) / "m.trit", shaped("narrow", "base3", "default"))
    model, alive = describe(image, 8, 1)
    denied = [level.index for level in levels(core) if not level.runs_here]
    assert len(denied) == len(levels(core)) - 1
    for index in [*denied, -1, len(levels(core)), 1 << 30]:
        assert not core.tritstream_level_runs_here(index)
        assert not core.tritstream_operations(index)
        assert not core.tritstream_create(model, None, index, 1)
    for level in levels(core):
        if level.runs_here:
            assert NativeEngine(image).level == level.name
        else:
            try:
                NativeEngine(image, level=level.name)
            except EngineError as error:
                assert "lacks the instructions" in str(error)
            else:
                raise AssertionError(level.name)
    assert np.isfinite(NativeEngine(image).step(1)).all()
print("done")
"""
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "TRITSTREAM_WITHOUT_LEVELS": others, "PYTHONPATH": tests}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_the_table_of_levels_is_private() -> None:
    """`level_here` is the only way to a level's operations: see levels.c."""
    users = [path.name for path in SOURCES.glob("*.[ch]") if "LEVELS[" in path.read_text()]
    assert users == ["levels.c"]


def test_without_a_core_spec_runs_with_one_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(native, "built", lambda folder=None: None)
    with pytest.raises(EngineError, match="install a C compiler"):
        load_core()
    with pytest.warns(UserWarning, match="slow engine spec") as caught:
        assert registry.default_engine() == "spec"
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert registry.default_engine() == "spec"


@needs_core
def test_native_is_the_default_where_it_is_built() -> None:
    assert registry.default_engine() == "native"


def test_a_big_endian_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "sys", SimpleNamespace(byteorder="big"))
    with pytest.raises(EngineError, match="big-endian"):
        load_core()


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    broken = tmp_path / "_core.so"
    broken.write_bytes(b"no library")
    assert built(tmp_path) == broken
    with pytest.raises(EngineError, match=r"cannot be loaded .*install tritstream again"):
        load_core(broken)


def test_a_library_of_another_version(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    source, stale = tmp_path / "stale.c", tmp_path / "_core.so"
    source.write_text("int tritstream_interface(void) { return 0; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", stale, source], check=True)
    with pytest.raises(EngineError, match="compiled from another version"):
        load_core(stale)


@needs_core
def test_structures_have_the_sizes_of_the_header(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler here")
    names = ("Scalar", "Profile", "Matrix", "Embedding", "Model", "Draw")
    source, program = tmp_path / "sizes.c", tmp_path / "sizes"
    source.write_text(
        '#include <stdio.h>\n#include "tritstream.h"\nint main(void) {\n'
        + "".join(f'printf("%zu ", sizeof({name}));\n' for name in names)
        + 'printf("%zu %d", sizeof(NormParameters), TRITSTREAM_INTERFACE); }\n'
    )
    subprocess.run([compiler, f"-I{SOURCES}", "-o", program, source], check=True)
    found = [int(v) for v in subprocess.check_output([program]).split()]
    structures = [getattr(native, name) for name in (*names, "Norm")]
    assert found == [*(ctypes.sizeof(s) for s in structures), native.INTERFACE]


@needs_core
def test_the_core_is_alone() -> None:
    """It must load without Python's symbols: that is what lets one build serve every version."""
    code = f"import ctypes; print(ctypes.CDLL({str(built())!r}).tritstream_interface())"
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert int(out) == native.INTERFACE
    program = shutil.which("nm")
    if program is None:
        pytest.skip("binutils' nm is not installed")
    symbols = subprocess.check_output([program, "-D", str(built())], text=True)
    assert " Py" not in symbols
