"""Products without DSPs: a pipeline of rows, a look-up table and a carry bit for each bit.

b = sum d_i 4**i with digits d_i in -1..2, found from the low end: two bits of b and a carry make a
v in 0..4; its digit is v, or v - 4 with a carry for 3 and 4. The product is the sum of
d_i * a * 4**i. A row adds one digit's multiple to what the rows before left and passes two finished
bits on. A bit of the sum depends on the digit's two bits, two bits of ``a`` and a bit of the sum so
far: five signals, and of five a look-up table makes both what the carry chain needs. (Booth's
digits, -2..2, need a sixth, for which nextpnr-xilinx takes two tables a bit.) So a product takes
about half of width(a) * width(b) tables. Digits come from registers, one stage ahead of their rows:
otherwise synthesis would look through them to b's three bits, and have six signals again.

The last digit has b's sign: -2 b1 + b0 + carry. That can have five values where b has an even
number of bits, and costs that row its sixth signal.
"""

from __future__ import annotations

from tritstream.rtl._schedule.products import product_latency
from tritstream.verilog import Assign, Clocked, Item, Module, Net, Port


def product_name(a: int, b: int, out: int, rows: int, held: bool) -> str:
    """The name of the module, without prefix."""
    return f"tritstream_multiply_{a}_{b}_{out}_{rows}{'_held' if held else ''}"


def product_module(prefix: str, a: int, b: int, out: int, rows: int, held: bool) -> str:
    """The low ``out`` bits of the product of two signed numbers of ``a`` and ``b`` bits.

    ``held``: with a clock enable, for a pipeline that can be stopped.
    """
    name = prefix + product_name(a, b, out, rows, held)
    enable = "if (ce) " if held else ""
    count = (b + 1) // 2
    with_sign = () if b % 2 else (count - 1,)  # the row whose digit has five values
    items: list[Item] = []

    def signal(name: str, width: int, value: str, register: bool = False) -> str:
        items.append(Net(name, width))
        items.append(Clocked((f"{enable}{name} <= {value};",)) if register else Assign(name, value))
        return name

    rest = signal("b0", 2 * count, f"{{b[{b - 1}], b}}" if b % 2 else "b")
    carry = signal("c0", 1, "1'b0")
    m, low, high = "a", "", ""
    for first in range(0, count, rows):
        stage = range(first, min(first + rows, count))
        for row in stage:
            at, five = 2 * (row - first), row in with_sign
            upper, lower = f"{rest}[{at + 1}]", f"{rest}[{at}]"
            signal(f"digit{row}", 2 + five, _digit(upper, lower, carry, five), register=True)
            carry = signal(f"c{row + 1}", 1, f"{upper} & ({lower} | {carry})")
        left = 2 * (count - stage.stop)
        if left:
            here = f"{rest}[{left + 2 * len(stage) - 1}:{2 * len(stage)}]"
            rest = signal(f"b{stage.stop}", left, here, register=True)
            carry = signal(f"carry{stage.stop}", 1, carry, register=True)
        m = signal(f"a{first}", a, m, register=True)
        for row in stage:
            neg = signal(f"neg{row}", 1, f"digit{row}[2]" if row in with_sign else f"&digit{row}")
            signal(f"row{row}", a + 2, _multiple(f"digit{row}", neg, m, a))
            # The carry in is a bit of its own below the others, so that this is one carry chain.
            before = f"{{{{2{{{high}[{a - 1}]}}}}, {high}}}" if high else f"{a + 2}'d0"
            signal(f"sum{row}", a + 3, f"{{{before}, 1'b1}} + {{row{row}, {neg}}}")
            end = row + 1 == stage.stop
            bits = f"{{sum{row}[2:1], {low}}}" if low else f"sum{row}[2:1]"
            low = signal(f"low{row}", 2 * row + 2, bits, register=end)
            high = signal(f"high{row}", a, f"sum{row}[{a + 2}:3]", register=end)
    items.append(Assign("p", _cut(low, high, 2 * count, a, out)))
    ports = [Port("input", "clk"), *([Port("input", "ce")] if held else [])]
    ports += [Port("input", "a", a), Port("input", "b", b), Port("output", "p", out)]
    comment = (
        f"A signed product, {product_latency(b, rows)} cycles: a row for two bits of b, "
        f"{rows} a stage."
    )
    return "\n" + Module(name, ports, items, comment, aligned=True).text()


def _digit(high: str, low: str, carry: str, five: bool) -> str:
    """{doubled, odd} of v = 2 high + low + carry: 0, 1, 2, -1 (both), 0.

    With ``five`` values, where high counts -2: {negative, doubled, odd}.
    """
    odd = f"{low} ^ {carry}"
    if five:
        return f"{{{high}, ({high} ^ {low}) & ~({odd}), {odd}}}"
    return f"{{{high} ^ ({low} & {carry}), {odd}}}"


def _multiple(digit: str, negative: str, m: str, a: int) -> str:
    """The digit's multiple of m, in a + 2 bits; one less where it is negative."""
    sign = f"{m}[{a - 1}]"
    once, twice = f"{{{{2{{{sign}}}}}, {m}}}", f"{{{sign}, {m}, 1'b0}}"
    chosen = f"{digit}[0] ? {once} : {digit}[1] ? {twice} : {a + 2}'d0"
    return f"({chosen}) ^ {{{a + 2}{{{negative}}}}}"


def _cut(low: str, high: str, finished: int, a: int, out: int) -> str:
    """{high, low} with ``out`` bits, of which ``low`` has ``finished`` and ``high`` has ``a``."""
    if out <= finished:
        return f"{low}[{out - 1}:0]"
    if out <= finished + a:
        return f"{{{high}[{out - finished - 1}:0], {low}}}"
    return f"{{{{{out - finished - a}{{{high}[{a - 1}]}}}}, {high}, {low}}}"
