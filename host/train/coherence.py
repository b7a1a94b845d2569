"""Whether a model's stories hold together: measures that a script can take.

    python -m tritstream.train.coherence demo --count 200
    python -m tritstream.train.coherence --stories tinystories.txt

The first samples 200 stories with seeds 1 to 200 from one prompt; the second takes the same
measures of 200 stories of the held-out part of a file, as a yardstick.

- **ended**: share of stories that end by themselves within the tokens allowed.
- **distinct-n**: different n-grams of words among all n-grams of all stories (arXiv 1510.03055). A
  model that repeats itself is below the yardstick.
- **repeated**: share of a story's 4-grams of words that the same story had before, on average.
- **names**: a name is a word with a capital that also stands inside a sentence of the same story,
  after a word in small letters or a comma, and is none of NO_NAMES. The first name of a story is
  its protagonist.
- **protagonist kept**: of the stories with a name, the share whose second half (by words) says the
  protagonist's name again.
- **no stranger**: of the stories with a name, the share whose last quarter brings in no new name.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tritstream.errors import OptionError, TritstreamError
from tritstream.sampling import STORY, Sampling
from tritstream.train.text import read_source

_TITLES = "Mom Mommy Mum Mummy Dad Daddy Mama Papa Grandma Grandpa Granny Mr Mrs Miss Sir God"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday Christmas Halloween Easter"
NO_NAMES = frozenset([*_TITLES.split(), *_DAYS.split(), "I", "English", "TV", "OK"])
_WORD = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?")
_INSIDE = re.compile(r"(?:[a-z],?|,) ([A-Z][a-z]+)\b")


@dataclass(frozen=True)
class Coherence:
    """The measures of the module's text. words: of a story, the median."""

    stories: int
    ended: float | None
    words: float
    distinct_1: float
    distinct_2: float
    distinct_3: float
    repeated: float
    named: float
    protagonist_kept: float
    no_stranger: float


def names(story: str) -> list[str]:
    """The names of a story, in the order in which they come first."""
    inside = set(_INSIDE.findall(story)) - NO_NAMES
    return list(dict.fromkeys(word for word in _words(story) if word in inside))


def measure(stories: Sequence[str], ended: Sequence[bool] | None = None) -> Coherence:
    """All measures of at least one story; ended: of each, whether it ended by itself."""
    split = [_words(story) for story in stories]
    named = [(words, names(s)) for words, s in zip(split, stories, strict=True) if names(s)]
    kept = [found[0] in words[len(words) // 2 :] for words, found in named]
    early = [set(words[: len(words) * 3 // 4]) for words, _ in named]
    calm = [set(found) <= first for (_, found), first in zip(named, early, strict=True)]
    return Coherence(
        stories=len(stories),
        ended=None if ended is None else _mean(ended),
        words=statistics.median(map(len, split)),
        distinct_1=_distinct(split, 1),
        distinct_2=_distinct(split, 2),
        distinct_3=_distinct(split, 3),
        repeated=_mean([1 - _distinct([words], 4) for words in split if len(words) > 3]),
        named=len(named) / len(stories),
        protagonist_kept=_mean(kept),
        no_stranger=_mean(calm),
    )


def _words(story: str) -> list[str]:
    """Words as written; a possessive counts as its noun."""
    return [w.removesuffix("'s") for w in _WORD.findall(story)]


def _distinct(stories: Sequence[Sequence[str]], n: int) -> float:
    grams = [
        tuple(word.lower() for word in words[k : k + n])
        for words in stories
        for k in range(len(words) - n + 1)
    ]
    return len(set(grams)) / max(len(grams), 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def sample(
    model: str,
    prompt: str,
    count: int,
    max_tokens: int,
    sampling: Sampling,
    threads: int | None = None,
) -> tuple[list[str], list[bool]]:
    """Stories from seeds 1, 2, ..., the prompt included, and whether each ended by itself."""
    from tritstream.model import load

    loaded = load(model, threads=threads)
    stories, ended = [], []
    for seed in range(1, count + 1):
        generation = loaded.generate(
            prompt,
            max_tokens=max_tokens,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            repetition_penalty=sampling.repetition_penalty,
            seed=seed,
        )
        stories.append(prompt + generation.text())
        ended.append(generation.result.stop_reason == "end of text")
    return stories, ended


def main(arguments: list[str] | None = None) -> int:
    """Print the measures of a model's stories, or of given ones, as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m tritstream.train.coherence",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", nargs="?", help="image, checkpoint or name of a model of the package")
    add("--stories", type=Path, metavar="FILE", help="measure these held-out stories instead")
    add("--separator", metavar="LINE", default="<|endoftext|>", help="what ends a story in FILE")
    add("--prompt", default="Once upon a time", help="(default: %(default)s)")
    add("--count", type=int, default=200, help="stories to measure (default: %(default)s)")
    add("-n", "--max-tokens", type=int, default=300, help="of each story (default: %(default)s)")
    add("-t", "--temperature", type=float, default=STORY.temperature)
    add("--top-k", type=int, default=STORY.top_k)
    add("--top-p", type=float, default=STORY.top_p)
    add("--repetition-penalty", type=float, default=STORY.repetition_penalty)
    add("--threads", type=int, help="of the native engine (default: one per processor)")
    args = parser.parse_args(arguments)
    try:
        if (args.model is None) == (args.stories is None):
            raise OptionError("name a model, or a file of stories with --stories")
        if args.count < 1:
            raise OptionError(f"--count must be 1 or more, not {args.count}")
        if args.stories is not None:
            held_out = read_source(args.stories, 0.05, False, args.separator).validation
            found = measure(held_out[: args.count])
        else:
            sampling = Sampling(args.temperature, args.top_k, args.top_p, args.repetition_penalty)
            stories, ended = sample(
                args.model, args.prompt, args.count, args.max_tokens, sampling, args.threads
            )
            found = measure(stories, ended)
    except TritstreamError as error:
        print(f"tritstream: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(found), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
