import errno
import hashlib
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from support.small_disk import on_small_disk
from tritstream import files
from tritstream.errors import FileError
from tritstream.files import (
    atomic_write,
    atomic_write_bytes,
    check_output,
    read_bytes,
    scratch_folder,
    sha256_of,
)


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


def test_an_empty_name_is_refused() -> None:
    for write in (check_output, lambda path: atomic_write_bytes(path, b"")):
        with pytest.raises(FileError, match="name of its file is empty"):
            write("")


def test_sha256(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(data)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    with pytest.raises(FileError, match="cannot read"):
        sha256_of(tmp_path / "b")


def test_a_symbolic_link_stays_and_its_target_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("made")
    for name, target in (("link", "real"), ("dangling", "made")):
        atomic_write_bytes(tmp_path / name, b"new")
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / target).read_bytes() == b"new"
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(FileError, match="loop"):
        atomic_write_bytes(tmp_path / "loop", b"x")


def test_a_file_that_is_replaced_keeps_mode_and_owner(tmp_path: Path) -> None:
    target = tmp_path / "private"
    target.touch()
    target.chmod(0o600)
    if os.getuid() == 0:
        os.chown(target, 1234, 2345)
    before = target.stat()
    atomic_write_bytes(target, b"new")
    after = target.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_fifo_is_written_to_or_refused_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(FileError, match="a FIFO that nobody reads"):
        atomic_write_bytes(fifo, b"x")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    for _ in range(100):  # until the reader has opened it
        try:
            atomic_write_bytes(fifo, bytes(200_000))
            break
        except FileError:
            time.sleep(0.05)
    reader.join(30)
    assert got == [bytes(200_000)]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert leftovers(tmp_path) == ["fifo"]


def test_devices_and_open_files_are_written_to(tmp_path: Path) -> None:
    atomic_write_bytes("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    code = (
        "from tritstream.files import atomic_write_bytes as w\n"
        "print('one', flush=True); w('/dev/stdout', b'two\\n'); w('/dev/fd/1', b'three\\n')"
    )
    with open(tmp_path / "out", "wb") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True, timeout=60)
    assert (tmp_path / "out").read_text() == "one\ntwo\nthree\n"
    full = "from tritstream.files import atomic_write_bytes as w; w('/dev/full', b'x')"
    done = subprocess.run([sys.executable, "-c", full], capture_output=True, text=True, timeout=60)
    assert "FileError: cannot write /dev/full: the disk is full" in done.stderr


def test_what_cannot_be_written_is_known_before_the_work(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(FileError, match="it is a socket"):
            check_output(tmp_path / "socket")
    for name, words in (
        ("", "is a folder"),
        ("no/out", "does not exist"),
        ("x" * 300, "name too long"),
        ("socket/out", "Not a directory"),
        ("a\0b", "null"),
    ):
        with pytest.raises(FileError, match=f"(?i){words}"):
            check_output(tmp_path / name)
    assert check_output(tmp_path / "out") is None
    if os.getuid():
        (tmp_path / "locked").touch(mode=0o400)
        with pytest.raises(FileError, match="Permission denied"):
            check_output(tmp_path / "locked")


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    atomic_write_bytes(tmp_path / ("x" * 255), b"x")
    assert leftovers(tmp_path) == ["x" * 255]


KILLED = """
import os, sys, time
from pathlib import Path
from tritstream.files import atomic_write, scratch_folder
with atomic_write(sys.argv[1]) as file, scratch_folder("a"), scratch_folder("b", Path(sys.argv[2])):
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for name in ("tmp", "out", "cache"):
        (tmp_path / name).mkdir()
    words = [sys.executable, "-c", KILLED, str(tmp_path / "out/file"), str(tmp_path / "cache")]
    started = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    started[0].kill()
    started[0].wait()

    def left() -> list[int]:
        return [len(leftovers(tmp_path / name)) for name in ("tmp", "out", "cache")]

    def write() -> None:
        atomic_write_bytes(tmp_path / "out" / "other", b"x")
        with scratch_folder("c"), scratch_folder("d", tmp_path / "cache"):
            pass

    write()
    assert left() == [2, 3, 2]  # too young to be told from one that is being made
    monkeypatch.setattr(files, "_YOUNG_S", -1.0)
    write()
    assert left() == [1, 2, 1]  # those of the process that still runs
    started[1].kill()
    started[1].wait()
    write()
    assert left() == [0, 1, 0]
    for process in started:
        assert process.stdout is not None
        process.stdout.close()


def test_a_temporary_folder_that_cannot_be_made_or_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileError, match="set TMPDIR"), scratch_folder("a"):
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(FileError, match=r"temporary folder .* is full"), scratch_folder("a") as at:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(at / "x"))
    with pytest.raises(OSError, match="elsewhere"), scratch_folder("a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/elsewhere")
    assert leftovers(tmp_path) == []


def test_a_pipe_is_read_where_somebody_writes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="nobody writes to this pipe"):
        read_bytes(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # the writer's open does not wait then
    data = bytes(range(256)) * 1000  # more than a pipe holds
    writer = threading.Thread(target=pipe.write_bytes, args=[data])
    writer.start()
    assert select.select([reader], [], [], 60)[0]
    assert read_bytes(pipe) == data
    writer.join()
    os.close(reader)
    (tmp_path / "file").write_bytes(data)
    assert read_bytes(tmp_path / "file") == data
