"""Tokens of a start, as an engine that takes several may be asked for them."""

from __future__ import annotations

import random

import numpy as np

from tritstream.engines import Engine
from tritstream.engines.spec import SpecEngine
from tritstream.image import Image
from tritstream.kernels.memories import Take


def random_takes(
    source: random.Random, tokens: int, with_head: bool = True, states: int = 16
) -> list[Take]:
    """Up to ``tokens`` of one sequence or of several, each leaving its state where no other
    sequence needs it; with the head, at least one of them gets logits."""
    count = source.randint(1, tokens)
    slots = source.sample(range(states), min(3 * count, states))
    wanted = source.randrange(count)
    takes: list[Take] = []
    origin, target = slots.pop(), slots.pop()
    for number in range(count):
        goes_on = number > 0 and source.random() < 0.6
        if number and not goes_on:
            origin, target = slots.pop(), slots.pop()
        elif source.random() < 0.5:
            target = slots.pop() if goes_on else origin
        silent = with_head and number != wanted and source.random() < 0.5
        takes.append(Take(None if goes_on else origin, target, silent))
    return takes


def same_passes(engine: Engine, image: Image, rounds: int, seed: int) -> None:
    """Random passes, of more tokens than a start takes, leave the specification's logits and
    states."""
    rng, specification = np.random.default_rng(seed), SpecEngine(image)
    for _ in range(rounds):
        count = int(rng.integers(1, 3 * engine.shared_pass + 1))
        tokens = rng.integers(0, image.geometry.vocabulary, count).tolist()
        slots = rng.integers(0, 4, count).tolist()
        keep = slots if rng.random() < 0.5 else rng.integers(0, 6, count).tolist()
        wanted = sorted(rng.choice(count, rng.integers(0, count + 1), replace=False).tolist())
        found = engine.run(tokens, slots, wanted, None, keep)
        expected = specification.run(tokens, slots, wanted, None, keep)
        assert np.array_equal(found, expected), (slots, keep, wanted)
        for slot in range(6):
            assert np.array_equal(engine.slot_state(slot), specification.slot_state(slot))
