"""What guessing tokens gains: `chrt -f 20 python -m tritstream.bench.speculation --geometry 370m`.

Texts of several kinds are written with guesses and without, in alternation, and the rates compared
pair by pair. Of a geometry the weights are random and would write noise, so there the text is
forced: every token is drawn from the engine's logits, as always, and then replaced by the text's
own. What is guessed and found right is then what it is for a model that writes just this text, and
the passes take the time that they take. The token ids are those of the demo model's tokenizer, and
a larger vocabulary cuts a text into fewer tokens that repeat less. Without a geometry the demo
model writes stories of its own, for which it does not guess unasked.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np

from tritstream import sampling
from tritstream.bench.compare import compare
from tritstream.bench.synthetic import geometry_of, write_synthetic
from tritstream.configurations import DEFAULT_LAYOUT, layout_named
from tritstream.engines import engine_for
from tritstream.files import scratch_folder
from tritstream.generation import Result
from tritstream.image import open_image
from tritstream.model import Model, load
from tritstream.reading import Reading, SharedEngine
from tritstream.sampling import STORY, Sampler
from tritstream.speculation import guesser_for

_PROMPT = 48
"""Tokens of a text that are read before it is written."""
_STARTS = ("Once upon a time", "One day, a dog", "Lily and Tom", "The little bird", "It was cold")
_CAPITALS = (
    "France Paris;Spain Madrid;Italy Rome;Norway Oslo;Poland Warsaw;Greece Athens;Egypt Cairo;"
    "Kenya Nairobi;Japan Tokyo;India Delhi;China Beijing;Peru Lima;Chile Santiago;Cuba Havana;"
    "Ghana Accra;Iran Tehran;Iraq Baghdad;Nepal Kathmandu;Sweden Stockholm;Austria Vienna"
)
_NUMBERS = ("Ten", "Nine", "Eight", "Seven", "Six", "Five", "Four", "Three", "Two", "One")


def texts(demo: Model) -> dict[str, tuple[str, str]]:
    """Texts by kind, each with what stands before it: what repeats itself much, and hardly."""
    pairs = [pair.split() for pair in _CAPITALS.split(";")]
    rows = [
        f'{{"country": "{country}", "capital": "{city}", "visited": false, "notes": ""}},'
        for country, city in pairs
    ]
    bottle = "{0} green bottles hanging on the wall, {0} green bottles hanging on the wall, and if "
    bottle += "one green bottle should accidentally fall, there will be one fewer hanging there.\n"
    code = inspect.getsource(sampling)
    stories = demo.generate(_STARTS[0], max_tokens=700, **{**asdict(STORY), "seed": 1})
    return {
        "list of records": ("", "\n".join(rows)),
        "refrain": ("", "".join(bottle.format(number) for number in _NUMBERS)),
        "code": ("", code[3000:]),
        "code of the prompt, a name changed": (
            code[3000:5000],
            code[3000:5000].replace("logits", "scores"),
        ),
        "prose": ("", inspect.cleandoc(_PROSE)),
        "story": ("", _STARTS[0] + stories.text()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--geometry", help="such as 370m; default: the demo model's own texts")
    parser.add_argument("--engine", default="native")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--tokens", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--always", action="store_true", help="guess wherever there is a match")
    args = parser.parse_args()
    with load() as demo:
        if args.geometry is None:
            args.always = True
            _own_texts(demo, args)
            return
        kinds = {
            kind: [demo.tokenizer.encode(part) for part in parts]
            for kind, parts in texts(demo).items()
        }
    with scratch_folder("bench") as folder:
        path = folder / "random.trit"
        write_synthetic(path, layout_named(DEFAULT_LAYOUT), geometry_of(args.geometry))
        engine = engine_for(open_image(path), args.engine, threads=args.threads)
        shared = SharedEngine(engine)
        for kind, (before, ids) in kinds.items():
            tokens, prompt = [*before, *ids], len(before) + _PROMPT
            force = partial(_forced, shared, tokens[: prompt + args.tokens], prompt)
            _measure(kind, force, args)
        costs = ", ".join(f"{cost:.2f}" for cost in shared.cost.of_guesses)
        print(f"passes with 0 to 7 guesses take {costs} times those of one token (measured)")


def _own_texts(demo: Model, args: argparse.Namespace) -> None:
    for name, options in (("greedy", {}), ("drawn", {**asdict(STORY), "seed": 1})):

        def write(speculate: bool | None, options: dict[str, Any] = options) -> Result:
            whole = Result(0, None)
            for start in _STARTS:
                text = demo.generate(start, max_tokens=args.tokens, speculate=speculate, **options)
                text.text()
                whole.token_ids += text.result.token_ids[1:]
                for field in ("seconds", "passes", "guessed", "guessed_right"):
                    value = getattr(whole, field) + getattr(text.result, field)
                    setattr(whole, field, value)
            whole.token_ids.append(0)  # a rate counts steps behind the first
            return whole

        _measure(f"demo, {name}", write, args)


def _measure(kind: str, write: Callable[[bool | None], Result], args: argparse.Namespace) -> None:
    last: list[Result] = []

    def rate(speculate: bool | None) -> float:
        result = write(speculate)
        if speculate is not False:
            last[:] = [result]
        return result.tokens_per_second

    on = True if args.always else None
    rate(on)  # warms up, and measures what a pass costs
    found = compare(lambda: rate(on), lambda: rate(False), args.rounds)
    result = last[0]
    print(
        f"{kind}: {found.ratio:.2f} times as fast ({statistics.median(found.ours):.0f} against "
        f"{statistics.median(found.theirs):.0f} tokens/s; measured, {args.rounds} pairs), "
        f"{result.tokens_per_pass:.2f} tokens a pass, {result.acceptance_rate:.0%} of "
        f"{result.guessed} guesses right"
    )


def _forced(shared: SharedEngine, ids: list[int], prompt: int, speculate: bool | None) -> Result:
    """Write a text behind its prompt whatever the engine says, as `Generation` does."""
    reading, sampler = Reading(shared), Sampler(STORY.seeded(), ids[:prompt])
    guesser = guesser_for(shared.engine, shared.cost, speculate)

    def guesses() -> list[int]:
        if guesser is None:
            return []
        guesser.add(reading.tokens[guesser.length :])
        return guesser.guesses(len(ids) - len(reading.tokens) - 1)

    def draw(logits: np.ndarray) -> int:
        sampler.pick(logits)
        return ids[len(reading.tokens)]

    reading.add(ids[:prompt])
    result = Result(prompt, None, token_ids=[reading.behind(draw)])
    passes, start = reading.passes, time.perf_counter()
    while len(reading.tokens) + 1 < len(ids):
        reading.add(result.token_ids[-1:])
        result.token_ids.append(reading.behind(draw, guesses))
    result.seconds = time.perf_counter() - start
    result.passes = reading.passes - passes
    result.guessed, result.guessed_right = reading.guessed, reading.right
    return result


_PROSE = """
    It is a truth universally acknowledged, that a single man in possession of a good fortune, must
    be in want of a wife. However little known the feelings or views of such a man may be on his
    first entering a neighbourhood, this truth is so well fixed in the minds of the surrounding
    families, that he is considered the rightful property of some one or other of their daughters.
    "My dear Mr. Bennet," said his lady to him one day, "have you heard that Netherfield Park is let
    at last?" Mr. Bennet replied that he had not. "But it is," returned she; "for Mrs. Long has just
    been here, and she told me all about it." Mr. Bennet made no answer. "Do you not want to know
    who has taken it?" cried his wife impatiently. "You want to tell me, and I have no objection to
    hearing it." This was invitation enough. "Why, my dear, you must know, Mrs. Long says that
    Netherfield is taken by a young man of large fortune from the north of England; that he came
    down on Monday in a chaise and four to see the place, and was so much delighted with it, that he
    agreed with Mr. Morris immediately; that he is to take possession before Michaelmas, and some of
    his servants are to be in the house by the end of next week."
"""
"""The beginning of Jane Austen's Pride and Prejudice (1813)."""


if __name__ == "__main__":
    main()
