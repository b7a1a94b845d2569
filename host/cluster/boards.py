"""Engine `boards`: a model over several boards, each of which holds consecutive layers.

A token's vector goes from board to board by way of this process; while one board works on a token,
the one before works on the next, of the same prompt or of another sequence. The states are fetched
every so many tokens: when a board is lost, its layers go to another worker, and what was read since
is read again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from tritstream.cluster.stages import Stage
from tritstream.cluster.tasks import about
from tritstream.engines.base import (
    MOST_SLOTS,
    EngineInfo,
    Logits,
    SlotRange,
    check_tokens,
    checked_pass,
)
from tritstream.errors import EngineError, OptionError, TritstreamError
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.reading import State

if TYPE_CHECKING:
    from distributed import Client

CHECKPOINT_TOKENS = 64
_WAIT_S = 60.0
_ATTEMPTS = 3


class LostStageError(EngineError):
    """A worker that had layers is gone."""


class BoardsEngine:
    """A packed model on the workers of a cluster, one board each.

    ``boards`` is how many (default: all workers). Raises OptionError for more than there are
    layers, EngineError where there are not enough workers or a board fails. `close` frees them.

    Attributes:
        restored: how often a lost board was replaced.
    """

    name = "boards"
    width = 256
    slots = MOST_SLOTS
    shared_pass = 1
    keeps_each_state = False

    def __init__(
        self,
        image: Image,
        client: Client,
        boards: int | None = None,
        *,
        simulate: str = "spec",
        checkpoint_tokens: int = CHECKPOINT_TOKENS,
    ) -> None:
        self.image, self.geometry = image, image.geometry
        self._client = client
        count = boards or len(client.scheduler_info()["workers"])
        if not 1 <= count <= image.geometry.layers:
            raise OptionError(f"{image.geometry.layers} layers go on as many boards, not {count}")
        if checkpoint_tokens < 1:
            raise OptionError(f"states are fetched every token or more, not {checkpoint_tokens}")
        self._layers = split_layers(image.geometry, count)
        self._simulate = simulate
        self._every = checkpoint_tokens
        self._texts: dict[int, _Kept] = {}
        self._given = 1
        self._stages: list[Any] = []
        self.restored = 0
        self._place()

    @property
    def info(self) -> EngineInfo:
        """With what runs where, in a sentence."""
        notes = zip(self._layers, [_ask(stage, "note") for stage in self._stages], strict=True)
        note = "; ".join(f"layers {a} to {b - 1} on {note}" for (a, b), note in notes)
        return EngineInfo(note=note)

    def close(self) -> None:
        """Free the boards' memory."""
        for stage in self._stages:
            with suppress(LostStageError):  # then there is nothing to free
                _ask(stage, "close")
        self._stages = []

    def reset(self) -> None:
        self.load_slot(0, None)

    def step(self, token_id: int) -> Logits:
        return self.prefill([token_id])

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        ids = check_tokens(token_ids, self.geometry.vocabulary).tolist()
        return np.stack(self._read([(0, t, n == len(ids)) for n, t in enumerate(ids, 1)]))[0]

    def logits(self, token_ids: Sequence[int]) -> Logits:
        self.reset()
        ids = check_tokens(token_ids, self.geometry.vocabulary).tolist()
        return np.stack(self._read([(0, token, True) for token in ids]))

    @property
    def state(self) -> State:
        """(layers, hidden) the recurrent state, gate format, fetched from the boards."""
        return self.slot_state(0)

    def load_state(self, state: State) -> None:
        """Go on from a state (layers, hidden)."""
        self.load_slot(0, state)

    def record_seconds(self, token_id: int) -> None:
        """None: each board has its layers in one start."""

    def side_by_side(self, count: int) -> SlotRange:
        """So many further slots on the same boards. Raises EngineError where there are no more."""
        first = self._given
        if first + count > self.slots:
            raise EngineError(f"the boards hold {self.slots} states, and {first} are given out")
        self._given += count
        return SlotRange(self, range(first, first + count))

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """See `Slots.run`. Raises EngineError for ``keep``: states stay where they are."""
        if keep is not None and list(keep) != list(slots):
            raise EngineError("boards cannot leave the states of single tokens in further slots")
        work = checked_pass(self, token_ids, slots, wanted, out, None)
        asked = set(work.wanted.tolist())
        items = zip(work.start.tolist(), work.ids.tolist(), strict=True)
        rows = self._read([(slot, token, n in asked) for n, (slot, token) in enumerate(items)])
        if out is None:
            out = np.empty((len(rows), self.geometry.vocabulary), np.float32)
        out[:] = rows
        return out

    def _read(self, items: list[tuple[int, int, bool]]) -> list[Logits]:
        """Tokens by slot, and whether the logits (V,) behind them are wanted."""
        rows: list[Logits] = []
        for at in range(0, len(items), self.width):
            rows += self._surely(items[at : at + self.width])
        return rows

    def slot_state(self, slot: int) -> State:
        """(layers, hidden) of a slot."""
        for _ in range(_ATTEMPTS):
            try:
                return self._fetch(slot)
            except LostStageError:
                self._restore()
        return self._fetch(slot)

    def load_slot(self, slot: int, state: State | None) -> None:
        """Go on in a slot from a state, or from nothing."""
        self._texts[slot] = kept = _Kept(None if state is None else np.array(state))
        try:
            self._load(slot, kept)
        except LostStageError:
            self._restore()

    def _surely(self, items: list[tuple[int, int, bool]]) -> list[Logits]:
        """Some tokens through all boards, once more where one is lost."""
        for attempt in range(_ATTEMPTS):
            try:
                rows = self._flow(items)
                break
            except LostStageError:
                if attempt == _ATTEMPTS - 1:
                    raise
                self._restore()
        for sequence, token, _ in items:
            self._texts.setdefault(sequence, _Kept(None)).since.append(token)
        for sequence in {sequence for sequence, _, _ in items}:
            kept = self._texts[sequence]
            if len(kept.since) >= self._every:
                kept.state, kept.since = self.slot_state(sequence), []
        return rows

    def _flow(self, items: list[tuple[int, int, bool]]) -> list[Logits]:
        """A thread for each board takes what the one before has finished, in its order."""
        last = len(self._stages) - 1
        ways: list[SimpleQueue[Any]] = [SimpleQueue() for _ in range(last + 2)]

        def serve(number: int, stage: Any) -> None:
            while (item := ways[number].get()) is not None:
                if isinstance(item, BaseException):
                    ways[number + 1].put(item)
                    continue
                sequence, x, wanted = item
                try:
                    found = _ask(stage, "run", sequence, x, wanted and number == last)
                    ways[number + 1].put((sequence, found, wanted))
                except BaseException as error:
                    ways[number + 1].put(error)
            ways[number + 1].put(None)

        threads = [
            threading.Thread(target=serve, args=pair, daemon=True)
            for pair in enumerate(self._stages)
        ]
        for thread in threads:
            thread.start()
        for sequence, token, wanted in items:
            x = self.image.embedding.residual(token).astype("<i8").tobytes()
            ways[0].put((sequence, x, wanted))
        ways[0].put(None)
        rows, failed = [], None
        while (item := ways[-1].get()) is not None:
            if isinstance(item, BaseException):
                failed = failed or item
            elif item[2]:
                rows.append(np.frombuffer(item[1], "<f4").astype(np.float32))
        for thread in threads:
            thread.join()
        if failed is not None:
            raise failed
        return rows

    def _place(self) -> None:
        """Each part of the layers on a worker of its own; waits a while for workers."""
        end = time.monotonic() + _WAIT_S
        while True:
            workers = list(self._client.scheduler_info(n_workers=-1)["workers"])
            if len(workers) >= len(self._layers):
                break
            if time.monotonic() > end:
                raise EngineError(
                    f"there are {len(workers)} workers for {len(self._layers)} boards: start more, "
                    f"or name fewer with --boards"
                )
            time.sleep(0.2)
        path = str(self.image.source)
        futures = [
            self._client.submit(
                Stage,
                path,
                self.image.identity,
                about(),
                layers,
                self._simulate,
                actor=True,
                workers=[worker],
                pure=False,
            )
            for layers, worker in zip(self._layers, sorted(workers), strict=False)
        ]
        self._stages = [_answered(partial(future.result, timeout=_WAIT_S)) for future in futures]

    def _restore(self) -> None:
        """All boards anew, with the states that were kept, and what was read since."""
        self.restored += 1
        for attempt in range(_ATTEMPTS):
            try:
                for stage in self._stages:
                    with suppress(TritstreamError):  # it is given up anyway
                        _ask(stage, "close")
                self._place()
                for sequence, kept in self._texts.items():
                    self._load(sequence, kept)
                items = [(n, t, False) for n, kept in self._texts.items() for t in kept.since]
                if items:
                    self._flow(items)
                return
            except LostStageError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(1)

    def _load(self, sequence: int, kept: _Kept) -> None:
        for (first, last), stage in zip(self._layers, self._stages, strict=True):
            state = None if kept.state is None else kept.state[first:last].astype("<i8").tobytes()
            _ask(stage, "load_state", sequence, state)

    def _fetch(self, sequence: int) -> State:
        parts = [
            np.frombuffer(_ask(stage, "state", sequence), "<i8").reshape(-1, self.geometry.hidden)
            for stage in self._stages
        ]
        return np.concatenate(parts).astype(np.int64)


class _Kept:
    """A sequence's state as it was last fetched, and the tokens that were read since."""

    def __init__(self, state: State | None) -> None:
        self.state = state
        self.since: list[int] = []


def split_layers(geometry: Geometry, count: int) -> list[tuple[int, int]]:
    """Consecutive layers in parts as equal as can be; the last, with the LM head, is no larger."""
    least, more = divmod(geometry.layers, count)
    ends = [(n + 1) * least + min(n + 1, more) for n in range(count)]
    return list(zip([0, *ends], ends, strict=False))


def _ask(stage: Any, method: str, *arguments: Any) -> Any:
    """What a stage answers. Raises LostStageError where its worker is gone."""
    return _answered(lambda: getattr(stage, method)(*arguments).result())


def _answered(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except TritstreamError:
        raise
    except Exception as error:  # of Dask's own there are many
        raise LostStageError(
            f"a board of the cluster is lost ({type(error).__name__}: {error!s:.200})"
        ) from error
