"""Streams and buses: what drives their handshakes, from the gets, puts and requests of all
blocks."""

from __future__ import annotations

from collections.abc import Iterable

from tritstream.rtl._emit.scope import Credits, Scope, Uses
from tritstream.rtl._ir.program import Design
from tritstream.rtl._ir.storage import Channel
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import Instance, Layout, any_of, pin, pins, select


def credits_of(schedules: Iterable[Schedule]) -> dict[Channel, Credits]:
    """A FIFO for every stream in which iterations reserve room, deep enough for all of those that
    can be under way."""
    schedules = list(schedules)
    reserved = [put for s in schedules for put in s.reserved]
    if not reserved:
        return {}
    latest = max(s.access[put] for s in schedules for put in s.reserved)
    depth = 1 << (latest + 10).bit_length()
    return {put.channel: Credits(depth) for put in reserved}


def write_channels(scope: Scope, uses: Uses, design: Design) -> None:
    """Ready of every stream that is read; valid and data of every one that is written."""
    for channel in [*design.channels_in, *(m.read for m in design.masters if m.reads)]:
        scope.assign(f"{channel.name}_ready", any_of(uses.gets.get(channel, [])))
    for channel in [*design.channels_out, *(m.write for m in design.masters if m.writes)]:
        puts = uses.puts.get(channel, [])
        name = channel.name
        if channel in uses.credits:
            name = f"{name}_own"
            _write_credits(scope, channel, uses.credits[channel])
        scope.assign(f"{name}_valid", any_of(condition for condition, _ in puts))
        scope.assign(f"{name}_data", select(puts))


def _write_credits(scope: Scope, channel: Channel, credits: Credits) -> None:
    """The FIFO, and how many words are in it or may come: an iteration starts while few are."""
    name, depth = channel.name, credits.depth
    bits = depth.bit_length() + 1
    module = scope.need_fifo()
    for signal, width in (("valid", 1), ("ready", 1), ("data", channel.width)):
        scope.declare(f"{name}_own_{signal}", width)
    scope.declare(f"{name}_owed", bits)
    scope.declare(f"{name}_room", 1)
    into = [pin(f"in_{x}", f"{name}_own_{x}") for x in ("valid", "ready", "data")]
    out = [pin(f"out_{x}", f"{name}_{x}") for x in ("valid", "ready", "data")]
    rows = (
        ", ".join(pins(("clk", "rst"))),
        ", ".join(into[:2]),
        ", ".join([into[2], *out[:2]]),
        out[2],
    )
    parameters = f".WIDTH({channel.width}), .DEPTH({depth})"
    scope.add(Instance(module, f"{name}_fifo", rows, parameters, Layout.WRAPPED))
    zeros = f"{bits - 1}'d0"
    # What happens is counted a cycle later, so that nothing long stands before the sum.
    events = {
        "took": any_of(credits.taken),
        "gone": f"{name}_valid & {name}_ready",
        "returned": any_of(credits.returned),
    }
    for event, text in events.items():
        scope.declare(f"{name}_{event}", 1)
        scope.clocked(f"{name}_{event} <= ~rst & ({text});")
    scope.clocked(
        f"if (rst) {name}_owed <= '0;",
        f"else {name}_owed <= {name}_owed + {{{zeros}, {name}_took}} "
        f"- {{{zeros}, {name}_gone}} - {{{zeros}, {name}_returned}};",
    )
    # Two cycles late, in which two more may have come: hence the distance to the depth.
    scope.clocked(f"{name}_room <= ~rst & ({name}_owed < {depth - 5});")


def write_masters(scope: Scope, uses: Uses, design: Design) -> None:
    """Requests, and how many writes have not been answered."""
    for m in design.masters:
        for is_write, letter in ((False, "ar"), (True, "aw")):
            if not (m.writes if is_write else m.reads):
                continue
            asked = uses.requests.get((m, is_write), [])
            name = f"{m.name}_{letter}"
            scope.assign(f"{name}_valid", any_of(a.condition for a in asked))
            scope.assign(f"{name}_addr", select([(a.condition, a.address) for a in asked]))
            scope.assign(f"{name}_count", select([(a.condition, a.beats) for a in asked]))
        if m.writes:
            pending = f"{m.name}_pending"
            scope.declare(pending, 16)
            taken = f"{m.name}_aw_valid & {m.name}_aw_ready"
            scope.clocked(
                f"if (rst) {pending} <= '0;",
                f"else {pending} <= {pending} + {{15'd0, {taken}}} - {{15'd0, {m.name}_b_valid}};",
            )
