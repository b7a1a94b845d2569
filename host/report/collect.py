"""Taking a report: every step of using a board, each looked at on its own.

What fails ends its step and becomes a problem of the report, never an error of the program: a
board that does not work is what a report is for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone

import numpy as np

from tritstream.board.errors import BoardError, EngineTimeoutError, WrongResultError
from tritstream.board.hp_ports import widths
from tritstream.board.memory import Cma, cma_of
from tritstream.board.power import EnergyMeter, power_rails, temperature
from tritstream.board.runtime import BoardRuntime
from tritstream.board.selftest import check_first_layer, check_record
from tritstream.engines.base import Engine
from tritstream.engines.native import NativeEngine
from tritstream.engines.pynq import BoardEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.estimate.cycles import phase_cycles
from tritstream.files import sha256_of
from tritstream.image import Image
from tritstream.kernels.registers import Counters
from tritstream.report.findings import (
    BoardFacts,
    MemoryRate,
    Problem,
    ReadRates,
    RecordFacts,
    Report,
    Sensors,
    Speed,
)
from tritstream.report.machine import machine_here
from tritstream.report.verdict import verdict_of

TOKENS = 32
"""Written at most."""
COMPARED = 8
"""Of them, compared with the software engine's."""
BUDGET_S = 60.0
"""No further token, and no further record, is begun after that."""
_TRIES = 2
"""Of a read test; a streamed model's first one may go beside the copying of a record."""


