"""The timing of a slice: look-up tables, wide multiplexers, carry chain, flip-flops.

Only what is asked for is made, as in `tritstream.bitstream.slices`. Cells and the multiplexers
between them (ROUTING_BEL) have their delays in the database's SDF files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tritstream.bitstream.circuit import halves
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.slices import LETTERS, Slice
from tritstream.bitstream.timing.constants import FF_CONTROL_HOLD, FF_HOLD, FF_RESET
from tritstream.bitstream.timing.data import TimingData
from tritstream.bitstream.timing.graph import End, Graph, Start
from tritstream.bitstream.timing.sdf import Cell, Delay

_CELLS = {"SLICEL": "CLBLL_L", "SLICEM": "CLBLM_L"}
_WITHIN = {"SLICEL": ("slicel", "carry4_slicel"), "SLICEM": ("slicem", "carry4_slicem")}
_TABLES = {
    ("SLICEL", 6): "LUT6",
    ("SLICEL", 5): "LUT5",
    ("SLICEM", 6): "LUT_OR_MEM6LRAM",
    ("SLICEM", 5): "LUT_OR_MEM5LRAM",
}


@dataclass(frozen=True)
class Pins:
    """What a slice is connected to: ``constant`` gives the level of an input pin that is constant,
    ``point`` the point of one that is not, ``clock`` the number of the clock pin, which
    may be inverted."""

    constant: Callable[[str], int | None]
    point: Callable[[str], int | None]
    clock: Callable[[bool], int]


class SliceTiming:
    """Makes the arcs of one slice in a graph. ``cut`` is told of each cell that is left out because
    it is not known here; without it such a cell is an error."""

    def __init__(
        self,
        tile: str,
        kind: str,
        site: str,
        configuration: Slice,
        graph: Graph,
        pins: Pins,
        data: TimingData,
        cut: Callable[[str], None] | None,
    ) -> None:
        if cut is None:
            configuration.check()
        self._cut = cut
        self._c, self._graph, self._pins, self._kind = configuration, graph, pins, kind
        self._where = tile, f"{kind}_{site}"
        self._cells = data.cells(_CELLS[kind])
        self._within = {
            instance: cell
            for file in _WITHIN[kind]
            for (instance, type_), cell in data.cells(file).items()
            if type_ == "ROUTING_BEL"
        }
        self._made: dict[str, int] = {}

    def output(self, pin: str) -> int | None:
        """The point behind an output pin such as A, AMUX, AQ or COUT; None for a constant."""
        if pin == "COUT":
            return self._carry("CO3")
        letter, kind = pin[0], pin[1:]
        if kind == "":
            return self._table(letter, 6)
        if kind == "Q":
            return self._flip_flop(letter, "FF")
        if kind == "MUX":
            return self._multiplexer(letter, "OUTMUX")
        raise BitstreamError(f"{self._c.name} has no output {pin} here")

    def _new(self, name: str) -> int:
        at = self._made[name] = self._graph.point((*self._where, name))
        return at

    def _link(self, source: int | None, target: int, delay: Delay) -> None:
        if source is not None:
            self._graph.arc(source, target, delay)

    def _cell(self, instance: str, kind: str) -> Cell:
        found = self._cells.get((f"{self._kind}{instance}", kind))
        if found is None:
            raise BitstreamError(f"the database has no delays of {kind} in {self._kind}{instance}")
        return found

    def _arc(self, instance: str, kind: str, source: str, target: str) -> Delay:
        delay = self._cell(instance, kind).arcs.get((source, target))
        if delay is None:
            raise BitstreamError(
                f"the database has no delay of {kind} from {source} to {target} in {self._kind}"
            )
        return delay

    def _via(self, instance: str, source: str) -> Delay:
        """Through a multiplexer or wire within the slice."""
        cell = self._within.get(f"{self._kind}/{instance}")
        for (begin, _), delay in cell.arcs.items() if cell else ():
            if begin == source:
                return delay
        raise BitstreamError(f"the database has no delay of {self._kind}/{instance} from {source}")

    def _table(self, letter: str, inputs: int) -> int | None:
        name = f"{letter}{inputs}LUT"
        if name in self._made:
            return self._made[name] if self._made[name] >= 0 else None
        if self._cut is not None and any(
            f"{letter}LUT.{mode}" in self._c.features for mode in ("RAM", "SRL", "SMALL")
        ):
            self._cut("shift registers and memories in look-up tables")
            return self._new(name)  # where no path begins
        kind = _TABLES[self._kind, inputs]
        live = self._live(letter, inputs)
        if not live:
            self._made[name] = -1
            return None
        at = self._new(name)
        for number in live:
            delay = self._arc(f"/{letter}{inputs}LUT", kind, f"A{number}", f"O{inputs}")
            self._link(self._pins.point(f"{letter}{number}"), at, delay)
        return at

    def _live(self, letter: str, inputs: int) -> list[int]:
        """The pins of a table that can change what it gives, from 1 on."""
        table = self._c.tables[letter] & (1 << (1 << inputs)) - 1
        bits = [table >> n & 1 for n in range(1 << inputs)]
        live: list[int] = []
        for at in reversed(range(inputs)):
            low, high = halves(bits, at)
            if low == high:
                bits = low
                continue
            level = self._pins.constant(f"{letter}{at + 1}")
            if level is None:
                live.insert(0, at)
            else:
                bits = high if level else low
        for at in reversed(range(len(live))):  # what constants have made irrelevant since
            low, high = halves(bits, at)
            if low == high:
                bits = low
                del live[at]
        return [at + 1 for at in live]

    def _carry(self, out: str) -> int:
        """CO0 to CO3, the carry out of each bit, and O0 to O3, the sums."""
        if out in self._made:
            return self._made[out]
        at, bit = self._new(out), int(out[-1])
        for k in range(bit + 1):
            letter, low = LETTERS[k], LETTERS[k].lower()
            delay = self._arc("", "CARRY4", f"S{k}", out)
            self._link(self._table(letter, 6), at, _sum(self._via("CARRY4", f"{low}6lut"), delay))
            if out == f"O{k}":
                continue  # a sum does not depend on its own bit's data
            if f"CARRY4.{letter}CY0" in self._c.features:
                delay = self._arc("", "CARRY4_O5", f"DI{k}", out)
                via = self._via("CARRY4", f"{low}5lut")
                self._link(self._table(letter, 5), at, _sum(via, delay))
            else:
                delay = self._arc("", f"CARRY4_{letter}X", f"DI{k}", out)
                self._link(
                    self._pins.point(f"{letter}X"),
                    at,
                    _sum(self._via(f"{letter}CY0", f"{low}x"), delay),
                )
        chosen = self._c.one("PRECYINIT")
        if chosen not in (None, "C0", "C1"):
            start = "CIN" if chosen == "CIN" else "CYINIT"
            delay = self._arc("", "CARRY4", start, out)
            self._link(self._pins.point("CIN" if chosen == "CIN" else "AX"), at, delay)
        return at

    def _wide(self, kind: str, letter: str) -> int:
        """F7 of the pair that a letter belongs to, or F8 of both."""
        low, high = ("A", "B") if letter in "AB" else ("C", "D")
        name = "F8MUX" if kind == "F8" else f"F7{'A' if low == 'A' else 'B'}MUX"
        if name in self._made:
            return self._made[name]
        at = self._new(name)
        for pin, table, pair in (("0", high, "C"), ("1", low, "A")):
            delay = self._arc(f"/{name}", "SELMUX2_1", pin, "OUT")
            if kind == "F8":
                self._link(self._wide("F7", pair), at, delay)
            else:
                via = self._via(name, f"{table.lower()}6lut")
                self._link(self._table(table, 6), at, _sum(via, delay))
        select = "BX" if kind == "F8" else f"{low}X"
        delay = self._arc(f"/{name}", "SELMUX2_1", "S0", "OUT")
        self._link(self._pins.point(select), at, delay)
        return at

    def _multiplexer(self, letter: str, which: str) -> int | None:
        """What is before a flip-flop (FFMUX) or an output (OUTMUX), with the multiplexer's arc."""
        name = f"{letter}{which}"
        if name in self._made:
            return self._made[name] if self._made[name] >= 0 else None
        chosen = self._c.one(name)
        number, low = LETTERS.index(letter), letter.lower()
        pair = "a" if letter in "AB" else "b"
        instance = f"{letter}MUX" if which == "OUTMUX" else f"{letter}FF"
        if chosen is None:
            raise BitstreamError(f"{self._c.name}.{name} is used and not set")
        if chosen in ("F7", "F8"):
            source, via = self._wide(chosen, letter), f"f7{pair}mux" if chosen == "F7" else "f8mux"
        elif chosen == "XOR":
            source, via = self._carry(f"O{number}"), f"carry4_o{number}"
        elif chosen == "CY":
            source, via = self._carry(f"CO{number}"), f"carry4_co{number}"
        elif chosen == f"{letter}5Q":
            source, via = self._flip_flop(letter, "5FF"), f"{low}5ff"
        elif chosen in ("O5", "O6"):
            found = self._table(letter, int(chosen[1]))
            if found is None:
                self._made[name] = -1
                return None
            source, via = found, f"{low}{chosen[1]}lut"
        elif chosen == f"{letter}X":
            point = self._pins.point(chosen)
            if point is None:
                self._made[name] = -1
                return None
            source, via = point, f"{low}x"
        else:
            raise BitstreamError(f"{self._c.name}.{name}.{chosen} is not supported here")
        at = self._new(name)
        self._link(source, at, self._via(instance, via))
        return at

    def _flip_flop(self, letter: str, kind: str) -> int:
        own = f"{letter}{kind}"
        if own in self._made:
            return self._made[own]
        at = self._new(own)  # known before it is made: a flip-flop may feed itself
        features = self._c.features
        if self._cut is not None and "LATCH" in features:
            self._cut("latches")
            return at
        clock = self._pins.clock("CLKINV" in features)
        name = "/".join((*self._where, own))
        cell = self._cell("", "REG_INIT_FF" if kind == "FF" else "FF_INIT")
        reaches = self._via(own, "clk")
        out = cell.arcs.get(("CLK", "Q"))
        setups = [cell.checks.get(("SETUP", pin)) for pin in ("DIN", "CE")]
        if out is None or setups[0] is None or setups[1] is None:
            raise BitstreamError(f"the database lacks delays of a flip-flop in {self._kind}")
        self._graph.starts.append(Start(at, clock, _sum(reaches, out), name))

        def end(point: int | None, setup: float, hold: float, pin: str) -> None:
            # The clock's own way within the slice: early for set-up, late for hold.
            if point is not None:
                made = End(point, clock, setup - reaches[2], hold + reaches[1], name, pin)
                self._graph.ends.append(made)

        if kind == "FF":
            data = self._multiplexer(letter, "FFMUX")
        else:
            data = self._own_data(letter)
        end(data, setups[0][1], FF_HOLD.value, "D")
        if "CEUSEDMUX" in features:
            point = self._behind(own, "CE", "ce")
            end(point, setups[1][1], FF_CONTROL_HOLD.value, "CE")
        if "SRUSEDMUX" in features:
            setup = FF_RESET.value
            if "FFSYNC" not in features:
                setup = self._recovery("REG_INIT_FF" if kind == "FF" else "FF_INIT")
            end(self._behind(own, "SR", "sr"), setup, FF_CONTROL_HOLD.value, "SR")
        return at

    def _recovery(self, cell: str) -> float:
        """How long before an edge a reset without a clock must end, in ns."""
        found = [
            check[1]
            for state in ("QL", "QH")
            for check in [self._cell("", f"{cell}_{state}").checks.get(("RECOVERY", "SR"))]
            if check is not None
        ]
        if not found:
            raise BitstreamError(f"the database has no recovery of a reset in {self._kind}")
        return max(found)

    def _own_data(self, letter: str) -> int | None:
        """What is before A5FF and its like."""
        features, low = self._c.features, letter.lower()
        if f"{letter}5FFMUX.IN_B" in features:
            source, via = self._pins.point(f"{letter}X"), f"{low}x"
        elif f"{letter}5FFMUX.IN_A" in features:
            source, via = self._table(letter, 5), f"{low}5lut"
        else:
            raise BitstreamError(f"{self._c.name}.{letter}5FFMUX is used and not set")
        if source is None:
            return None
        at = self._new(f"{letter}5FFMUX")
        self._link(source, at, self._via(f"{letter}5FF", via))
        return at

    def _behind(self, own: str, pin: str, via: str) -> int | None:
        """A control pin as a flip-flop has it."""
        source = self._pins.point(pin)
        if source is None:
            return None
        at = self._new(f"{own}.{pin}")
        self._link(source, at, self._via(own, via))
        return at


def _sum(one: Delay, other: Delay) -> Delay:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]
