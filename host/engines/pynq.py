"""Engines `pynq` and `pynq-sim`: a PYNQ board, and the same driver on a simulated one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tritstream.board.detect import board_here
from tritstream.board.errors import OverlayError, WrongResultError
from tritstream.board.options import BoardOptions
from tritstream.board.overlays import (
    MANIFEST,
    Overlay,
    decode_manifest,
    find_for,
    verify,
)
from tritstream.board.runtime import BoardRuntime
from tritstream.board.selftest import check_weights
from tritstream.configurations import Configuration
from tritstream.engines.base import (
    OWN_SLOTS,
    EngineInfo,
    FreeSlots,
    Logits,
    OneState,
    Pass,
    Slots,
    check_tokens,
    checked_pass,
)
from tritstream.engines.spec import SpecEngine
from tritstream.engines.starts import starts_of
from tritstream.errors import FileError, OptionError
from tritstream.geometry import Geometry
from tritstream.image import Image
from tritstream.packing import hardware_for

if TYPE_CHECKING:
    from tritstream.sim import Execution


class BoardEngine(OneState):
    """A board runtime as an engine. `close` frees the board's memory; so does the end of it all.

    The logits that `step` returns are a buffer which the next call overwrites.
    """

    def __init__(
        self, name: str, image: Image, runtime: BoardRuntime, stack: ExitStack, check: bool
    ) -> None:
        super().__init__()
        self.name = name
        self.geometry: Geometry = image.geometry
        self.runtime = runtime
        self._stack = stack
        self._specification = SpecEngine(image) if check else None
        self._taken = 0
        self.shared_pass = runtime.tokens
        if runtime.tokens > 1:
            self.slots = runtime.states
        self._beyond = FreeSlots(range(OWN_SLOTS, runtime.states))

    @property
    def info(self) -> EngineInfo:
        """With a sentence on where the weights are, and what the latest start took."""
        cut = self.runtime.saturated
        return EngineInfo(
            note=self.runtime.note,
            clock_hz=self.runtime.clock.hz,
            budget=self.runtime.budget,
            saturations=None if cut is None else cut.counts,
        )

    def close(self) -> None:
        """Free the board's memory; the engine is of no use afterwards."""
        self._stack.close()

    def reset(self) -> None:
        self.runtime.reset()
        self._taken = 0
        if self._specification is not None:
            self._specification.reset()

    def step(self, token_id: int) -> Logits:
        if not 0 <= token_id < self.geometry.vocabulary:
            check_tokens([token_id], self.geometry.vocabulary)
        return self._checked(self.runtime.step(token_id), [token_id])

    def _take(self, ids: npt.NDArray[np.int64], wanted: Sequence[int]) -> Logits:
        if self.runtime.tokens > 1:
            return self.run(ids.tolist(), [0] * len(ids), wanted)
        tokens, at = ids.tolist(), 0
        rows = np.empty((len(wanted), self.geometry.vocabulary), np.float32)
        for row, place in enumerate(wanted):
            part = tokens[at : place + 1]
            rows[row] = self._checked(self.runtime.prefill(part), part)
            at = place + 1
        if at < len(tokens):
            self.runtime.read(tokens[at:])
            self._taken += len(tokens) - at
            if self._specification is not None:
                self._specification.residuals(tokens[at:])
        return rows

    def run(
        self,
        token_ids: Sequence[int],
        slots: Sequence[int],
        wanted: Sequence[int] | None = None,
        out: Logits | None = None,
        keep: Sequence[int] | None = None,
    ) -> Logits:
        """See `Slots.run`; as many tokens share a pass over the weights as a start takes."""
        if self.runtime.tokens == 1:
            return super().run(token_ids, slots, wanted, out, keep)
        work = checked_pass(self, token_ids, slots, wanted, out, keep)
        found = self._pass(work, out)
        if self._specification is not None:
            self._compare(found, self._specification.run(token_ids, slots, wanted, None, keep))
        return found

    def _pass(self, work: Pass, out: Logits | None) -> Logits:
        if out is None:
            out = np.empty((len(work.wanted), self.geometry.vocabulary), np.float32)
        row_of = {place: row for row, place in enumerate(work.wanted.tolist())}
        for places, takes in starts_of(work, self.runtime.tokens):
            rows = [row_of[place] for place in places if place in row_of]
            found = self.runtime.run(work.ids[places], takes)
            if rows:
                out[rows] = found
        self._taken += len(work.ids)
        return out

    def slot_state(self, slot: int) -> npt.NDArray[np.int64]:
        """(layers, hidden) the state in a slot, read from the board's memory."""
        if self.runtime.tokens == 1:
            return super().slot_state(slot)
        return self.runtime.slot_state(slot)

    def load_slot(self, slot: int, state: npt.NDArray[np.int64] | None) -> None:
        if self.runtime.tokens == 1:
            super().load_slot(slot, state)
            return
        self.runtime.load_slot(slot, state)
        if self._specification is not None:
            self._specification.load_slot(slot, state)

    def side_by_side(self, count: int) -> Slots | None:
        """So many further slots in the board's memory; None where there are no more, or a start
        takes one token."""
        return None if self.runtime.tokens == 1 else self._beyond.take(self, count)

    def record_seconds(self, token_id: int) -> list[float]:
        """Take one token, a start per record; seconds of each, host work included (measured)."""
        return self.runtime.record_seconds(token_id)

    @property
    def state(self) -> npt.NDArray[np.int64]:
        """(layers, hidden) the recurrent state, gate format, read from the board's memory."""
        return self.runtime.state()

    def load_state(self, state: npt.NDArray[np.int64]) -> None:
        """Go on from a state (layers, hidden), which is written to the board's memory."""
        self.runtime.load_state(state)
        if self._specification is not None:
            self._specification.load_state(state)

    def _checked(self, logits: Logits, token_ids: list[int]) -> Logits:
        self._taken += len(token_ids)
        if self._specification is None:
            return logits
        self._compare(logits, self._specification.prefill(token_ids))
        return logits

    def _compare(self, logits: Logits, expected: Logits) -> None:
        """Raises WrongResultError where logits (..., V) are not the specification's."""
        for got, right in zip(np.atleast_2d(logits), np.atleast_2d(expected), strict=True):
            wrong = np.flatnonzero(got != right)
            if not len(wrong):
                continue
            first = int(wrong[0])
            check_weights(self.runtime)  # which says more, if it is the weights
            raise WrongResultError(
                f"after token {self._taken} the engine's logits differ from the specification's in "
                f"{len(wrong)} of {len(right)} places, first for token id {first}: "
                f"{got[first]} instead of {right[first]}"
            )


