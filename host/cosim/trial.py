"""Records of random weights on the simulated system, compared with the specification."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritstream.configurations import Configuration
from tritstream.cosim.phases import Course, course, visits_of
from tritstream.engines.rtl import RtlEngine
from tritstream.errors import OptionError
from tritstream.files import scratch_folder
from tritstream.geometry import Geometry
from tritstream.image import Image, open_image
from tritstream.kernels.memories import Take
from tritstream.numerics.integers import Ints
from tritstream.packing import in_layout
from tritstream.packing.weights import weights_of_image
from tritstream.spec import Saturations, decoder_layer, fixed_operations, head
from tritstream.system.probe import Probe
from tritstream.system.simulation import TRACE_CYCLES, Conditions, Result

BUCKET = 64
"""Cycles over which beats are added up for the timeline."""
WEIGHT_PORT = "gmem_w0"
"""All weight ports carry the same number of beats; this one is there in every engine."""


@dataclass(frozen=True)
class Run:
    """One start over records ``first..last``: what it took, and what in it is not exact."""

    first: int
    last: int
    result: Result
    course: Course
    wrong: tuple[str, ...]
    masters: tuple[str, ...]
    streams: tuple[str, ...]
    timeline: npt.NDArray[np.uint32]
    """(buckets, masters + streams) beats and words; the first is the bucket of the run's begin."""

    @property
    def efficiency(self) -> float:
        """Beats of a weight port over cycles: one a cycle is the most there can be."""
        return self.result.read[WEIGHT_PORT] / self.course.cycles


class Trial:
    """An engine on an image, or on random weights of a geometry; any records in a start.

    Raises as `RtlEngine`.
    """

    def __init__(
        self,
        configuration: Configuration,
        conditions: Conditions | None = None,
        seed: int = 1,
        image: Path | None = None,
        geometry: Geometry | None = None,
        trace: Path | None = None,
        trace_cycles: int = TRACE_CYCLES,
    ) -> None:
        self._random = np.random.default_rng(seed)
        self._stack = ExitStack()
        # The folder of random weights is gone with this, at the latest when Python ends.
        self._end = weakref.finalize(self, self._stack.close)
        self.image = self._image(configuration, seed, image, geometry or configuration.sample)
        self.engine = RtlEngine(
            self.image, conditions, trace, trace_cycles, configuration=configuration
        )
        self.layers = self.image.geometry.layers
        weights = weights_of_image(self.image)
        self._weights, self._operations = weights, fixed_operations(weights.profile)

    def _image(
        self, configuration: Configuration, seed: int, path: Path | None, geometry: Geometry
    ) -> Image:
        if path is None:
            from tritstream.bench.synthetic import write_synthetic

            path = self._stack.enter_context(scratch_folder("trial")) / "random.trit"
            write_synthetic(path, configuration.layout, geometry, seed)
        image = open_image(path)
        if image.header.layout.profile != configuration.profile:
            raise OptionError(
                f"{path} has other number formats (profile {image.header.layout.profile_name}) "
                f"than configuration '{configuration.name}': name one with its own with -c"
            )
        return in_layout(image, configuration.layout)

    def run(self, first: int, last: int, takes: Sequence[Take] = (Take(),)) -> Run:
        """Records first..last (the LM head's index is `layers`) on random residuals and states."""
        engine, system, g = self.engine, self.engine.system, self.image.geometry
        tokens = self._random.integers(g.vocabulary, size=len(takes))
        x = self.image.embedding.residual(tokens)
        states = self._random.integers(-(1 << 28), 1 << 28, engine.states.shape)
        engine.plan(takes, x)
        engine.states[:] = states
        system.watch(BUCKET)
        engine.start(first, last)
        result = engine.results[-1]
        names = [self._names(n) for n in range(first, last + 1)]
        visits = list(visits_of(self.probe, system.visits()))
        made = Run(
            first,
            last,
            result,
            course(self.probe, visits, names, result.begun, result.begun + result.cycles),
            tuple(self._wrong(x, states, first, last, takes)),
            tuple(system.masters),
            self.probe.streams,
            system.timeline()[result.begun // BUCKET :],
        )
        system.watch(0)
        return made

    @property
    def probe(self) -> Probe:
        """What is watched of the core."""
        assert self.engine.system.parts.probe is not None
        return self.engine.system.parts.probe

    def _names(self, record: int) -> list[str]:
        return [phase.matrix.name for phase in self.image.layout(record).phases]

    def _wrong(
        self, x: Ints, states: Ints, first: int, last: int, takes: Sequence[Take]
    ) -> list[str]:
        """What the run left that is not as the specification has it."""
        engine, wrong = self.engine, []
        left, state = states.copy(), states[0]
        rows = []
        for row, take in zip(x, takes, strict=True):
            state = state if take.origin is None else states[take.origin].copy()
            rows.append(self._through(row, state, first, last))
            left[take.target, first : last + 1] = state[first : last + 1]
        if not np.array_equal(engine.residuals[: len(rows)], np.concatenate(rows)):
            wrong.append("the residual")
        wrong += [
            f"the state of layer {layer}" + (f" in place {slot}" if len(left) > 2 else "")
            for slot, layer in np.argwhere((engine.states != left).any(2))
        ]
        if last == self.layers:
            wanted = np.concatenate(
                [row for row, take in zip(rows, takes, strict=True) if not take.silent]
            )
            expected, found = head(wanted, self._weights.head(), self._operations), engine.sums()
            if not np.array_equal(found.codes, expected.codes):
                wrong.append("the logits")
            if not np.array_equal(found.scale.real(), expected.scale.real()):
                wrong.append("the logits' scale")
        return wrong

    def _through(self, x: Ints, state: Ints, first: int, last: int) -> Ints:
        """The residual (1, D) of a token behind the layers, whose state is advanced in place."""
        rows = x[None]
        for index in range(first, min(last + 1, self.layers)):
            rows, state[index] = decoder_layer(
                rows,
                state[index],
                self._weights.layer(index),
                self._operations,
                self._weights.profile,
                Saturations(),
            )
        return rows