class _Steps:
    """The steps so far; `problems` of those that failed."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.problems: list[Problem] = []
        self.lost = False
        """A step ran into a time limit: whatever follows would, too."""
        self._tell = tell

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tell(name)
        try:
            yield
        except EngineError as error:
            self.add(name, error)

    def add(self, name: str, error: EngineError) -> None:
        self.problems.append(Problem(name, type(error).__name__, str(error)))
        self.lost = self.lost or isinstance(error, EngineTimeoutError)


def collect(
    image: Image,
    open_engine: Callable[[], BoardEngine],
    *,
    tell: Callable[[str], None] = lambda step: None,
    watch_s: float = 1.0,
) -> Report:
    """A report on the board that ``open_engine`` loads ``image`` onto, without its self-test.

    ``tell`` is called with the name of each step. Other processes are watched for ``watch_s``.
    """
    begin = time.monotonic()
    steps = _Steps(tell)
    tell("this machine")
    machine = machine_here(watch_s)
    celsius = temperature()
    facts, rate, reads, speed, sensors = None, None, None, None, None
    records: tuple[RecordFacts, ...] = ()
    engine = None
    with steps.step("loading overlay and model"):
        engine = open_engine()
    if engine is not None:
        runtime = engine.runtime
        try:
            facts = _board_facts(runtime)
            with steps.step("weights of every record"):
                records = _records(runtime, steps, begin)
            rate = _memory_rate(runtime, records)
            if not steps.lost:
                with steps.step("memory, each port alone"):
                    reads = _read_rates(runtime)
            if not steps.lost:
                with steps.step("tokens against the software engine"):
                    speed, sensors = _tokens(image, engine, begin, celsius)
            # Even behind a time limit: it tells whether caches are the cause.
            with steps.step("first layer against the specification"):
                runtime.reset()
                check_first_layer(runtime)
        finally:
            engine.close()
    problems = tuple(steps.problems)
    return Report(
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        model=image.source,
        model_sha256=sha256_of(image.source),
        machine=machine,
        board=facts,
        records=records,
        memory=rate,
        reads=reads,
        speed=speed,
        sensors=sensors,
        problems=problems,
        seconds=round(time.monotonic() - begin, 1),
        verdict=verdict_of(machine, facts, records, rate, speed, problems),
    )


def _board_facts(runtime: BoardRuntime) -> BoardFacts:
    board = runtime.board
    simulated = isinstance(getattr(runtime._device, "cma", None), Cma)
    manifest, placement = runtime.overlay.manifest, runtime.placement
    cma = cma_of(runtime._device)
    return BoardFacts(
        name=board.name,
        title=board.title,
        simulated=simulated,
        overlay=manifest.name,
        bitstream_sha256=manifest.bit.sha256 if manifest.bit else "",
        manifest_clock_hz=manifest.clock_hz,
        clock_found_hz=runtime.clock.found_hz,
        clock_hz=runtime.clock.hz,
        has_shell=runtime._driver.has_shell,
        has_interrupt=runtime._driver.has_interrupt,
        hp_port_bits=widths() if board.ps_type == "zynq7" and not simulated else None,
        cma_bytes=cma.total,
        cma_free_bytes=cma.free,
        placed_bytes=placement.bytes,
        resident_records=len(placement.resident),
        streamed_records=len(placement.streamed),
    )


def _records(runtime: BoardRuntime, steps: _Steps, begin: float) -> tuple[RecordFacts, ...]:
    """Every record run alone; one that fails is a problem, and the next is tried."""
    image, found = runtime.image, []
    expected = {
        kind: sum(p.total for p in phase_cycles(runtime.hardware, image.geometry, kind))
        for kind in ("layer", "head")
    }
    for index, record in enumerate(image.header.records):
        if time.monotonic() - begin > BUDGET_S or steps.lost:
            break
        name, cycles = record.name, expected[image.layout(index).kind]
        try:
            check = check_record(runtime, index)
        except BoardError as error:
            steps.add(f"weights of {name}", error)
            found.append(RecordFacts(name, False, None, cycles, None, None, None))
            continue
        if check is None:
            found.append(RecordFacts(name, None, None, cycles, None, None, None))
            continue
        if problem := check.problem(image.source):
            steps.problems.append(Problem(f"weights of {name}", "WrongWeightsError", problem))
        counted = check.found
        found.append(
            RecordFacts(
                name,
                problem is None,
                counted.cycles or None,
                cycles,
                counted.words,
                counted.starved if counted.cycles else None,
                counted.checksums,
            )
        )
    return tuple(found)


def _memory_rate(runtime: BoardRuntime, records: tuple[RecordFacts, ...]) -> MemoryRate | None:
    """What the ports together delivered while the core asked for words."""
    budgets = [(record, budget) for record in records if (budget := record.budget)]
    starved = sum(budget.waiting for _, budget in budgets)
    asked = starved + sum(budget.weights for _, budget in budgets)
    if not asked:
        return None
    delivered = sum(sum(record.words or ()) for record, _ in budgets)
    return MemoryRate(
        bytes_per_s=delivered * runtime.hardware.port_bytes / asked * runtime.clock.hz,
        starved_share=starved / asked,
        peak_bytes_per_s=runtime.board.ddr_peak_bytes_per_s,
    )


def _read_rates(runtime: BoardRuntime) -> ReadRates | None:
    """None of an engine that counts no cycles."""
    every = range(runtime.hardware.ports)
    sets = [*([port] for port in every), every]
    taken = [runtime.read_test(ports) for ports in sets for _ in range(_TRIES)]
    tries = [counted for counted in taken if counted is not None and counted.cycles]
    if len(tries) < len(taken):
        return None
    rates = [_bytes_per_s(runtime, counted) for counted in tries]
    *alone, together = (max(rates[k : k + _TRIES]) for k in range(0, len(rates), _TRIES))
    size = max(tries[0].words) * runtime.hardware.port_bytes
    return ReadRates(tuple(alone), together, size)


def _bytes_per_s(runtime: BoardRuntime, counted: Counters) -> float:
    """Of a read test, from the first word that a port was ready for to the last."""
    cycles = max(w + s for w, s in zip(counted.words, counted.starved, strict=True))
    return sum(counted.words) * runtime.hardware.port_bytes / cycles * runtime.clock.hz


def _tokens(
    image: Image, engine: BoardEngine, begin: float, celsius: float | None
) -> tuple[Speed, Sensors]:
    """Tokens one after another, their logits compared, then the same again on the clock.

    Raises WrongResultError where logits differ.
    """
    software = _software(image)
    engine.reset()
    token = 1
    ids = [token]
    for count in range(1, COMPARED + 1):
        got, expected = engine.step(token), software.step(token)
        wrong = np.flatnonzero(got != expected)
        if len(wrong):
            raise WrongResultError(
                f"after {count} tokens the engine's logits differ from those of engine "
                f"{software.name} in {len(wrong)} of {len(expected)} places"
            )
        token = int(np.argmax(got))
        ids.append(token)
    rails = power_rails()
    idle = {name: watts() for name, watts in rails.items()}
    engine.reset()
    written = 0
    with EnergyMeter(rails) as meter:
        start = time.perf_counter()
        for written in range(1, TOKENS + 1):
            token = int(np.argmax(engine.step(ids[written - 1])))
            if written == len(ids):
                ids.append(token)
            if time.monotonic() - begin > BUDGET_S:
                break
        seconds = time.perf_counter() - start
    joules = {name: value / written for name, value in meter.joules.items()}
    return Speed(written, seconds, COMPARED), Sensors(celsius, temperature(), idle, joules)


def _software(image: Image) -> Engine:
    try:
        return NativeEngine(image)
    except EngineError:  # no core was compiled
        return SpecEngine(image)
