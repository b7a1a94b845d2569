"""The frames of a device: their addresses, where they are in a bitstream, and their check bits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.packets import CMD, FAR, FDRI, IDCODE, WRITE_CONFIGURATION, Bit, Words

FRAME_WORDS = 101
ECC_WORD, ECC_MASK = 50, 0x1FFF
_BUSES = {"CLB_IO_CLK": 0, "BLOCK_RAM": 1, "CFG_CLB": 2}
_PADDING = 2  # empty frames after each row, which push the last one through the frame buffer


@dataclass(frozen=True)
class Device:
    """A part: its IDCODE and the addresses of its frames in the order of a bitstream."""

    name: str
    idcode: int
    addresses: npt.NDArray[np.uint32]

    def index(self, address: int) -> int:
        """Where a frame address is among the frames. Raises KeyError where there is none."""
        at = int(np.searchsorted(self.addresses, np.uint32(address)))
        if at == len(self.addresses) or int(self.addresses[at]) != address:
            raise KeyError(address)
        return at

    def positions(self) -> npt.NDArray[np.int64]:
        """The place of each frame in the data of a whole bitstream, in frames, and of its end."""
        rows = self.addresses >> 17  # block type, half and row
        breaks = np.concatenate([[0], np.cumsum(rows[1:] != rows[:-1])])
        places = np.arange(len(rows)) + _PADDING * breaks
        return np.concatenate([places, [places[-1] + 1 + _PADDING]])


def device_named(name: str, folder: Path) -> Device:
    """A part of the prjxray database in a folder. Raises BitstreamError where it has none."""
    path = folder / name / "part.json"
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        addresses = sorted(
            _BUSES[bus] << 23 | (half == "bottom") << 22 | int(row) << 17 | int(column) << 7 | minor
            for half, region in body["global_clock_regions"].items()
            for row, buses in region["rows"].items()
            for bus, columns in buses["configuration_buses"].items()
            for column, frames in columns["configuration_columns"].items()
            for minor in range(frames["frame_count"])
        )
        return Device(name, int(body["idcode"]), np.array(addresses, np.uint32))
    except FileNotFoundError:
        raise BitstreamError(f"{folder} has no part {name}: there is no {path}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BitstreamError(f"{path} does not describe a part ({error!r})") from error


def frames_of(bit: Bit, device: Device, source: str) -> Words:
    """[frames, 101] words, in the order of ``device.addresses``.

    Raises BitstreamError, saying what differs, unless the bitstream is one for this device that
    writes all of its frames at once, as one without compression or partial regions does.
    """
    codes = [int(w[-1]) for w in bit.writes(IDCODE)]
    if codes != [device.idcode]:
        shown = ", ".join(f"{c:#010x}" for c in codes) or "none"
        raise BitstreamError(
            f"{source} is for IDCODE {shown}, {device.name} has {device.idcode:#010x}"
        )
    address, writing, data = None, False, None
    for packet in bit.packets:
        if packet.register == FAR:
            address = int(bit.data(packet)[-1])
        elif packet.register == CMD:
            writing = int(bit.data(packet)[-1]) == WRITE_CONFIGURATION
        elif packet.register == FDRI:
            if data is not None or not writing or address != 0:
                raise BitstreamError(
                    f"{source} does not write all frames at once from the first on"
                )
            data = bit.data(packet)
    places = device.positions()
    expected = int(places[-1]) * FRAME_WORDS
    if data is None or len(data) != expected:
        count = 0 if data is None else len(data) / FRAME_WORDS
        raise BitstreamError(
            f"{source} writes {count:g} frames, {device.name} takes {int(places[-1])}, "
            f"{len(device.addresses)} of them its own"
        )
    rows = data.reshape(-1, FRAME_WORDS)
    padding = np.ones(len(rows), bool)
    padding[places[:-1]] = False
    if rows[padding].any():
        raise BitstreamError(f"{source} has data in the empty frames between two rows")
    return rows[places[:-1]]


def with_frames(bit: Bit, device: Device, frames: Words) -> Bit:
    """The bitstream with other frames, of as many; check bits and CRC stay what they are."""
    words = bit.words.copy()
    (packet,) = (p for p in bit.packets if p.register == FDRI)
    inside = words[packet.start : packet.start + packet.count].reshape(-1, FRAME_WORDS)
    inside[device.positions()[:-1]] = frames
    return bit.with_words(words)


def check_bits(frames: Words) -> npt.NDArray[np.uint32]:
    """The 13 check bits of each frame, which its word 50 should hold.

    Each of a frame's 3,232 bits has a number, whose exclusive or over the bits set makes 12 of
    them: 0x1320 on, jumping over the powers of two 0x400 and 0x800, which are the check bits' own
    (counted from 0x1000). The thirteenth is the parity of the twelve with the data.
    """
    number = np.arange(FRAME_WORDS * 32, dtype=np.uint32) + 0x1320
    number[7 * 32 :] += 0x20
    number[0x26 * 32 :] += 0x20
    number[ECC_WORD * 32 : ECC_WORD * 32 + 13] = 0
    # One bit of all numbers at a time: the parity of the words masked with where it is set.
    masks = np.packbits(
        (number[None, :] >> np.arange(13, dtype=np.uint32)[:, None] & 1).astype(bool),
        axis=1,
        bitorder="little",
    ).view("<u4")
    code = np.zeros(len(frames), np.uint32)
    for bit, mask in enumerate(masks):
        code |= _parity(np.bitwise_xor.reduce(frames & mask, axis=1)) << np.uint32(bit)
    return code ^ _parity(code & np.uint32(0xFFF)) << np.uint32(12)


def with_check_bits(frames: Words) -> Words:
    """The frames with their check bits put right."""
    made = frames.copy()
    made[:, ECC_WORD] = made[:, ECC_WORD] & ~np.uint32(ECC_MASK) | check_bits(frames)
    return made


def wrong_check_bits(frames: Words) -> npt.NDArray[np.int64]:
    """The indices of frames whose check bits do not fit them."""
    return np.flatnonzero(frames[:, ECC_WORD] & ECC_MASK != check_bits(frames))


def _parity(values: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    for shift in (16, 8, 4, 2, 1):
        values = values ^ values >> np.uint32(shift)
    return values & np.uint32(1)
