"""Bitstreams made by hand: a .bit of any words, and one of given frames of a device."""

from __future__ import annotations

import struct

import numpy as np

from tritstream.bitstream.device import FRAME_WORDS, Device, with_check_bits
from tritstream.bitstream.packets import (
    CMD,
    CRC,
    DESYNC,
    FAR,
    FDRI,
    IDCODE,
    SYNC,
    WRITE_CONFIGURATION,
)

_MAGIC = bytes.fromhex("00090ff00ff00ff00ff0000001")


def write(register: int, *values: int) -> list[int]:
    """A packet of type 1 that writes a register."""
    return [1 << 29 | 2 << 27 | register << 13 | len(values), *values]


def bit_of(words: list[int], design: str = "design", part: str = "7z020clg400") -> bytes:
    """A .bit of these words for the configuration port."""
    texts = (("a", design), ("b", part), ("c", "1970/01/01"), ("d", "00:00:00"))
    header = b"".join(
        tag.encode() + struct.pack(">H", len(text) + 1) + text.encode() + b"\0"
        for tag, text in texts
    )
    data = np.array(words, ">u4").tobytes()
    return _MAGIC + header + b"e" + struct.pack(">I", len(data)) + data


def small_bit(design: str = "design", part: str = "7z020clg400") -> bytes:
    """A well-formed .bit that configures nothing."""
    return bit_of([0xFFFFFFFF, SYNC, *write(IDCODE, 0x3727093), *write(CMD, DESYNC)], design, part)


def bit_of_frames(device: Device, frames: np.ndarray, crc: bool = False) -> bytes:
    """A .bit that writes these frames, with right check bits; with a place for a CRC if asked."""
    places = device.positions()
    data = np.zeros((places[-1], FRAME_WORDS), np.uint32)
    data[places[:-1]] = with_check_bits(frames)
    words = [0xFFFFFFFF, SYNC, 1 << 29, *write(IDCODE, device.idcode), *write(FAR, 0)]
    words += [*write(CMD, WRITE_CONFIGURATION), *write(FDRI), 2 << 29 | 2 << 27 | data.size]
    words += data.reshape(-1).tolist()
    words += [*(write(CRC, 0) if crc else []), *write(CMD, DESYNC)]
    return bit_of(words, part=device.name)
