"""The folder of every cache, and checks that are made once."""

import os
import pwd
from pathlib import Path

import pytest

from tritstream import caches
from tritstream.caches import cache_folder, made_cache_folder, once
from tritstream.errors import FileError, ImageError
from tritstream.image import Image, open_image, reader


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("csim") == tmp_path / "tritstream" / "csim"
    monkeypatch.setenv("HOME", "/home/me")
    for ignored in ("", "relative", "~/cache"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert cache_folder("csim") == Path("/home/me/.cache/tritstream/csim")


@pytest.mark.parametrize("home", [None, "", "~", "here"])
def test_without_a_home(monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """A user without a passwd entry, as containers start programs."""

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    with pytest.raises(FileError, match=r"no home folder .*: set XDG_CACHE_HOME"):
        cache_folder("csim")


def test_one_that_cannot_be_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(FileError, match=r"cannot write to the cache folder .*: set XDG_CACHE_HOME"):
        made_cache_folder("csim")


def test_a_check_is_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[str] = []

    def fails() -> None:
        made.append("fails")
        raise ImageError("it does not pass")

    for _ in range(2):
        with pytest.raises(ImageError):
            once("a", fails)
    for _ in range(2):
        once("a", lambda: made.append("a"))
    once("b", lambda: made.append("b"))
    assert made == ["fails", "fails", "a", "b"]
    monkeypatch.setattr(caches, "_MARKS", 2)
    os.utime(tmp_path / "tritstream/checked/a", (1, 1))
    once("c", lambda: None)
    assert sorted(p.name for p in (tmp_path / "tritstream/checked").iterdir()) == ["b", "c"]


def test_without_a_cache_it_is_made_every_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    made: list[int] = []
    for _ in range(2):
        once("a", lambda: made.append(1))
    assert len(made) == 2


def test_the_values_of_an_image_are_checked_once(
    image_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    checked: list[Image] = []
    monkeypatch.setattr(reader, "check_values", checked.append)
    for _ in range(3):
        open_image(image_file)
    assert len(checked) == 1
    copy = tmp_path / "copy.trit"
    copy.write_bytes(image_file.read_bytes())
    open_image(copy)
    assert len(checked) == 1  # the same content under another name

    damaged = bytearray(image_file.read_bytes())
    record = open_image(image_file).header.records[-1]
    damaged[record.offset + 1] ^= 1
    copy.write_bytes(damaged)
    with pytest.raises(ImageError, match="SHA-256"):
        open_image(copy)