def open_board_engine(image: Image, name: str, options: BoardOptions | None = None) -> BoardEngine:
    """Engine ``pynq`` on the board that this is, or ``pynq-sim`` on a simulated one.

    Raises the errors of `tritstream.board.errors`.
    """
    options = options or BoardOptions()
    with ExitStack() as stack:
        device = None
        if name == "pynq-sim":
            from tritstream.sim import CsimExecution, SpecExecution, simulated_board

            configuration, image = hardware_for(image)
            cma = configuration.board.cma_default_bytes
            executions: dict[str, Callable[[Configuration], Execution]] = {
                "spec": SpecExecution,
                "csim": CsimExecution,
                "rtl": _rtl_execution,
            }
            if options.simulate not in executions:
                raise OptionError(f"a simulated board computes with {' or '.join(executions)}")
            execution = executions[options.simulate](configuration)
            device, overlay = stack.enter_context(
                simulated_board(configuration, cma_bytes=cma, execution=execution)
            )
        else:
            overlay = _overlay_for(image, options.overlay)
            verify(overlay)
        runtime = stack.enter_context(BoardRuntime(image, overlay, device, options))
        return BoardEngine(name, image, runtime, stack.pop_all(), options.check)


def _rtl_execution(configuration: Configuration) -> Execution:
    from tritstream.system.execution import RtlExecution

    return RtlExecution(configuration)


def _overlay_for(image: Image, folder: Path | None) -> Overlay:
    if folder is not None:
        path = folder / MANIFEST
        try:
            manifest = decode_manifest(path.read_bytes(), str(path))
        except OSError as error:
            raise FileError(f"cannot read {path}: {error.strerror}") from error
        if manifest.bit is None:
            raise OverlayError(f"{path} names no bitstream: build or install one first")
        return Overlay(folder, manifest)
    here = board_here()
    found = find_for(image, here.name) if here else None
    if found is None:
        where = f"for {here.title} " if here else ""
        layout = image.header.layout
        raise OverlayError(
            f"no overlay {where}that fits {image.source} (layout {layout}) is installed: run "
            f"`tritstream overlay list`, then `tritstream overlay install`, or use --engine "
            f"pynq-sim"
        )
    return found
