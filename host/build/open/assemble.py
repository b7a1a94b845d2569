"""From FASM to a bitstream file: prjxray's fasm2frames and xc7frames2bit."""

from __future__ import annotations

from pathlib import Path

from tritstream.build.errors import BuildError
from tritstream.build.open.place import FASM

FRAMES = "design.frames"
_PREAMBLE = bytes.fromhex("00090ff00ff00ff00ff0000001")


def frames_command(fasm2frames: tuple[str, ...], database: Path, part: str) -> list[str]:
    return [*fasm2frames, "--part", part, "--db-root", str(database), FASM, FRAMES]


def check_frames(folder: Path, log: Path) -> None:
    """Raises BuildError where no frames were left."""
    path = folder / FRAMES
    if not path.is_file() or not path.stat().st_size:
        raise BuildError(f"step frames: {path} is missing or empty; log: {log}")


def bitstream_command(
    frames2bit: tuple[str, ...], database: Path, part: str, output: Path
) -> list[str]:
    return [
        *frames2bit,
        *("--part_name", part, "--part_file", str(database / part / "part.yaml")),
        *("--frm_file", FRAMES, "--output_file", str(output)),
    ]


def with_header(data: bytes, design: str, part: str, source: Path) -> bytes:
    """A .bit with a header that does not tell the time, so that the same inputs give the same file.

    The header is a preamble and fields of a letter, a length and a text; after the letter ``e``
    come four bytes of length and the configuration. Raises BuildError for what is no .bit.
    """
    at = len(_PREAMBLE)
    while data[:at].startswith(_PREAMBLE) and data[at : at + 1] in (b"a", b"b", b"c", b"d"):
        at += 3 + int.from_bytes(data[at + 1 : at + 3], "big")
    body = data[at + 5 :]
    if data[at : at + 1] != b"e" or int.from_bytes(data[at + 1 : at + 5], "big") != len(body):
        raise BuildError(f"step bitstream: {source} is no whole .bit file: build again")
    fields = {"a": design, "b": part, "c": "1970/01/01", "d": "00:00:00"}
    header = b"".join(
        letter.encode() + (len(text) + 1).to_bytes(2, "big") + text.encode() + b"\0"
        for letter, text in fields.items()
    )
    return _PREAMBLE + header + b"e" + len(body).to_bytes(4, "big") + body
