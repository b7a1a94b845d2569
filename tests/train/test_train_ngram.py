import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

from tritstream.train.ngram import NGram

VOCAB = 23


def text(size: int, seed: int) -> np.ndarray:
    """A second-order chain: the next token depends on two, with some noise."""
    random = np.random.default_rng(seed)
    out = [0, 1, 2]
    for _ in range(size):
        out.append(
            (3 * out[-1] + 5 * out[-2]) % 7 + 1
            if random.random() < 0.8
            else 8 + int(random.integers(15))
        )
    return np.array(out)


def test_probabilities_sum_to_one() -> None:
    model = NGram([text(2000, 1), text(500, 2)], VOCAB, order=4)
    for context in ([0], [0, 1, 2], [0, 22, 22, 22], [0, 5, 8, 1, 3]):
        p = [model.probabilities(np.array([*context, w]))[-1] for w in range(VOCAB)]
        assert sum(p) == pytest.approx(1, abs=1e-12) and min(p) > 0


def test_it_learns_the_chain_and_longer_contexts_help() -> None:
    held_out = text(1000, 9)
    losses = [
        -np.log(NGram([text(5000, 1)], VOCAB, order).probabilities(held_out)).mean()
        for order in (1, 2, 3)
    ]
    # One token of context says next to nothing about this chain; two say almost all.
    assert losses[2] < min(losses[:2]) - 0.5
    # The chain's own entropy: 0.8 certain, 0.2 over fifteen values.
    entropy = -0.8 * np.log(0.8) - 0.2 * np.log(0.2 / 15)
    assert losses[2] < entropy + 0.35


def test_unigram_matches_counts_without_smoothing() -> None:
    """At order 1 a token's share is its discounted count plus its part of the uniform rest."""
    sequence = np.array([1] * 50 + [2] * 30 + [3])
    model = NGram([sequence], 5, order=1)
    p = [model.probabilities(np.array([0, w]))[0] for w in range(5)]
    assert p[1] > p[2] > p[3] > p[4] == p[0] > 0
    assert p[1] / p[2] == pytest.approx(50 / 30, rel=0.05)
