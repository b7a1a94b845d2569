"""Text to train on in tests."""

import random

SUBJECTS = ["the fox", "a miller", "the old king", "Anne", "his youngest daughter", "the raven"]
VERBS = ["saw", "followed", "asked", "remembered", "carried", "laughed at"]
OBJECTS = ["the lantern", "a golden key", "three geese", "the sea", "her brother", "a loaf"]


def story(seed: int, paragraphs: int) -> str:
    """English-like text with something to learn, the same for the same seed."""
    choose = random.Random(seed)
    blocks = []
    for _ in range(paragraphs):
        sentences = []
        for _ in range(choose.randint(2, 5)):
            words = [choose.choice(part) for part in (SUBJECTS, VERBS, OBJECTS)]
            sentence = " ".join(words)
            sentences.append(sentence[0].upper() + sentence[1:] + ".")
        blocks.append(" ".join(sentences))
    return "\n\n".join(blocks) + "\n"
