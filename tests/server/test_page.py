"""The page in a real browser: Debian's chromium without a window, by its debugging protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import tritstream
from support.serving import Served, served
from tritstream.model import Model

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(BROWSER is None, reason="no chromium: apt-get install chromium"),
]


class Page:
    """One page of a browser; as much of the protocol as typing, clicking and reading needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer, self._last = reader, writer, 0

    @classmethod
    async def open(cls, debugging: int, url: str) -> Page:
        with urllib.request.urlopen(f"http://127.0.0.1:{debugging}/json") as answer:
            target = next(t for t in json.load(answer) if t["type"] == "page")
        path = target["webSocketDebuggerUrl"].partition(str(debugging))[2]
        reader, writer = await asyncio.open_connection("127.0.0.1", debugging, limit=1 << 24)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade"
            f"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        page = cls(reader, writer)
        await page.call("Page.enable")
        await page.call("Page.navigate", url=url)
        await page.until("document.readyState === 'complete' && location.href !== 'about:blank'")
        return page

    async def call(self, method: str, **params: Any) -> Any:
        self._last += 1
        data = json.dumps({"id": self._last, "method": method, "params": params}).encode()
        size = (
            bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        )
        self._writer.write(b"\x81" + size + bytes(4) + data)  # masked with zeros
        while True:
            found = json.loads(await self._frame())
            if found.get("id") == self._last:
                assert "error" not in found, found
                return found["result"]

    async def value(self, expression: str) -> Any:
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not await self.value(expression):
            assert time.monotonic() < end, f"never came: {expression}"
            await asyncio.sleep(0.05)

    async def _frame(self) -> bytes:
        head = await self._reader.readexactly(2)
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8), "big")
        return await self._reader.readexactly(size)


@contextmanager
def browser() -> Iterator[int]:
    """A browser; the port of its debugging protocol."""
    with tempfile.TemporaryDirectory() as profile:
        command = [str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu"]
        command += ["--disable-dev-shm-usage", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if b"DevTools listening on" in line:
                    yield int(line.rpartition(b"127.0.0.1:")[2].partition(b"/")[0])
                    break
            else:
                raise AssertionError("the browser did not start")
        finally:
            process.terminate()
            process.wait()


async def use(debugging: int, server: Served, model: Model) -> None:
    page = await Page.open(debugging, server.url)
    await page.until("document.getElementById('about').textContent.includes('engine')")
    await page.value(
        "for (const [id, value] of Object.entries({prompt: 'once', tokens: 40, seed: 7}))"
        " document.getElementById(id).value = value"
    )
    await page.value("document.getElementById('write').click()")
    await page.until("!document.getElementById('write').disabled")
    text = await page.value("document.getElementById('text').textContent")
    options = {"temperature": 0.6, "top_k": 40, "top_p": 0.95, "repetition_penalty": 1.05}
    expected = model.generate("once", max_tokens=40, seed=7, **options).text()  # type: ignore[arg-type]
    assert text == "once" + expected
    assert "40 tokens" in await page.value("document.getElementById('rate').textContent")
    await page.until("document.getElementById('where').textContent.includes('in the engine')")
    # An answer that is stopped leaves the batch; one that is refused is told.
    await page.value("document.getElementById('tokens').value = 4000")
    await page.value("document.getElementById('write').click()")
    await page.until("document.getElementById('text').textContent.length > 50")
    await page.value("document.getElementById('stop').click()")
    await page.until("!document.getElementById('write').disabled")
    server.wait_until_idle()
    await page.value("document.getElementById('tokens').value = 100000")
    await page.value("document.getElementById('write').click()")
    await page.until("document.getElementById('rate').textContent.includes('max_tokens must be')")


async def use_board(debugging: int, server: Served) -> None:
    page = await Page.open(debugging, server.url)
    await page.until("document.querySelectorAll('#records meter').length === 3")
    told = await page.value("document.getElementById('records').innerText")
    for words in ("A token by record", "layer 0", "layer 1", "LM head", "together", " ms"):
        assert words in told


def test_the_page_of_a_board_tells_where_the_time_goes(model: Model) -> None:
    with (
        tritstream.load(model.source, "pynq-sim") as board,
        served(board, sequences=2) as server,
        browser() as debugging,
    ):
        asyncio.run(use_board(debugging, server))


def test_the_page_writes_live_text_and_stops(server: Served, model: Model) -> None:
    with browser() as debugging:
        asyncio.run(use(debugging, server, model))
