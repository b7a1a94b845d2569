"""Opens mutated images and runs what is accepted: a program, started by test_native_long.py.

    fuzz_images.py FOLDER COUNT

Mutations are bytes and spans anywhere, truncation, and numbers in the header; half of the mutants
get correct hashes again, so that what lies behind the hashes is reached: an engine that runs from
garbage parameters may compute garbage, but must neither crash nor hang. Mutants are files in
memory: no disk is waited for. Prints counts as JSON.
"""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import random
import re
import sys
from pathlib import Path

import numpy as np

from support.native import shaped
from tritstream.bench import write_synthetic
from tritstream.engines.native import NativeEngine
from tritstream.errors import ImageError, TritstreamError
from tritstream.image import open_image
from tritstream.image.header import PREFIX

HANG_S = 60
CASES = (("narrow", "base3", "default"), ("narrow", "2bit", "small"))


def mutate(data: bytearray, rng: random.Random) -> bytearray:
    """One to four mutations."""
    for _ in range(rng.randint(1, 4)):
        if not data:
            break
        kind = rng.randrange(7)
        at = rng.randrange(len(data))
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            length = rng.randint(1, 64)
            data[at : at + length] = rng.randbytes(min(length, len(data) - at))
        elif kind == 3:
            data = data[:at] if rng.random() < 0.3 else data
        elif kind == 4:
            data += rng.randbytes(rng.randint(1, 5000)) if rng.random() < 0.3 else b""
        elif kind == 5:
            data[: PREFIX.size] = (
                bytes(data[: PREFIX.size])[::-1]
                if rng.random() < 0.1
                else (bytes(data[: PREFIX.size]))
            )
            head = at % 200
            data[head] ^= 1 << rng.randrange(8)
        else:
            data = mutate_header(data, rng)
    return data


def mutate_header(data: bytearray, rng: random.Random) -> bytearray:
    """Another number, or another word, in the JSON, in as many bytes as the header has."""
    if len(data) < PREFIX.size:
        return data
    length = int.from_bytes(data[12:16], "little")
    text = bytes(data[PREFIX.size : PREFIX.size + length])
    numbers = list(re.finditer(rb"-?\d+", text))
    if not numbers:
        return data
    found = rng.choice(numbers)
    value = rng.choice((b"0", b"-1", b"1", b"2", b"16", b"65536", b"4611686018427387904", b"null"))
    if rng.random() < 0.5:
        value = str(int(found[0]) + rng.choice((-4096, -1, 1, 4096))).encode()
    text = (text[: found.start()] + value + text[found.end() :]).rstrip().ljust(length)
    if len(text) == length:
        data[PREFIX.size : PREFIX.size + length] = text
    return data


def rehash(data: bytearray) -> bytearray:
    """Correct hashes for what the mutant holds, as far as its header can be read."""
    length = int.from_bytes(data[12:16], "little")
    try:
        body = json.loads(bytes(data[PREFIX.size : PREFIX.size + length]))
        for section in body["sections"] + body["records"]:
            start, size = int(section["offset"]), int(section["length"])
            if start >= 0 and size >= 0 and start + size <= len(data):
                section["sha256"] = hashlib.sha256(data[start : start + size]).hexdigest()
        text = json.dumps(body, sort_keys=True).encode().ljust(length)
        if len(text) == length:
            data[PREFIX.size : PREFIX.size + length] = text
    except (KeyError, TypeError, ValueError):
        pass
    text = bytes(data[PREFIX.size : PREFIX.size + length])
    data[16:48] = hashlib.sha256(text).digest()
    return data


def main(folder: Path, count: int) -> dict[str, int]:
    rng = random.Random(0)
    originals = []
    for i, case in enumerate(CASES):
        write_synthetic(folder / f"{i}.trit", *shaped(*case))
        originals.append((folder / f"{i}.trit").read_bytes())
    counts = {"images": 0, "refused": 0, "run": 0}
    for number in range(count):
        data = mutate(bytearray(rng.choice(originals)), rng)
        if number % 2 and len(data) >= PREFIX.size:
            data = rehash(data)
        file = os.memfd_create("mutant")
        with open(file, "wb", closefd=False) as out:
            out.write(data)
        path = f"/proc/self/fd/{file}"
        counts["images"] += 1
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        try:
            engine = NativeEngine(open_image(path), threads=1 + number % 2)
            vocabulary = engine.geometry.vocabulary
            logits = engine.prefill([number % vocabulary, 0, vocabulary - 1])
            assert logits.shape == (vocabulary,)
            assert logits.dtype == np.float32
            counts["run"] += 1
        except ImageError:
            counts["refused"] += 1
        except TritstreamError as error:
            raise AssertionError(f"mutant {number}: not an ImageError: {error}") from error
        finally:
            os.close(file)
            faulthandler.cancel_dump_traceback_later()
    return counts


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
