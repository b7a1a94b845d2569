"""The figures of one engine: rates, time to the first token, bytes read, and memory.

A round reads a prompt and writes tokens behind it, with the engine alone and then as texts,
greedily and drawn; the figures are medians over rounds.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tritstream.bench.writing import tokenizer_of, written_per_s
from tritstream.engines import Engine
from tritstream.engines.native import NativeEngine
from tritstream.errors import OptionError
from tritstream.image import Image
from tritstream.image.embedding import row_bytes
from tritstream.sampling import STORY

_READS = 7
_MOST = {"tokens": 1_000_000, "prompt_tokens": 1_000_000, "rounds": 1_000}
"""More would have no end in sight."""

TAGS = {
    "prefill_tokens_per_s": "measured",
    "decode_tokens_per_s": "measured",
    "time_to_first_token_s": "measured",
    "greedy_tokens_per_s": "measured",
    "sampled_tokens_per_s": "measured",
    "sampled_share": "measured",
    "load_s": "measured",
    "bytes_per_token": "derived",
    "read_bytes_per_s": "measured",
    "bandwidth_share": "measured",
    "peak_rss_bytes": "measured",
    "peak_beyond_image_bytes": "measured",
    "working_set_bytes": "derived",
}
"""What kind of number each figure is."""


@dataclass(frozen=True)
class Workload:
    """``prompt_tokens`` are read, then ``tokens`` written.

    Raises OptionError for less than one, or for so many that there would be no end in sight.
    """

    tokens: int = 64
    prompt_tokens: int = 64
    rounds: int = 5

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = _MOST[name]
            if not 1 <= value <= most:
                called = name.replace("_", " ")
                raise OptionError(f"{called} must be 1 to {most:,}, not {value}")

    def prompt(self, vocabulary: int) -> list[int]:
        """Token ids that are the same every time."""
        return [
            int(t) for t in np.random.default_rng(0).integers(0, vocabulary, self.prompt_tokens)
        ]


@dataclass(frozen=True)
class Round:
    """One round's figures, measured."""

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    time_to_first_token_s: float


@dataclass(frozen=True)
class Figures:
    """Figures of one engine on one image; `TAGS` tells what kind of number each is.

    ``decode_tokens_per_s`` is the engine's own rate, and ``greedy_tokens_per_s`` and
    ``sampled_tokens_per_s`` (by the command line's sampling) are those of whole texts, taken in
    turn with it; ``sampled_share`` is the median of the last over the first, round by round.
    ``bandwidth_share`` is the rate of bytes read while writing over that of a plain read loop on
    the same bytes and threads; None, like ``working_set_bytes``, where the engine offers no such
    loop. ``peak_beyond_image_bytes`` is the peak of the whole process without the image's resident
    pages.
    """

    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    time_to_first_token_s: float
    greedy_tokens_per_s: float
    sampled_tokens_per_s: float
    sampled_share: float
    load_s: float
    bytes_per_token: int
    read_bytes_per_s: float | None
    bandwidth_share: float | None
    peak_rss_bytes: int
    peak_beyond_image_bytes: int | None
    working_set_bytes: int | None

    def table(self) -> dict[str, Any]:
        return asdict(self)


def round_of(engine: Engine, work: Workload) -> Round:
    """Run one round from a fresh state."""
    prompt = work.prompt(engine.geometry.vocabulary)
    engine.reset()
    start = time.perf_counter()
    token = int(np.argmax(engine.prefill(prompt)))
    first = time.perf_counter()
    for _ in range(work.tokens):
        token = int(np.argmax(engine.step(token)))
    end = time.perf_counter()
    return Round(work.prompt_tokens / (first - start), work.tokens / (end - first), first - start)


def measure(engine: Engine, image: Image, work: Workload, load_s: float) -> Figures:
    """All figures of an engine, after a short warm-up."""
    round_of(engine, Workload(2, work.prompt_tokens))
    tokenizer, prompt = tokenizer_of(image), work.prompt(engine.geometry.vocabulary)
    rounds, greedy, sampled = [], [], []
    for _ in range(work.rounds):
        rounds.append(round_of(engine, work))
        greedy.append(written_per_s(engine, tokenizer, prompt, work.tokens))
        sampled.append(written_per_s(engine, tokenizer, prompt, work.tokens, STORY))
    shares = [s / r.decode_tokens_per_s for s, r in zip(sampled, rounds, strict=True)]

    def median(name: str) -> float:
        return statistics.median(getattr(r, name) for r in rounds)

    decode = median("decode_tokens_per_s")
    count = bytes_per_token(image, engine)
    peak = peak_rss_bytes()
    resident = resident_bytes(image.source)
    reading = read_bytes_per_s(engine)
    return Figures(
        prefill_tokens_per_s=median("prefill_tokens_per_s"),
        decode_tokens_per_s=decode,
        time_to_first_token_s=median("time_to_first_token_s"),
        greedy_tokens_per_s=statistics.median(greedy),
        sampled_tokens_per_s=statistics.median(sampled),
        sampled_share=statistics.median(shares),
        load_s=load_s,
        bytes_per_token=count,
        read_bytes_per_s=reading,
        bandwidth_share=None if reading is None else count * decode / reading,
        peak_rss_bytes=peak,
        peak_beyond_image_bytes=None if resident is None else peak - resident,
        working_set_bytes=engine.info.working_set_bytes,
    )


def bytes_per_token(image: Image, engine: Engine | None = None) -> int:
    """Bytes that one token reads: parameters, weights, one embedding row.

    Without an engine, or with one that reads the image as it lies: its records without padding. The
    native engine has repacked weights.
    """
    g = image.geometry
    ports = image.header.layout.ports
    layouts = [image.layout(i) for i in range(g.layers + 1)]
    rest = sum(x.parameter_bytes for x in layouts) + row_bytes(image.header.embedding, g.hidden)
    if isinstance(engine, NativeEngine):
        return rest + engine.weights.nbytes
    return rest + sum(ports * x.stream_bytes for x in layouts)


def read_bytes_per_s(engine: Engine) -> float | None:
    """The rate of a plain read loop over the engine's weights, with its own threads."""
    if not isinstance(engine, NativeEngine):
        return None
    times = []
    for _ in range(_READS):
        start = time.perf_counter()
        engine.read()
        times.append(time.perf_counter() - start)
    return float(engine.weights.nbytes / min(times))


def peak_rss_bytes() -> int:
    """The most memory that this process has had resident."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def resident_bytes(source: str) -> int | None:
    """Resident bytes of the mappings of a file; None where /proc does not tell."""
    try:
        lines = Path("/proc/self/smaps").read_text().splitlines()
    except OSError:
        return None
    name, total, inside = os.path.realpath(source), 0, False
    for line in lines:
        key = line.split(maxsplit=1)[0]
        if not key.endswith(":"):
            inside = line.endswith(name)
        elif inside and key == "Rss:":
            total += int(line.split()[1]) * 1024
    return total
