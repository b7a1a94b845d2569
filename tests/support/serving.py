"""A server that really listens, in a thread of the tests, and clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import uvicorn

from tritstream.model import Model
from tritstream.server.app import ServerOptions, make_app
from tritstream.server.worker import Worker


@dataclass
class Served:
    """A running server."""

    port: int
    app: Any

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def worker(self) -> Worker:
        worker: Worker = self.app.state.worker
        return worker

    def slow_down(self, seconds: float) -> None:
        """Every pass takes longer by this, so that what is asked for is not over before it ends."""
        sequences = self.worker.batch._sequences
        real = sequences.advance

        def advance(parts: Any) -> Any:
            time.sleep(seconds)
            return real(parts)

        sequences.advance = advance  # type: ignore[method-assign]

    def wait_until_idle(self, seconds: float = 20.0) -> None:
        """Until nothing runs, waits or is held. Fails where that does not come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            batch = self.worker.batch
            if not self.worker.open_texts and batch.idle and len(batch._free) == batch.places:
                return
            time.sleep(0.01)
        raise AssertionError(
            f"{self.worker.open_texts} texts are open, {batch.running} run, {batch.waiting} wait"
        )


@contextmanager
def served(model: Model, **options: Any) -> Iterator[Served]:
    """A server of a model on a free port of this machine."""
    app = make_app(model, ServerOptions(name="tiny", **options))
    config = uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            end = time.monotonic() + 30
            while not server.started and time.monotonic() < end:
                time.sleep(0.005)
            assert server.started
            yield Served(listener.getsockname()[1], app)
        finally:
            server.should_exit = True
            thread.join()


def request_bytes(
    body: bytes, path: str = "/v1/completions", kind: str = "application/json", **more: str
) -> bytes:
    """An HTTP request as it is on the wire."""
    head = [
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        "connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in more.items()),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def exchange(port: int, sent: bytes, *, slow_s: float = 0.0) -> tuple[int, bytes]:
    """Status and body of a request; ``slow_s`` is waited between small reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        answer = b""
        while part := await reader.read(256 if slow_s else 65536):
            answer += part
            if slow_s:
                await asyncio.sleep(slow_s)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head else 0
    if b"transfer-encoding: chunked" in head.lower():
        body = _unchunked(body)
    return status, body


async def leave_early(port: int, sent: bytes, wait_s: float, until: bytes = b"") -> None:
    """Ask, wait a while, or until that has come, and go without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    with suppress(asyncio.TimeoutError, asyncio.IncompleteReadError):
        await asyncio.wait_for(reader.readuntil(until) if until else reader.read(100), wait_s)
    writer.transport.abort()


def streamed_text(body: bytes) -> str:
    """The text of a stream of completions, which must have ended well."""
    events = body.split(b"\n\n")
    assert events[-2:] == [b"data: [DONE]", b""]
    chunks = [json.loads(e.removeprefix(b"data: ")) for e in events[:-2]]
    return "".join(c["text"] for chunk in chunks for c in chunk["choices"])


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        count = int(size, 16)
        whole, body = whole + body[:count], body[count + 2 :]
    return whole
