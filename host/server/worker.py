"""The thread that runs the batch, and how requests and it talk to each other.

Everything but the thread's own loop is called in the event loop. What a pass brought goes there in
one piece; what requests want is taken up before the next pass.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from dataclasses import dataclass

from tritstream.batching import Batch, Text, Written
from tritstream.errors import EngineError, TritstreamError


class BusyError(TritstreamError):
    """The queue is full."""


class LateError(TritstreamError):
    """A request's time is over."""


@dataclass(frozen=True)
class News:
    """What one text of a request got in a pass."""

    index: int
    written: Written | None
    done: bool
    error: TritstreamError | None


class Job:
    """The texts of one request, on their way. Iterate with `next` until `open` is 0."""

    def __init__(self, texts: list[Text]) -> None:
        self.texts = texts
        self.open = len(texts)
        self.first_token_at: float | None = None
        self._news: deque[News] = deque()
        self._some = asyncio.Event()

    async def next(self) -> list[News]:
        """Everything that has come since, at least one."""
        await self._some.wait()
        self._some.clear()
        news = list(self._news)
        self._news.clear()
        return news

    def tell(self, news: News) -> None:
        if self.first_token_at is None and news.written is not None:
            self.first_token_at = time.monotonic()
        self._news.append(news)
        self._some.set()

    def fail(self, error: TritstreamError) -> None:
        """End it for its reader, whatever it was doing."""
        self.tell(News(0, None, True, error))


class Worker:
    """A batch in a thread. Make it where the event loop runs; `close` ends the thread.

    Attributes:
        max_waiting: texts that may wait for a place.
        engine_seconds, busy_seconds: in the engine, and in passes altogether; measured.
    """

    def __init__(self, batch: Batch, max_waiting: int) -> None:
        self.batch = batch
        self.max_waiting = max_waiting
        self.busy_seconds = 0.0
        self.tokens_written = 0
        self._loop = asyncio.get_running_loop()
        self._jobs: dict[Text, tuple[Job, int]] = {}
        self._wishes: deque[tuple[bool, Text]] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="tritstream-batch", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive() and self._broken is None

    @property
    def open_texts(self) -> int:
        """Texts that run or wait."""
        return len(self._jobs)

    def submit(self, texts: list[Text]) -> Job:
        """Have all of them written. Raises BusyError where not all find room, EngineError."""
        if not self.alive:
            raise EngineError("the engine has stopped: restart the server")
        if self.open_texts + len(texts) > self.batch.places + self.max_waiting:
            raise BusyError(
                f"{self.open_texts} texts are being written or waiting, and there is room for "
                f"{self.batch.places + self.max_waiting}: try again later"
            )
        job = Job(texts)
        for index, text in enumerate(texts):
            self._jobs[text] = (job, index)
        self._wish([(True, text) for text in texts])
        return job

    def cancel(self, job: Job) -> None:
        """Give up what is left of it; its places are free for the next pass."""
        left = [text for text in job.texts if self._jobs.pop(text, None)]
        if left:
            self._wish([(False, text) for text in left])

    def close(self) -> None:
        """End the thread after its pass. Texts that are not finished are given up."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _wish(self, wishes: list[tuple[bool, Text]]) -> None:
        with self._wake:
            self._wishes.extend(wishes)
            self._wake.notify()

    def _run(self) -> None:
        try:
            while self._take_wishes():
                start = time.perf_counter()
                told = [
                    (work, News(0, work.new, work.done or work.error is not None, work.error))
                    for work in self.batch.run_pass()
                    if isinstance(work, Text)
                ]
                self.busy_seconds += time.perf_counter() - start
                if told:
                    self._loop.call_soon_threadsafe(self._deliver, told)
        except BaseException as error:
            self._broken = error
            self._loop.call_soon_threadsafe(self._fail_everything, error)
            raise

    def _take_wishes(self) -> bool:
        """Wait for something to do; False where the thread is to end."""
        with self._wake:
            while not self._wishes and self.batch.idle and not self._stopping:
                self._wake.wait()
            if self._stopping:
                return False
            wishes = list(self._wishes)
            self._wishes.clear()
        for wanted, text in wishes:
            if wanted:
                self.batch.add(text)
            else:
                self.batch.drop(text)
        return True

    def _deliver(self, told: list[tuple[Text, News]]) -> None:
        for text, news in told:
            job, index = self._jobs.get(text, (None, 0))
            if job is None:
                continue  # given up meanwhile
            if news.done:
                del self._jobs[text]
                job.open -= 1
            self.tokens_written += news.written is not None
            job.tell(News(index, news.written, news.done, news.error))

    def _fail_everything(self, error: BaseException) -> None:
        told = EngineError(f"the engine has stopped: {error!r:.200}")
        for job, _ in list(self._jobs.values()):
            job.fail(told)
        self._jobs.clear()
