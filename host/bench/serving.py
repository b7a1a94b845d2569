"""What a server keeps of its engine's speed: `python -m tritstream.bench.serving --geometry 370m`.

In alternation: passes of the engine itself over eight sequences with the logits of all of them; as
many clients of a server that stream sampled texts, in a process of their own; and one sequence. The
weights are random, the tokenizer has as many words as the vocabulary entries.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tritstream.bench.synthetic import geometry_of, write_synthetic
from tritstream.configurations import DEFAULT_LAYOUT, layout_named
from tritstream.files import scratch_folder
from tritstream.model import Model, load
from tritstream.sequences import Part
from tritstream.text import Tokenizer as ModelTokenizer

_SAMPLING = {"temperature": 0.6, "top_k": 40, "top_p": 0.95, "repetition_penalty": 1.05}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--geometry", default="370m")
    parser.add_argument("--engine", default="native")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.ask is not None:
        print(asyncio.run(_ask_all(args.ask, args.clients, args.tokens)))
        return
    with scratch_folder("bench") as folder:
        path = folder / "random.trit"
        write_synthetic(path, layout_named(DEFAULT_LAYOUT), geometry_of(args.geometry))
        with _model(path, args) as model:
            _measure(model, args)


@contextmanager
def _model(path: Path, args: argparse.Namespace) -> Iterator[Model]:
    with load(path, args.engine, threads=args.threads) as model:
        words = {f"\u2581w{n}": n for n in range(model.config.vocab_size)}
        tokenizer = Tokenizer(models.WordLevel(words, unk_token="\u2581w0"))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
        model.__dict__["tokenizer"] = ModelTokenizer(tokenizer.to_str(), bos_token_id=1)
        yield model


def _measure(model: Model, args: argparse.Namespace) -> None:
    several, one = model.sequences(args.clients), model.sequences(1)
    ids = np.random.default_rng(0).integers(0, model.config.vocab_size, 4096).tolist()
    rows: list[tuple[float, float, float]] = []

    def rate(sequences: object, count: int) -> float:
        start = time.perf_counter()
        for step in range(args.tokens):
            at = step * count % 4000
            parts = [Part(n, [ids[at + n]]) for n in range(count)]
            sequences.advance(parts)  # type: ignore[attr-defined]
        return args.tokens * count / (time.perf_counter() - start)

    with _serving(model, args.clients) as port:
        command = [sys.executable, "-m", "tritstream.bench.serving", "--ask", str(port)]
        command += ["--clients", str(args.clients), "--tokens", str(args.tokens)]
        for number in range(args.rounds + 1):
            engine = rate(several, args.clients)
            streams = float(subprocess.run(command, capture_output=True, check=True).stdout)
            single = rate(one, 1)
            if number:  # the first warms up
                rows.append((engine, streams, single))
                print(f"engine {engine:.1f}, streams {streams:.1f}, one {single:.1f} tokens/s")
    share = statistics.median(streams / engine for engine, streams, _ in rows)
    gain = statistics.median(streams / single for _, streams, single in rows)
    print(
        f"{args.clients} streams reach {share:.1%} of the engine's own pass over {args.clients} "
        f"sequences, and {gain:.2f} times one sequence (measured, medians of {args.rounds} pairs)"
    )


@contextmanager
def _serving(model: Model, places: int) -> Iterator[int]:
    import uvicorn

    from tritstream.server.app import ServerOptions, make_app

    app = make_app(model, ServerOptions(name="random", sequences=places))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


async def _ask_all(port: int, clients: int, tokens: int) -> float:
    """Tokens a second of all clients together, from the first request to the last byte."""
    start = time.perf_counter()
    counts = await asyncio.gather(*(_ask(port, n, tokens) for n in range(clients)))
    return sum(counts) / (time.perf_counter() - start)


async def _ask(port: int, seed: int, tokens: int) -> int:
    body = json.dumps(
        {"prompt": [1, 2, 3, seed], "seed": seed, "max_tokens": tokens, "stream": True, **_SAMPLING}
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    )
    answer = b""
    while part := await reader.read(1 << 16):
        answer += part
    writer.close()
    if b"[DONE]" not in answer:
        raise RuntimeError(answer[:500].decode("utf-8", "replace"))
    return answer.count(b'"text":')


if __name__ == "__main__":
    main()
