"""The report's one sentence."""

from __future__ import annotations

from tritstream.report.findings import BoardFacts, MemoryRate, Problem, RecordFacts, Speed
from tritstream.report.machine import Machine

_CAUSES = ("WrongWeightsError", "CacheError", "BusError")
"""Errors that say why, before those that say what came of it."""
_FULL_WIDTH = 64
_CLOCK_TOLERANCE = 1e-3
_CROWDED = 0.5
"""Processors' worth of other work from which on a rate says little."""


def verdict_of(
    machine: Machine,
    board: BoardFacts | None,
    records: tuple[RecordFacts, ...],
    memory: MemoryRate | None,
    speed: Speed | None,
    problems: tuple[Problem, ...],
) -> str:
    """What to conclude, in a sentence; the cause first where something is wrong."""
    if problems:
        ranked = sorted(
            problems, key=lambda p: _CAUSES.index(p.error) if p.error in _CAUSES else len(_CAUSES)
        )
        more = f" ({len(problems) - 1} more below)" if len(problems) > 1 else ""
        return f"Not in order: {ranked[0].sentence}{more}."
    assert board is not None and speed is not None
    doubts = _doubts(machine, board, records)
    checked = f"{len(records)} records and {speed.compared} tokens are right"
    if not board.has_shell:
        checked = f"{speed.compared} tokens are right"
    rate = f"{speed.tokens_per_s:,.3g} tokens/s at {board.clock_hz / 1e6:.4g} MHz"
    memory_part = f", memory keeps it waiting for {memory.starved_share:.1%}" if memory else ""
    on = "the simulated " if board.simulated else ""
    opening = "In order" if not doubts else f"In order, but {' and '.join(doubts)}"
    return f"{opening}: on {on}{board.title} {checked}, {rate}{memory_part}."


def _doubts(machine: Machine, board: BoardFacts, records: tuple[RecordFacts, ...]) -> list[str]:
    """What makes the figures worth less than they seem."""
    found = []
    if board.clock_hz < board.manifest_clock_hz * (1 - _CLOCK_TOLERANCE):
        found.append(
            f"its clock is {board.clock_hz / 1e6:.4g} MHz and not the overlay's "
            f"{board.manifest_clock_hz / 1e6:.4g}"
        )
    narrow = [n for n, bits in (board.hp_port_bits or {}).items() if bits < _FULL_WIDTH]
    if narrow:
        found.append(f"{', '.join(narrow)} are left at 32 bits")
    others = sum(process.share for process in machine.busy)
    if others > _CROWDED:
        busiest = machine.busy[0]
        found.append(
            f"other processes take {others:.1f} processors ({busiest.name}, {busiest.pid}, most)"
        )
    if board.streamed_records:
        found.append(f"{board.streamed_records} records do not fit its contiguous memory")
    if not board.has_shell:
        found.append("its engine has no counters and checksums (packaged by Vitis HLS)")
    return found
