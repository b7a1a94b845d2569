"""What can be proven of a bitstream without a board, check by check.

`verify_file` needs no tools: the .bit and what its manifest says. `verify_deep` takes it apart with
the prjxray database, and simulates what it holds beside the RTL that it was made from.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritstream.bitstream.database import Database, open_database
from tritstream.bitstream.decode import Layout
from tritstream.bitstream.device import frames_of, wrong_check_bits
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.netlist import Netlist, extract
from tritstream.bitstream.packets import Bit, crc_checks, read_bit
from tritstream.bitstream.placed import compare, explain_bit, read_fasm
from tritstream.bitstream.processor import ties
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.timing.analysis import analyse
from tritstream.bitstream.timing.build import build
from tritstream.bitstream.timing.report import make_report
from tritstream.bitstream.wiring import Wiring
from tritstream.board.margin import MARGIN, allowed
from tritstream.configurations import CONFIGURATIONS, Configuration
from tritstream.errors import EngineError, TritstreamError

SHOWN = 3
"""How many of several things a sentence names."""


@dataclass(frozen=True)
class Finding:
    """One check: whether it passed, None where it could not be made, and a sentence."""

    check: str
    passed: bool | None
    sentence: str


@dataclass(frozen=True)
class Sources:
    """What is checked against what; None where it is not there."""

    bit: bytes
    name: str
    """What the bitstream is called in messages."""
    part: str
    handoff: Path | None = None
    fasm: Path | None = None
    """The placed features, as the build left them."""
    rtl: Callable[[], str] | None = None
    """The text of the design that the bitstream was made from."""
    top: str = "zynq7_top"
    configuration: Configuration | None = None
    clock_hz: float | None = None
    """The manifest's clock, which the analysed timing must allow."""
    database: Path | None = None
    image: Path | None = None
    """A model for the simulation; random weights of the configuration without one."""
    cache: Path | None = None
    """Where a built simulation is kept."""


@dataclass
class _Seen:
    """What earlier checks leave for later ones."""

    bit: Bit
    database: Database
    layout: Layout
    frames: Any
    features: dict[str, list[str]]
    wiring: Wiring | None = None
    netlist: Netlist | None = None
    rtl: str | None = None


def verify_file(
    data: bytes, name: str, part: str, manifest_table: dict[str, Any] | None = None
) -> Iterator[Finding]:
    """Checks without tools: the .bit's header and packets, and the manifest's configuration."""
    try:
        bit = read_bit(data, name)
    except BitstreamError as error:
        yield Finding("header", False, str(error))
        return
    yield _header(bit, part)
    if manifest_table is not None:
        yield _configuration(manifest_table)


def _header(bit: Bit, part: str) -> Finding:
    # Vivado writes the part without family prefix and speed grade.
    short = part.removeprefix("xc").rpartition("-")[0]
    if bit.header.part not in (part, short):
        return Finding("header", False, f"it is for {bit.header.part}, the board has {part}")
    checks = crc_checks(bit)
    wrong = [n for n, (expected, written) in enumerate(checks) if expected != written]
    if wrong:
        return Finding("header", False, "its CRC does not fit its data: it has been changed")
    crc = f"{len(checks)} CRCs fit" if checks else "it carries no CRC"
    sentence = f"design {bit.header.design}, part {bit.header.part}, {len(bit.packets)} writes, "
    return Finding("header", True, sentence + crc)


def _configuration(table: dict[str, Any]) -> Finding:
    name = str(table.get("name"))
    try:
        # One of a user's own is only what it says that it is.
        known = (CONFIGURATIONS.get(name) or Configuration(**table)).table()
    except (TritstreamError, TypeError) as error:
        return Finding("configuration", False, str(error))
    wrong = [k for k in known if known[k] != table.get(k)]
    if wrong:
        shown = ", ".join(f"{k} ({table.get(k)}, here {known[k]})" for k in wrong)
        return Finding("configuration", False, f"the manifest differs in {shown}")
    shape = f"up to hidden {known['hidden']}, intermediate {known['intermediate']}"
    return Finding("configuration", True, f"the manifest has {table['name']}: {shape}")


