"""A report as data, and as JSON: `report.schema.json` describes the file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tritstream.errors import FileError
from tritstream.files import atomic_write_bytes, read_bytes
from tritstream.kernels.registers import Budget, Counters, budget_of
from tritstream.report.machine import Machine

FORMAT, VERSION = "tritstream board report", 2
_MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class BoardFacts:
    """The board, its overlay and its memory. Rates in Hz and bytes; read from registers and the
    kernel where the name does not say otherwise."""

    name: str
    title: str
    simulated: bool
    overlay: str
    bitstream_sha256: str
    manifest_clock_hz: float
    clock_found_hz: float
    clock_hz: float
    has_shell: bool
    has_interrupt: bool
    hp_port_bits: dict[str, int] | None
    """Widths of a Zynq-7000's HP ports; None elsewhere and where they cannot be read."""
    cma_bytes: int
    cma_free_bytes: int
    placed_bytes: int
    resident_records: int
    streamed_records: int


@dataclass(frozen=True)
class RecordFacts:
    """One record, run alone. Counters by weight port; None for an engine without the shell."""

    name: str
    right: bool | None
    """Whether every port delivered what the image holds."""
    cycles: int | None
    """Counted by the engine; None where nothing counts them, as with a simulation by the
    specification."""
    expected_cycles: int
    """Without waiting for memory (derived)."""
    words: tuple[int, ...] | None
    starved: tuple[int, ...] | None
    checksums: tuple[int, ...] | None

    @property
    def budget(self) -> Budget | None:
        """Where its cycles went; None where nothing counted them."""
        if self.cycles is None or self.words is None or self.starved is None:
            return None
        return budget_of(Counters(self.cycles, self.words, self.starved, self.checksums or ()))


@dataclass(frozen=True)
class MemoryRate:
    """All weight ports together, over the records (measured by the engine's counters).

    ``bytes_per_s`` is what arrived while the core asked for words; where it never waited,
    ``starved_share`` is 0 and memory could give more.
    """

    bytes_per_s: float
    starved_share: float
    peak_bytes_per_s: float
    """Of the board's DDR, by its data sheet."""


@dataclass(frozen=True)
class ReadRates:
    """Bytes a second of weight ports that read a stretch of memory and do nothing else, the better
    of two tries (measured by the engine's counters). A port takes a word a cycle at most."""

    alone: tuple[float, ...]
    """Each port, the others still."""
    together: float
    """All ports at once."""
    bytes_read: int
    """By each port."""


@dataclass(frozen=True)
class Speed:
    """Tokens that were written greedily, one start each (measured)."""

    tokens: int
    seconds: float
    compared: int
    """Tokens whose logits were compared with those of the software engine."""

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.seconds


@dataclass(frozen=True)
class Sensors:
    """Degrees Celsius; watts and joules a token by rail (measured). None and empty: no sensor."""

    celsius_before: float | None
    celsius_after: float | None
    idle_watts: dict[str, float]
    joules_per_token: dict[str, float]


@dataclass(frozen=True)
class Problem:
    """What went wrong, in which step, and the name of its error."""

    step: str
    error: str
    sentence: str


@dataclass(frozen=True)
class Report:
    """Everything; None where a step did not come to its end."""

    date: str
    model: str
    model_sha256: str
    machine: Machine
    board: BoardFacts | None
    records: tuple[RecordFacts, ...]
    memory: MemoryRate | None
    reads: ReadRates | None
    speed: Speed | None
    sensors: Sensors | None
    problems: tuple[Problem, ...]
    seconds: float
    verdict: str


@dataclass(frozen=True)
class MeasuredBoard:
    """What estimates take from a report in place of assumptions."""

    board: str
    clock_hz: float
    efficiency: float
    """Share of the DDR peak that the weight ports got."""
    simulated: bool


def write_report(report: Report, path: Path) -> None:
    """Write the JSON file."""
    value = {"format": FORMAT, "version": VERSION, **asdict(report)}
    if report.speed is not None:
        value["speed"]["tokens_per_s"] = report.speed.tokens_per_s
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    atomic_write_bytes(path, f"{text}\n".encode())


def read_report(path: Path) -> MeasuredBoard:
    """The figures that an estimate can use. Raises FileError for what is no report, or has none."""
    try:
        raw = read_bytes(path) if path.stat().st_size <= _MOST_BYTES else b""
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    again = "make one on the board with `tritstream board report`"
    try:
        value: Any = json.loads(raw)
        if value["format"] != FORMAT or value["version"] != VERSION:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FileError(f"{path} is no report of version {VERSION}: {again}") from error
    try:
        board, memory = value["board"], value["memory"]
        if board is None or memory is None:
            raise FileError(
                f"{path} has no rate of the memory, because a step before failed or nothing "
                f"counted it: {again}"
            )
        clock, rate, peak = (
            float(of[name])
            for of, name in (
                (board, "clock_hz"),
                (memory, "bytes_per_s"),
                (memory, "peak_bytes_per_s"),
            )
        )
        found = MeasuredBoard(str(board["name"]), clock, rate / peak, bool(board["simulated"]))
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise FileError(f"{path} is a damaged report: {again}") from error
    if not (math.isfinite(found.clock_hz) and 1e5 < found.clock_hz < 1e10):
        raise FileError(f"{path} has a clock of {found.clock_hz} Hz: {again}")
    if not 0 < found.efficiency <= 1:
        raise FileError(
            f"{path} has a rate of {found.efficiency:.3g} of the memory's peak, which cannot be: "
            f"{again}"
        )
    return found
