import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest

from support.small_disk import on_small_disk
from tritstream.errors import FileError
from tritstream.files import atomic_write, atomic_write_bytes, sha256_of


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_the_name_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    with atomic_write(target) as file:
        file.write(b"abc")
        assert not target.exists()
    assert target.read_bytes() == b"abc"
    assert leftovers(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, failure: type[BaseException]
) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")
    with pytest.raises(failure), atomic_write(target) as file:
        file.write(b"new")
        raise failure
    assert target.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["out.bin"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        atomic_write_bytes(tmp_path / "out.bin", b"x")
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "out.bin").stat().st_mode) == 0o640


def test_a_full_disk_is_said_so_and_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(FileError, match=r"out\.bin: the disk is full"),
        atomic_write(tmp_path / "out.bin") as file,
    ):
        file.write(b"x")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert leftovers(tmp_path) == []


def test_a_really_full_disk(tmp_path: Path) -> None:
    result = on_small_disk(
        tmp_path,
        "from tritstream.files import atomic_write\n"
        "import os\n"
        "try:\n"
        "    with atomic_write('out.bin') as file:\n"
        "        file.write(bytes(1 << 20))\n"
        "except Exception as error:\n"
        "    print(error, os.listdir())\n",
    )
    assert result.stdout.startswith("cannot write out.bin: the disk is full")
    assert result.stdout.endswith("[]\n")


def test_errors_of_other_files_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "out.bin"):
        (tmp_path / "missing").read_bytes()
    assert leftovers(tmp_path) == []


def test_bad_places_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"), atomic_write(tmp_path / "no" / "out"):
        pass
    with pytest.raises(FileError, match="is a folder"), atomic_write(tmp_path):
        pass


def test_sha256(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileError, match="cannot read"):
        sha256_of(tmp_path / "b")