def verify_deep(
    sources: Sources, progress: Callable[[str], None] = lambda text: None
) -> Iterator[Finding]:
    """The checks beyond `verify_file`, in order; a failure ends those that build on it.

    Raises BitstreamError where the database is missing; what else is missing is a finding.
    """
    database = open_database(sources.part, sources.database)
    try:
        bit = read_bit(sources.bit, sources.name)
        frames = frames_of(bit, database.device, sources.name)
    except BitstreamError as error:
        yield Finding("frames", False, str(error))
        return
    yield _frames(database, frames)
    progress("decoding")
    layout = Layout(database)
    bitmap = layout.decode(frames)
    seen = _Seen(bit, database, layout, frames, dict(bitmap.features))
    yield _unknown(seen, bitmap.unknown)
    progress("comparing with what was placed")
    yield _placed(seen, sources)
    yield pynq_accepts(sources)
    progress("extracting the netlist")
    for check in (_netlist, _processor):
        try:
            yield check(seen, sources)
        except TritstreamError as error:
            yield Finding(check.__name__.strip("_"), False, str(error))
        if seen.netlist is None:
            return
    progress("analysing the timing")
    try:
        yield check_timing(seen, sources)
    except TritstreamError as error:
        yield Finding("timing", False, str(error))
    try:
        yield _simulation(seen, sources, progress)
    except TritstreamError as error:
        yield Finding("simulation", False, str(error))


def _frames(database: Database, frames: Any) -> Finding:
    wrong = wrong_check_bits(frames)
    if len(wrong):
        shown = ", ".join(f"{int(database.device.addresses[n]):#010x}" for n in wrong[:SHOWN])
        return Finding("frames", False, f"the check bits of {len(wrong)} frames are wrong: {shown}")
    device = database.device
    used = int(frames.any(1).sum())
    sentence = f"IDCODE {device.idcode:#010x}, {len(frames)} frames in place, {used} not empty"
    return Finding("frames", True, f"{sentence}; the check bits of all fit")


def _unknown(seen: _Seen, unknown: tuple[tuple[int, int, int], ...]) -> Finding:
    count = sum(map(len, seen.features.values()))
    if unknown:
        index = seen.database.device.index
        first = [explain_bit(seen.layout, index(a), w, b) for a, w, b in unknown[:SHOWN]]
        shown = "; ".join(f"{tile}: {what}" for tile, what in first)
        return Finding("features", False, f"{len(unknown)} bits mean nothing known: {shown}")
    tiles = len(seen.features)
    return Finding("features", True, f"{count} features in {tiles} tiles explain every bit")


def _placed(seen: _Seen, sources: Sources) -> Finding:
    if sources.fasm is None:
        return Finding("placed", None, "the build's FASM is not there (--fasm names it)")
    placed: dict[str, list[str]] = defaultdict(list)
    try:
        for tile, feature in read_fasm(sources.fasm.read_text("utf-8"), str(sources.fasm)):
            placed[tile].append(feature)
    except OSError as error:
        return Finding("placed", False, f"{sources.fasm} cannot be read: {error.strerror}")
    except BitstreamError as error:
        return Finding("placed", False, str(error))
    result = compare(seen.layout, placed, seen.frames)
    for what, found in (
        ("placed features are not in the bitstream", result.wrong),
        ("bits are set that no placed feature has", result.extra),
        ("placed features are not in the database", result.unknown),
    ):
        if found:
            shown = "; ".join(f"{tile}: {feature}" for tile, feature in found[:SHOWN])
            return Finding("placed", False, f"{len(found)} {what}: {shown}")
    sentence = f"all {result.placed} placed features decode, {result.pseudo} of them without bits"
    return Finding("placed", True, f"{sentence}, and no other bit is set")


