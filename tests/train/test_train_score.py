import json
import math
from pathlib import Path

from support.stories import story
from tritstream.model import load
from tritstream.train import score


def test_the_score_is_the_log_likelihood_of_the_documents(tmp_path: Path, capsys) -> None:
    documents = [story(seed, 1).strip() for seed in range(40)]
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"{document}\n<|end|>\n" for document in documents))
    assert score.main(["demo", "--text", str(path), "--separator", "<|end|>"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["documents"] == 2 and found["text"] == "stories.txt"
    held_out = documents[19::20]
    model = load("demo")
    nats = ends = 0.0
    count = 0
    for document in held_out:
        model.reset()
        logits = model.step(model.config.bos_token_id)
        for token in [*model.tokenizer.encode(document), model.config.eos_token_id]:
            cost = math.log(sum(math.exp(v) for v in logits.tolist())) - float(logits[token])
            nats += cost
            count += 1
            logits = model.step(token)
        ends += cost
    size = sum(len(document.encode()) for document in held_out)
    assert found["tokens"] == count and found["bytes"] == size
    assert math.isclose(found["perplexity"], math.exp(nats / count), rel_tol=1e-4)
    assert math.isclose(found["bits_per_byte"], nats / math.log(2) / size, rel_tol=1e-4)
    without = (nats - ends) / math.log(2) / size
    assert math.isclose(found["bits_per_byte_without_ends"], without, rel_tol=1e-4)


def test_a_missing_text_is_one_sentence(tmp_path: Path, capsys) -> None:
    assert score.main(["demo", "--text", str(tmp_path / "no.txt")]) == 2
    assert "no.txt" in capsys.readouterr().err
