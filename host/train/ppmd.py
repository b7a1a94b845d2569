"""What a general compressor makes of the same texts: PPMd, a yardstick that knows no network.

    pip install pyppmd
    python -m tritstream.train.ppmd --text stories.txt --separator '<|endoftext|>' --as-is

PPMd (variant H, Shkarin 2002) with contexts of up to 12 bytes and 800 MB of memory reads the
training part of the texts and then the held-out part, both split and stripped of duplicates as
`tritstream train` does; what the second adds to the output is its cost.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tritstream.errors import OptionError, TritstreamError
from tritstream.train.text import drop_duplicates, read_source

ORDER = 12
MEMORY = 800 << 20


def added_bytes(train: Iterable[str], validation: Sequence[str]) -> tuple[int, int]:
    """(bytes that the held-out documents add to the compressed stream, their own bytes).

    Documents are apart by an empty line, counted in neither. Raises OptionError without pyppmd.
    """
    try:
        from pyppmd import Ppmd7Encoder
    except ImportError as error:
        raise OptionError("PPMd needs the library pyppmd: pip install pyppmd") from error
    encoder = Ppmd7Encoder(ORDER, MEMORY)
    for document in train:
        encoder.encode(f"{document}\n\n".encode())
    # Of what came before, at most 5 bytes are still inside; they are counted with the rest.
    added = sum(len(encoder.encode(f"{document}\n\n".encode())) for document in validation)
    added += len(encoder.flush())
    return added, sum(len(document.encode()) for document in validation)


def main(arguments: list[str] | None = None) -> int:
    """Print bits per byte of each text's held-out part, after the training parts of all."""
    parser = argparse.ArgumentParser(prog="python -m tritstream.train.ppmd", description=__doc__)
    parser.add_argument("--text", nargs="+", type=Path, required=True, metavar="FILE")
    parser.add_argument("--separator", metavar="LINE")
    parser.add_argument("--held-out", type=float, default=0.05, metavar="SHARE")
    parser.add_argument("--as-is", action="store_true")
    args = parser.parse_args(arguments)
    try:
        sources, _ = drop_duplicates(
            [read_source(p, args.held_out, not args.as_is, args.separator) for p in args.text]
        )
        train = [document for source in sources for document in source.train]
        for source in sources:
            added, size = added_bytes(train, source.validation)
            found = {"text": source.name, "bytes": size, "bits_per_byte": 8 * added / max(size, 1)}
            print(json.dumps(found), flush=True)
    except TritstreamError as error:
        print(f"tritstream: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
