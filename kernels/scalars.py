"""Scalars of a vector as mantissa and exponent, and the serial root and division behind them.

A scalar is an int32[2]: a mantissa, 0 or in [2**30, 2**31), and an exponent. As in
`tritstream.numerics.integers`, which these equal bit for bit.
"""

# mypy: ignore-errors
# ruff: noqa: B007 - this is Allo's language, only its syntax is Python's
import allo

from tritstream.kernels.types import int32, int64


def bit_length(value: int64) -> int32:
    """Bits of a non-negative integer: six comparisons, halving the distance each time."""
    rest: int64 = value
    bits: int32 = 0
    for k in range(6):
        step: int32 = 32 >> k
        high: int64 = rest >> step
        if high > 0:
            rest = high
            bits += step
    low: int32 = rest
    total: int32 = bits + low
    return total


def normalise(value: int64, exponent: int32, result: int32[2]):
    """value * 2**exponent as a scalar; bits below 2**30 are dropped."""
    shift: int32 = bit_length(value) - 31
    down: int32 = shift if shift > 0 else 0
    up: int32 = 0 if shift > 0 else -shift
    mantissa: int32 = (value >> down) << up
    result[0] = mantissa
    result[1] = 0 if mantissa == 0 else exponent + shift


def multiply(a: int32[2], b: int32[2], result: int32[2]):
    """The product, its mantissa truncated."""
    product: int64 = a[0] * b[0]
    exponent: int32 = a[1] + b[1]
    normalise(product, exponent, result)


def add3(a: int32[2], b: int32[2], c: int32[2], result: int32[2]):
    """The sum of three, aligned to the largest exponent. A zero does not decide the alignment."""
    lowest: int32 = -1048576
    ea: int32 = a[1] if a[0] > 0 else lowest
    eb: int32 = b[1] if b[0] > 0 else lowest
    ec: int32 = c[1] if c[0] > 0 else lowest
    ab: int32 = eb if eb > ea else ea
    top: int32 = ec if ec > ab else ab
    below_a: int32 = top - ea
    below_b: int32 = top - eb
    below_c: int32 = top - ec
    total: int64 = aligned(a[0], below_a) + aligned(b[0], below_b) + aligned(c[0], below_c)
    normalise(total, top, result)


def aligned(mantissa: int32, distance: int32) -> int32:
    """mantissa / 2**distance, truncated; 31 bits are gone after a shift by 31."""
    shift: int32 = 31 if distance > 31 else distance
    moved: int32 = mantissa >> shift
    return moved


def divide(numerator: int64, divisor: int64, bits: int32) -> int64:
    """floor(numerator * 2**(bits - 1) / divisor), a bit a cycle, for numerator < 2 * divisor."""
    rest: int64 = numerator
    quotient: int64 = 0
    for k in allo.grid(bits, pipeline=True):
        quotient = quotient << 1
        if rest >= divisor:
            rest -= divisor
            quotient += 1
        rest = rest << 1
    return quotient


def ratio_begin(numerator: int32[2], square: int32[2], exponents: int32[2], work: int64[2]):
    """What `numerator / sqrt(square)` begins with: radicand and dividend in ``work``.

    sqrt(m * 2**e) = sqrt(m * 2**30) * 2**((e - 30) / 2) for even e; a zero square counts as 2**30.
    Root and quotient follow a bit a cycle, RATIO_STEPS in all, beside other work.
    """
    odd: int32 = square[1] & 1
    wide: int64 = square[0]
    one: int64 = 1073741824
    radicand: int64 = one if square[0] == 0 else wide << odd
    work[0] = radicand << 30
    work[1] = numerator[0]
    exponents[0] = numerator[1]
    exponents[1] = (square[1] - odd - 30) >> 1


def ratio_end(quotient: int64, exponents: int32[2], bits: int32, result: int32[2]):
    """The scalar, truncated to ``bits`` bits."""
    # Both were in [2**30, 2**31): the quotient is in (2**23, 2**25).
    big: int32 = quotient >> 24
    drop: int32 = big + 24 - bits
    mantissa: int32 = quotient >> drop
    result[0] = mantissa
    result[1] = exponents[0] - exponents[1] - 24 + drop
