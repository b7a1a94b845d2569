"""Overlays: what the package ships of them, what the user has installed, and which fits an image.

The package ships, per board and build configuration, ``bitstreams/<board>/<configuration>/`` with a
manifest and a .hwh. A bitstream is installed beside its .hwh into the user's cache,
``$XDG_CACHE_HOME/tritstream/overlays/<board>/<configuration>/``, as a whole folder or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from urllib.parse import urljoin, urlparse

from tritstream.board.detect import board_here
from tritstream.board.errors import OverlayError
from tritstream.board.hwh import GENERATED, hardware_handoff
from tritstream.boards import BOARDS
from tritstream.caches import cache_folder
from tritstream.configurations import CONFIGURATIONS, Configuration
from tritstream.errors import ConfigurationError
from tritstream.files import sha256_of
from tritstream.image import Image
from tritstream.kernels.descriptors import refusal

MANIFEST = "manifest.json"
FORMAT = 2
_STEM = "tritstream"
_CHUNK = 1 << 20
_LARGEST_BIT = 256 << 20
_URL_TIMEOUT_S = 30


@dataclass(frozen=True)
class File:
    """One file of an overlay: its name beside the manifest, its SHA-256, where it comes from."""

    file: str
    sha256: str
    source: str


@dataclass(frozen=True)
class Manifest:
    """What an overlay says about itself; ``bit`` is None where no bitstream has been built."""

    board: str
    configuration: dict[str, Any]
    profile: dict[str, Any]
    clock_hz: float
    """Clock the overlay runs at; projected where there is no bitstream."""
    hwh: File
    bit: File | None = None
    timing: File | None = None
    """The timing analysis that the clock comes from, where there is one."""
    build: dict[str, Any] = field(default_factory=dict)
    """What a build reports: tool, clock met, utilisation."""

    @property
    def name(self) -> str:
        return str(self.configuration["name"])

    @property
    def hardware(self) -> Configuration:
        """The configuration that it was built for."""
        return Configuration(**self.configuration)

    @property
    def files(self) -> tuple[File, ...]:
        """All that there are beside it."""
        return tuple(filter(None, (self.hwh, self.bit, self.timing)))

    def encode(self) -> bytes:
        body = asdict(self)
        if self.timing is None:
            del body["timing"]
        return (json.dumps({"format": FORMAT, **body}, indent=2) + "\n").encode()


@dataclass(frozen=True)
class Overlay:
    """An overlay that can be loaded: its manifest and the folder with its files."""

    folder: Path
    manifest: Manifest

    @property
    def bit(self) -> Path:
        assert self.manifest.bit is not None
        return self.folder / self.manifest.bit.file

    @property
    def title(self) -> str:
        return f"overlay {self.manifest.name} on {self.manifest.board}"


def manifest_of(configuration: Configuration, board: str | None = None) -> Manifest:
    """The manifest of a configuration without a bitstream, for its own or another board; its .hwh
    is the generated one."""
    there = replace(configuration, board_name=board or configuration.board_name)
    return Manifest(
        board=there.board_name,
        configuration=configuration.table(),
        profile=dict(configuration.profile.table()),
        clock_hz=there.board.clock_hz,
        hwh=File(f"{_STEM}.hwh", hashlib.sha256(hardware_handoff(there)).hexdigest(), GENERATED),
    )


def decode_manifest(data: bytes, source: str) -> Manifest:
    """Read a manifest. Raises OverlayError for what is none, or is of a newer format."""
    try:
        body = json.loads(data)
        version = body.pop("format")
        if version != FORMAT:
            raise OverlayError(
                f"{source} has manifest format {version}, this tritstream reads {FORMAT}: "
                f"{'build or install it again' if version == 1 else 'update tritstream'}"
            )
        hwh, bit, timing = body.pop("hwh"), body.pop("bit"), body.pop("timing", None)
        manifest = Manifest(
            hwh=File(**hwh),
            bit=File(**bit) if bit else None,
            timing=File(**timing) if timing else None,
            **body,
        )
        for part in manifest.files:
            if Path(part.file).name != part.file or part.file in ("", MANIFEST):
                raise OverlayError(f"{source} names a file '{part.file}' that is not beside it")
        if not 0 < manifest.clock_hz < 1e9:
            raise OverlayError(f"{source} has the impossible clock {manifest.clock_hz} Hz")
        for name in (manifest.board, manifest.name):
            if Path(name).name != name or name in ("", ".", ".."):
                raise OverlayError(f"{source} has the impossible name '{name}'")
        manifest.hardware  # noqa: B018  (is it one?)
    except ConfigurationError as error:
        raise OverlayError(f"{source}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = "it is empty" if not data.strip() else repr(error)
        raise OverlayError(f"{source} is not an overlay manifest ({what})") from error
    return manifest


def check_fits(overlay: Overlay, image: Image) -> None:
    """Raises OverlayError where the hardware computes in other number formats than the image, or is
    too small for it. Another layout is no reason: the image is packed again for it."""
    there, here = overlay.manifest.profile, dict(image.header.layout.profile.table())
    if there != here:
        raise OverlayError(
            f"{overlay.title} does not fit {image.source}, they differ in number formats "
            f"({there.get('name')} there, {here['name']} here): pack the checkpoint with --layout "
            f"{overlay.manifest.name}, or install another overlay"
        )
    why = refusal(overlay.manifest.hardware, image.geometry)
    if why:
        raise OverlayError(f"{overlay.title} does not fit {image.source}: {why}")


_Named = TypeVar("_Named", Manifest, Overlay)


# What the package ships.


def shipped() -> list[Manifest]:
    """The manifests of the package, by board and configuration."""
    root = Path(str(resources.files("tritstream.bitstreams")))
    paths = sorted(root.glob(f"*/*/{MANIFEST}"))
    return [decode_manifest(path.read_bytes(), str(path)) for path in paths]


def serves(manifest: Manifest, board: str | None) -> bool:
    """Whether an overlay runs on a board: on those with the die that it was built for.

    The overlays use no pin, and the processor's clocks, DDR and pins stay as the board's own image
    has set them. With no board named, on whatever there is.
    """
    if board is None or board == manifest.board:
        return True
    both = BOARDS.get(manifest.board), BOARDS.get(board)
    return all(both) and len({b.die for b in both if b}) == 1


def _named(overlays: Iterable[_Named], name: str, board: str | None) -> _Named | None:
    """The overlay of a configuration for a board: one built for that board before any other."""
    fit = [o for o in overlays if _manifest(o).name == name and serves(_manifest(o), board)]

    def distance(overlay: _Named) -> tuple[bool, bool]:
        m = _manifest(overlay)
        return m.board != board, m.board != m.hardware.board_name

    return min(fit, key=distance, default=None)


def _manifest(overlay: Manifest | Overlay) -> Manifest:
    return overlay if isinstance(overlay, Manifest) else overlay.manifest


def shipped_named(name: str, board: str | None = None) -> Manifest:
    """The shipped manifest of a configuration for a board.

    Raises OverlayError naming those there are.
    """
    known = shipped()
    if (found := _named(known, name, board)) is not None:
        return found
    listed = ", ".join(f"{m.name} ({m.board})" for m in known)
    where = f" for board '{board}'" if board else ""
    raise OverlayError(f"there is no overlay '{name}'{where}: choose one of {listed}")


def shipped_folder(manifest: Manifest) -> Path:
    return Path(str(resources.files("tritstream.bitstreams"))) / manifest.board / manifest.name


# What the user has installed.


def store() -> Path:
    """Where overlays are installed."""
    return cache_folder("overlays")


def installed(
    root: Path | None = None, broken: Callable[[str], None] = warnings.warn
) -> Iterator[Overlay]:
    """Every installed overlay. Folders that are none are passed over.

    One whose manifest cannot be read is passed over too, and ``broken`` is told why: it must not
    stop the others.
    """
    for path in sorted((root or store()).glob(f"[!.]*/[!.]*/{MANIFEST}")):
        try:
            manifest = decode_manifest(path.read_bytes(), str(path))
        except (OSError, OverlayError) as error:
            reason = str(error) if isinstance(error, OverlayError) else f"cannot read {error}"
            broken(f"{reason}: install it again, or remove its folder {path.parent}")
            continue
        if manifest.bit is not None:
            yield Overlay(path.parent, manifest)


def installed_named(name: str, board: str | None = None, root: Path | None = None) -> Overlay:
    """The installed overlay of a configuration, for this board where none is named.

    Raises OverlayError telling how to install it, or to name a board where several have it.
    """
    there = list(installed(root))
    if board is None:
        boards = sorted({o.manifest.board for o in there if o.manifest.name == name})
        here = board_here()
        if len(boards) > 1 and here is None:
            raise OverlayError(
                f"the overlay '{name}' is installed for {' and '.join(boards)}: add --board"
            )
        board = here.name if len(boards) > 1 and here is not None else None
    if (found := _named(there, name, board)) is not None:
        return found
    known = sorted({m.name for m in shipped()})
    if name not in known:
        raise OverlayError(f"there is no overlay '{name}': choose one of {', '.join(known)}")
    raise OverlayError(
        f"the overlay '{name}' is not installed: run `tritstream overlay install {name}`"
    )


def find_for(image: Image, board: str, root: Path | None = None) -> Overlay | None:
    """The installed overlay for a board that an image fits, if there is one."""
    for overlay in sorted(installed(root), key=lambda o: o.manifest.board != board):
        if serves(overlay.manifest, board):
            try:
                check_fits(overlay, image)
            except OverlayError:
                continue
            return overlay
    return None


def verify(overlay: Overlay) -> None:
    """Compare the files with the manifest's hashes. Raises OverlayError naming one that differs."""
    for part in overlay.manifest.files:
        path = overlay.folder / part.file
        if not path.is_file():
            raise OverlayError(f"{path} is missing: {_again(overlay.manifest)}")
        if sha256_of(path) != part.sha256:
            raise OverlayError(
                f"{path} is damaged, its SHA-256 is not the manifest's: {_again(overlay.manifest)}"
            )


