"""The server as OpenAI's own client sees it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import openai
import pytest

from support.serving import Served, served
from tritstream.batching import likelihood_of
from tritstream.model import Model

OPTIONS = {"model": "tiny", "temperature": 1.0, "max_tokens": 20}


def client_of(server: Served, key: str = "none") -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[openai.OpenAI]:
    with client_of(server) as client:
        yield client


def alone(model: Model, prompt: str, seed: int, count: int = 20) -> str:
    return model.generate(prompt, max_tokens=count, temperature=1.0, seed=seed).text()


def test_models(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").owned_by == "tritstream"
    with pytest.raises(openai.NotFoundError, match="the model here is 'tiny'"):
        client.models.retrieve("gpt/5")


def test_a_completion_is_the_text_of_its_seed(client: openai.OpenAI, model: Model) -> None:
    found = client.completions.create(prompt="hello", seed=3, **OPTIONS)
    assert found.choices[0].text == alone(model, "hello", 3)
    assert found.choices[0].finish_reason == "length"
    assert found.usage is not None
    usage = found.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (6, 20, 26)
    greedy = client.completions.create(prompt="hello", **{**OPTIONS, "temperature": 0})
    assert greedy.choices[0].text == model.generate("hello", max_tokens=20).text()


def test_a_stream_is_the_same_text_in_pieces(client: openai.OpenAI, model: Model) -> None:
    chunks = list(
        client.completions.create(
            prompt="hi", seed=4, stream=True, stream_options={"include_usage": True}, **OPTIONS
        )
    )
    text = "".join(c.text for chunk in chunks for c in chunk.choices)
    assert text == alone(model, "hi", 4)
    assert len(chunks) > 5
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 20
    assert chunks[-2].choices[0].finish_reason == "length"


def test_chat_continues_its_messages(client: openai.OpenAI, model: Model) -> None:
    messages = [
        {"role": "system", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
    ]
    options = {**OPTIONS, "messages": messages, "seed": 1}
    found = client.chat.completions.create(**options)
    assert found.choices[0].message.content == alone(model, "one\ntwo", 1)
    assert found.choices[0].message.role == "assistant"
    chunks = list(client.chat.completions.create(stream=True, **options))
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(c.choices[0].delta.content or "" for c in chunks)
    assert text == found.choices[0].message.content


def test_several_prompts_and_several_answers(client: openai.OpenAI, model: Model) -> None:
    found = client.completions.create(prompt=["a", "b"], n=2, seed=7, **OPTIONS)
    assert [c.index for c in found.choices] == [0, 1, 2, 3]
    expected = [alone(model, p, 7 + k) for p in ("a", "b") for k in (0, 1)]
    assert [c.text for c in found.choices] == expected
    assert found.usage is not None and found.usage.prompt_tokens == 4
    ids = [model.tokenizer.encode_prompt(p) for p in ("a", "b")]
    by_ids = client.completions.create(prompt=ids, n=2, seed=7, **OPTIONS)
    assert [c.text for c in by_ids.choices] == expected
    streamed = ["", "", "", ""]
    for chunk in client.completions.create(prompt=["a", "b"], n=2, seed=7, stream=True, **OPTIONS):
        for choice in chunk.choices:
            streamed[choice.index] += choice.text
    assert streamed == expected


def test_stop_ends_a_text_before_it(client: openai.OpenAI, model: Model) -> None:
    whole = alone(model, "stop", 2, 60)
    stop = whole[10:13]
    found = client.completions.create(
        prompt="stop", seed=2, stop=[stop, "never there"], **{**OPTIONS, "max_tokens": 60}
    )
    assert found.choices[0].text == whole[: whole.index(stop)]
    assert found.choices[0].finish_reason == "stop"


def test_logprobs_are_those_of_the_logits(client: openai.OpenAI, model: Model) -> None:
    prompt = model.tokenizer.encode_prompt("xyz")
    found = client.completions.create(
        prompt="xyz", logprobs=3, **{**OPTIONS, "max_tokens": 4, "temperature": 0}
    )
    likely = found.choices[0].logprobs
    assert likely is not None and likely.token_logprobs is not None
    tokens = model.generate("xyz", max_tokens=4)
    tokens.text()
    written = tokens.result.token_ids
    logits = model.logits([*prompt, *written[:-1]])[len(prompt) - 1 :]
    expected = [
        likelihood_of(row, token, 3).logprob for row, token in zip(logits, written, strict=True)
    ]
    np.testing.assert_allclose(likely.token_logprobs, expected)
    assert all(len(top) == 3 for top in likely.top_logprobs or [])
    chat = client.chat.completions.create(
        messages=[{"role": "user", "content": "xyz"}],
        logprobs=True,
        top_logprobs=2,
        **{**OPTIONS, "max_tokens": 4, "temperature": 0},
    )
    content = chat.choices[0].logprobs
    assert content is not None and content.content is not None
    np.testing.assert_allclose([t.logprob for t in content.content], expected)
    assert all(t.top_logprobs[0].token == t.token for t in content.content)
    pieces = client.completions.create(
        prompt="xyz", logprobs=1, stream=True, **{**OPTIONS, "max_tokens": 4, "temperature": 0}
    )
    values = [v for c in pieces for v in (c.choices[0].logprobs.token_logprobs or [])]  # type: ignore[union-attr]
    np.testing.assert_allclose(values, expected)


def test_eight_clients_at_once_get_what_each_gets_alone(server: Served, model: Model) -> None:
    prompts = [f"client {n} " * (n + 1) for n in range(8)]
    found: dict[int, str] = {}

    def ask(n: int) -> None:
        with client_of(server) as client:
            stream = client.completions.create(
                prompt=prompts[n], seed=n, stream=True, **{**OPTIONS, "max_tokens": 40 + n}
            )
            found[n] = "".join(c.text for chunk in stream for c in chunk.choices)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: alone(model, prompts[n], n, 40 + n) for n in range(8)}
    server.wait_until_idle()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"prompt": "a", "temperature": -1}, "temperature must be 0 to 100"),
        ({"prompt": "a", "max_tokens": 0}, "max_tokens must be 1 to 4096"),
        ({"prompt": "a", "n": 200}, "1 to 128 texts"),
        ({"prompt": "a", "stop": [""]}, "must not be empty"),
        ({"prompt": "a", "presence_penalty": 1.0}, "presence_penalty is not supported"),
        ({"prompt": "a", "logprobs": 21}, "logprobs must be 0 to 20"),
        ({"prompt": [5000]}, "prompt tokens must be 0 to 258"),
        ({"prompt": "a", "extra_body": {"mirostat": 2}}, "unknown field 'mirostat'"),
        ({"prompt": "a", "best_of": 3}, "best_of"),
        ({"prompt": "a", "seed": -1}, "seed must be 0 to"),
    ],
)
def test_what_makes_no_sense_is_told(
    client: openai.OpenAI, wrong: dict[str, object], told: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=told):
        client.completions.create(**{"model": "tiny", **wrong})  # type: ignore[call-overload]


def test_another_model_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt'"):
        client.completions.create(model="gpt", prompt="a")


def test_a_key_is_asked_for(model: Model) -> None:
    with served(model, sequences=1, key="secret") as server:
        with client_of(server, "wrong") as client, pytest.raises(openai.AuthenticationError):
            client.models.list()
        with client_of(server, "secret") as client:
            assert client.completions.create(prompt="a", **OPTIONS).choices[0].text


def test_a_full_queue_is_told(model: Model) -> None:
    with served(model, sequences=1, queue=1) as server, client_of(server) as client:
        server.slow_down(0.003)
        stream = client.completions.create(
            prompt="a", n=2, stream=True, **{**OPTIONS, "max_tokens": 4000}
        )
        next(stream)
        with pytest.raises(openai.RateLimitError, match="try again later") as caught:
            client.completions.create(prompt="b", **OPTIONS)
        assert caught.value.response.headers["retry-after"] == "1"
        stream.close()
        server.wait_until_idle()
        assert client.completions.create(prompt="b", **OPTIONS).choices[0].text
