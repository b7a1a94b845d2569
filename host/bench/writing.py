"""End-to-end rates: a text written as `Model.generate` does it, sampling and tokenizer included."""

from __future__ import annotations

import json
from dataclasses import replace

from tritstream.engines import Engine
from tritstream.generation import Generation, Limits
from tritstream.image import Image
from tritstream.reading import Reading, SharedEngine
from tritstream.sampling import Sampling
from tritstream.text import Tokenizer

_BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]
"""Bytes that a byte-level tokenizer writes as the character of that number."""


def tokenizer_of(image: Image) -> Tokenizer:
    """The image's tokenizer, or one of as many tokens where it has none; no token ends a text."""
    vocabulary = image.geometry.vocabulary
    return Tokenizer(image.tokenizer_json or _stand_in(vocabulary), vocabulary=vocabulary)


def written_per_s(
    engine: Engine,
    tokenizer: Tokenizer,
    prompt: list[int],
    tokens: int,
    sampling: Sampling | None = None,
) -> float:
    """Tokens a second behind a prompt, drawn and turned into text one by one, without guesses.

    Without ``sampling`` greedily, with it by seed 1.
    """
    drawn = Sampling() if sampling is None else replace(sampling, seed=1)
    reading = Reading(SharedEngine(engine))
    # The first token's logits are the prompt's: it takes no step.
    text = Generation(reading, tokenizer, prompt, drawn, Limits(tokens + 1))
    text.text()
    return text.result.tokens_per_second


def _stand_in(vocabulary: int) -> str:
    """The tokenizer.json of a byte-level tokenizer: bytes, then pairs and triples of letters."""
    names = [chr(256 + i) for i in range(256 - len(_BYTES))] + [chr(b) for b in _BYTES]
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    several = [a + b for a in letters for b in letters]
    several += ["\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}" + s for s in several]
    names += several
    at = 0
    while len(names) < vocabulary:
        names.append(several[at % len(several)] + f"{at // len(several)}" + several[at * 7 % 676])
        at += 1
    vocab = {name: i for i, name in enumerate(names[:vocabulary])}
    body = {
        "version": "1.0",
        "added_tokens": [],
        "decoder": {
            "type": "ByteLevel",
            "add_prefix_space": False,
            "trim_offsets": True,
            "use_regex": True,
        },
        "model": {"type": "BPE", "vocab": vocab, "merges": []},
    }
    return json.dumps(body)
