"""Engine `native`: the C core, bit for bit as the specification, as fast as the processor can."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.engines.base import (
    EngineInfo,
    Logits,
    State,
    check_tokens,
    checked_pass,
)
from tritstream.errors import EngineError
from tritstream.geometry import Geometry
from tritstream.image import Image, RecordLayout
from tritstream.image.records import HEADER_FIELDS, PhaseLayout
from tritstream.native import library as native
from tritstream.numerics import Profile
from tritstream.numerics.sigmoid import sigmoid_table
from tritstream.spec import Saturations
from tritstream.speculation import MOST_GUESSES

BATCH = 64
"""Most tokens in one pass over the weights, and with that the size of the working set."""
MAX_THREADS = 64
_WEIGHTS_A_THREAD = 1_000_000


class Weights:
    """A model's weights as the core reads them: made from an image of any layout, in memory of
    their own, two bits a weight; engines may share them.

    Raises EngineError where there is not enough memory.
    """

    def __init__(self, core: ctypes.CDLL, model: native.Model, threads: int) -> None:
        self._core = core
        self.handle = core.tritstream_weights_create(model, threads)
        if not self.handle:
            raise _lacking(threads)
        self.nbytes = int(core.tritstream_weights_bytes(self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", None):
            self._core.tritstream_weights_destroy(self.handle)

    @property
    def words(self) -> npt.NDArray[np.uint64]:
        """All of them as they lie; a view."""
        memory = self._core.tritstream_weights_memory(self.handle)
        at = ctypes.cast(memory, ctypes.POINTER(ctypes.c_uint64))
        return np.ctypeslib.as_array(at, (self.nbytes // 8,))


class NativeEngine:
    """The native core on an image.

    ``level`` names a dispatch level (default: the fastest that this processor runs), ``threads``
    how many work at most (default: as many as cores may be used and the model is worth; fewer while
    other programs hold them up), and
    ``slots`` how many recurrent states are held side by side for `run`. The image must stay
    mapped, and its hashes are the reader's business. Everything is allocated here; a call allocates
    the logits that it returns and nothing else. Raises EngineError where the core is missing or
    cannot run.
    """

    name = "native"
    width = BATCH
    shared_pass = BATCH
    keeps_each_state = True

    def __init__(
        self,
        image: Image,
        *,
        level: str | None = None,
        threads: int | None = None,
        slots: int = 2 + MOST_GUESSES,
        core: ctypes.CDLL | None = None,
        weights: Weights | None = None,
    ) -> None:
        self.image = image
        self.geometry: Geometry = image.geometry
        self.threads = _threads(threads, self.geometry.ternary_weights)
        self.slots = slots
        self._core = core or native.load_core()
        self.level = native.choose_level(self._core, level).name
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._model, self._alive = describe(image, BATCH, slots)
        self.weights = weights or Weights(self._core, self._model, self.threads)
        index = native.choose_level(self._core, level).index
        self._engine = self._core.tritstream_create(
            self._model, self.weights.handle, index, self.threads
        )
        if not self._engine:
            raise _lacking(self.threads)
        g = self.geometry
        states = self._core.tritstream_states(self._engine)
        self._states = np.ctypeslib.as_array(states, (slots, g.layers, g.hidden))
        self._first = np.zeros(BATCH, np.int32)

    def __del__(self) -> None:
        # The threads of a forked process are gone, and with them what they would have to finish.
        if getattr(self, "_engine", None) and self._process == os.getpid():
            self._core.tritstream_destroy(self._engine)

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            level=self.level,
            threads=self.threads,
            working_set_bytes=self.working_set_bytes,
            saturations=self.saturations.counts,
        )

    def close(self) -> None:
        """Nothing: the engine holds memory of this process alone."""

    def reset(self) -> None:
        self._states[0] = 0

    def step(self, token_id: int) -> Logits:
        return self.prefill([token_id])

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        logits = np.empty(self.geometry.vocabulary, np.float32)
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            last = np.array([len(part) - 1] if start + BATCH >= len(ids) else [], np.int64)
            self._pass(part, self._first, self._first, last, logits)
        return logits

    def logits(self, token_ids: Sequence[int]) -> Logits:
        ids = check_tokens(token_ids, self.geometry.vocabulary)
        self.reset()
        logits = np.empty((len(ids), self.geometry.vocabulary), np.float32)
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            wanted = np.arange(len(part))
            self._pass(part, self._first, self._first, wanted, logits[start : start + BATCH])
        return logits

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """See `Slots.run`; without ``out`` the logits are a new array."""
        work = checked_pass(self, token_ids, slots, wanted, out, keep)
        if out is None:
            out = np.empty((len(work.wanted), self.geometry.vocabulary), np.float32)
        self._pass(*work, out)
        return out

    def slot_state(self, slot: int) -> State:
        return self._states[slot].copy()

    def load_slot(self, slot: int, state: State | None) -> None:
        self._states[slot] = 0 if state is None else state

    @property
    def state(self) -> npt.NDArray[np.int64]:
        """(layers, hidden) the recurrent state in slot 0, gate format; a copy."""
        return self._states[0].astype(np.int64)

    def load_state(self, state: npt.NDArray[np.integer]) -> None:
        """Go on from a state (layers, hidden) in slot 0."""
        self._states[0] = state

    def record_seconds(self, token_id: int) -> None:
        """None: all layers are one pass."""

    def side_by_side(self, count: int) -> NativeEngine:
        """An engine of its own on the same image, with so many slots."""
        return NativeEngine(
            self.image,
            level=self.level,
            threads=self.threads,
            slots=count,
            core=self._core,
            weights=self.weights,
        )

    @property
    def residual(self) -> npt.NDArray[np.int64]:
        """The residual (hidden,) behind the last layer, of the last pass's first token; a copy."""
        at = self._core.tritstream_residual(self._engine, 0)
        return np.ctypeslib.as_array(at, (self.geometry.hidden,)).copy()

    @property
    def saturations(self) -> Saturations:
        """How often a value was cut to its format's range since the engine was made."""
        counts = self._core.tritstream_saturations(self._engine)
        found = dict(zip(native.SATURATIONS, counts[: len(native.SATURATIONS)], strict=True))
        return Saturations({name: count for name, count in found.items() if count})

    @property
    def working_set_bytes(self) -> int:
        """Bytes that the core has allocated, threads' stacks apart."""
        return int(self._core.tritstream_working_set(self._engine))

    def read(self) -> int:
        """A plain read loop over the weights on all threads, to measure bandwidth; their sum."""
        words = self.weights.words
        with self._lock:
            return int(self._core.tritstream_read(self._engine, words.ctypes.data, len(words)))

    def _pass(
        self,
        ids: npt.NDArray[np.int64],
        start: npt.NDArray[np.int32],
        end: npt.NDArray[np.int32],
        wanted: npt.NDArray[np.int64],
        logits: Logits,
    ) -> None:
        if self._process != os.getpid():
            raise EngineError(
                "a native engine does not survive a fork, its threads stay behind: load the model "
                "in the process that uses it"
            )
        with self._lock:
            self._core.tritstream_run(
                self._engine,
                ids.ctypes.data,
                start.ctypes.data,
                end.ctypes.data,
                len(ids),
                wanted.ctypes.data,
                len(wanted),
                logits.ctypes.data,
            )


