"""The controller of a process: a state or two a block, which starts them one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tritstream.rtl._compiled import State
from tritstream.rtl._emit.scope import Asked, Scope, Uses
from tritstream.rtl._ir.program import BasicBlock, Bound, Branch, Item, Loop, Repeat
from tritstream.rtl._ir.storage import Variable, address_bits, bits_of
from tritstream.rtl._mlir import Origin
from tritstream.rtl._ports import COUNT_BITS
from tritstream.rtl._schedule import Schedule
from tritstream.verilog import FALSE, all_of, extend, literal


@dataclass(frozen=True)
class _State:
    name: str
    line: str
    comment: str = ""
    origin: Origin | None = None
    """The loop that it sets up or runs."""

    @property
    def report(self) -> State:
        if self.origin is None or not self.origin.place:
            return State(self.name)
        return State(self.name, self.origin.function, self.origin.place)


def hazards(block: BasicBlock) -> list[str]:
    """A read of a master waits until what was written there has arrived."""
    reading = [b.master for b in (block.loop.bursts if block.loop else []) if not b.is_write]
    reading += [r.master for r in block.requests if not r.is_write]
    return [f"({m.name}_pending == 0)" for m in dict.fromkeys(reading) if m.writes]


def bound_text(bound: Bound, width: int) -> str:
    """A bound in that width."""
    if isinstance(bound, int):
        return literal(bound, width)
    return extend(bound.name, bound.width, bound.low < 0, width)


class ControllerWriter:
    """Makes the states of a process. Later states are made first, as each names its next."""

    def __init__(self, scope: Scope, uses: Uses, schedules: Mapping[BasicBlock, Schedule]) -> None:
        self._scope = scope
        self._uses = uses
        self._schedules = schedules
        self._states: list[_State] = []

    def write(self, items: Sequence[Item], pending: Sequence[str]) -> None:
        """The states of the items; the last one waits until nothing is ``pending``."""
        line = f"if ({all_of(pending)}) state <= idle;"
        self._add("finish", line, "wait for the answers to all writes")
        entry = self._items(items, "finish")
        self._add("idle", f"if (start) state <= {entry};")
        self._states.reverse()

    @property
    def states(self) -> tuple[State, ...]:
        """The states by their number."""
        return tuple(state.report for state in self._states)

    def declaration(self) -> list[str]:
        """The type and the register of the state."""
        bits = max((len(self._states) - 1).bit_length(), 1)
        lines = [f"typedef enum logic [{bits - 1}:0] {{"]
        for k, state in enumerate(self._states):
            comma = "," if k + 1 < len(self._states) else ""
            note = f"  // {state.comment}" if state.comment else ""
            lines.append(f"  {state.name}{comma}{note}")
        wanted = self._scope.style.target.one_hot_states
        attribute = '(* fsm_encoding = "one-hot" *) ' if wanted else ""
        return [*lines, "} state_t;", f"{attribute}state_t state;"]

    def transitions(self) -> list[str]:
        """The process that changes the state."""
        lines = ["always_ff @(posedge clk)", "  if (rst) state <= idle;", "  else case (state)"]
        for state in self._states:
            lines += [f"    {state.name}: begin", f"      {state.line}", "    end"]
        return [*lines, "    default: state <= idle;", "  endcase"]

    # States

    def _add(self, name: str, line: str, comment: str = "", origin: Origin | None = None) -> str:
        self._states.append(_State(name, line, comment, origin))
        return name

    def _items(self, items: Sequence[Item], after: str) -> str:
        entry = after
        for item in reversed(items):
            entry = self._item(item, entry)
        return entry

    def _item(self, item: Item, after: str) -> str:
        if isinstance(item, BasicBlock):
            return self._block(item, after)
        if isinstance(item, Repeat):
            return self._repeat(item, after)
        return self._branch(item, after)

    def _branch(self, item: Branch, after: str) -> str:
        then = self._items(item.then, after)
        otherwise = self._items(item.otherwise, after)
        name = item.condition.name
        return self._add(f"test_{name}", f"state <= {name}[0] ? {then} : {otherwise};")

    def _block(self, block: BasicBlock, after: str) -> str:
        depth, name = self._schedules[block].depth, block.name
        note = f"depth {depth}"
        loop = block.loop
        if loop is None:
            return self._add(f"run_{name}", f"if ({name}_end) state <= {after};", note)
        busy = f"(|{name}_v)" if depth > 1 else FALSE
        line = f"if (~{name}_more & ~{busy}) state <= {after};"
        run = self._add(f"run_{name}", line, note, loop.origin)
        init, trips = self._start_loop(loop, run, after, hazards(block))
        self._scope.declare(f"{name}_left", COUNT_BITS)
        self._scope.clocked(
            f"if (state == {init}) {name}_left <= {trips};",
            f"else if ({name}_fire) {name}_left <= {name}_left - 1;",
        )
        # Whether any are left, in a register: an iteration starts on it, and the count is long. A
        # loop of no iterations is never run.
        self._scope.declare(f"{name}_more", 1)
        self._scope.clocked(
            f"if (state == {init}) {name}_more <= 1'b1;",
            f"else if ({name}_fire) {name}_more <= {name}_left != 1;",
        )
        return init

    def _repeat(self, item: Repeat, after: str) -> str:
        loop = item.loop
        counter, name = loop.counter, loop.counter.name
        test, step = f"test_{name}", f"step_{name}"
        body = self._items(item.body, step)
        width = max(counter.width, loop.high.width if isinstance(loop.high, Variable) else 0) + 2
        if isinstance(loop.high, int):
            width = max(width, bits_of(min(loop.high, -1), loop.high))
        high = bound_text(loop.high, width)
        at = extend(name, counter.width, counter.low < 0, width)
        self._add(test, f"state <= ($signed({at}) < $signed({high})) ? {body} : {after};")
        self._add(step, f"state <= {test};")
        following = f"{name} + {literal(loop.step, counter.width)}"
        self._uses.update(counter, f"(state == {step})", following)
        return self._start_loop(loop, test, after, [])[0]

    def _start_loop(
        self, loop: Loop, body: str, after: str, waits: Sequence[str]
    ) -> tuple[str, str]:
        """The states that set a loop up: its counter, then the requests of its bursts. The first
        one's name, and the loop's iterations."""
        trips, constant = self._trip_count(loop)
        name, target = loop.counter.name, body
        for k, burst in enumerate(reversed(loop.bursts)):
            letter = "aw" if burst.is_write else "ar"
            line = f"if ({burst.master.name}_{letter}_ready) state <= {target};"
            target = self._add(f"request_{name}_{k}", line, origin=loop.origin)
            base = bound_text(burst.base, address_bits(burst.master.size))
            asked = Asked(f"(state == {target})", base, trips)
            self._uses.requests[burst.master, burst.is_write].append(asked)
        go = f"state <= {target};"
        if constant == 0:
            go = f"state <= {after};"
        elif constant is None:
            go = f"state <= ({trips} == 0) ? {after} : {target};"
        line = f"if ({all_of(waits)}) {go}" if waits else go
        init = self._add(f"init_{name}", line, str(loop.origin), loop.origin)
        low = bound_text(loop.low, loop.counter.width)
        self._uses.update(loop.counter, f"(state == {init})", low)
        return init, trips

    def _trip_count(self, loop: Loop) -> tuple[str, int | None]:
        """Iterations of a loop: text of COUNT_BITS, and the number where it is constant."""
        if isinstance(loop.low, int) and isinstance(loop.high, int):
            trips = max(0, -(-(loop.high - loop.low) // loop.step))
            return literal(trips, COUNT_BITS), trips
        width, name = COUNT_BITS + 1, f"{loop.counter.name}_trips"
        low, high = bound_text(loop.low, width), bound_text(loop.high, width)
        self._scope.declare(name, width)
        self._scope.assign(name, f"($signed({high}) > $signed({low})) ? {high} - {low} : '0")
        return f"{name}[{COUNT_BITS - 1}:0]", None
