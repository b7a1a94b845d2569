"""Some consecutive layers of a model on a worker's board: what a cluster's actor is."""

from __future__ import annotations

import platform

import numpy as np

from tritstream.board.detect import board_here
from tritstream.board.options import BoardOptions
from tritstream.board.overlays import find_for
from tritstream.cluster.tasks import About, about, refuse_other_versions
from tritstream.engines.pynq import open_board_engine
from tritstream.errors import EngineError, OptionError
from tritstream.image import Image, open_image
from tritstream.packing import hardware_for
from tritstream.packing.hardware import in_layout
from tritstream.reading import State


class Stage:
    """Layers ``first`` to ``last - 1`` on the board that the worker is, or on a simulated one.

    Numbers are sent as bytes of little-endian int64, or float32 for logits. States are by sequence;
    one that was not heard of before begins at zero.
    """

    def __init__(
        self,
        path: str,
        identity: str,
        expected: About,
        layers: tuple[int, int],
        simulate: str,
    ) -> None:
        refuse_other_versions(expected, about(), platform.node())
        image = open_image(path)
        if image.identity != identity:
            raise OptionError(f"{path} on {platform.node()} is another model: copy the same file")
        name, image, options = _placed(image, simulate)
        part = image.part(*layers)
        self._shape = (part.geometry.layers, part.geometry.hidden)
        self._engine = open_board_engine(part, name, options)
        self._held: int | None = None
        self._states: dict[int, State] = {}

    def run(self, sequence: int, x: bytes, head: bool) -> bytes:
        """One token of a sequence: the residual (D,) behind the layers, or with ``head`` logits."""
        self._take_turn(sequence)
        vector, runtime = np.frombuffer(x, "<i8"), self._engine.runtime
        try:
            if head:
                return runtime.layers_and_head(vector).astype("<f4").tobytes()
            return runtime.layers(vector).astype("<i8").tobytes()
        except BaseException:
            self._held = None  # nobody knows whose state that is
            raise

    def state(self, sequence: int) -> bytes:
        """(layers, hidden) of a sequence."""
        self._take_turn(sequence)
        return self._engine.state.astype("<i8").tobytes()

    def load_state(self, sequence: int, state: bytes | None) -> None:
        """Go on with a sequence from a state that `state` gave, or from nothing."""
        if self._held == sequence:
            self._held = None
        self._states.pop(sequence, None)
        if state is not None:
            self._states[sequence] = np.frombuffer(state, "<i8").reshape(self._shape)

    def note(self) -> str:
        """What runs here, in a sentence."""
        return f"{platform.node()}: {self._engine.info.note}"

    def close(self) -> None:
        """Free the board's memory."""
        self._engine.close()

    def _take_turn(self, sequence: int) -> None:
        if self._held == sequence:
            return
        if self._held is not None:
            self._states[self._held] = self._engine.state
            self._held = None
        state = self._states.get(sequence)
        if state is None:
            self._engine.reset()
        else:
            self._engine.load_state(state)
        self._held = sequence


def _placed(image: Image, simulate: str) -> tuple[str, Image, BoardOptions]:
    """The engine's name, and the whole image in the layout of what it runs on."""
    board = board_here()
    if board is None:
        _, image = hardware_for(image)
        return "pynq-sim", image, BoardOptions(interrupt=False, simulate=simulate)
    overlay = find_for(image, board.name)
    if overlay is None:
        raise EngineError(
            f"no overlay of {board.title} fits {image.source} on {platform.node()}: see "
            f"`tritstream overlay list` there"
        )
    layout = overlay.manifest.hardware.layout
    options = BoardOptions(overlay=overlay.folder, interrupt=False)
    return "pynq", in_layout(image, layout), options
