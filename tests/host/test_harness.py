"""The LM evaluation harness on a model of ours, with a task made of local data."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tritstream
from tritstream.model import Model

pytestmark = pytest.mark.long
_MISSING = "no lm_eval here: pip install '.[lm-eval]' 'pyarrow<23' 'pandas<3' 'numpy<2'"
pytest.importorskip("lm_eval.tasks", reason=_MISSING, exc_type=ImportError)
import lm_eval  # noqa: E402

CHOICE = """\
task: local_choice
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
target_delimiter: ""
doc_to_target: "{{answer}}"
doc_to_choice: "{{choices}}"
metric_list: [{metric: acc}, {metric: acc_norm}]
"""
ROLLING = """\
task: local_rolling
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: byte_perplexity}]
"""
WRITTEN = """\
task: local_written
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
target_delimiter: ""
doc_to_target: "{{continued}}"
generation_kwargs: {until: ["."], max_gen_toks: 12, do_sample: false}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
"""
DOCS = [
    {"question": "Once upon a", "choices": [" time", " xylophone"], "answer": 0},
    {"question": "The little girl", "choices": [" zzzzq", " was happy"], "answer": 1},
    {"question": "Tom and Lily were", "choices": [" friends", " of of"], "answer": 0},
]


@pytest.fixture(scope="module")
def model() -> Model:
    return tritstream.load("demo")


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory, model: Model) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    docs = []
    for doc in DOCS:
        prompt = model.tokenizer.encode(str(doc["question"]))
        greedy = _greedy(model, prompt, 12).partition(".")[0]
        docs.append({**doc, "continued": greedy, "text": f"{doc['question']} is a text."})
    data = folder / "docs.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    for name, text in (("choice", CHOICE), ("rolling", ROLLING), ("written", WRITTEN)):
        (folder / f"{name}.yaml").write_text(text % data)
    return folder


def _greedy(model: Model, tokens: list[int], count: int) -> str:
    ids = list(tokens)
    for _ in range(count):
        ids.append(int(model.logits(ids)[-1].argmax()))
    return model.tokenizer.decode(ids)[len(model.tokenizer.decode(tokens)) :]


def _logprob(model: Model, tokens: list[int], first: int) -> float:
    logits = model.logits(tokens[:-1]).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return float(sum(logits[p - 1, tokens[p]] for p in range(first, len(tokens))))


def test_the_harness_measures_what_the_logits_say(tasks: Path, model: Model) -> None:
    from lm_eval.tasks import TaskManager

    import tritstream.harness  # noqa: F401 - makes the model known

    manager = TaskManager(include_path=str(tasks), include_defaults=False)
    names = ["local_choice", "local_rolling", "local_written"]
    found: Any = lm_eval.simple_evaluate(
        model="tritstream",
        model_args={"model": "demo", "places": 4},
        tasks=names,
        task_manager=manager,
        bootstrap_iters=0,
        log_samples=True,
    )
    encode = model.tokenizer.encode
    for sample in found["samples"]["local_choice"]:
        doc = sample["doc"]
        for choice, answer in zip(doc["choices"], sample["filtered_resps"], strict=True):
            context = encode(doc["question"])
            expected = _logprob(model, encode(doc["question"] + choice), len(context))
            assert float(answer[0]) == pytest.approx(expected)
    assert found["results"]["local_choice"]["acc,none"] == 1.0
    assert found["results"]["local_written"]["exact_match,none"] == 1.0
    bos = [model.tokenizer.bos_token_id]
    texts = [f"{doc['question']} is a text." for doc in DOCS]
    total = sum(_logprob(model, [*bos, *encode(text)], 1) for text in texts)  # type: ignore[list-item]
    expected = np.exp(-total / sum(len(text.encode()) for text in texts))
    measured = found["results"]["local_rolling"]["byte_perplexity,none"]
    assert measured == pytest.approx(expected)


def test_the_command_knows_the_model(tasks: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from tritstream.harness import main; main()", "run"]
    command += ["--model", "tritstream", "--model_args", "model=demo,add_bos_token=True"]
    command += ["--tasks", "local_choice", "--include_path", str(tasks)]
    command += ["--output_path", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "local_choice" in done.stdout and "acc" in done.stdout
