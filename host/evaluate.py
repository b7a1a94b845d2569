"""How good a model is on a text, and how far an execution is from the float reference."""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Protocol

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
    windows = checked_windows(token_ids, bos_token_id, window)
    total = sum(len(ids) - 1 for ids in windows)
    found: list[WindowFigures] = []
    done = 0
    for ids in windows:
        found.append(measure_window(engine, ids, reference))
        done += len(ids) - 1
        progress(done, total)
    return evaluation_of(found)


@dataclass(frozen=True)
class WindowFigures:
    """What an engine makes of one window, and a reference, if there was one.

    Attributes:
        tokens: predicted.
        seconds: in the engine, measured.
        likelihood, reference_likelihood: sums over the tokens, nats.
        errors: relative L2 error of each token's logits.
        agreed: tokens after which both find the same token likeliest.
        kl: sum of the KL divergences, nats.
    """

    tokens: int
    seconds: float
    likelihood: float
    reference_likelihood: float | None = None
    errors: tuple[float, ...] = ()
    agreed: int = 0
    kl: float = 0.0

    def plain(self) -> list[Any]:
        """The attributes in their order, to be sent: `WindowFigures(*plain)` is the same."""
        return [*astuple(self)]


def measure_window(
    engine: Predictor, ids: Sequence[int], reference: Predictor | None
) -> WindowFigures:
    """Predict every token of one window but the first, from a fresh state."""
    own, other, compared = _Likelihood(), _Likelihood(), _Comparison()
    inputs, targets = ids[:-1], np.array(ids[1:])
    start = time.perf_counter()
    logits = engine.logits(inputs)
    seconds = time.perf_counter() - start
    expected = None if reference is None else reference.logits(inputs)
    for at in range(0, len(targets), _ROWS):
        part = slice(at, at + _ROWS)
        log_q = own.add(logits[part], targets[part])
        if expected is not None:
            log_p = other.add(expected[part], targets[part])
            compared.add(logits[part], expected[part], log_q, log_p)
    if expected is None:
        return WindowFigures(len(targets), seconds, own.total)
    return WindowFigures(
        len(targets),
        seconds,
        own.total,
        other.total,
        tuple(compared.errors),
        compared.agreed,
        compared.kl,
    )


def evaluation_of(found: Sequence[WindowFigures]) -> Evaluation:
    """The figures of all windows together, added in their order."""
    tokens = sum(window.tokens for window in found)
    difference = None
    if found[0].reference_likelihood is not None:
        errors = np.array([error for window in found for error in window.errors])
        reference = sum(window.reference_likelihood or 0.0 for window in found)
        difference = Difference(
            reference_perplexity=float(np.exp(-reference / tokens)),
            logits_error=float(errors.mean()),
            worst_logits_error=float(errors.max()),
            top1_agreement=sum(window.agreed for window in found) / tokens,
            kl_divergence=sum(window.kl for window in found) / tokens,
        )
    likelihood = sum(window.likelihood for window in found)
    return Evaluation(
        tokens,
        float(np.exp(-likelihood / tokens)),
        difference,
        sum(window.seconds for window in found),
    )


def checked_windows(
    token_ids: Sequence[int], bos_token_id: int | None, window: int
) -> list[list[int]]:
    """`cut_windows`, at least one. Raises OptionError as `evaluate`."""
    if window < 2:
        raise OptionError(f"the window must be 2 tokens or more, not {window}")
    windows = cut_windows(token_ids, bos_token_id, window)
    if not windows:
        raise OptionError("the text is too short to predict anything: give at least two tokens")
    return windows


def cut_windows(token_ids: Sequence[int], bos_token_id: int | None, window: int) -> list[list[int]]:
    """A text in windows of `window` tokens, each behind BOS; without those that predict nothing.

    A window that begins with BOS by itself gets no second one.
    """
    cut = [list(token_ids[i : i + window]) for i in range(0, len(token_ids), window)]
    if bos_token_id is not None:
        cut = [ids if ids[0] == bos_token_id else [bos_token_id, *ids] for ids in cut]
    return [ids for ids in cut if len(ids) > 1]


class _Likelihood:
    """Sums up how likely a model finds the tokens that really follow: `total`, nats."""

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Take logits (n, vocab) and targets (n,); log-probabilities, float64 (n, vocab)."""
        wide = logits.astype(np.float64)
        wide -= wide.max(axis=1, keepdims=True)
        wide -= np.log(np.exp(wide).sum(axis=1, keepdims=True))
        self.total += float(wide[np.arange(len(targets)), targets].sum())
        return wide


class _Comparison:
    """Sums up how two engines' logits differ, token by token."""

    def __init__(self) -> None:
        self.errors: list[float] = []
        self.agreed = 0
        self.kl = 0.0

    def add(
        self, logits: np.ndarray, expected: np.ndarray, log_q: np.ndarray, log_p: np.ndarray
    ) -> None:
        wide = expected.astype(np.float64)
        size = np.linalg.norm(wide, axis=1)
        # A model whose logits are all zero has no relative error unless the other's are not.
        errors = np.linalg.norm(logits - wide, axis=1) / np.maximum(size, np.finfo(np.float64).tiny)
        self.errors += errors.tolist()
        self.agreed += int((logits.argmax(axis=1) == expected.argmax(axis=1)).sum())
        self.kl += float((np.exp(log_p) * (log_p - log_q)).sum())
