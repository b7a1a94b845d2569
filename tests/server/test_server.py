"""The server's limits, and what it does with clients that go, stall or send nonsense."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import tritstream
from support.serving import (
    Served,
    exchange,
    leave_early,
    request_bytes,
    served,
    streamed_text,
)
from tritstream.cli import main
from tritstream.errors import EngineError
from tritstream.model import Model


def body_of(**fields: Any) -> bytes:
    return json.dumps({"prompt": "a", "max_tokens": 8, "seed": 1, **fields}).encode()


def ask(server: Served, sent: bytes, **options: Any) -> tuple[int, bytes]:
    return asyncio.run(exchange(server.port, sent, **options))


def get(server: Served, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(server.url + path) as answer:
        return answer.status, answer.read().decode()


def test_a_board_tells_its_time_by_record(model: Model) -> None:
    """While a text is written, which does not change for it."""
    expected = model.generate("a", max_tokens=8, temperature=1.0, seed=1).text()
    with (
        tritstream.load(model.source, "pynq-sim") as board,
        served(board, sequences=2, key="secret") as server,
    ):
        url = f"{server.url}/records"
        allowed = {"authorization": "Bearer secret", "content-type": "application/json"}
        write = urllib.request.Request(f"{server.url}/v1/completions", body_of(), allowed)
        with ThreadPoolExecutor() as pool:
            written = pool.submit(lambda: json.load(urllib.request.urlopen(write)))
            answer = json.load(urllib.request.urlopen(urllib.request.Request(url, headers=allowed)))
            assert written.result()["choices"][0]["text"] == expected
        assert [record["name"] for record in answer["records"]] == ["layer 0", "layer 1", "LM head"]
        assert all(record["seconds_measured"] > 0 for record in answer["records"])
        again = json.load(urllib.request.urlopen(urllib.request.Request(url, headers=allowed)))
        assert again == answer  # no token is taken again so soon
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(url)


def test_other_engines_have_no_records(server: Served) -> None:
    assert json.loads(get(server, "/records")[1]) == {"records": None}


MALFORMED = [
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b"null", 400),
    (b"\xff\xfe{}", 400),
    (b"[" * 100_000, 400),
    (b'{"prompt": NaN}', 400),
    (b'{"max_tokens": 1' + b"0" * 6000 + b"}", 400),
    (body_of(prompt=5), 400),
    (body_of(prompt=[]), 400),
    (body_of(prompt=[1, "a"]), 400),
    (body_of(prompt=[True]), 400),
    (body_of(prompt=[[]]), 400),
    (body_of(prompt=[-1]), 400),
    (body_of(max_tokens="8"), 400),
    (body_of(max_tokens=1e300), 400),
    (body_of(max_tokens=True), 400),
    (body_of(temperature="hot"), 400),
    (body_of(top_k=-1), 400),
    (body_of(top_p=0), 400),
    (body_of(stop={"a": 1}), 400),
    (body_of(stop=5), 400),
    (body_of(stop=["a"] * 17), 400),
    (body_of(stop="a" * 2000), 400),
    (body_of(stream="yes"), 400),
    (body_of(stream_options=[]), 400),
    (body_of(n=0), 400),
    (body_of(n=10**30), 400),
    (body_of(seed=1.5), 400),
    (body_of(seed=2**63), 400),
    (body_of(model=5), 404),
    (body_of(messages=[]), 400),
]
CHATS: list[dict[str, Any]] = [
    {},
    {"messages": "hi"},
    {"messages": ["hi"]},
    {"messages": [{"role": "wizard", "content": "a"}]},
    {"messages": [{"role": "user", "content": 5}]},
    {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
    {"messages": [{"role": "user", "content": "a"}], "top_logprobs": 2},
    {"messages": [{"role": "user", "content": "a"}], "tools": [{"type": "function"}]},
]


@pytest.mark.parametrize(("body", "status"), MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body_is_told_in_a_sentence(server: Served, body: bytes, status: int) -> None:
    found, answer = ask(server, request_bytes(body))
    error = json.loads(answer)["error"]
    assert found == status and error["message"] and error["type"]
    assert len(answer) < 1000


def test_malformed_chats_too(server: Served) -> None:
    for fields in CHATS:
        sent = request_bytes(json.dumps(fields).encode(), "/v1/chat/completions")
        status, answer = ask(server, sent)
        assert status == 400 and json.loads(answer)["error"]["message"], fields


def test_limits_of_a_body(model: Model) -> None:
    with served(model, body_bytes=1000, stall_s=0.4, prompt_tokens=50) as server:
        assert ask(server, request_bytes(b" " * 2000))[0] == 413
        chunked = (
            b"POST /v1/completions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
        )
        assert ask(server, chunked + b"800\r\n" + b" " * 0x800 + b"\r\n0\r\n\r\n")[0] == 413
        assert ask(server, chunked + b"5\r\nabc")[0] == 408
        status, answer = ask(server, request_bytes(body_of(prompt="x" * 60)))
        assert status == 400 and b"reads 50 at most" in answer
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            assert ask(server, request_bytes(body_of(), kind=kind))[0] == 415
        assert ask(server, request_bytes(body_of()))[0] == 200


def test_names_that_lead_here_from_elsewhere(model: Model) -> None:
    with served(model, hosts=("127.0.0.1", "localhost", "[::1]")) as server:
        for host, status in (
            ("evil.example", 421),
            ("evil.example:80", 421),
            ("localhost:80", 200),
            ("[::1]:80", 200),
            ("[::1]", 200),
        ):
            sent = request_bytes(body_of()).replace(b"host: 127.0.0.1", f"host: {host}".encode())
            assert ask(server, sent)[0] == status, host


def test_other_paths_and_methods(server: Served) -> None:
    assert ask(server, request_bytes(b"{}", "/v1/files/../../etc/passwd"))[0] == 404
    assert ask(server, b"GET /v1/completions HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")[
        0
    ] in (404, 405)
    assert ask(server, b"nonsense\r\n\r\n")[0] == 400


def test_health_metrics_and_the_page(server: Served) -> None:
    assert get(server, "/health") == (200, '{"status":"ok"}')
    ask(server, request_bytes(body_of()))
    text = get(server, "/metrics")[1]
    for line in (
        r'tritstream_requests_total{endpoint="completions",status="200"} [1-9]',
        r"tritstream_tokens_written_total [1-9]",
        r"tritstream_texts_running 0",
        r"tritstream_first_token_seconds_count [1-9]",
    ):
        assert re.search(line.replace("{", r"\{").replace("}", r"\}"), text), line
    stats = json.loads(get(server, "/stats")[1])
    assert stats["model"] == "tiny" and stats["busy_seconds"] >= stats["engine_seconds"] > 0
    assert "<textarea" in get(server, "/")[1]
    assert "fetch(" in get(server, "/page.js")[1]


def test_a_client_that_goes_frees_its_place_within_a_pass(model: Model) -> None:
    with served(model, sequences=1, queue=8) as server:
        server.slow_down(0.003)
        for stream in (True, False):
            sent = request_bytes(body_of(max_tokens=4000, stream=stream))

            async def go(sent: bytes = sent) -> tuple[int, bytes]:
                await leave_early(server.port, sent, 0.15)
                return await exchange(server.port, request_bytes(body_of()))

            assert asyncio.run(go())[0] == 200
            server.wait_until_idle()
        assert server.worker.batch.tokens < 4000


def test_a_cancelled_text_takes_part_in_no_further_pass(model: Model) -> None:
    """Between the wish and the next pass there is nothing: its place goes to who waits."""
    with served(model, sequences=1, queue=8) as server:
        server.slow_down(0.003)
        worker, batch = server.worker, server.worker.batch
        real, seen = batch.run_pass, []

        def run_pass() -> Any:
            wishes = len(worker._wishes)
            found = real()
            seen.append((wishes, [w for w in found]))
            return found

        batch.run_pass = run_pass  # type: ignore[method-assign]
        real_drop, dropped = batch.drop, []

        def drop(work: Any) -> None:
            dropped.append((len(seen), work))
            real_drop(work)

        batch.drop = drop  # type: ignore[method-assign]

        async def go() -> None:
            sent = request_bytes(body_of(max_tokens=4000, stream=True))
            await leave_early(server.port, sent, 60, b"data: ")

        asyncio.run(go())
        server.wait_until_idle()
        [(at, work)] = dropped
        assert at and all(work not in told for _, told in seen[at:])


def test_the_time_limit_ends_a_request(model: Model) -> None:
    with served(model, sequences=1, request_s=0.2) as server:
        sent = body_of(max_tokens=4000, prompt="a" * 100)
        server.slow_down(0.01)
        status, answer = ask(server, request_bytes(sent))
        assert status == 504 and b"not finished in 0.2 s" in answer
        streamed = body_of(max_tokens=4000, stream=True)
        status, answer = ask(server, request_bytes(streamed))
        assert status == 200 and b"not finished in 0.2 s" in answer
        assert b"[DONE]" not in answer
        server.wait_until_idle()


def test_a_client_that_takes_nothing_is_given_up(model: Model) -> None:
    with served(model, sequences=1, stall_s=0.5, max_tokens=200_000) as server:
        sent = request_bytes(body_of(max_tokens=200_000, stream=True, logprobs=20))
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(sent)
            client.recv(100)
            server.wait_until_idle(30)
        assert ask(server, request_bytes(body_of()))[0] == 200


def test_a_fault_of_the_engine_is_told_and_the_next_request_served(model: Model) -> None:
    with served(model, sequences=2) as server:
        sequences = server.worker.batch._sequences
        real = sequences.advance

        def fault(parts: Any) -> Any:
            sequences.advance = real  # type: ignore[method-assign]
            raise EngineError("the bus is on fire")

        sequences.advance = fault  # type: ignore[method-assign]
        status, answer = ask(server, request_bytes(body_of()))
        assert status == 500 and b"the bus is on fire" in answer
        assert ask(server, request_bytes(body_of()))[0] == 200


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_told(model: Model) -> None:
    with served(model, sequences=2) as server:

        def bug() -> Any:
            raise ZeroDivisionError("a bug")

        server.worker.batch.run_pass = bug  # type: ignore[method-assign]
        status, answer = ask(server, request_bytes(body_of()))
        server.worker._thread.join()
        assert status >= 500 and b"the engine has stopped" in answer
        assert ask(server, request_bytes(body_of()))[0] >= 500
        with pytest.raises(urllib.error.HTTPError, match="503"):
            get(server, "/health")


async def stress(server: Served, model: Model, count: int, at_once: int) -> dict[str, int]:
    """Requests of every kind at random; those that end must have the right text."""
    rng = random.Random(5)
    prompts = [f"prompt {n} " * (1 + n % 9) for n in range(12)]
    expected: dict[tuple[str, int, int], str] = {}
    outcomes = {"right": 0, "left": 0, "malformed": 0, "busy": 0, "slow": 0}
    gate = asyncio.Semaphore(at_once)

    def text(prompt: str, seed: int, tokens: int) -> str:
        key = (prompt, seed, tokens)
        if key not in expected:
            drawn = model.generate(prompt, max_tokens=tokens, temperature=1.0, seed=seed)
            expected[key] = drawn.text()
        return expected[key]

    async def one(kind: float) -> None:
        prompt, seed, tokens = rng.choice(prompts), rng.randrange(3), rng.choice((1, 5, 30))
        stream = rng.random() < 0.6
        body = body_of(prompt=prompt, seed=seed, max_tokens=tokens, temperature=1.0, stream=stream)
        async with gate:
            if kind < 0.15:
                broken, status = rng.choice(MALFORMED)
                assert (await exchange(server.port, request_bytes(broken)))[0] == status
                outcomes["malformed"] += 1
            elif kind < 0.4:
                long = body_of(prompt=prompt, max_tokens=3000, stream=stream)
                await leave_early(server.port, request_bytes(long), rng.random() * 0.05)
                outcomes["left"] += 1
            else:
                slow = kind < 0.5
                sent = request_bytes(body)
                status, answer = await exchange(server.port, sent, slow_s=0.005 * slow)
                if status == 429:
                    outcomes["busy"] += 1
                    return
                assert status == 200, answer
                found = (
                    streamed_text(answer) if stream else json.loads(answer)["choices"][0]["text"]
                )
                assert found == await asyncio.to_thread(text, prompt, seed, tokens)
                outcomes["slow" if slow else "right"] += 1

    await asyncio.gather(*(one(rng.random()) for _ in range(count)))
    return outcomes


def check_stress(model: Model, count: int, at_once: int) -> None:
    with served(model, sequences=8, queue=20, cache_bytes=20_000) as server:
        outcomes = asyncio.run(stress(server, model, count, at_once))
        server.wait_until_idle(60)
        print(outcomes)
        assert sum(outcomes.values()) == count
        assert all(outcomes[kind] for kind in ("right", "left", "malformed", "slow"))
        assert server.worker.batch._cache.bytes <= 20_000  # type: ignore[union-attr]
        assert not server.worker._jobs and not server.worker._wishes
        assert ask(server, request_bytes(body_of()))[0] == 200


def test_many_requests_of_every_kind(model: Model) -> None:
    check_stress(model, 150, 24)


@pytest.mark.long
def test_two_thousand_requests_of_every_kind(model: Model) -> None:
    check_stress(model, 2000, 48)


def test_the_command_listens_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tritstream", "serve", "--port", "0", "--name", "story"]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TRITSTREAM_API_KEY": "k"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"story on engine (\w+) at http://127\.0\.0\.1:(\d+)", line)
        assert found, line
        sent = request_bytes(body_of(prompt="Once upon a time", temperature=0))
        server = Served(int(found[2]), None)
        assert ask(server, sent)[0] == 401
        keyed = request_bytes(
            body_of(prompt="Once upon a time", temperature=0), authorization="Bearer k"
        )
        status, answer = ask(server, keyed)
        assert status == 200 and json.loads(answer)["choices"][0]["text"].startswith(", there was")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == "tritstream: stopped\n"
    finally:
        process.kill()


def test_options_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("two words\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for arguments, told in (
            (["--port", port], "cannot listen on 127.0.0.1 port"),
            (["--port", "70000"], "--port must be"),
            (["--host", "nowhere.invalid"], "cannot listen on nowhere.invalid"),
            (["--sequences", "0"], "--sequences must be"),
            (["--sequences", "9999", "--port", "0"], "sequences must be 1 to 256"),
            (["--api-key-file", str(tmp_path / "key")], "must be a key"),
            (["--api-key-file", str(tmp_path / "none")], "cannot read"),
        ):
            assert main(["serve", *arguments]) == 2
            err = capsys.readouterr().err
            assert told in err and len(err.splitlines()) == 1
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve"]) == 2
    assert "pip install 'tritstream[server]'" in capsys.readouterr().err
