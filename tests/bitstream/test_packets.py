"""Header, packets, CRC, frames and their check bits."""

from __future__ import annotations

import numpy as np
import pytest

from support.bitstreams import bit_of, bit_of_frames, small_bit, write
from tritstream.bitstream.database import Database
from tritstream.bitstream.device import (
    FRAME_WORDS,
    check_bits,
    frames_of,
    with_check_bits,
    with_frames,
    wrong_check_bits,
)
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.packets import (
    CMD,
    CRC,
    DESYNC,
    FDRI,
    IDCODE,
    RESET_CRC,
    SYNC,
    crc_checks,
    read_bit,
    with_crc,
)


def test_header_and_packets() -> None:
    bit = read_bit(small_bit("mine", "7z020clg400"), "a.bit")
    assert (bit.header.design, bit.header.part) == ("mine", "7z020clg400")
    assert [p.name for p in bit.packets] == ["IDCODE", "CMD"]
    assert [w.tolist() for w in bit.writes(IDCODE)] == [[0x3727093]]
    assert bit.encode() == small_bit("mine", "7z020clg400")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin like one"),
        (small_bit()[:-4], "cut short"),
        (small_bit()[:20], "header"),
        (bit_of([1, 2, 3]), "no synchronisation word"),
        (bit_of([SYNC, *write(IDCODE, 1)]), "never ends"),
        (bit_of([SYNC, 7 << 29]), "unknown packet e0000000"),
        (bit_of([SYNC, 1 << 29 | 2 << 27 | 5]), "impossible packet"),
    ],
)
def test_what_is_no_bitstream_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BitstreamError, match=message):
        read_bit(data, "a.bit")


def _slow_crc(pairs: list[tuple[int, int]]) -> int:
    """Bit by bit: 32 of a word, then 5 of its register."""
    crc = 0
    for register, word in pairs:
        value = register << 32 | word
        for k in range(37):
            crc = crc >> 1 ^ (0x82F63B78 if (crc ^ value >> k) & 1 else 0)
    return crc


def test_the_crc_is_that_of_a_bitwise_computation() -> None:
    pairs = [(IDCODE, 0x3727093), (FDRI, 0xDEADBEEF), (FDRI, 0x12345678), (CMD, 1)]
    words = [w for register, word in pairs for w in write(register, word)]
    start = [SYNC, *write(9, 77), *write(CMD, RESET_CRC)]  # what comes before a reset is forgotten
    bit = read_bit(bit_of([*start, *words, *write(CRC, 0), *write(CMD, DESYNC)]), "a.bit")
    expected = _slow_crc(pairs)
    assert crc_checks(bit) == [(expected, 0)]
    assert crc_checks(with_crc(bit)) == [(expected, expected)]


def _slow_check_bits(frame: list[int]) -> int:
    """As UG470 has it: every bit has a number; those of the bits set are added up, and a parity."""
    code = 0
    for word, value in enumerate(frame):
        base = 0x1320 + 32 * word + 32 * (word > 6) + 32 * (word > 0x25)
        for bit in range(13 if word == 50 else 0, 32):
            if value >> bit & 1:
                code ^= base + bit
    return code ^ (bin(code & 0xFFF).count("1") & 1) << 12


def test_check_bits_are_those_of_a_bitwise_computation() -> None:
    frames = np.random.default_rng(1).integers(0, 1 << 32, (20, FRAME_WORDS)).astype(np.uint32)
    frames[0] = 0
    assert check_bits(frames).tolist() == [_slow_check_bits(f) for f in frames.tolist()]
    whole = with_check_bits(frames)
    assert not len(wrong_check_bits(whole))
    whole[7, 33] ^= 1 << 12
    assert wrong_check_bits(whole).tolist() == [7]


def test_frames_come_out_where_they_went_in(database: Database) -> None:
    device = database.device
    frames = np.zeros((len(device.addresses), FRAME_WORDS), np.uint32)
    frames[:, 3] = np.arange(len(frames)) + 1
    bit = read_bit(bit_of_frames(device, frames), "a.bit")
    found = frames_of(bit, device, "a.bit")
    assert np.array_equal(found[:, 3], frames[:, 3])
    # 36 frames of logic, two empty ones, 128 of block RAM, two empty ones.
    assert int(device.positions()[36]) == 38 and int(device.positions()[-1]) == 36 + 128 + 4
    again = with_frames(bit, device, frames * 0)
    assert not frames_of(again, device, "a.bit").any()


def test_another_device_and_missing_frames_are_named(database: Database) -> None:
    device = database.device
    frames = np.zeros((len(device.addresses), FRAME_WORDS), np.uint32)
    bit = read_bit(bit_of_frames(device, frames), "a.bit")
    words = bit.words.copy()
    words[words == device.idcode] = 0x3727093
    with pytest.raises(BitstreamError, match="IDCODE 0x03727093, xc7z000tst-1 has 0x0372f093"):
        frames_of(bit.with_words(words), device, "a.bit")
    short = [SYNC, *write(IDCODE, device.idcode), *write(1, 0), *write(CMD, 1), *write(FDRI, 0)]
    with pytest.raises(BitstreamError, match="takes 168, 164 of them its own"):
        frames_of(read_bit(bit_of([*short, *write(CMD, DESYNC)]), "a.bit"), device, "a.bit")
