from collections.abc import Sequence

import numpy as np
import pytest

from tritstream.errors import OptionError
from tritstream.evaluate import evaluate

VOCABULARY = 7


class Table:
    """An engine whose logits depend on the token and on its place since the last reset."""

    def __init__(self, noise: float = 0.0, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        table = rng.normal(size=(64, VOCABULARY, VOCABULARY))
        self.table = (table + noise * np.random.default_rng(1).normal(size=table.shape)).astype(
            np.float32
        )
        self.reads: list[list[int]] = []

    def logits(self, token_ids: Sequence[int]) -> np.ndarray:
        self.reads.append(list(token_ids))
        return np.stack([self.table[place, token] for place, token in enumerate(token_ids)])


def softmax(logits: np.ndarray) -> np.ndarray:
    p = np.exp(logits.astype(np.float64))
    return p / p.sum()


IDS = [3, 1, 4, 1, 5, 2, 6, 5, 3, 5]


def test_perplexity_is_that_of_the_textbook() -> None:
    engine = Table()
    result = evaluate(engine, IDS)
    p = [softmax(engine.table[t, IDS[t]])[IDS[t + 1]] for t in range(len(IDS) - 1)]
    assert result.tokens == 9
    assert result.perplexity == pytest.approx(np.prod(p) ** (-1 / 9), rel=1e-12)
    assert result.difference is None


def test_windows_start_afresh_with_bos_and_predict_every_token() -> None:
    engine = Table()
    result = evaluate(engine, IDS, bos_token_id=0, window=4)
    assert engine.reads == [[0, 3, 1, 4], [0, 5, 2, 6], [0, 3]]
    assert result.tokens == len(IDS)


def test_windows_without_bos_only_read_their_first_token() -> None:
    engine = Table()
    assert evaluate(engine, IDS, window=3).tokens == 6
    assert engine.reads == [[3, 1], [1, 5], [6, 5]]  # the last window of one token predicts nothing


def test_a_uniform_model_has_the_vocabulary_as_perplexity() -> None:
    engine = Table()
    engine.table[:] = 3
    assert evaluate(engine, IDS).perplexity == pytest.approx(VOCABULARY)


def test_an_engine_equals_itself() -> None:
    difference = evaluate(Table(), IDS, reference=Table()).difference
    assert difference is not None
    assert difference.logits_error == difference.worst_logits_error == 0
    assert difference.top1_agreement == 1
    assert difference.kl_divergence == 0


def test_differences_are_those_of_the_textbook() -> None:
    ours, reference = Table(noise=0.5), Table()
    result = evaluate(ours, IDS, reference=reference)
    q = [ours.table[t, token] for t, token in enumerate(IDS[:-1])]
    p = [reference.table[t, token] for t, token in enumerate(IDS[:-1])]
    errors = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in zip(p, q, strict=True)]
    agreed = [a.argmax() == b.argmax() for a, b in zip(p, q, strict=True)]
    kl = [(softmax(a) * np.log(softmax(a) / softmax(b))).sum() for a, b in zip(p, q, strict=True)]
    difference = result.difference
    assert difference is not None
    assert difference.logits_error == pytest.approx(np.mean(errors), rel=1e-6)
    assert difference.worst_logits_error == pytest.approx(np.max(errors), rel=1e-6)
    assert difference.top1_agreement == np.mean(agreed)
    assert 0 < difference.top1_agreement < 1
    assert difference.kl_divergence == pytest.approx(np.mean(kl), rel=1e-9)
    assert difference.reference_perplexity == evaluate(reference, IDS).perplexity


def test_large_logits_do_not_overflow() -> None:
    engine = Table()
    engine.table[:] = 1e30
    assert evaluate(engine, IDS).perplexity == pytest.approx(VOCABULARY)


def test_more_tokens_than_are_compared_at_a_time() -> None:
    ids = [int(i) for i in np.random.default_rng(0).integers(0, VOCABULARY, 640)]
    steps: list[tuple[int, int]] = []
    result = evaluate(
        Table(), ids, window=64, reference=Table(0.1), progress=lambda *a: steps.append(a)
    )
    assert result.tokens == 630
    assert steps == [(63 * n, 630) for n in range(1, 11)]


def test_texts_and_windows_that_predict_nothing() -> None:
    for ids in ([], [1]):
        with pytest.raises(OptionError, match="too short"):
            evaluate(Table(), ids)
    assert evaluate(Table(), [1], bos_token_id=0).tokens == 1
    with pytest.raises(OptionError, match="window"):
        evaluate(Table(), IDS, window=1)
