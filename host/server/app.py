"""The ASGI application: routes, keys, limits, streams and metrics."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tritstream.batching import Batch, Likelihood
from tritstream.errors import EngineError, TritstreamError
from tritstream.model import Model
from tritstream.prefixes import PrefixCache
from tritstream.server.answers import DONE, Answers, error_object, event
from tritstream.server.requests import Asked, RequestError, decoded, read_request
from tritstream.server.worker import BusyError, Job, LateError, Worker

_Receive = Callable[[], Awaitable[Any]]
_Send = Callable[[Any], Awaitable[None]]
_CLIENT_CLOSED = 499
"""What logs and metrics have for a client that went; nobody receives it."""
_RECORDS_S = 10.0
"""For so long a measurement of the records is answered with again."""
_PAGE = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript")}
_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True)
class ServerOptions:
    """How much the server does at a time, and for whom.

    Attributes:
        name: of the model, as clients ask for it.
        sequences: texts that are written at a time; queue: that may wait for a place.
        key: clients must send it as bearer token; None asks for none.
        body_bytes, prompt_tokens, max_tokens: the most that a request may bring and ask for.
        request_s: until a request is given up, from its beginning to its end.
        stall_s: until a client is given up that does not send or take anything.
        cache_bytes: of states of prompts.
        hosts: names in the header Host that are answered; none for all.
    """

    name: str
    sequences: int = 16
    queue: int = 256
    key: str | None = None
    body_bytes: int = 1 << 20
    prompt_tokens: int = 1 << 17
    max_tokens: int = 4096
    request_s: float = 600.0
    stall_s: float = 30.0
    cache_bytes: int = 64 << 20
    hosts: tuple[str, ...] = ()


def make_app(model: Model, options: ServerOptions) -> Starlette:
    """The server of a model. Raises OptionError and EngineError for so many sequences."""
    server = _Server(model, options)
    routes = [
        Route("/v1/models", server.models),
        Route("/v1/models/{name:path}", server.model_of_name),
        Route("/v1/completions", server.completions, methods=["POST"]),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/health", server.health),
        Route("/metrics", server.metrics),
        Route("/stats", server.stats),
        Route("/records", server.records),
        *(Route(path, server.page) for path in _PAGE),
    ]
    return Starlette(
        routes=routes,
        lifespan=server.lifespan,
        middleware=[Middleware(_OwnNames, names=options.hosts)],
        exception_handlers={HTTPException: _http_error, TritstreamError: _told, 500: _failed},
    )


class _OwnNames:
    """Answers requests to certain names only: a page of somebody else's whose name leads here is a
    stranger's way in."""

    def __init__(self, app: Any, names: tuple[str, ...]) -> None:
        self._app, self._names = app, names

    async def __call__(self, scope: Any, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "http" and self._names:
            host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
            name = host if host.endswith("]") else host.rpartition(":")[0] or host
            if name.lower() not in self._names:
                told = RequestError(f"this server is not called {name:.80}", status=421)
                await _told_response(told, told.status)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Server:
    def __init__(self, model: Model, options: ServerOptions) -> None:
        self.model, self.options = model, options
        self.cache = PrefixCache(options.cache_bytes)
        identity = model.identity or str(model.source)
        self.batch = Batch(model.sequences(options.sequences), self.cache, identity)
        self.worker: Worker | None = None
        self.template = model.chat_template
        self.measuring = asyncio.Lock()
        self.measured_until = 0.0
        self.seconds: list[float] | None = None
        self.started = time.time()
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "tritstream_requests",
            "Requests by what became of them",
            ["endpoint", "status"],
            registry=self.registry,
        )
        self.first_token = Histogram(
            "tritstream_first_token_seconds",
            "From a request to its first token",
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
        )
        self.registry.register(self)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        self.worker = app.state.worker = Worker(self.batch, self.options.queue)
        try:
            yield
        finally:
            self.worker.close()

    @property
    def running(self) -> Worker:
        if self.worker is None:
            raise EngineError("the server has not started yet")
        return self.worker

    def collect(self) -> Iterator[Any]:
        """What is counted elsewhere, when Prometheus asks."""
        for name, (told, value, counted) in self._numbers().items():
            kind = CounterMetricFamily if counted else GaugeMetricFamily
            yield kind(f"tritstream_{name}", told, value=value)

    def _numbers(self) -> dict[str, tuple[str, float, bool]]:
        if self.worker is None:
            return {}
        worker, batch, cache = self.worker, self.batch, self.cache
        return {
            "texts_running": ("Texts that are being written", batch.running, False),
            "texts_waiting": ("Texts that wait for a place", batch.waiting, False),
            "places": ("Texts that can be written at a time", batch.places, False),
            "passes": ("Passes over the weights", batch.passes, True),
            "tokens_read": ("Tokens that the engine has read", batch.tokens, True),
            "tokens_written": ("Tokens written", worker.tokens_written, True),
            "engine_seconds": ("Time in the engine, measured", batch.engine_seconds, True),
            "busy_seconds": ("Time in passes and choosing tokens", worker.busy_seconds, True),
            "prefix_hits": ("Prompts of which a beginning was known", cache.hits, True),
            "prefix_misses": ("Prompts of which none was", cache.misses, True),
            "prefix_tokens_saved": ("Tokens not read again", cache.tokens_saved, True),
            "prefix_bytes": ("Bytes that the kept states take", cache.bytes, False),
        }

    # Routes.

    async def health(self, request: Request) -> Response:
        good = self.worker is not None and self.worker.alive
        return JSONResponse({"status": "ok" if good else "stopped"}, 200 if good else 503)

    async def metrics(self, request: Request) -> Response:
        self._check_key(request)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

    async def stats(self, request: Request) -> Response:
        """What the page shows."""
        self._check_key(request)
        engine = self.model.engine
        return JSONResponse(
            {
                "model": self.options.name,
                "engine": engine.name,
                "note": engine.info.note,
                "clock_hz": engine.info.clock_hz,
                "up_seconds": time.time() - self.started,
                **{name: value for name, (_, value, _) in self._numbers().items()},
            }
        )

    async def records(self, request: Request) -> Response:
        """Where a token's time goes on a board, layer by layer: measured anew, but not at once
        again, because it takes a token's time from those who write."""
        self._check_key(request)
        async with self.measuring:
            if time.monotonic() >= self.measured_until:
                self.seconds = await asyncio.to_thread(self.model.record_seconds)
                self.measured_until = time.monotonic() + _RECORDS_S
        if self.seconds is None:
            return JSONResponse({"records": None})
        names = [f"layer {n}" for n in range(len(self.seconds) - 1)] + ["LM head"]
        found = zip(names, self.seconds, strict=True)
        return JSONResponse({"records": [{"name": n, "seconds_measured": s} for n, s in found]})

    async def page(self, request: Request) -> Response:
        name, kind = _PAGE[request.url.path]
        text = files("tritstream.server").joinpath(name).read_text("utf-8")
        return Response(text, media_type=kind, headers=_HEADERS)

    async def models(self, request: Request) -> Response:
        self._check_key(request)
        return JSONResponse({"object": "list", "data": [self._about_model()]})

    async def model_of_name(self, request: Request) -> Response:
        self._check_key(request)
        if request.path_params["name"] != self.options.name:
            raise RequestError(f"the model here is '{self.options.name}'", "model", 404)
        return JSONResponse(self._about_model())

    def _about_model(self) -> dict[str, Any]:
        return {
            "id": self.options.name,
            "object": "model",
            "created": int(self.started),
            "owned_by": "tritstream",
        }

    async def completions(self, request: Request) -> Response:
        return await self._write(request, chat=False)

    async def chat(self, request: Request) -> Response:
        return await self._write(request, chat=True)

    # Texts.

    async def _write(self, request: Request, chat: bool) -> Response:
        begun, endpoint = time.monotonic(), "chat" if chat else "completions"
        try:
            self._check_key(request)
            asked = read_request(
                decoded(await self._body(request)),
                self.options.name,
                chat=chat,
                most_tokens=self.options.max_tokens,
            )
            tokenizer, vocabulary = self.model.tokenizer, self.model.config.vocab_size
            # A long prompt takes a while to cut into tokens: meanwhile other requests go on.
            texts = await asyncio.to_thread(
                asked.texts,
                tokenizer,
                vocabulary,
                self.options.prompt_tokens,
                self.template,
            )
            answers = Answers(
                chat, self.options.name, tokenizer, texts, asked.n, asked.logprobs is not None
            )
            job = self.running.submit(texts)
        except TritstreamError as error:
            self.requests.labels(endpoint, _status(error)).inc()
            raise
        except ClientDisconnect:
            self.requests.labels(endpoint, _CLIENT_CLOSED).inc()
            raise

        def ended(status: int) -> None:
            self.running.cancel(job)
            self.requests.labels(endpoint, status).inc()
            if job.first_token_at is not None:
                self.first_token.observe(job.first_token_at - begun)

        return _Answer(asked, answers, job, self.options, ended)

    async def _body(self, request: Request) -> bytes:
        """The body, up to the limit. JSON only: a page elsewhere cannot send that unasked."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise RequestError("the content type must be application/json", status=415)
        limit, body = self.options.body_bytes, bytearray()
        told = RequestError(f"the body may have {limit} bytes", status=413)
        if int(request.headers.get("content-length", "0")) > limit:
            raise told

        async def read() -> None:
            async for part in request.stream():
                body.extend(part)
                if len(body) > limit:
                    raise told

        try:
            await asyncio.wait_for(read(), self.options.stall_s)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise RequestError("the body did not come in time", status=408) from error
        return bytes(body)

    def _check_key(self, request: Request) -> None:
        key = self.options.key
        if key is None:
            return
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.encode(), key.encode()):
            raise RequestError("this server asks for its API key", status=401)


class _Answer(Response):
    """A request that is being answered, until it ends, its time is over or its client goes."""

    def __init__(
        self,
        asked: Asked,
        answers: Answers,
        job: Job,
        options: ServerOptions,
        ended: Callable[[int], None],
    ) -> None:
        self._asked, self._answers, self._job = asked, answers, job
        self._options, self._ended = options, ended
        self._loop = asyncio.get_running_loop()
        self._sending_since: float | None = None

    async def __call__(self, scope: Any, receive: _Receive, send: _Send) -> None:
        status = _CLIENT_CLOSED
        told = LateError(f"the text was not finished in {self._options.request_s:g} s")
        limit = self._loop.call_later(self._options.request_s, self._job.fail, told)
        way = self._stream(send) if self._asked.stream else self._in_one(scope, receive, send)
        tasks = [asyncio.ensure_future(t) for t in (way, _gone(receive), self._stalled())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                with suppress(OSError):
                    status = tasks[0].result() or status
        finally:
            limit.cancel()
            for task in tasks:
                task.cancel()
            self._ended(status)
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _in_one(self, scope: Any, receive: _Receive, send: _Send) -> int:
        whole = await self._whole()
        self._sending_since = self._loop.time()
        await whole(scope, receive, send)
        return whole.status_code

    async def _stalled(self) -> None:
        """Ends when the client has not taken anything for too long: it shall not hold a place."""
        while True:
            await asyncio.sleep(self._options.stall_s / 4)
            since = self._sending_since
            if since is not None and self._loop.time() - since > self._options.stall_s:
                return

    async def _whole(self) -> Response:
        found: list[list[Likelihood]] = [[] for _ in self._job.texts]
        while self._job.open:
            for news in await self._job.next():
                if news.error is not None:
                    return _told_response(news.error, _status(news.error))
                if news.written is not None and news.written.likelihood is not None:
                    found[news.index].append(news.written.likelihood)
        return JSONResponse(self._answers.whole(found))

    async def _stream(self, send: _Send) -> int:
        answers, job = self._answers, self._job
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        data, status = [event(chunk) for chunk in answers.begin()], 200
        while job.open and status == 200:
            for news in await job.next():
                if news.error is not None:
                    status = _status(news.error)
                    data.append(event(error_object(str(news.error), "server_error")))
                    break
                if news.written is not None:
                    chunk = answers.chunk(news.index, news.written, news.done)
                    data += [event(chunk)] if chunk is not None else []
            if data:
                await self._send_part(send, data, True)
            data = []
        if status == 200:
            data = [event(answers.usage_chunk())] if self._asked.usage else []
            data.append(DONE)
        await self._send_part(send, data, False)
        return status

    async def _send_part(self, send: _Send, data: list[bytes], more: bool) -> None:
        self._sending_since = self._loop.time()
        await send({"type": "http.response.body", "body": b"".join(data), "more_body": more})
        self._sending_since = None


async def _gone(receive: _Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _status(error: TritstreamError) -> int:
    if isinstance(error, RequestError):
        return error.status
    kinds = ((BusyError, 429), (LateError, 504), (EngineError, 500))
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)


_KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def _told_response(error: TritstreamError, status: int) -> JSONResponse:
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    headers = {"retry-after": "1"} if status == 429 else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    field = getattr(error, "field", None)
    return JSONResponse(error_object(str(error), kind, field), status, headers)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, TritstreamError)
    return _told_response(error, _status(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = f"there is no {request.method} {request.url.path:.100} here"
    return JSONResponse(
        error_object(told, "invalid_request_error"), error.status_code, error.headers
    )


async def _failed(request: Request, error: Exception) -> Response:
    return JSONResponse(error_object("the server failed", "server_error"), 500)
