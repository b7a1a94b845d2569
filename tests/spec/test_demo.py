"""The shipped demo model on held-out text: fixed point costs next to nothing."""

import json
from pathlib import Path

import numpy as np

from tritstream.accuracy.report import accuracy_report
from tritstream.accuracy.write import write_report
from tritstream.engines.float import FloatEngine
from tritstream.engines.spec import SpecEngine
from tritstream.evaluate import evaluate
from tritstream.image import open_image
from tritstream.model import load
from tritstream.models import shipped_model
from tritstream.reference import weights_of_image

TEXT = (Path(__file__).parents[1] / "data" / "held-out.txt").read_text(encoding="utf-8")


def test_perplexity_is_within_half_a_percent_of_float() -> None:
    model = load("demo", "spec")
    reference = load("demo", "float")
    found = evaluate(
        model.engine,
        model.tokenizer.encode(TEXT)[:2500],
        bos_token_id=model.config.bos_token_id,
        reference=reference.engine,
    )
    assert found.difference is not None
    float_perplexity = found.difference.reference_perplexity
    print(f"perplexity (measured): fixed {found.perplexity:.3f}, float {float_perplexity:.3f}")
    assert abs(found.perplexity / float_perplexity - 1) < 0.005


def test_the_error_does_not_grow_over_two_thousand_tokens() -> None:
    image = open_image(shipped_model("demo"))
    ids = load("demo", "spec").tokenizer.encode(TEXT)[:2048]
    assert len(ids) == 2048
    expected = FloatEngine(weights_of_image(image)).exact_logits(ids)
    spec = SpecEngine(image)
    found = spec.logits(ids)
    errors = np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1)
    first, last = errors[:512].mean(), errors[-512:].mean()
    print(f"relative L2 error (measured): first 512 tokens {first:.2e}, last 512 {last:.2e}")
    assert last < 1.5 * first
    assert spec.saturations.counts == {}


def test_the_report_has_every_part(tmp_path: Path) -> None:
    model = load("demo", "float")
    ids = model.tokenizer.encode(TEXT)[:160]
    weights = weights_of_image(open_image(shipped_model("demo")))
    report = accuracy_report(weights, ids, bos_token_id=1, window=80, contribution_tokens=48)
    paths = write_report(report, tmp_path / "out", "demo")
    assert all(p.stat().st_size > 300 for p in paths)
    body = json.loads((tmp_path / "out" / "accuracy.json").read_text())
    assert set(body["executions"]) == {"float64", "float32", "float16", "default", "small"}
    assert body["executions"]["float64"]["logits_error"] == 0
    assert body["executions"]["default"]["logits_error"] > 0
    assert set(body["embeddings"]) == {"as given", "fp16", "int8", "3.5bit", "int4"}
    assert len(body["position_errors"]["small"]) == len(body["positions"])
    assert 0 < body["functions"]["default"]["sigmoid_absolute"] < 1e-7
