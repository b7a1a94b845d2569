"""How good a model is on a text, and how far an execution is from the float reference."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tritstream.errors import OptionError

Progress = Callable[[int, int], None]
"""Called with the number of tokens predicted so far and the number there are."""

_ROWS = 64  # tokens whose logits are in float64 at a time


class Predictor(Protocol):
    """The part of an engine that is evaluated."""

    def logits(self, token_ids: Sequence[int]) -> np.ndarray:
        """Logits after every token from a fresh state, float32 (T, vocab)."""


@dataclass(frozen=True)
class Difference:
    """An engine against a reference on the same tokens.

    Attributes:
        reference_perplexity: the reference's, on the same predictions.
        logits_error: relative L2 error |l - r| / |r| of a token's logits, mean over tokens.
        worst_logits_error: the largest of them.
        top1_agreement: share of tokens after which both find the same token likeliest.
        kl_divergence: sum p log(p / q) in nats, p the reference's distribution and q the engine's,
            mean over tokens.
    """

    reference_perplexity: float
    logits_error: float
    worst_logits_error: float
    top1_agreement: float
    kl_divergence: float


@dataclass(frozen=True)
class Evaluation:
    """What an engine makes of a text.

    Attributes:
        tokens: number of tokens predicted.
        perplexity: exp of the mean negative log-likelihood of the tokens, in nats.
        difference: against the reference, if there was one.
        seconds: time in the engine, without the reference's; measured.
    """

    tokens: int
    perplexity: float
    difference: Difference | None
    seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens predicted by the engine's time."""
        return self.tokens / self.seconds if self.seconds else 0.0


def evaluate(
    engine: Predictor,
    token_ids: Sequence[int],
    *,
    bos_token_id: int | None = None,
    reference: Predictor | None = None,
    window: int = 512,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Predict every token of a text from those before it in its window.

    The text is cut into windows of `window` tokens. Each starts from a fresh state with BOS; where
    the model has none, the first token of a window is only read. Logits of one window, float32
    (window, vocab), are in memory per engine.

    Raises OptionError if `window` is below 2 or the text has nothing to predict.
    """
    if window < 2:
        raise OptionError(f"the window must be 2 tokens or more, not {window}")
    windows = cut_windows(token_ids, bos_token_id, window)
    if not windows:
        raise OptionError("the text is too short to predict anything: give at least two tokens")
    total = sum(len(ids) - 1 for ids in windows)
    own, other, compared = _Likelihood(), _Likelihood(), _Comparison()
    seconds = 0.0
    for ids in windows:
        inputs, targets = ids[:-1], np.array(ids[1:])
        start = time.perf_counter()
        logits = engine.logits(inputs)
        seconds += time.perf_counter() - start
        expected = None if reference is None else reference.logits(inputs)
        for at in range(0, len(targets), _ROWS):
            part = slice(at, at + _ROWS)
            log_q = own.add(logits[part], targets[part])
            if expected is not None:
                log_p = other.add(expected[part], targets[part])
                compared.add(logits[part], expected[part], log_q, log_p)
        progress(own.count, total)
    difference = None if reference is None else compared.result(other.perplexity())
    return Evaluation(own.count, own.perplexity(), difference, seconds)


def cut_windows(token_ids: Sequence[int], bos_token_id: int | None, window: int) -> list[list[int]]:
    """A text in windows of `window` tokens, each behind BOS; without those that predict nothing.

    A window that begins with BOS by itself gets no second one.
    """
    cut = [list(token_ids[i : i + window]) for i in range(0, len(token_ids), window)]
    if bos_token_id is not None:
        cut = [ids if ids[0] == bos_token_id else [bos_token_id, *ids] for ids in cut]
    return [ids for ids in cut if len(ids) > 1]


class _Likelihood:
    """Sums up how likely a model finds the tokens that really follow."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0.0

    def add(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Take logits (n, vocab) and targets (n,); log-probabilities, float64 (n, vocab)."""
        wide = logits.astype(np.float64)
        wide -= wide.max(axis=1, keepdims=True)
        wide -= np.log(np.exp(wide).sum(axis=1, keepdims=True))
        self._sum += float(wide[np.arange(len(targets)), targets].sum())
        self.count += len(targets)
        return wide

    def perplexity(self) -> float:
        return float(np.exp(-self._sum / self.count))


class _Comparison:
    """Sums up how two engines' logits differ, token by token."""

    def __init__(self) -> None:
        self._errors: list[np.ndarray] = []
        self._agreed = 0
        self._kl = 0.0

    def add(
        self, logits: np.ndarray, expected: np.ndarray, log_q: np.ndarray, log_p: np.ndarray
    ) -> None:
        wide = expected.astype(np.float64)
        size = np.linalg.norm(wide, axis=1)
        # A model whose logits are all zero has no relative error unless the other's are not.
        self._errors.append(
            np.linalg.norm(logits - wide, axis=1) / np.maximum(size, np.finfo(np.float64).tiny)
        )
        self._agreed += int((logits.argmax(axis=1) == expected.argmax(axis=1)).sum())
        self._kl += float((np.exp(log_p) * (log_p - log_q)).sum())

    def result(self, reference_perplexity: float) -> Difference:
        errors = np.concatenate(self._errors)
        return Difference(
            reference_perplexity=reference_perplexity,
            logits_error=float(errors.mean()),
            worst_logits_error=float(errors.max()),
            top1_agreement=self._agreed / errors.size,
            kl_divergence=self._kl / errors.size,
        )
