"""A model on a board: records in contiguous memory, a start of the engine per token or per span.

Nothing is allocated on the way of a token but the embedding row that the image gives out: buffers,
views and the result are made when the model is loaded.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tritstream.board.clocks import FabricClock, set_fabric_clock
from tritstream.board.detect import board_here
from tritstream.board.errors import (
    BoardError,
    BusError,
    EngineTimeoutError,
    LostOverlayError,
    MemoryShortError,
    NoResultError,
    OverlayError,
    WrongResultError,
)
from tritstream.board.fabric import forget_stale_metadata, wait_until_idle
from tritstream.board.lock import LOCK_FILE, BoardLock
from tritstream.board.memory import MORE_CMA, Buffers, cma_of, megabytes
from tritstream.board.options import BoardOptions
from tritstream.board.overlays import Overlay, check_fits
from tritstream.board.package import import_pynq
from tritstream.board.placement import SLOTS, Placement, Span, place
from tritstream.boards import Board, board_named
from tritstream.errors import EngineError
from tritstream.image import Image
from tritstream.image.records import PAGE
from tritstream.kernels.arguments import VLNV, Argument, argument_table
from tritstream.kernels.descriptors import (
    DESCRIPTOR_WORDS,
    GEOMETRY_WORDS,
    descriptor,
    geometry_words,
    read_test,
)
from tritstream.kernels.memories import (
    DESCRIPTORS,
    LOGITS,
    MARGIN_BYTES,
    RECORDS,
    STATE,
    VECTOR,
    Saturated,
    Take,
    base_addresses,
    board_memories,
)
from tritstream.kernels.registers import Budget, Counters, budget_of, window
from tritstream.packing import in_layout

if TYPE_CHECKING:
    from tritstream.board.driver import EngineDriver

Logits = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

_SINGLE = (Take(),)
"""One token that goes on from state 0 and gets logits."""
_VIEWS = ("_x", "_vectors", "_first_vector", "_state_view", "_found", "_sums", "_scale", "_table",
          "_resident", "_slots")  # fmt: skip
"""Attributes that show contiguous memory."""
_SINGLE_BITS = 24
"""Of a single-precision mantissa."""
_NORMAL = -100, 70
"""Exponents of the scale with which no product leaves the normal numbers of single precision."""
_POISON = -0x5A5A5A5B
"""Stands where the engine writes the scale of the logits: what is left of it never arrived."""


class BoardRuntime:
    """One image loaded onto one board. Close it, or use it as a context, to free its memory.

    Recurrent states lie side by side in `states` slots where a start takes several tokens; what
    follows, `run` apart, is about slot 0. A board has one runtime at a time. Raises BoardBusyError
    where it is in use, OverlayError, MemoryShortError and, from the self-test, the other
    BoardErrors.
    """

    def __init__(
        self,
        image: Image,
        overlay: Overlay,
        device: Any = None,
        options: BoardOptions | None = None,
    ) -> None:
        check_fits(overlay, image)
        self.image = image = in_layout(image, overlay.manifest.hardware.layout)
        self.overlay = overlay
        self.options = options or BoardOptions()
        self._device = device
        self.hardware = overlay.manifest.hardware
        self.tokens = self.hardware.tokens
        self.memories = board_memories(image.header.layout, image.geometry, self.tokens)
        self.states = self.memories.states
        self._records = image.geometry.layers + 1
        self._ready = self._running = self._lost = False
        self._shortest: dict[tuple[int, int], float] = {}
        if self._device is None:
            self._device = _active_device()
        self._lock = BoardLock(getattr(self._device, "lock_file", LOCK_FILE))
        self._buffers = Buffers(self._device)
        try:
            wait_until_idle(import_pynq(), self._device, self.options.time_limit_s)
            self._load_overlay()
            self.placement = self._place()
            self._allocate()
            self.reset()
            if self.options.self_test:
                from tritstream.board.selftest import check_first_layer, check_weights

                check_first_layer(self)
                check_weights(self)
                self.reset()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> BoardRuntime:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the contiguous memory back; stops the engine first if it still works."""
        try:
            if self._running:
                self._stop()
        finally:
            self._ready = False
            for name in _VIEWS:
                self.__dict__.pop(name, None)  # views of memory that is about to go
            self._buffers.free()
            self._lock.release()

    def reset(self) -> None:
        """Set the recurrent state to zero; after a fault, also load everything again, and set all
        states to zero."""
        if not self._ready:
            self._check_open()
            if self._lost:
                self._load_overlay()
            self._fill()
            self._point()
            self._state_view[:] = 0
            self._state.sync_to_device()
            self._ready = True
        self.load_slot(0, None)

    def step(self, token_id: int) -> Logits:
        """Take one token; logits (V,) float32, a buffer that the next step overwrites."""
        self._token(token_id, self._all_spans)
        return self._logits()

    def run(self, token_ids: Ints, takes: Sequence[Take]) -> list[Logits]:
        """One start: a token for each of ``takes``, `tokens` at most; logits (V,) of those that are
        not silent, without which the LM head does not run.

        Raises ValueError as `EngineMemories.plan`.
        """
        wanted = sum(not take.silent for take in takes)
        self._take(
            self.image.embedding.residual(token_ids),
            self._all_spans if wanted else self._layer_spans,
            takes=takes,
        )
        self._result.sync_from_device()
        return [self._row(wanted, place).copy() for place in range(wanted)]

    def prefill(self, token_ids: Sequence[int]) -> Logits:
        """Take several tokens; as `step` after the last. The LM head runs for that one only."""
        for at in range(0, len(token_ids), self.tokens):
            part = token_ids[at : at + self.tokens]
            last = at + self.tokens >= len(token_ids)
            self._read(part, self._all_spans if last else self._layer_spans)
        return self._logits()

    def read(self, token_ids: Sequence[int]) -> None:
        """Take several tokens, without the LM head."""
        for at in range(0, len(token_ids), self.tokens):
            self._read(token_ids[at : at + self.tokens], self._layer_spans)

    def layers(self, x: Ints) -> Ints:
        """The residual (D,) behind all layers, from that in front of them; the head does not run.

        For images that hold some of a model's layers: `Image.part`.
        """
        self._take(x, self._layer_spans)
        self._vector.sync_from_device()
        return self.memories.vector(self._x).copy()

    def layers_and_head(self, x: Ints) -> Logits:
        """Logits (V,) from the residual (D,) in front of the layers, a buffer as of `step`."""
        self._take(x, self._all_spans)
        return self._logits()

    def record_seconds(self, token_id: int) -> list[float]:
        """Take one token, a start per record; seconds of each, host work included (measured)."""
        streamed = self.placement.streamed
        spans = tuple(Span(i, i, i if i in streamed else None) for i in range(self._records))
        seconds: list[float] = []
        self._token(token_id, spans, seconds)
        self._logits()
        return seconds

    def state(self) -> Ints:
        """(layers, hidden) the recurrent state, gate format, as the memory holds it."""
        return self.slot_state(0)

    def slot_state(self, slot: int) -> Ints:
        """(layers, hidden) the state in a slot."""
        self._check_open()
        self._state.sync_from_device()
        return self.memories.state_rows(self._state_view)[slot].astype(np.int64)

    def load_slot(self, slot: int, state: Ints | None) -> None:
        """Put a state (layers, hidden) into a slot, or zero."""
        if not self._ready:
            self.reset()
        self._state.sync_from_device()  # the other states, before all are written back
        self.memories.state_rows(self._state_view)[slot] = 0 if state is None else state
        self._state.sync_to_device()

    def load_state(self, state: Ints) -> None:
        """Go on from a state (layers, hidden); after a fault, load everything again first."""
        self.reset()
        self.load_slot(0, state)

    def first_layer(self, x: Ints) -> tuple[Ints, Ints]:
        """Run record 0 alone from a zero state: x (D,) -> the new residual and state (D,)."""
        self.reset()
        self._put_vectors(x, _SINGLE)
        self._run((Span(0, 0, 0 if 0 in self.placement.streamed else None),))
        self._vector.sync_from_device()
        self._state.sync_from_device()
        state = self.memories.state(self._state_view)[0]
        return self.memories.vector(self._x).copy(), state.astype(np.int64)

    def run_record(self, index: int) -> Counters | None:
        """Run one record alone, from any state; what the engine's shell counted meanwhile, None
        where it has none."""
        if not self._ready:
            self.reset()
        self._run((Span(index, index, index if index in self.placement.streamed else None),))
        return self._driver.counters(self.hardware.ports)

    @property
    def budget(self) -> Budget | None:
        """Cycles of the latest start: a token where all records are resident, and a part of one
        otherwise. None where nothing counts them."""
        counters = self._driver.counters(self.hardware.ports) if self._ready else None
        return None if counters is None else budget_of(counters)

    @property
    def saturated(self) -> Saturated | None:
        """What the latest start has cut to the range of its format; None after a fault, and of a
        model that was closed."""
        if not self._ready:
            return None
        self._vector.sync_from_device()
        return self.memories.saturated(self._x, len(self._takes or _SINGLE))

    def read_test(self, ports: Sequence[int], most_bytes: int = 1 << 24) -> Counters | None:
        """Let weight ports read side by side, a part of the records' memory each, up to so many
        bytes, and do nothing else; what the engine's shell counted, None where it has none."""
        if not self._ready:
            self.reset()
        port_bytes, count = self.hardware.port_bytes, self.hardware.ports
        block = self._resident if self._resident is not None else self._slots[0]
        part = min(block.nbytes // count, most_bytes) // PAGE * PAGE
        begin = block.device_address - self._base
        offsets = [begin + port * part for port in range(count)]
        # In place of record 0, in the descriptors of both slots.
        first = self._table[GEOMETRY_WORDS:].reshape(-1, self._records, DESCRIPTOR_WORDS)[:, 0]
        kept = first.copy()
        first[:] = read_test(self.hardware, offsets, part // port_bytes, ports)
        self._descriptors.sync_to_device()
        try:
            self._run((Span(0, 0, None),))
            return self._driver.counters(count)
        finally:
            if self._ready:
                first[:] = kept
                self._descriptors.sync_to_device()

    @property
    def note(self) -> str:
        """Where the records are and how fast the fabric runs, in a sentence."""
        p, on = self.placement, f"{self.overlay.title} at {self.clock.hz / 1e6:.4g} MHz (read)"
        if not p.streamed:
            return (
                f"{on}: all {self._records} records resident, {megabytes(p.bytes)} of CMA (derived)"
            )
        return (
            f"{on}: {len(p.resident)} of {self._records} records resident, {len(p.streamed)} "
            f"streamed through two slots, {megabytes(p.bytes)} of CMA (derived)"
        )

    def _check_open(self) -> None:
        if not hasattr(self, "_x"):
            raise EngineError(f"the model {self.image.source} was closed: load it again")

    # Loading.

    def _load_overlay(self) -> None:
        """Configure the fabric, set its clock, find the engine. Whatever ran there is gone."""
        pynq = import_pynq()

        from tritstream.board.driver import EngineDriver

        try:
            forget_stale_metadata()
            loaded = pynq.Overlay(str(self.overlay.bit), device=self._device)
        except PermissionError as error:
            raise BoardError(f"loading an overlay needs root: {error}") from error
        except Exception as error:  # pynq raises whatever its parser or the kernel's manager meets
            raise OverlayError(
                f"pynq cannot load the overlay {self.overlay.bit}: "
                f"{type(error).__name__}: {error}. Check its files with `tritstream overlay verify`"
            ) from error
        here = getattr(self._device, "board", None) or board_here()
        self.board: Board = here or board_named(self.overlay.manifest.board)
        self.clock: FabricClock = set_fabric_clock(
            pynq.Clocks,
            self.board,
            self.overlay.manifest.clock_hz,
        )
        self._lost = False
        names = [name for name, ip in loaded.ip_dict.items() if ip.get("type") == VLNV]
        if len(names) != 1:
            raise OverlayError(
                f"the overlay {self.overlay.bit} has {len(names)} IPs {VLNV}, one is needed: "
                f"install it again with `tritstream overlay install`"
            )
        table = argument_table(self.hardware)
        self._check_registers(table, loaded.ip_dict[names[0]]["registers"])
        driver = getattr(loaded, names[0])
        assert isinstance(driver, EngineDriver)
        self._driver: EngineDriver = driver
        self._driver.prepare(table, self.options.interrupt)

    def _check_registers(
        self, table: tuple[Argument, ...], registers: Mapping[str, Mapping[str, int]]
    ) -> None:
        """Raises OverlayError where the .hwh has an argument's register elsewhere than the
        table."""
        for argument in table:
            name = argument.name if argument.words == 1 else f"{argument.name}_1"
            found = registers.get(name, {}).get("address_offset")
            if found != argument.offset:
                raise OverlayError(
                    f"the overlay {self.overlay.bit} has register '{name}' at "
                    f"{'no offset' if found is None else hex(found)}, {argument.offset:#x} is "
                    f"expected: it was built by another version of tritstream; build or install it "
                    f"again"
                )

    def _place(self) -> Placement:
        sizes = [record.length for record in self.image.header.records]
        others = self.memories.pages_bytes()
        limit, cma = self.options.cma_limit, cma_of(self._device)
        free = cma.free if limit is None else limit
        if limit is None:
            others += MARGIN_BYTES
        placement = place(sizes, free - others)
        if placement is None:
            least = min(sum(sizes), SLOTS * max(sizes)) + others
            raise MemoryShortError(
                f"{self.image.source} needs {megabytes(sum(sizes) + others)} of contiguous "
                f"memory to be resident and {megabytes(least)} to be streamed, but "
                + (
                    f"CMA has {megabytes(free)} free of {megabytes(cma.total)} (measured): "
                    f"{MORE_CMA}"
                    if limit is None
                    else f"--cma-limit allows {megabytes(limit)}: raise it, or leave it out"
                )
            )
        return placement

    def _allocate(self) -> None:
        g, new = self.image.geometry, self._buffers.new
        p = self.placement
        self._resident = new(p.resident_bytes, np.uint8) if p.resident else None
        self._slots = [new(p.slot_bytes, np.uint8) for _ in range(SLOTS if p.streamed else 0)]
        halves = SLOTS if p.streamed else 1
        shapes = self.memories.shapes(halves)
        self._descriptors = new(*shapes[DESCRIPTORS])
        self._vector = new(*shapes[VECTOR])
        self._state = new(*shapes[STATE])
        self._result = new(*shapes[LOGITS])
        # Plain arrays over the buffers: pynq's own views run Python code whenever they are made.
        self._table = np.asarray(self._descriptors)
        self._x = np.asarray(self._vector)
        self._x[:] = 0
        self._state_view = np.asarray(self._state)
        self._found = np.asarray(self._result)
        self._sums, self._scale = self.memories.logits(self._found)
        self._vectors = self.memories.vectors(self._x)
        self._first_vector = self._vectors[0]
        self._takes: Sequence[Take] | None = None
        self._product = np.empty(g.vocabulary, np.float64)
        self._real = np.empty(g.vocabulary, np.float32)
        self._all_spans = p.spans(self._records)
        self._layer_spans = p.spans(g.layers)
        scale_bits = self.image.header.layout.profile.scale_bits
        self._least_mantissa = 1 << (scale_bits - 1)
        # Sums are below 2**24, so where the scale is exact in single precision too, its product
        # with a sum is rounded once, as that of double precision is: the same for half the work.
        self._single = scale_bits <= _SINGLE_BITS and 127 * g.hidden < 1 << _SINGLE_BITS

    def _fill(self) -> None:
        """Copy the resident records from the mapped file; tell the engine where all of them are."""
        starts = {}
        at = 0
        if self._resident is not None:
            resident = np.asarray(self._resident)
            for index in self.placement.resident:
                record = self.image.record(index)
                resident[at : at + record.size] = record
                starts[index] = self._resident.device_address + at
                at += record.size
            self._resident.sync_to_device()
        blocks = [b.device_address for b in self._slots]
        # One base register for all: offsets are counted from the lowest block.
        self._base = min([*blocks, *starts.values()])
        image = self.image
        self._table[:GEOMETRY_WORDS] = geometry_words(
            image.layer_layout, image.head_layout, self.hardware.element_lanes
        )
        rows = self._table[GEOMETRY_WORDS:].reshape(-1, self._records, DESCRIPTOR_WORDS)
        for half in range(len(rows)):
            for index in range(self._records):
                start = blocks[half] if index in self.placement.streamed else starts[index]
                layout = self.image.layout(index)
                rows[half, index] = descriptor(layout, start - self._base, index)
        self._descriptors.sync_to_device()
        self._takes = None
        self._put_vectors(self._first_vector, _SINGLE)
        self._slot = 0
        self._held: list[int | None] = [None] * SLOTS

    def _point(self) -> None:
        """Write every base address."""
        addresses = {
            RECORDS: self._base,
            DESCRIPTORS: self._descriptors.device_address,
            VECTOR: self._vector.device_address,
            STATE: self._state.device_address,
            LOGITS: self._result.device_address,
        }
        table = argument_table(self.hardware)
        for name, address in base_addresses(table, addresses).items():
            self._driver.set_address(name, int(address))
        self._driver.set_window(*window(self._buffers.spans))
        self._named: tuple[int, int] | None = None

    # One token.

    def _token(
        self, token_id: int, spans: tuple[Span, ...], seconds: list[float] | None = None
    ) -> None:
        self._take(self.image.embedding.residual(token_id), spans, seconds)

    def _read(self, token_ids: Sequence[int], spans: tuple[Span, ...]) -> None:
        """One start on tokens of slot 0; where the LM head runs, it does for the last one."""
        if len(token_ids) == 1:
            self._token(token_ids[0], spans)
            return
        takes = [Take(None if n else 0, 0, silent=True) for n in range(len(token_ids))]
        takes[-1] = Take(None)
        self._take(self.image.embedding.residual(np.asarray(token_ids)), spans, takes=takes)

    def _take(
        self,
        x: Ints,
        spans: tuple[Span, ...],
        seconds: list[float] | None = None,
        takes: Sequence[Take] = _SINGLE,
    ) -> None:
        if not self._ready:
            raise EngineError(
                "the board lost the text's state in an earlier fault: call reset() and start over"
            )
        self._put_vectors(x, takes)
        wanted = 1 if takes is _SINGLE else sum(not take.silent for take in takes)
        for n in range(wanted):
            self._scale_of(wanted, n)[:] = _POISON
        self._result.sync_to_device()
        self._run(spans, seconds)

    def _put_vectors(self, x: Ints, takes: Sequence[Take]) -> None:
        if takes is not self._takes:
            self._takes = None
            self.memories.plan(self._x, takes)
            self._takes = takes
        if x.ndim == 1:
            self._first_vector[:] = x
        else:
            self._vectors[: len(x)] = x
        self._vector.sync_to_device()

    def _scale_of(self, wanted: int, place: int) -> npt.NDArray[np.int32]:
        return self._scale if wanted == 1 else self.memories.scales(self._found, wanted)[place]

    def _run(self, spans: tuple[Span, ...], seconds: list[float] | None = None) -> None:
        """Start the engine span by span, filling the other slot while it works."""
        begin = time.perf_counter()
        for number, span in enumerate(spans):
            half = 0
            following = None
            if self._slots:
                half = self._slot
                if span.streamed is not None:
                    self._load(span.streamed, half)
                following = self._next_streamed(spans, number)
            first, last = span.first + half * self._records, span.last + half * self._records
            try:
                self._start(first, last)
                if following is not None:
                    other = half if span.streamed is None else 1 - half
                    self._load(following, other)
                    self._slot = other
                self._wait(first, last)
            except LostOverlayError as error:
                # Loading ours again would take the fabric from whoever has it now.
                self._ready, self._lost = False, True
                raise LostOverlayError(
                    f"the engine {error}: end that program, then reset() loads the overlay again"
                ) from error
            except BusError as error:
                what = str(error)
                if error.descriptors:
                    reached = span.first + error.descriptors - 1
                    what += f"; it had come to {self.image.header.records[reached].name}"
                raise self._fault(BusError, span, what) from error
            except EngineTimeoutError as error:
                raise self._fault(EngineTimeoutError, span, str(error)) from error
            except BaseException:  # Ctrl-C, or the image's file has gone
                self._stop()
                raise
            if seconds is not None:
                now = time.perf_counter()
                seconds.append(now - begin)
                begin = now

    def _next_streamed(self, spans: tuple[Span, ...], number: int) -> int | None:
        """The streamed record needed after this span; after the last, the next token's first."""
        for span in spans[number + 1 :]:
            if span.streamed is not None:
                return span.streamed
        return self.placement.streamed[0]

    def _load(self, record: int, slot: int) -> None:
        if self._held[slot] == record:
            return
        self._held[slot] = None
        source = self.image.record(record)
        buffer = self._slots[slot]
        np.asarray(buffer)[: source.size] = source
        buffer.sync_to_device()
        self._held[slot] = record

    def _start(self, first: int, last: int) -> None:
        driver = self._driver
        if self._named != (first, last):
            self._named = None
            driver.set_scalar("first", first)
            driver.set_scalar("last", last)
            self._named = (first, last)
        self._started = time.perf_counter()
        driver.start()
        self._running = True

    def _wait(self, first: int, last: int) -> None:
        before = self._shortest.get((first, last))
        self._driver.wait(self.options.time_limit_s, before or 0.0)
        took = time.perf_counter() - self._started
        if before is None or took < before:
            self._shortest[first, last] = took
        self._running = False

    def _logits(self) -> Logits:
        """Those of a start that gave one row."""
        self._result.sync_from_device()
        return self._row(1, 0)

    def _row(self, wanted: int, place: int) -> Logits:
        """One of the rows of logits in memory, a buffer that the next one overwrites."""
        scale = self._scale_of(wanted, place)
        sums = self._sums if wanted == 1 else self.memories.logits(self._found, wanted, place).sums
        mantissa, exponent = int(scale[0]), int(scale[1])
        if mantissa == _POISON:
            raise self._fault(
                NoResultError,
                self._all_spans[-1],
                "reported done, but nothing of its result is in memory: either its accesses fail "
                "(an AXI error: a wrong address, or a memory port that is off) or the caches of "
                f"the processor are not synchronised; {self._driver.status()}",
            )
        if not self._least_mantissa <= mantissa < 2 * self._least_mantissa:
            raise self._fault(
                WrongResultError,
                self._all_spans[-1],
                f"gave logits with the impossible scale {mantissa} * 2**{exponent}: it read other "
                f"parameters than the image holds, or computes wrongly; {self._driver.status()}",
            )
        # Converted by copying: a ufunc that casts its operands allocates a buffer for them.
        if self._single and _NORMAL[0] < exponent < _NORMAL[1]:
            np.copyto(self._real, sums, casting="same_kind")
            np.multiply(self._real, np.float32(math.ldexp(mantissa, exponent)), out=self._real)
        else:
            np.copyto(self._product, sums)
            np.multiply(self._product, math.ldexp(mantissa, exponent), out=self._product)
            np.copyto(self._real, self._product, casting="same_kind")
        return self._real

    # Faults.

    def _fault(self, kind: type[BoardError], span: Span, what: str) -> BoardError:
        """An exception of ``kind`` about a span; the fabric is configured anew on the way."""
        names = [record.name for record in self.image.header.records]
        which = names[span.first]
        if span.last != span.first:
            which += f" to {names[span.last]}"
        self._ready = self._running = False
        self._driver.stop(self.options.time_limit_s)  # no transfer outlives its fabric
        try:
            self._load_overlay()
            after = "the overlay was loaded again: reset() makes the engine ready"
        except BoardError as error:
            after = f"loading the overlay again failed too ({error}): restart the board"
        return kind(f"the engine, on {which}, {what}; {after}")

    def _stop(self) -> None:
        """End the running start, wait for its end where the engine cannot be stopped, or configure
        the fabric anew; the text's state is lost."""
        if not self._driver.stop(self.options.time_limit_s):
            try:
                self._driver.wait(self.options.time_limit_s)
            except (EngineTimeoutError, BusError):
                self._load_overlay()
        self._running = self._ready = False


def _active_device() -> Any:
    """The board that pynq finds. Raises BoardError where it finds none."""
    try:
        return import_pynq().Device.active_device
    except RuntimeError as error:
        raise BoardError(
            "pynq finds no board here: run this on a PYNQ board, as root and with XILINX_XRT set "
            "as /etc/profile.d there does (XILINX_XRT=/usr), or use the simulated board, --engine "
            "pynq-sim"
        ) from error
