"""The logic of a slice: look-up tables, wide multiplexers, carry chain, flip-flops.

Only what is asked for is made: each output pin brings in what it depends on. Features and pins are
named as in the prjxray database; what they do is AMD's UG474 (7 Series CLB).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tritstream.bitstream.circuit import ONE, ZERO, Circuit, FlipFlop
from tritstream.bitstream.errors import BitstreamError

LETTERS = "ABCD"
_UNSUPPORTED = re.compile(r"SRL|RAM|SMALL|WA[78]USED|WEMUX|^LATCH$|^CLKINV$")
# Bit k of a table is for the inputs that make k, the first being the lowest.
_CHOOSE = 0b11001010  # inputs: if 0, if 1, which
_XOR = 0b0110


@dataclass
class Slice:
    """The configuration of one: feature names, and the truth table of each look-up table."""

    name: str
    features: set[str] = field(default_factory=set)
    tables: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))

    def add(self, feature: str) -> None:
        match = re.match(r"([ABCD])LUT\.INIT\[(\d+)\]$", feature)
        if match:
            self.tables[match[1]] |= 1 << int(match[2])
        else:
            self.features.add(feature)

    def one(self, group: str) -> str | None:
        """The one feature of a group that is set. Raises BitstreamError for several."""
        found = [f.partition(".")[2] for f in self.features if f.startswith(f"{group}.")]
        if len(found) > 1:
            raise BitstreamError(f"{self.name}.{group} is set to {' and '.join(sorted(found))}")
        return found[0] if found else None

    def check(self) -> None:
        """Raises BitstreamError for a mode that the extraction does not know."""
        for feature in sorted(self.features):
            if _UNSUPPORTED.search(feature):
                raise BitstreamError(f"{self.name}.{feature}: a mode that is not supported here")


class SliceLogic:
    """Makes one slice in a circuit. ``pin`` gives the signal at an input pin; ``clock`` refuses a
    CLK pin that is not the design's clock."""

    def __init__(
        self,
        configuration: Slice,
        circuit: Circuit,
        pin: Callable[[str], int],
        check_clock: Callable[[str], None],
    ) -> None:
        configuration.check()
        self._c = configuration
        self._circuit = circuit
        self._pin = pin
        self._check_clock = check_clock
        self._made: dict[str, int] = {}

    def output(self, pin: str) -> int:
        """The signal at an output pin such as A, AMUX, AQ or COUT."""
        if pin == "COUT":
            return self._carry("D")
        letter, kind = pin[0], pin[1:]
        if letter in LETTERS and kind == "":
            return self._o6(letter)
        if letter in LETTERS and kind == "Q":
            return self._flip_flop(letter, "FF")
        if letter in LETTERS and kind == "MUX":
            return self._multiplexer(letter, "OUTMUX")
        raise BitstreamError(f"{self._c.name} has no output {pin} here")

    def _once(self, name: str, make: Callable[[str], int]) -> int:
        if name not in self._made:
            self._made[name] = make(f"{self._c.name}.{name}")
        return self._made[name]

    def _o6(self, letter: str) -> int:
        return self._once(f"{letter}6LUT", lambda name: self._table(name, letter, 6))

    def _o5(self, letter: str) -> int:
        return self._once(f"{letter}5LUT", lambda name: self._table(name, letter, 5))

    def _table(self, name: str, letter: str, inputs: int) -> int:
        table = self._c.tables[letter] & (1 << (1 << inputs)) - 1
        pins = [partial(self._pin, f"{letter}{k + 1}") for k in range(inputs)]
        return self._circuit.lookup(name, table, pins)

    def _choose(self, name: str, low: int, high: int, which: int) -> int:
        return self._circuit.lookup(name, _CHOOSE, [lambda: low, lambda: high, lambda: which])

    def _carry(self, letter: str) -> int:
        """Carry out of one bit of the chain."""

        def make(name: str) -> int:
            own = f"CARRY4.{letter}CY0" in self._c.features
            data = self._o5(letter) if own else self._pin(f"{letter}X")
            return self._choose(name, data, self._carry_in(letter), self._o6(letter))

        return self._once(f"{letter}CY", make)

    def _carry_in(self, letter: str) -> int:
        if letter != "A":
            return self._carry(LETTERS[LETTERS.index(letter) - 1])
        chosen = self._c.one("PRECYINIT")
        if chosen in (None, "C0", "C1"):
            return ONE if chosen == "C1" else ZERO
        return self._pin("CIN" if chosen == "CIN" else "AX")

    def _wide(self, kind: str, letter: str) -> int:
        """F7 of the pair that a letter belongs to, or F8 of both."""
        if kind == "F8":
            return self._once(
                "F8MUX",
                lambda name: self._choose(
                    name, self._wide("F7", "C"), self._wide("F7", "A"), self._pin("BX")
                ),
            )
        low, high = ("A", "B") if letter in "AB" else ("C", "D")
        return self._once(
            f"F7{low}MUX",
            lambda name: self._choose(name, self._o6(high), self._o6(low), self._pin(f"{low}X")),
        )

    def _multiplexer(self, letter: str, which: str) -> int:
        """What the multiplexer before a flip-flop (FFMUX) or an output (OUTMUX) lets through."""
        chosen = self._c.one(f"{letter}{which}")
        if chosen is None:
            raise BitstreamError(f"{self._c.name}.{letter}{which} is used and not set")
        if chosen in ("F7", "F8"):
            return self._wide(chosen, letter)
        if chosen == "XOR":
            return self._once(
                f"{letter}XOR",
                lambda name: self._circuit.lookup(
                    name, _XOR, [lambda: self._o6(letter), lambda: self._carry_in(letter)]
                ),
            )
        if chosen == f"{letter}5Q":
            return self._flip_flop(letter, "5FF")
        made = {"O5": self._o5, "O6": self._o6, "CY": self._carry}.get(chosen)
        if made is not None:
            return made(letter)
        if chosen == f"{letter}X":
            return self._pin(chosen)
        raise BitstreamError(f"{self._c.name}.{letter}{which}.{chosen} is not supported here")

    def _flip_flop(self, letter: str, kind: str) -> int:
        """AFF and its like, or A5FF: a zero bit means initialised, or set, to one."""
        own, features = f"{letter}{kind}", self._c.features
        if own in self._made:
            return self._made[own]
        # Known before it is made: a flip-flop may feed itself.
        q = self._made[own] = self._circuit.signal(f"{self._c.name}.{own}")
        self._check_clock(f"{self._c.name}.{own}")
        if kind == "FF":
            data = self._multiplexer(letter, "FFMUX")
        elif f"{letter}5FFMUX.IN_B" in features:
            data = self._pin(f"{letter}X")
        elif f"{letter}5FFMUX.IN_A" in features:
            data = self._o5(letter)
        else:
            raise BitstreamError(f"{self._c.name}.{letter}5FFMUX is used and not set")
        enable = self._pin("CE") if "CEUSEDMUX" in features else ONE
        clear = self._pin("SR") if "SRUSEDMUX" in features else ZERO
        if clear != ZERO and "FFSYNC" not in features:
            raise BitstreamError(f"{self._c.name}.FFSYNC is not set: a reset without a clock")
        first = int(f"{own}.ZINI" not in features)
        reset = int(f"{own}.ZRST" not in features)
        self._circuit.flip_flops.append(FlipFlop(q, data, enable, clear, reset, first))
        return q
