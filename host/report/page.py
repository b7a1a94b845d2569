"""A report as a page of plain text."""

from __future__ import annotations

from collections.abc import Iterator

from tritstream.report.findings import (
    BoardFacts,
    MemoryRate,
    ReadRates,
    RecordFacts,
    Report,
    Sensors,
)

_WIDTH = 14


def page(report: Report) -> str:
    """The page, verdict first. Figures without a tag are read from registers or the kernel."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"tritstream board report, {report.date}"
    yield ""
    yield report.verdict
    yield ""
    yield from _facts(report)
    if report.board is not None:
        yield from _board(report.board)
    counted = "simulated" if report.board and report.board.simulated else "measured"
    if report.memory is not None:
        yield from _memory(report.memory, counted)
    if report.reads is not None:
        yield from _reads(report.reads, counted)
    if report.speed is not None:
        yield _row(
            "speed",
            f"{report.speed.tokens_per_s:,.3g} tokens/s over {report.speed.tokens} tokens "
            f"(measured); the logits of {report.speed.compared} were compared with the software "
            f"engine's",
        )
    if report.sensors is not None:
        yield from _sensors(report.sensors)
    if report.records:
        yield ""
        yield from _records(report.records)
    if report.problems:
        yield ""
        yield "problems"
        for problem in report.problems:
            yield f"  {problem.step}: {problem.sentence} [{problem.error}]"


def _facts(report: Report) -> Iterator[str]:
    m = report.machine
    known = ", ".join(f"{name} {version}" for name, version in m.versions.items() if version)
    yield _row("system", f"{m.system}, Linux {m.kernel}, {m.machine}")
    yield _row("software", known)
    load = ", ".join(f"{value:.2f}" for value in m.load)
    yield _row("processors", f"{m.processors}; load {load}")
    for process in m.busy[:5]:
        yield _row("", f"{process.name} ({process.pid}) takes {process.share:.0%} of one, measured")
    yield _row("model", f"{report.model}, SHA-256 {report.model_sha256}")


def _board(b: BoardFacts) -> Iterator[str]:
    yield _row("board", f"{b.title}{', simulated' if b.simulated else ''}")
    yield _row("overlay", f"{b.overlay}, SHA-256 {b.bitstream_sha256}")
    yield _row(
        "",
        f"{'the shell' if b.has_shell else 'an engine by Vitis HLS'}, "
        f"{'with' if b.has_interrupt else 'without'} interrupt",
    )
    yield _row(
        "clock",
        f"{b.clock_found_hz / 1e6:.4g} MHz found, {b.clock_hz / 1e6:.4g} MHz set; the overlay is "
        f"for {b.manifest_clock_hz / 1e6:.4g} MHz",
    )
    if b.hp_port_bits is not None:
        ports = ", ".join(f"{name} {bits} bits" for name, bits in b.hp_port_bits.items())
        yield _row("HP ports", ports)
    yield _row(
        "CMA",
        f"{b.cma_free_bytes / 1e6:.1f} MB free of {b.cma_bytes / 1e6:.1f} MB; "
        f"{b.resident_records} records resident, {b.streamed_records} streamed, "
        f"{b.placed_bytes / 1e6:.1f} MB",
    )


def _memory(m: MemoryRate, tag: str) -> Iterator[str]:
    bound = "" if m.starved_share else "; the core never waited, so memory may give more"
    share = m.bytes_per_s / m.peak_bytes_per_s
    yield _row(
        "weights",
        f"{m.bytes_per_s / 1e9:.3g} GB/s, all ports together, {share:.0%} of the DDR's peak "
        f"({tag}){bound}",
    )


def _reads(r: ReadRates, tag: str) -> Iterator[str]:
    alone = ", ".join(f"{rate / 1e9:.3g}" for rate in r.alone)
    yield _row(
        "reads alone",
        f"{alone} GB/s by weight port, {r.together / 1e9:.3g} GB/s all at once, "
        f"{r.bytes_read / 1e6:.3g} MB each ({tag})",
    )


def _sensors(s: Sensors) -> Iterator[str]:
    if s.celsius_after is not None:
        before = "" if s.celsius_before is None else f"{s.celsius_before:.1f} before, "
        yield _row("temperature", f"{before}{s.celsius_after:.1f} degrees Celsius after (measured)")
    for name, watts in s.idle_watts.items():
        yield _row(
            "power",
            f"{name}: {watts:.2f} W idle, {s.joules_per_token.get(name, 0.0):.3g} J a token "
            f"(measured)",
        )


def _records(records: tuple[RecordFacts, ...]) -> Iterator[str]:
    yield (
        f"  {'record':<10} {'weights':<8} {'cycles':>10} {'expected':>10} {'waiting':>8}  "
        f"(cycles counted; expected without waits, derived)"
    )
    for r in records:
        right = {True: "right", False: "WRONG", None: "-"}[r.right]
        cycles = "-" if r.cycles is None else f"{r.cycles:,}"
        waiting = "-" if r.budget is None else f"{r.budget.waiting / r.budget.cycles:.1%}"
        yield f"  {r.name:<10} {right:<8} {cycles:>10} {r.expected_cycles:>10,} {waiting:>8}"


def _row(name: str, text: str) -> str:
    return f"{name:<{_WIDTH}}{text}"