def install(
    name: str,
    source: str | None = None,
    board: str | None = None,
    sha256: str | None = None,
    root: Path | None = None,
) -> Overlay:
    """Install the overlay of a configuration into the user's cache and return it.

    ``source`` is a .bit, a folder with a manifest, or a manifest, each as a path or an http(s) or
    file URL; without one it is where the shipped manifest says that the bitstream is. The
    bitstream's SHA-256 is compared with ``sha256`` and with the manifest's; one from the network
    needs either. Raises OverlayError; what was installed before is then still there.
    """
    manifest = shipped_named(name, board)
    if source is None:
        if manifest.bit is None:
            raise OverlayError(
                f"no bitstream of '{name}' for {manifest.board} is published: build one with "
                f"`tritstream build --board {manifest.board} --configuration {name}`, or name a "
                f"file or URL with --from"
            )
        beside = shipped_folder(manifest)
        there = (beside / manifest.bit.file).is_file()
        source = str(beside) if there else manifest.bit.source
    wanted = {sha256.lower()} if sha256 else set()
    if not source.endswith(".bit"):
        location = source if source.endswith(".json") else source.rstrip("/") + "/" + MANIFEST
        found = decode_manifest(_read(location), location)
        if found.bit is None:
            raise OverlayError(f"{location} names no bitstream")
        if (found.name, found.board) != (manifest.name, manifest.board):
            raise OverlayError(
                f"{location} is the overlay '{found.name}' for {found.board}, not '{name}' for "
                f"{manifest.board}"
            )
        manifest = found
        bit, hwh = _beside(location, found.bit.file), _beside(location, found.hwh.file)
        timing = _beside(location, found.timing.file) if found.timing else None
    else:
        timing, manifest = None, replace(manifest, timing=None)
        bit, hwh = source, source.removesuffix(".bit") + ".hwh"
        if not _is_url(bit) and not Path(hwh).is_file():
            hwh = str(shipped_folder(manifest) / manifest.hwh.file)
    if manifest.bit is not None:
        wanted.add(manifest.bit.sha256)
    if not wanted and _is_url(bit):
        raise OverlayError(
            f"the SHA-256 of {bit} is not known: give the one that its publisher states, "
            f"--sha256 HEX"
        )
    return _install_files(manifest, bit, hwh, timing, wanted, root or store())


