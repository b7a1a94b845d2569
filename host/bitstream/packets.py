"""A .bit of a 7-series device: its header, its configuration packets and their CRC.

The header is a list of tagged fields before the words for the configuration port; packets and
registers are those of AMD's UG470 (7 Series FPGAs Configuration), chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.errors import BitstreamError

Words = npt.NDArray[np.uint32]

SYNC = 0xAA995566
REGISTERS = (
    "CRC", "FAR", "FDRI", "FDRO", "CMD", "CTL0", "MASK", "STAT", "LOUT", "COR0", "MFWR", "CBC",
    "IDCODE", "AXSS", "COR1", "", "WBSTAR", "TIMER", "", "", "", "", "BOOTSTS", "", "CTL1",
)  # fmt: skip
CRC, FAR, FDRI, CMD, IDCODE = (REGISTERS.index(n) for n in ("CRC", "FAR", "FDRI", "CMD", "IDCODE"))
WRITE_CONFIGURATION, RESET_CRC, START, DESYNC = 1, 7, 5, 13

_MAGIC = bytes.fromhex("0009 0ff00ff00ff00ff0 00 0001")
_TEXTS = {"a": "design", "b": "part", "c": "date", "d": "time"}
# CRC-32C, reflected; the port feeds it 32 bits of data and 5 of the register's address.
_POLYNOMIAL = 0x82F63B78


@dataclass(frozen=True)
class Header:
    """The text fields of a .bit: ``design`` is what the tool wrote of it, ``part`` as in 7z020."""

    design: str
    part: str
    date: str
    time: str


@dataclass(frozen=True)
class Packet:
    """One write to a register: where its data are in the words, and how many."""

    register: int
    start: int
    count: int

    @property
    def name(self) -> str:
        known = self.register < len(REGISTERS) and REGISTERS[self.register]
        return known or f"register {self.register}"


@dataclass(frozen=True)
class Bit:
    """A .bit: ``before`` are its bytes up to the words, which are big-endian there."""

    header: Header
    before: bytes
    words: Words
    packets: tuple[Packet, ...] = field(repr=False)

    def data(self, packet: Packet) -> Words:
        return self.words[packet.start : packet.start + packet.count]

    def writes(self, register: int) -> list[Words]:
        """The data of each write to a register, in order."""
        return [self.data(p) for p in self.packets if p.register == register]

    def encode(self) -> bytes:
        return self.before + self.words.astype(">u4").tobytes()

    def with_words(self, words: Words) -> Bit:
        """The same packets around other data."""
        return replace(self, words=words)


def read_bit(data: bytes, source: str) -> Bit:
    """Take a .bit apart. Raises BitstreamError where it is none or is cut short."""
    header, start = _header(data, source)
    size = int.from_bytes(data[start - 4 : start], "big")
    if len(data) != start + size or size % 4:
        raise BitstreamError(
            f"{source} says that {size} bytes follow its header, there are {len(data) - start}: "
            f"it is cut short or has been changed"
        )
    words = np.frombuffer(data, ">u4", offset=start).astype(np.uint32)
    return Bit(header, data[:start], words, tuple(_packets(words, source)))


def _header(data: bytes, source: str) -> tuple[Header, int]:
    if not data.startswith(_MAGIC):
        raise BitstreamError(f"{source} is not a .bit: it does not begin like one")
    texts: dict[str, str] = {}
    at = len(_MAGIC)
    while at < len(data):
        tag = chr(data[at])
        if tag == "e":
            missing = [name for key, name in _TEXTS.items() if key not in texts]
            if missing:
                raise BitstreamError(f"the header of {source} has no {missing[0]}")
            fields = {name: texts[key] for key, name in _TEXTS.items()}
            return Header(**fields), at + 5
        length = int.from_bytes(data[at + 1 : at + 3], "big")
        if tag not in _TEXTS or at + 3 + length > len(data):
            break
        texts[tag] = data[at + 3 : at + 3 + length].rstrip(b"\0").decode("latin-1")
        at += 3 + length
    raise BitstreamError(f"the header of {source} is not that of a .bit")


def _packets(words: Words, source: str) -> list[Packet]:
    """The register writes from the synchronisation word to where the device stops listening."""
    found = np.flatnonzero(words == SYNC)
    if not len(found):
        raise BitstreamError(f"{source} has no synchronisation word")
    at, register, packets = int(found[0]) + 1, 0, []
    while at < len(words):
        word = int(words[at])
        kind, operation = word >> 29, word >> 27 & 3
        if kind == 1:
            register, count = word >> 13 & 0x3FFF, word & 0x7FF
        elif kind == 2:
            count = word & 0x7FFFFFF
        else:
            raise BitstreamError(f"{source} has the unknown packet {word:08x} at word {at}")
        if operation == 0:  # a no-operation
            at += 1
            continue
        if operation != 2 or at + 1 + count > len(words):
            raise BitstreamError(f"{source} has an impossible packet {word:08x} at word {at}")
        if count:
            packets.append(Packet(register, at + 1, count))
        at += 1 + count
        if register == CMD and count == 1 and int(words[at - 1]) == DESYNC:
            return packets
    raise BitstreamError(f"{source} never ends its configuration")


def crc_checks(bit: Bit) -> list[tuple[int, int]]:
    """(expected, written) of every write to the CRC register, as the device compares them."""
    checks, crc = [], 0
    for packet in bit.packets:
        data = bit.data(packet)
        if packet.register == CRC:
            checks.append((crc, int(data[-1])))
            crc = 0
        elif packet.register == CMD and int(data[-1]) == RESET_CRC:
            crc = 0
        else:
            crc = _crc(data, packet.register, crc)
    return checks


def with_crc(bit: Bit) -> Bit:
    """The .bit with each CRC that it writes put right."""
    words = bit.words.copy()
    places = [p for p in bit.packets if p.register == CRC]
    for number, place in enumerate(places):
        changed = bit.with_words(words)
        words[place.start] = crc_checks(changed)[number][0]
    return bit.with_words(words)


def _crc(data: Words, register: int, crc: int) -> int:
    table, tail = _tables()
    for word in data.tolist():
        crc ^= word
        crc = (
            table[3][crc & 0xFF]
            ^ table[2][crc >> 8 & 0xFF]
            ^ table[1][crc >> 16 & 0xFF]
            ^ table[0][crc >> 24]
        )
        crc = (crc >> 5) ^ tail[(crc ^ register) & 31]
    return crc


def _tables() -> tuple[list[list[int]], list[int]]:
    """Slicing-by-four tables of the polynomial, and that of five more bits."""

    def shifted(value: int, bits: int) -> int:
        for _ in range(bits):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return (
        [[shifted(n, 8 * (k + 1)) for n in range(256)] for k in range(4)],
        [shifted(n, 5) for n in range(32)],
    )
