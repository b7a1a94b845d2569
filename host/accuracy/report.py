"""The accuracy report: everything that shows what fixed point costs, measured in one run.

Works from a checkpoint folder (then the embedding's formats are compared with the full-precision
table) or from an image (then with the stored one). Every figure is measured on the given text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp

import numpy as np
import numpy.typing as npt

from tritstream.accuracy.functions import FunctionErrors, function_errors
from tritstream.accuracy.hybrid import EXCHANGEABLE, hybrid_operations
from tritstream.accuracy.walk import NONE, relative_error
from tritstream.engines.float import FloatEngine
from tritstream.engines.spec import SpecEngine, real_logits
from tritstream.evaluate import cut_windows
from tritstream.image.embedding import quantise_embedding, quantised_grid
from tritstream.numerics import PROFILES
from tritstream.packing.weights import folded_weights
from tritstream.reference import FloatWeights
from tritstream.reference.model import Array

Progress = Callable[[str], None]
_ROWS = 256


@dataclass(frozen=True)
class Execution:
    """One way of computing the model, against float64 on the same tokens; measured."""

    perplexity: float
    logits_error: float
    """Relative L2 error of the logits, mean over tokens."""
    top1_agreement: float
    kl_divergence: float
    """Nats, mean over tokens."""
    saturations: dict[str, int]


@dataclass(frozen=True)
class EmbeddingFormat:
    """The model in float64 with its embedding in another format; measured."""

    bits: float
    rms_error: float
    """Relative to the RMS of the table."""
    perplexity: float


@dataclass(frozen=True)
class Report:
    """All of it; `as_json` is what the JSON file holds."""

    tokens: int
    window: int
    executions: dict[str, Execution]
    contributions: dict[str, dict[str, float]]
    """By profile: logits error with each operation in float in turn."""
    positions: list[int]
    position_errors: dict[str, list[float]]
    """Mean logits error over the tokens up to each of `positions` and behind the one before."""
    functions: dict[str, FunctionErrors]
    embeddings: dict[str, EmbeddingFormat]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def accuracy_report(
    weights: FloatWeights,
    token_ids: Sequence[int],
    *,
    bos_token_id: int | None,
    window: int = 512,
    position_limit: int = 4096,
    contribution_tokens: int = 512,
    progress: Progress = lambda what: None,
) -> Report:
    """Measure a model on a text's tokens.

    Perplexities read the text in windows of ``window`` tokens from a fresh state; the error against
    position reads up to ``position_limit`` tokens in one go.
    """
    windows = cut_windows(token_ids, bos_token_id, window)
    exact = FloatEngine(weights)
    executions: dict[str, Execution] = {}
    for name in ("float64", "float32", "float16", *PROFILES):
        progress(f"perplexity of {name}")
        executions[name] = _measure(_engine(weights, name), exact, windows)

    few = list(token_ids[:contribution_tokens])
    contributions: dict[str, dict[str, float]] = {}
    for name, profile in PROFILES.items():
        progress(f"contribution of each operation in {name}")
        expected = exact.exact_logits(few)
        fixed = folded_weights(weights, profile)
        wide = replace(profile, gain_bits=40, block_bits=22)
        tables = {
            NONE: (fixed, ()),
            **{op: (fixed, (op,)) for op in EXCHANGEABLE},
            "norm_codes and exact weights": (folded_weights(weights, wide), ("norm_codes",)),
        }
        contributions[name] = {
            op: relative_error(
                SpecEngine(source, hybrid_operations(source.profile, in_float))
                .logits(few)
                .astype(np.float64),
                expected,
            )
            for op, (source, in_float) in tables.items()
        }

    progress("error against position")
    positions, position_errors = _against_position(weights, exact, list(token_ids[:position_limit]))
    progress("embedding formats")
    return Report(
        tokens=sum(len(w) - 1 for w in windows),
        window=window,
        executions=executions,
        contributions=contributions,
        positions=positions,
        position_errors=position_errors,
        functions={name: function_errors(p) for name, p in PROFILES.items()},
        embeddings=_embeddings(weights, windows),
    )


def _engine(weights: FloatWeights, name: str) -> FloatEngine | SpecEngine:
    if name in PROFILES:
        return SpecEngine(folded_weights(weights, PROFILES[name]))
    return FloatEngine(weights, name)


def _log_softmax(logits: Array) -> npt.NDArray[np.float64]:
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=-1, keepdims=True)
    return wide - np.log(np.exp(wide).sum(axis=-1, keepdims=True))


def _logits(engine: FloatEngine | SpecEngine, ids: Sequence[int]) -> Array:
    return engine.exact_logits(ids) if isinstance(engine, FloatEngine) else engine.logits(ids)


def _measure(
    engine: FloatEngine | SpecEngine, exact: FloatEngine, windows: list[list[int]]
) -> Execution:
    loss = error = agreed = divergence = 0.0
    count = 0
    for ids in windows:
        expected, found = exact.exact_logits(ids[:-1]), _logits(engine, ids[:-1])
        targets = ids[1:]
        for start in range(0, len(targets), _ROWS):
            rows = slice(start, start + _ROWS)
            p, q = _log_softmax(expected[rows]), _log_softmax(found[rows])
            loss -= float(q[np.arange(len(q)), targets[rows]].sum())
            divergence += float((np.exp(p) * (p - q)).sum())
            agreed += float((p.argmax(axis=-1) == q.argmax(axis=-1)).sum())
            error += len(q) * relative_error(
                found[rows].astype(np.float64), expected[rows].astype(np.float64)
            )
        count += len(targets)
    counts = engine.saturations.counts if isinstance(engine, SpecEngine) else {}
    return Execution(
        perplexity=exp(loss / count),
        logits_error=error / count,
        top1_agreement=agreed / count,
        kl_divergence=divergence / count,
        saturations=dict(counts),
    )


def _against_position(
    weights: FloatWeights, exact: FloatEngine, ids: list[int]
) -> tuple[list[int], dict[str, list[float]]]:
    """Errors in up to 16 equal stretches of one long prompt, read in pieces to bound memory."""
    stretch = max(len(ids) // 16, 1)
    pieces = [ids[i : i + stretch] for i in range(0, len(ids), stretch)]
    positions = np.cumsum([len(p) for p in pieces]).tolist()
    errors: dict[str, list[float]] = {name: [] for name in ("float32", "float16", *PROFILES)}
    engines = {name: _engine(weights, name) for name in errors}
    exact.reset()
    for engine in engines.values():
        engine.reset()
    for piece in pieces:
        expected = exact.continue_logits(piece).astype(np.float64)
        for name, engine in engines.items():
            if isinstance(engine, SpecEngine):
                found = real_logits(engine.head(engine.residuals(piece))).astype(np.float64)
            else:
                found = engine.continue_logits(piece).astype(np.float64)
            errors[name].append(relative_error(found, expected))
    return positions, errors


def _embeddings(weights: FloatWeights, windows: list[list[int]]) -> dict[str, EmbeddingFormat]:
    table = weights.embed(np.arange(weights.geometry.vocabulary))
    norm = float(np.sqrt(np.mean(table**2)))
    values = table.astype(np.float32)
    formats: dict[str, tuple[float, npt.NDArray[np.float64]]] = {"as given": (32.0, table)}
    every = np.arange(len(table))
    for kind, bits in (("fp16", 16.0), ("int8", 8.0), ("3.5bit", 3.5)):
        formats[kind] = (bits, quantise_embedding(values, kind, 24).real(every))
    # For comparison only: no image is packed so.
    formats["int4"] = (4.0, quantised_grid(values, 16))
    found = {}
    for name, (bits, stored) in formats.items():
        rows = stored

        def embed(ids: npt.ArrayLike, rows: npt.NDArray[np.float64] = rows) -> Array:
            return rows[np.asarray(ids, np.int64)]

        engine = FloatEngine(replace(weights, embed=embed))
        loss, count = 0.0, 0
        for ids in windows:
            q = _log_softmax(engine.exact_logits(ids[:-1]))
            loss -= float(q[np.arange(len(q)), ids[1:]].sum())
            count += len(q)
        error = float(np.sqrt(np.mean((stored - table) ** 2))) / norm
        found[name] = EmbeddingFormat(bits, error, exp(loss / count))
    return found