def _install_files(
    manifest: Manifest, bit: str, hwh: str, timing: str | None, wanted: set[str], root: Path
) -> Overlay:
    final = root / manifest.board / manifest.name
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(
            tempfile.mkdtemp(prefix=f".{manifest.name}.", suffix=".part", dir=final.parent)
        )
    except OSError as error:
        raise OverlayError(f"cannot write to {final.parent}: {error.strerror}") from error
    try:
        bit_hash = _copy(bit, folder / f"{_STEM}.bit")
        for other in wanted - {bit_hash}:
            raise OverlayError(
                f"{bit} is not what it should be: its SHA-256 is {bit_hash}, expected {other}"
            )
        hwh_hash = _copy(hwh, folder / f"{_STEM}.hwh")
        if manifest.bit is not None and hwh_hash != manifest.hwh.sha256:
            raise OverlayError(f"{hwh} is not what it should be: its SHA-256 is {hwh_hash}")
        report = manifest.timing
        if timing is not None and report is not None:
            target = folder / report.file
            if (found := _copy(timing, target)) != report.sha256:
                raise OverlayError(f"{timing} is not what it should be: its SHA-256 is {found}")
        shipped_hwh = str(shipped_folder(manifest))
        generated = hwh.startswith(shipped_hwh)
        complete = replace(
            manifest,
            hwh=File(f"{_STEM}.hwh", hwh_hash, manifest.hwh.source if generated else hwh),
            bit=File(f"{_STEM}.bit", bit_hash, bit),
        )
        (folder / MANIFEST).write_bytes(complete.encode())
        for path in folder.iterdir():
            _to_disk(path)
        folder.chmod(0o755)
        _take_place(folder, final)
    except OSError as error:
        raise OverlayError(f"cannot install {final}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Overlay(final, complete)


def _take_place(folder: Path, final: Path) -> None:
    """Rename a whole folder to its final name, moving a previous one out of the way."""
    if not final.exists():
        os.rename(folder, final)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{final.name}.", suffix=".old", dir=final.parent))
    os.rename(final, old / "overlay")
    try:
        os.rename(folder, final)
    except OSError:
        os.rename(old / "overlay", final)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _copy(source: str, target: Path) -> str:
    """Copy a file or URL and return its SHA-256."""
    digest, size = hashlib.sha256(), 0
    with _open(source) as reader, open(target, "wb") as writer:
        while chunk := _next(reader, source):
            size += len(chunk)
            if size > _LARGEST_BIT:
                raise OverlayError(f"{source} is larger than any bitstream ({_LARGEST_BIT} bytes)")
            digest.update(chunk)
            writer.write(chunk)
    return digest.hexdigest()


def _next(reader: BinaryIO, source: str) -> bytes:
    try:
        return reader.read(_CHUNK)
    except OSError as error:
        raise OverlayError(f"reading {source} broke off: {error}") from error


def _read(source: str) -> bytes:
    with _open(source) as reader:
        return _next(reader, source)


def _open(source: str) -> BinaryIO:
    try:
        if _is_url(source):
            reader: BinaryIO = urllib.request.urlopen(source, timeout=_URL_TIMEOUT_S)
            return reader
        return open(source, "rb")
    except FileNotFoundError:
        raise OverlayError(f"there is no file {source}") from None
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise OverlayError(f"cannot read {source}: {reason}") from error


def _is_url(source: str) -> bool:
    return urlparse(source).scheme in ("http", "https", "file")


def _beside(location: str, name: str) -> str:
    return urljoin(location, name) if _is_url(location) else str(Path(location).parent / name)


def _to_disk(path: Path) -> None:
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _again(manifest: Manifest) -> str:
    return f"install it again with `tritstream overlay install {manifest.name}`"


# Making what the package ships: `python -m tritstream.board.overlays bitstreams`.


def shipped_boards(configuration: Configuration) -> tuple[str, ...]:
    """Boards that the package has a folder for: of Zynq-7000 its own, because one file serves every
    board with that chip; of UltraScale+, which has many chips, every one of the table whose chip is
    as large as its own, and not as large as that of another with the layout."""
    own = configuration.board
    if own.ps_type == "zynq7":
        return (own.name,)
    larger = [
        c.board.luts
        for c in CONFIGURATIONS.values()
        if c.layout == configuration.layout and c.board.luts > own.luts
    ]
    return tuple(
        b.name
        for b in BOARDS.values()
        if b.ps_type == own.ps_type and own.luts <= b.luts < min(larger, default=b.luts + 1)
    )


def write_shipped(root: Path, configuration: Configuration, board: str | None = None) -> None:
    """Write ``<root>/<board>/<configuration>/`` with the generated .hwh and the manifest.

    A folder with a bitstream, which a build has made, stays as it is.
    """
    manifest = manifest_of(configuration, board)
    there = root / manifest.board / manifest.name / MANIFEST
    if there.is_file() and decode_manifest(there.read_bytes(), str(there)).bit is not None:
        return
    folder = root / manifest.board / manifest.name
    folder.mkdir(parents=True, exist_ok=True)
    built = replace(configuration, board_name=manifest.board)
    (folder / manifest.hwh.file).write_bytes(hardware_handoff(built))
    (folder / MANIFEST).write_bytes(manifest.encode())


if __name__ == "__main__":
    for each in CONFIGURATIONS.values():
        for name in shipped_boards(each):
            write_shipped(Path(sys.argv[1]), each, name)