def _netlist(seen: _Seen, sources: Sources) -> Finding:
    del sources
    seen.wiring = Wiring(seen.database, open_nodes(seen.database), seen.features)
    for (tile, wire), others in seen.wiring.shorts():
        raise BitstreamError(f"{tile}.{wire} has several sources: {', '.join(others)}")
    seen.netlist = extract(seen.database, seen.wiring, seen.features)
    seen.netlist.circuit.ordered()
    counts = ", ".join(f"{count} {what}" for what, count in seen.netlist.counts.items())
    return Finding("netlist", True, f"{seen.wiring.pips} pips, no shorts, no loops: {counts}")


def _processor(seen: _Seen, sources: Sources) -> Finding:
    assert seen.netlist is not None and seen.wiring is not None
    if sources.rtl is None:
        return Finding("processor", None, "there is no RTL to compare with (--rtl names it)")
    seen.rtl = sources.rtl()
    netlist, wiring = seen.netlist, seen.wiring
    tied = ties(seen.rtl, netlist.processor)
    wrong = [pin for pin, level in tied.items() if netlist.constants.get(pin) != level]
    if wrong:

        def shown(pin: str) -> str:
            tile, wire = wiring.end(netlist.processor.tile, netlist.processor.wires[pin])
            level = netlist.constants.get(pin)
            has = f"reads {level}" if level is not None else "is driven"
            return f"{pin} {has} and not {tied[pin]} (its route begins at {tile}.{wire})"

        listed = "; ".join(shown(pin) for pin in wrong[:SHOWN])
        return Finding("processor", False, f"{len(wrong)} pins that the RTL ties: {listed}")
    if not tied:
        return Finding("processor", None, "the RTL ties no pin of the processor to a constant")
    open_ones = len(netlist.unrouted & tied.keys())
    sentence = f"all {len(tied)} pins that the RTL ties to constants read so"
    return Finding("processor", True, f"{sentence}, {open_ones} ones of them as unrouted pins do")


def check_timing(seen: _Seen, sources: Sources) -> Finding:
    """Whether the analysed timing allows the manifest's clock, and no hold is violated."""
    assert seen.wiring is not None
    if not (seen.database.folder / "timings").is_dir():
        return Finding("timing", None, f"{seen.database.folder} has no folder timings with delays")
    timing = analyse(build(seen.database, seen.wiring, seen.features))
    report = make_report(timing, seen.database.part, sources.name, None, 1)
    if problems := list(report.problems()):
        return Finding("timing", False, "; ".join(problems[:SHOWN]))
    reached = f"the slowest path takes {report.period:.2f} ns with its allowances"
    sentence = (
        f"{reached} ({1e3 / report.period:.1f} MHz), the least hold slack is {report.hold:.3f} ns"
    )
    if sources.clock_hz is None:
        return Finding("timing", True, sentence)
    fits = allowed(timing.need, sources.clock_hz)
    clock = f"the clock of {sources.clock_hz / 1e6:g} MHz leaves {'' if fits else 'less than '}"
    return Finding("timing", fits, f"{sentence}; {clock}{MARGIN:.0%} over it")


def _simulation(seen: _Seen, sources: Sources, progress: Callable[[str], None]) -> Finding:
    from tritstream.bitstream.cosimulate import simulate
    from tritstream.toolchain.cxx import compiler
    from tritstream.toolchain.verilator import verilator_root

    assert seen.netlist is not None
    if seen.rtl is None:
        return Finding("simulation", None, "there is no RTL to compare with (--rtl names it)")
    if sources.configuration is None or sources.handoff is None:
        return Finding("simulation", None, "without configuration and .hwh there is no workload")
    try:
        verilator_root()
        compiler()
    except EngineError as error:
        return Finding("simulation", None, str(error))
    outcome = simulate(
        seen.netlist,
        seen.rtl,
        sources.top,
        sources.configuration,
        sources.handoff,
        sources.image,
        sources.cache,
        progress,
    )
    return Finding("simulation", outcome.passed, outcome.sentence)


def pynq_accepts(sources: Sources) -> Finding:
    """Whether pynq's own parsers take the two files."""
    from tritstream.bitstream.pynq_parsers import parse

    return Finding("pynq", *parse(sources.bit, sources.handoff))
