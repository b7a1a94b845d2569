"""The store of overlays: shipped files, installing, damage, and finding one for an image."""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.bitstreams import small_bit
from tritstream.board import overlays
from tritstream.board.errors import OverlayError
from tritstream.board.hwh import hardware_handoff
from tritstream.board.overlays import (
    MANIFEST,
    File,
    decode_manifest,
    find_for,
    install,
    installed,
    installed_named,
    manifest_of,
    serves,
    shipped,
    shipped_boards,
    shipped_folder,
    verify,
    write_shipped,
)
from tritstream.boards import BOARDS
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.engines import default_engine
from tritstream.image import Image

BIT = small_bit()
HASH = hashlib.sha256(BIT).hexdigest()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What a vendor build of `tiny` leaves."""
    folder = tmp_path / "build"
    folder.mkdir()
    hwh = hardware_handoff(configuration_named("tiny")) + b"<!-- vendor -->\n"
    (folder / "tiny.bit").write_bytes(BIT)
    (folder / "tiny.hwh").write_bytes(hwh)
    manifest = replace(
        manifest_of(configuration_named("tiny")),
        hwh=File("tiny.hwh", hashlib.sha256(hwh).hexdigest(), "Vivado"),
        bit=File("tiny.bit", HASH, "Vivado"),
    )
    (folder / MANIFEST).write_bytes(manifest.encode())
    return folder


@pytest.fixture
def served(build: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(build)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def leftovers(cache: Path) -> list[str]:
    return [path.name for path in cache.rglob(".*")]


def test_what_is_shipped_is_what_the_tables_give(tmp_path: Path) -> None:
    expected = {(c.name, board) for c in CONFIGURATIONS.values() for board in shipped_boards(c)}
    assert {(m.name, m.board) for m in shipped()} == expected
    assert ("z7020", "pynq-z1") not in expected
    assert ("zu3", "ultra96v2") in expected and ("kv260", "ultra96v2") not in expected
    assert ("kv260", "zcu104") in expected and ("zu3", "zcu104") not in expected
    for name, board in expected:
        write_shipped(tmp_path, configuration_named(name), board)
    for manifest in shipped():
        if manifest.bit is not None:
            continue
        for path in shipped_folder(manifest).iterdir():
            fresh = tmp_path / manifest.board / manifest.name / path.name
            assert path.read_bytes() == fresh.read_bytes(), (
                "run `python -m tritstream.board.overlays bitstreams`"
            )
        assert "not the output of a vendor build" in manifest.hwh.source


def test_a_folder_with_a_bitstream_is_not_written_over(tmp_path: Path) -> None:
    configuration = configuration_named("tiny")
    write_shipped(tmp_path, configuration)
    path = tmp_path / "pynq-z2" / "tiny" / MANIFEST
    body = json.loads(path.read_text())
    body["bit"] = {"file": "tritstream.bit", "sha256": "0" * 64, "source": "a build"}
    path.write_text(json.dumps(body))
    write_shipped(tmp_path, configuration)
    assert json.loads(path.read_text()) == body


def test_a_shipped_bitstream_is_installed_without_a_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shipped"
    configuration = configuration_named("tiny")
    write_shipped(folder, configuration)
    inside = folder / "pynq-z2" / "tiny"
    (inside / "tritstream.bit").write_bytes(BIT)
    entry = File("tritstream.bit", HASH, "built with open tools")
    (inside / MANIFEST).write_bytes(replace(manifest_of(configuration), bit=entry).encode())
    monkeypatch.setattr(overlays.resources, "files", lambda _: folder)
    overlay = install("tiny", root=tmp_path / "store")
    assert overlay.bit.read_bytes() == BIT
    verify(overlay)


@pytest.mark.parametrize("what", ["folder", "manifest", "url", "url of the manifest"])
def test_install_a_build(what: str, build: Path, served: str, cache: Path) -> None:
    source = {
        "folder": str(build),
        "manifest": str(build / MANIFEST),
        "url": served,
        "url of the manifest": f"{served}/{MANIFEST}",
    }[what]
    overlay = install("tiny", source)
    assert overlay.bit == cache / "tritstream/overlays/pynq-z2/tiny/tritstream.bit"
    assert overlay.bit.read_bytes() == BIT
    assert overlay.bit.with_suffix(".hwh").read_bytes() == (build / "tiny.hwh").read_bytes()
    verify(overlay)
    assert list(installed()) == [overlay]
    assert installed_named("tiny") == overlay
    assert install("tiny", source) == overlay
    assert leftovers(cache) == []


def test_install_a_bare_bitstream(build: Path, served: str) -> None:
    (build / "tiny.hwh").unlink()
    overlay = install("tiny", str(build / "tiny.bit"))
    verify(overlay)
    assert overlay.manifest.hwh.source.startswith("generated")
    with pytest.raises(OverlayError, match="--sha256"):
        install("tiny", f"{served}/tiny.bit")
    with pytest.raises(OverlayError, match=f"is {HASH}, expected 00"):
        install("tiny", str(build / "tiny.bit"), sha256="0" * 64)
    verify(installed_named("tiny"))


def test_a_failed_install_leaves_what_was_there(build: Path, served: str, cache: Path) -> None:
    first = install("tiny", str(build))
    (build / "tiny.bit").write_bytes(BIT[:-1])
    for source in (str(build), served):
        with pytest.raises(OverlayError, match="not what it should be"):
            install("tiny", source)
    (build / "tiny.bit").unlink()
    with pytest.raises(OverlayError, match="there is no file"):
        install("tiny", str(build))
    with pytest.raises(OverlayError, match=r"cannot read http.*not found"):
        install("tiny", served)
    verify(first)
    assert list(installed()) == [first]
    assert leftovers(cache) == []


def test_damage_is_found(build: Path) -> None:
    overlay = install("tiny", str(build))
    overlay.bit.write_bytes(BIT + b"!")
    with pytest.raises(OverlayError, match=r"damaged.*tritstream overlay install tiny"):
        verify(overlay)
    overlay.bit.unlink()
    with pytest.raises(OverlayError, match="missing"):
        verify(overlay)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 1}, "format 1.*: build or install it again"),
        ({"format": 3}, "format 3.*: update tritstream"),
        ({"format": None, "board": "x"}, "format None"),
        ({"board": "../.."}, "impossible name"),
        ({"hwh": {"file": "../../etc/passwd", "sha256": "", "source": ""}}, "not beside it"),
        ({"hwh": 3}, "not an overlay manifest"),
        ({"more": 1}, "not an overlay manifest"),
    ],
)
def test_bad_manifests(build: Path, change: dict[str, object], message: str) -> None:
    body = json.loads((build / MANIFEST).read_bytes()) | change
    with pytest.raises(OverlayError, match=message):
        decode_manifest(json.dumps(body).encode(), "x")


def test_bad_sources(build: Path, tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match=r"no overlay 'nonesuch'.*tiny"):
        install("nonesuch")
    with pytest.raises(OverlayError, match="tritstream build --board pynq-z2"):
        install("tiny")
    with pytest.raises(OverlayError, match="is the overlay 'tiny'"):
        install("z7020", str(build))
    with pytest.raises(OverlayError, match="install tiny"):
        installed_named("tiny")


def test_the_default_engine_on_a_board(
    build: Path, tiny: Image, small: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOARD", "Pynq-Z2")
    with pytest.warns(UserWarning, match="no overlay of PYNQ-Z2 fits .*tritstream overlay list"):
        software = default_engine(tiny)
    assert software in ("native", "spec")
    install("tiny", str(build))
    assert find_for(tiny, "pynq-z2") == installed_named("tiny")
    assert find_for(small, "pynq-z2") is None
    assert find_for(tiny, "kv260") is None
    assert default_engine(tiny) == "pynq"
    monkeypatch.setenv("BOARD", "")
    assert default_engine(tiny) == software


def test_the_board_engine_without_a_board(
    build: Path, tiny: Image, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["generate", "x", "-m", tiny.source, "-e", "pynq"]
    assert main(words) == 2
    assert "no overlay that fits" in capfd.readouterr().err
    assert main([*words, "--overlay", str(build)]) == 2
    error = capfd.readouterr().err
    assert "no board here" in error or "pip install 'tritstream[board]'" in error
    assert main([*words[:-1], "spec", "--check"]) == 2
    assert "takes no board options" in capfd.readouterr().err


def test_the_command(build: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["overlay", "verify"]) == 0
    assert "no overlay is installed" in capfd.readouterr().out
    assert main(["overlay", "install", "tiny", "--from", str(build)]) == 0
    assert HASH in capfd.readouterr().out
    assert main(["overlay", "list", "--json"]) == 0
    listed = {o["configuration"]: o for o in json.loads(capfd.readouterr().out)}
    assert listed["tiny"]["bitstream"] == "installed"
    assert listed["kv260"]["bitstream"] == "none published"
    assert main(["overlay", "list"]) == 0
    assert "(projected)" in capfd.readouterr().out
    assert main(["overlay", "path", "tiny"]) == 0
    path = Path(capfd.readouterr().out.strip())
    assert path.read_bytes() == BIT
    assert main(["overlay", "verify", "tiny"]) == 0
    path.write_bytes(b"")
    assert main(["overlay", "verify"]) == 2
    assert "damaged" in capfd.readouterr().err


def test_the_largest_bitstream(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlays, "_LARGEST_BIT", 100)
    with pytest.raises(OverlayError, match="larger than any bitstream"):
        install("tiny", str(build))


@pytest.mark.parametrize(
    "board", [b.name for b in BOARDS.values() if b.die == "xc7z020" and b.name != "pynq-z2"]
)
def test_an_overlay_serves_every_board_with_its_die(
    board: str, build: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    installed_overlay = install("tiny", str(build), board=board, root=store)
    assert installed_overlay.manifest.board == "pynq-z2"
    assert installed_named("tiny", board, store) == installed_overlay
    assert serves(installed_overlay.manifest, board)
    assert not serves(installed_overlay.manifest, "kv260")
    assert not serves(replace(installed_overlay.manifest, board="of one's own"), board)
    with pytest.raises(OverlayError, match="not installed"):
        installed_named("tiny", "kv260", store)


def test_one_made_for_the_very_board_comes_first(build: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    install("tiny", str(build), root=store)
    own = store / "zedboard" / "tiny"
    shutil.copytree(store / "pynq-z2" / "tiny", own)
    manifest = json.loads((own / MANIFEST).read_text())
    (own / MANIFEST).write_text(json.dumps({**manifest, "board": "zedboard"}))
    assert installed_named("tiny", "zedboard", store).manifest.board == "zedboard"
    assert installed_named("tiny", "pynq-z1", store).manifest.board == "pynq-z2"


def test_a_manifest_needs_a_clock() -> None:
    body = json.loads(manifest_of(configuration_named("tiny")).encode())
    for clock in (0, -1, 1e12):
        with pytest.raises(OverlayError, match="impossible clock"):
            decode_manifest(json.dumps({**body, "clock_hz": clock}).encode(), "x")


@pytest.mark.parametrize(
    "manifest", [b"", b"{", b"[]", b'{"format": 99}', b"\xff\xfe", b'{"format": 1}', b"[" * 100_000]
)
def test_one_broken_overlay_does_not_stop_the_others(
    build: Path, tmp_path: Path, tiny: Image, manifest: bytes
) -> None:
    store = tmp_path / "store"
    overlay = install("tiny", str(build), root=store)
    broken = store / "pynq-z2" / "a-broken-one"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_bytes(manifest)
    words = r"install it again, or remove its folder .*a-broken-one"
    with pytest.warns(UserWarning, match=words):
        assert list(installed(store)) == [overlay]
    with pytest.warns(UserWarning, match=words):
        assert find_for(tiny, "pynq-z2", store) == overlay
    with pytest.warns(UserWarning, match=words):
        assert installed_named("tiny", None, store) == overlay
    told: list[str] = []
    assert list(installed(store, told.append)) == [overlay]
    assert len(told) == 1


def test_verify_goes_on_after_a_damaged_one(
    build: Path, cache: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    install("tiny", str(build))
    there = cache / "tritstream/overlays/pynq-z2"
    shutil.copytree(there / "tiny", there / "a-damaged-one")
    (there / "a-damaged-one" / "tritstream.bit").write_bytes(b"x")
    (there / "empty").mkdir()
    (there / "empty" / MANIFEST).touch()
    assert main(["overlay", "verify"]) == 1
    told = capfd.readouterr()
    assert "a-damaged-one/tritstream.bit is damaged" in told.err
    assert "it is empty" in told.err
    assert "tiny/tritstream.bit: " in told.out


def test_of_several_boards_one_is_named(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    install("tiny", str(build), root=store)
    own = store / "zedboard" / "tiny"
    shutil.copytree(store / "pynq-z2" / "tiny", own)
    manifest = json.loads((own / MANIFEST).read_text())
    (own / MANIFEST).write_text(json.dumps({**manifest, "board": "zedboard"}))
    monkeypatch.delenv("BOARD", raising=False)
    with pytest.raises(OverlayError, match="installed for pynq-z2 and zedboard: add --board"):
        installed_named("tiny", None, store)
    monkeypatch.setenv("BOARD", "ZedBoard")
    assert installed_named("tiny", None, store).manifest.board == "zedboard"


def test_an_overlay_that_does_not_exist_is_not_advised() -> None:
    with pytest.raises(OverlayError, match="there is no overlay 'nope': choose one of "):
        installed_named("nope")
