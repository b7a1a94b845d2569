"""Products without DSPs: a pipeline of Booth rows, a look-up table and a carry bit for each bit.

Of b = sum d_i 4**i with digits d_i in -2..2, each from three bits of b, the product is the sum of
d_i * a * 4**i. A row adds one digit's multiple to what the rows before left and passes two finished
bits on. A bit of the sum depends on two bits of ``a``, the digit's three bits and a bit of the sum
so far: one six-input table in front of a carry chain. So a product takes about half of
width(a) * width(b) tables.
"""

from __future__ import annotations

from tritstream.rtl.delays import Fabric

MAX_ROWS = 3
"""Rows in a stage at most."""


def rows_per_stage(a: int, period: float, fabric: Fabric) -> int:
    """How many rows of an ``a``-bit multiplicand fit between two registers, one at least."""
    row = fabric.carry_start + fabric.carry_bit * (a + 3)
    return max(1, min(MAX_ROWS, int((period - fabric.register) / row)))


def product_latency(b: int, rows: int) -> int:
    """Cycles from the operands to the product; ``b`` bits with sign."""
    return -(-((b + 1) // 2) // rows)


def product_name(a: int, b: int, out: int, rows: int, held: bool) -> str:
    """The name of the module, without prefix."""
    return f"tritstream_multiply_{a}_{b}_{out}_{rows}{'_held' if held else ''}"


def product_module(prefix: str, a: int, b: int, out: int, rows: int, held: bool) -> str:
    """The low ``out`` bits of the product of two signed numbers of ``a`` and ``b`` bits.

    ``held``: with a clock enable, for a pipeline that can be stopped.
    """
    count = (b + 1) // 2
    name = prefix + product_name(a, b, out, rows, held)
    enable = "if (ce) " if held else ""
    lines = [
        "",
        f"// A signed product, {product_latency(b, rows)} cycles: Booth rows, {rows} a stage.",
        f"module {name} (",
        "  input  logic clk,",
        *(["  input  logic ce,"] if held else []),
        f"  input  logic [{a - 1}:0] a,",
        f"  input  logic [{b - 1}:0] b,",
        f"  output logic [{out - 1}:0] p",
        ");",
    ]
    low = high = ""  # the finished bits, and the carried part of the sum
    m, digits = "a", "b"
    have = b  # bits of ``digits``
    last = "1'b0"  # the bit of b below the next digit
    done = 0
    for row in range(count):
        top = f"{digits}[1]" if have > 1 else f"{digits}[0]"
        wide = f"{{{{2{{{m}[{a - 1}]}}}}, {m}}}"
        twice = f"{{{m}[{a - 1}], {m}, 1'b0}}"
        lines += [
            f"  wire logic neg{row} = {top};",
            f"  wire logic one{row} = {digits}[0] ^ {last};",
            f"  wire logic two{row} = ({top} ^ {digits}[0]) & ~one{row};",
            f"  wire logic [{a + 1}:0] row{row} = ((one{row} ? {wide} : two{row} ? {twice} : '0)"
            f" ^ {{{a + 2}{{neg{row}}}}});",
        ]
        before = f"{{{{2{{{high}[{a - 1}]}}}}, {high}}}" if high else "'0"
        if high:
            # The carry in is a bit of its own, so that the sum stays one carry chain.
            lines += [
                f"  logic [{a + 2}:0] sum{row};",
                f"  assign sum{row} = {{{before}, 1'b1}} + {{row{row}, neg{row}}};",
            ]
        else:
            lines += [
                f"  logic [{a + 2}:0] sum{row};",
                f"  assign sum{row} = {{row{row} + {{{a + 1}'d0, neg{row}}}, 1'b0}};",
            ]
        bits = f"sum{row}[2:1]" + (f", {low}" if low else "")
        done += 2
        final = row + 1 == count
        register = final or (row + 1) % rows == 0
        lines += [
            f"  logic [{done - 1}:0] low{row};",
            f"  logic [{a - 1}:0] high{row};",
        ]
        if register:
            lines += [
                f"  always_ff @(posedge clk) {enable}low{row} <= {{{bits}}};",
                f"  always_ff @(posedge clk) {enable}high{row} <= sum{row}[{a + 2}:3];",
            ]
        else:
            lines += [
                f"  assign low{row} = {{{bits}}};",
                f"  assign high{row} = sum{row}[{a + 2}:3];",
            ]
        low, high = f"low{row}", f"high{row}"
        if final:
            break
        rest = have - 2
        lines += [f"  logic last{row};", f"  logic [{rest - 1}:0] rest{row};"]
        source, kept = f"{digits}[{have - 1}:2]", f"{digits}[1]"
        if register:
            lines += [
                f"  logic [{a - 1}:0] a{row};",
                f"  always_ff @(posedge clk) {enable}a{row} <= {m};",
                f"  always_ff @(posedge clk) {enable}rest{row} <= {source};",
                f"  always_ff @(posedge clk) {enable}last{row} <= {kept};",
            ]
            m = f"a{row}"
        else:
            lines += [f"  assign rest{row} = {source};", f"  assign last{row} = {kept};"]
        digits, last, have = f"rest{row}", f"last{row}", rest
    total = 2 * count + a
    if out <= 2 * count:
        lines.append(f"  assign p = {low}[{out - 1}:0];")
    elif out <= total:
        lines.append(f"  assign p = {{{high}[{out - 2 * count - 1}:0], {low}}};")
    else:
        lines.append(f"  assign p = {{{{{out - total}{{{high}[{a - 1}]}}}}, {high}, {low}}};")
    return "\n".join([*lines, "endmodule", ""])
