"""Bits per byte of a model on the held-out documents of a text, in any execution.

    python -m tritstream.train.score demo --text stories.txt --separator '<|endoftext|>'

The text is split as `tritstream train` splits it. Each document is read from an empty state, in
windows of 1,024 tokens; its end is charged too, and reported apart, because a model that never
learned to end pays for it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tritstream.errors import OptionError, TritstreamError
from tritstream.train.text import read_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tritstream.model import Model

WINDOW = 1024


def score(model: Model, documents: Sequence[str]) -> dict[str, float]:
    """Tokens and bytes of the documents, perplexity (ends included) and bits per byte.

    Raises OptionError where the model has no end-of-text token.
    """
    eos = model.config.eos_token_id
    if eos is None:
        raise OptionError("the model has no end-of-text token")
    start = list(model.tokenizer.start)
    nats, ends, count, size = 0.0, 0.0, 0, 0
    for document in documents:
        ids = [*model.tokenizer.encode(document), eos]
        size += len(document.encode())
        for at in range(0, len(ids), WINDOW):
            targets = np.array(ids[at : at + WINDOW])
            inputs = [*start, *targets[:-1].tolist()] if start else targets[:-1].tolist()
            logits = model.logits(inputs).astype(np.float64)
            top = logits.max(-1, keepdims=True)
            logits -= top + np.log(np.exp(logits - top).sum(-1, keepdims=True))
            scored = targets[-len(inputs) :]
            costs = -logits[np.arange(len(scored)), scored]
            nats += float(costs.sum())
            count += len(scored)
            if at + WINDOW >= len(ids):
                ends += float(costs[-1])
    bits = 1 / math.log(2) / max(size, 1)
    return {
        "documents": len(documents),
        "tokens": count,
        "bytes": size,
        "perplexity": math.exp(min(nats / max(count, 1), 700.0)),
        "bits_per_byte": nats * bits,
        "bits_per_byte_without_ends": (nats - ends) * bits,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the score of each text as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m tritstream.train.score",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", help="image, checkpoint or name of a model of the package")
    add("--text", nargs="+", type=Path, required=True, metavar="FILE")
    add("--separator", metavar="LINE")
    add("--held-out", type=float, default=0.05, metavar="SHARE")
    add("--clean", action="store_true", help="clean the text as `tritstream train` does")
    add("--engine", help="the execution (default: the fastest here)")
    add("--threads", type=int, help="of the native engine (default: one per processor)")
    args = parser.parse_args(arguments)
    try:
        from tritstream.model import load

        model = load(args.model, args.engine, threads=args.threads)
        for path in args.text:
            source = read_source(path, args.held_out, args.clean, args.separator)
            found = {"text": source.name, **score(model, source.validation)}
            print(json.dumps(found), flush=True)
    except TritstreamError as error:
        print(f"tritstream: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