def _lacking(threads: int) -> EngineError:
    return EngineError(
        f"there is not enough memory for the native engine, or its {threads} threads cannot be "
        f"started: use fewer threads, or --engine spec"
    )


def _threads(asked: int | None, weights: int) -> int:
    """Threads meet some 120 times a token: for a small model that costs more than it gains."""
    if asked is None:
        worth = max(weights // _WEIGHTS_A_THREAD, 1)
        return min(_cores(), worth, MAX_THREADS)
    if not 1 <= asked <= MAX_THREADS:
        raise EngineError(f"threads must be 1 to {MAX_THREADS}, not {asked}")
    return asked


def _cores() -> int:
    """Cores that this process may use. Two threads of one core share what a mat-vec needs."""
    mine = os.sched_getaffinity(0)
    siblings = set()
    for processor in mine:
        topology = Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        try:
            siblings.add(topology.read_text().strip())
        except OSError:
            return len(mine)
    return len(siblings)


def describe(image: Image, batch: int, slots: int) -> tuple[native.Model, list[Any]]:
    """An image as the core takes it, and the Python objects that must live while it is used."""
    g, profile = image.geometry, image.header.layout.profile
    alive: list[Any] = [image]
    matrices = (native.Matrix * (g.layers * len(native.MATRICES) + 1))()
    at = 0
    for index in range(g.layers + 1):
        layout, record = image.layout(index), image.record(index)
        for phase in layout.phases:
            matrices[at] = _matrix(layout, phase, record)
            at += 1
    e = image.embedding
    embedding = native.Embedding(
        rows=e.rows.ctypes.data,
        columns=None if e.columns is None else e.columns.ctypes.data,
        row_bytes=e.rows.shape[1],
        kind=native.EMBEDDINGS[e.kind],
    )
    alive += [matrices, e]
    return native.Model(
        hidden=g.hidden,
        intermediate=image.layer_layout.padded.intermediate,
        layers=g.layers,
        vocabulary=g.vocabulary,
        batch=batch,
        slots=slots,
        profile=describe_profile(profile, alive),
        embedding=embedding,
        matrices=matrices,
    ), alive


def describe_profile(profile: Profile, alive: list[Any]) -> native.Profile:
    """A profile and its sigmoid table as the core takes them."""
    coefficients = sigmoid_table(profile)
    table = np.zeros((len(coefficients.a), native.SIGMOID_WORDS), np.int32)
    for column, values in enumerate(coefficients):
        table[:, column] = values
    alive.append(table)
    numbers = {k: v for k, v in profile.table().items() if k != "name"}
    return native.Profile(**numbers, sigmoid=table.ctypes.data)


def _matrix(
    layout: RecordLayout, phase: PhaseLayout, record: npt.NDArray[np.uint8]
) -> native.Matrix:
    c, base = layout.layout, record.ctypes.data
    raw = record[phase.header : phase.header + 4 * len(HEADER_FIELDS)].view("<i4")
    h = dict(zip(HEADER_FIELDS, (int(v) for v in raw), strict=True))

    def scalar(name: str) -> native.Scalar:
        return native.Scalar(h[f"{name}_mantissa"], h[f"{name}_exponent"])

    streams = (base + layout.stream_offset(p) + phase.weights for p in range(c.ports))
    # The halves of gate stand apart where they are padded, so that all of them is taken; else what
    # is beyond the model is left out.
    rows = (phase.padded if phase.matrix.name == "gate" else phase.matrix).rows
    cols = (phase.padded if phase.matrix.name == "down" else phase.matrix).cols
    return native.Matrix(
        streams=(ctypes.c_void_p * native.MAX_PORTS)(*streams),
        rows=rows,
        cols=cols,
        groups=-(-rows // c.rows_per_byte),
        piece=phase.words_per_group * (c.lanes // c.ports),
        ports=c.ports,
        port_bytes=c.port_bytes,
        packing=native.PACKINGS[c.packing],
        norm=native.Norm(
            elements=base + phase.elements,
            scale=scalar("scale"),
            eps_square=scalar("eps_square"),
            eps=scalar("eps"),
            square_exponent=h["square_exponent"],
        ),
        room=None if phase.room is None else base + phase.room,
    )
