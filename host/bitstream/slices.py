"""The logic of a slice in Verilog: look-up tables, wide multiplexers, carry chain, flip-flops.

Only what is asked for is written: each output pin brings in what it depends on. Features and pins
are named as in the prjxray database; what they do is AMD's UG474 (7 Series CLB).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from tritstream.bitstream.errors import BitstreamError

LETTERS = "ABCD"
_UNSUPPORTED = re.compile(r"SRL|RAM|SMALL|WA[78]USED|WEMUX|DI1MUX|^LATCH$")


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

    def check(self) -> None:
        """Raises BitstreamError for a mode that the extraction does not know."""
        for feature in sorted(self.features):
            if _UNSUPPORTED.search(feature):
                raise BitstreamError(f"{self.name}.{feature}: a mode that is not supported here")


class SliceLogic:
    """Writes one slice. ``pin`` gives the expression of an input pin, ``declare`` takes a name,
    its declaration and the statement behind it."""

    def __init__(
        self,
        configuration: Slice,
        prefix: str,
        pin: Callable[[str], str],
        declare: Callable[[str, str, str], None],
    ) -> None:
        configuration.check()
        self._c = configuration
        self._prefix = prefix
        self._pin = pin
        self._declare = declare
        self._made: set[str] = set()

    def output(self, pin: str) -> str:
        """The name of the signal at an output pin such as A, AMUX, AQ or COUT."""
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

    def _wire(self, name: str, expression: Callable[[], str]) -> str:
        full = f"{self._prefix}_{name}"
        if name not in self._made:
            self._made.add(name)
            self._declare(full, f"wire {full};", f"assign {full} = {expression()};")
        return full

    def _o6(self, letter: str) -> str:
        return self._wire(f"{letter}_O6", lambda: self._table(letter, 6))

    def _o5(self, letter: str) -> str:
        return self._wire(f"{letter}_O5", lambda: self._table(letter, 5))

    def _table(self, letter: str, inputs: int) -> str:
        table = self._c.tables[letter] & (1 << (1 << inputs)) - 1
        return lookup(table, [partial(self._pin, f"{letter}{k + 1}") for k in range(inputs)])

    def _carry(self, letter: str) -> str:
        """Carry out of one bit of the chain."""

        def expression() -> str:
            data = (
                self._o5(letter)
                if f"CARRY4.{letter}CY0" in self._c.features
                else self._pin(f"{letter}X")
            )
            return f"{self._o6(letter)} ? {self._carry_in(letter)} : {data}"

        return self._wire(f"{letter}_CY", expression)

    def _carry_in(self, letter: str) -> str:
        if letter != "A":
            return self._carry(LETTERS[LETTERS.index(letter) - 1])
        chosen = self._one("PRECYINIT")
        if chosen in (None, "C0", "C1"):
            return "1'b1" if chosen == "C1" else "1'b0"
        return self._pin("CIN" if chosen == "CIN" else "AX")

    def _wide(self, kind: str, letter: str) -> str:
        """F7 of the pair that a letter belongs to, or F8 of both."""
        if kind == "F8":
            return self._wire(
                "F8",
                lambda: f"{self._pin('BX')} ? {self._wide('F7', 'A')} : {self._wide('F7', 'C')}",
            )
        low, high = ("A", "B") if letter in "AB" else ("C", "D")
        return self._wire(
            f"F7{low}", lambda: f"{self._pin(f'{low}X')} ? {self._o6(low)} : {self._o6(high)}"
        )

    def _multiplexer(self, letter: str, which: str) -> str:
        """What the multiplexer before a flip-flop (FFMUX) or an output (OUTMUX) lets through."""
        chosen = self._one(f"{letter}{which}")
        if chosen is None:
            raise BitstreamError(f"{self._c.name}.{letter}{which} is used and not set")
        if chosen in ("F7", "F8"):
            return self._wide(chosen, letter)
        if chosen == "XOR":
            return self._wire(
                f"{letter}_XOR", lambda: f"{self._o6(letter)} ^ {self._carry_in(letter)}"
            )
        if chosen == f"{letter}5Q":
            return self._flip_flop(letter, "5FF")
        made = {"O5": self._o5, "O6": self._o6, "CY": self._carry}.get(chosen)
        if made is not None:
            return made(letter)
        if chosen == f"{letter}X":
            return self._pin(chosen)
        raise BitstreamError(f"{self._c.name}.{letter}{which}.{chosen} is not supported here")

    def _flip_flop(self, letter: str, kind: str) -> str:
        """AFF and its like, or A5FF: a zero bit means initialised, or set, to one."""
        full = f"{self._prefix}_{letter}{kind}"
        if f"{letter}{kind}" in self._made:
            return full
        self._made.add(f"{letter}{kind}")
        features = self._c.features
        first = int(f"{letter}{kind}.ZINI" not in features)
        reset = int(f"{letter}{kind}.ZRST" not in features)
        self._declare(full, f"reg {full} = 1'b{first};", "")
        if kind == "FF":
            data = self._multiplexer(letter, "FFMUX")
        elif f"{letter}5FFMUX.IN_B" in features:
            data = self._pin(f"{letter}X")
        elif f"{letter}5FFMUX.IN_A" in features:
            data = self._o5(letter)
        else:
            raise BitstreamError(f"{self._c.name}.{letter}5FFMUX is used and not set")
        clock = self._pin("CLK")
        edge = "negedge" if "CLKINV" in features else "posedge"
        enable = self._pin("CE") if "CEUSEDMUX" in features else "1'b1"
        clear = self._pin("SR") if "SRUSEDMUX" in features else "1'b0"
        if clock in ("1'b0", "1'b1"):
            raise BitstreamError(f"{self._c.name}.{letter}{kind} has no clock")
        update = f"{full} <= {data};" if enable == "1'b1" else f"if ({enable}) {full} <= {data};"
        events = f"{edge} {clock}"
        if clear != "1'b0":
            if "FFSYNC" not in features:
                events += f" or posedge {clear}"
            update = f"if ({clear}) {full} <= 1'b{reset}; else {update}"
        self._declare("", "", f"always @({events}) {update}")
        return full

    def _one(self, group: str) -> str | None:
        """The one feature of a group that is set."""
        found = [f.partition(".")[2] for f in self._c.features if f.startswith(f"{group}.")]
        if len(found) > 1:
            raise BitstreamError(f"{self._c.name}.{group} is set to {' and '.join(sorted(found))}")
        return found[0] if found else None


def lookup(table: int, inputs: Sequence[Callable[[], str]]) -> str:
    """A look-up table as an expression of the inputs that it depends on, of which bit 0 counts.

    Inputs that make no difference are left out before what drives them is asked for: halves of a
    table share pins, and an unused half must not bring in its own.
    """
    bits = [table >> n & 1 for n in range(1 << len(inputs))]
    names: list[str] = []
    at = 0
    for take in inputs:
        low = [b for n, b in enumerate(bits) if not n >> at & 1]
        high = [b for n, b in enumerate(bits) if n >> at & 1]
        name = take() if low != high else "1'b0"
        if name in ("1'b0", "1'b1"):
            bits = high if name == "1'b1" else low
        else:
            names.append(name)
            at += 1
    # Constants may have made further inputs irrelevant.
    for at in range(len(names) - 1, -1, -1):
        low = [b for n, b in enumerate(bits) if not n >> at & 1]
        if low == [b for n, b in enumerate(bits) if n >> at & 1]:
            bits, names = low, names[:at] + names[at + 1 :]
    if not names:
        return f"1'b{bits[0]}"
    if len(names) == 1:
        return names[0] if bits == [0, 1] else f"~{names[0]}"
    value = sum(b << n for n, b in enumerate(bits))
    return f"{len(bits)}'h{value:x} >> {{{', '.join(reversed(names))}}}"
