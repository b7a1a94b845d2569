"""What the cycles of a run went to, from what the simulation recorded of the core's controller.

The core walks phases, a norm and a mat-vec each. Which state of the controller does what is read
off the streams: elements go in the norm's first pass, trits in the mat-vec; and the loop of the
core between the two is its second pass. So every cycle of a run is put under one activity, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tritstream.errors import EngineError
from tritstream.system.probe import Probe

ACTIVITIES = {
    "control": "control, the gate norm's scalars, and the wait for the phase's header",
    "measure": "the norm's first pass, a word of elements a cycle",
    "elements": "the first pass waits for elements",
    "scalars": "root, divisions and other serial arithmetic",
    "quantise": "the norm's second pass",
    "weights": "a weight word is taken",
    "starved": "the mat-vec waits for weights, or for what goes beside them",
    "drain": "the last sums leave the mat-vec's pipeline",
}
"""What a cycle of a phase can be spent on."""


@dataclass(frozen=True)
class Visit:
    """A stay in a state, cycles ``begin`` to ``end``; by stream words, first and last cycle."""

    state: int
    begin: int
    end: int
    words: dict[str, int]
    first: dict[str, int]
    last: dict[str, int]

    @property
    def cycles(self) -> int:
        return self.end - self.begin


@dataclass
class Phase:
    """One phase of a record: cycles by activity, one after another from ``begin`` to ``end``."""

    record: int
    name: str
    begin: int
    end: int = 0
    cycles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ACTIVITIES, 0))
    spans: list[tuple[str, int, int]] = field(default_factory=list)
    """(activity, first cycle, cycle behind the last), for pictures; ``starved`` is within
    ``weights`` there, and ``elements`` within ``measure``."""

    @property
    def words(self) -> int:
        """Weight words."""
        return self.cycles["weights"]

    @property
    def total(self) -> int:
        return self.end - self.begin


@dataclass(frozen=True)
class Course:
    """A run: ``load`` cycles, which bring the residual in, the phases, and ``store`` cycles."""

    begin: int
    end: int
    phases: tuple[Phase, ...]

    @property
    def load(self) -> int:
        return self.phases[0].begin - self.begin

    @property
    def store(self) -> int:
        return self.end - self.phases[-1].end

    @property
    def cycles(self) -> int:
        return self.end - self.begin

    def record(self, index: int) -> tuple[Phase, ...]:
        """The phases of the run's n-th record."""
        return tuple(p for p in self.phases if p.record == index)


def visits_of(probe: Probe, values: npt.NDArray[np.uint64]) -> Iterator[Visit]:
    """The rows of `System.visits`, readable."""
    for row in values.tolist():
        by_stream = list(zip(probe.streams, row[3::3], row[4::3], row[5::3], strict=True))
        yield Visit(
            row[0],
            row[1],
            row[2],
            {s: words for s, words, _, _ in by_stream},
            {s: first for s, words, first, _ in by_stream if words},
            {s: last for s, words, _, last in by_stream if words},
        )


def course(
    probe: Probe,
    visits: Sequence[Visit],
    records: Sequence[Sequence[str]],
    begin: int,
    end: int,
) -> Course:
    """The course of a run from cycle ``begin`` to ``end`` over records with phases of these names.

    Raises EngineError where what was recorded is not such a run.
    """
    names = [(index, name) for index, record in enumerate(records) for name in record]
    phases: list[Phase] = []
    current: Phase | None = None
    measured = False
    for visit in visits:
        words = visit.words
        if words["trits_0"] and current is not None and measured:
            _matvec(current, visit)
            phases.append(current)
            current, measured = None, False
            continue
        if current is None:
            # A phase begins where the last one ended; the first, where the core takes its header.
            if len(phases) == len(names) or not (phases or words["side"]):
                continue
            at = phases[-1].end if phases else visit.begin
            current = Phase(*names[len(phases)], at)
            _spend(current, "control", at, visit.end)
        elif words["elements"]:
            measured = True
            _spend(current, "measure", visit.begin, visit.end)
            idle = visit.last["elements"] + 1 - visit.begin - words["elements"]
            current.cycles["measure"] -= idle
            current.cycles["elements"] += idle
        elif not measured:
            _spend(current, "control", visit.begin, visit.end)
        else:
            state = probe.states[visit.state]
            second = state.name.startswith("run_") and state.function == probe.process_function
            _spend(current, "quantise" if second else "scalars", visit.begin, visit.end)
    if len(phases) != len(names) or current is not None:
        raise EngineError(
            f"the simulation ran {len(phases)} phases where the records have {len(names)}"
        )
    made = Course(begin, end, tuple(phases))
    spent = sum(sum(p.cycles.values()) for p in phases)
    if made.load + spent + made.store != made.cycles:
        raise EngineError("the cycles of the phases do not add up to those of the run")
    return made


def _matvec(phase: Phase, visit: Visit) -> None:
    words, last = visit.words["trits_0"], visit.last["trits_0"] + 1
    phase.cycles["weights"] += words
    phase.cycles["starved"] += last - visit.begin - words
    phase.spans.append(("weights", visit.begin, last))
    _spend(phase, "drain", last, visit.end)


def _spend(phase: Phase, activity: str, begin: int, end: int) -> None:
    phase.cycles[activity] += end - begin
    if phase.spans and phase.spans[-1][::2] == (activity, begin):
        begin = phase.spans.pop()[1]
    phase.spans.append((activity, begin, end))
    phase.end = end
