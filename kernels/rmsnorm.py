"""RMS norm, the BitLinear's own norm and absmax quantisation in one.

With u = v * w1 * w2 the codes are round(127 * u / max|u|), which no rms enters; the rms enters the
one scalar with which the sums behind the codes are turned into values. So the vector is passed
twice: `measure` finds sums of squares and the largest |u|, `quantise` makes the codes, and between
them `norm_scale` is serial work on scalars.
"""

# mypy: ignore-errors
# ruff: noqa: F821 - this is Allo's language, only its syntax is Python's
import allo

from tritstream.kernels.constants import (
    BLOCK_BITS,
    CODE_BITS,
    CODE_MAX,
    COLUMN_WORDS,
    ELEMENT_BITS,
    ELEMENT_LANES,
    GAIN_BITS,
    GROUPS,
    HIDDEN,
    MANTISSA_BITS,
    NORMAL_BITS,
    SCALE_BITS,
    SQUARE_BITS,
    TOKENS,
    VECTOR_BITS,
    VECTOR_WORDS,
)
from tritstream.kernels.scalars import (
    add3,
    bit_length,
    divide,
    multiply,
    normalise,
    ratio_begin,
    ratio_end,
)
from tritstream.kernels.schedules import partition
from tritstream.kernels.types import (
    Block,
    ElementWord,
    Gain,
    Magnitude,
    Normal,
    Rest,
    Square,
    Vector,
    int8,
    int32,
    int64,
)

NORMAL_CUT = VECTOR_BITS - NORMAL_BITS
TOP_CUT = NORMAL_BITS - SQUARE_BITS
BLOCK_SHIFT = NORMAL_BITS + BLOCK_BITS - SQUARE_BITS - 1
BLOCK_HALF = 1 << (BLOCK_SHIFT - 1)
GAIN_SHIFT = NORMAL_BITS + GAIN_BITS - 1 - MANTISSA_BITS
CODE_CUT = MANTISSA_BITS - CODE_BITS
CODE_SHIFT = 2 * CODE_BITS - 8
CODE_ROUND_SHIFT = CODE_SHIFT - 1
RECIPROCAL_BITS = CODE_BITS + 1
RECIPROCAL_START = CODE_MAX << (CODE_BITS - 8)
WORDS = HIDDEN // ELEMENT_LANES
ROOT_STEPS = 31
RATIO_STEPS = ROOT_STEPS + 26
"""A step for each bit of the root, one between, and one for each of the 25 of the quotient."""
VALUES = TOKENS * VECTOR_WORDS
"""Words of TOKENS vectors, which lie word by word beside each other."""


def measure(
    values: Vector[VALUES, ELEMENT_LANES],
    place: int32,
    i: int32,
    parameters: ElementWord,
    left: int32,
    scaled: int32[VECTOR_WORDS, ELEMENT_LANES],
    squares: int64[2],
    absmax: int32[1],
):
    """A word of the first pass: scaled = v * gain; sums of (v * block)**2, of v**2; max|scaled|.

    It stands at ``place`` among the values and is the ``i``-th of its vector.
    """
    rest: ElementWord = parameters
    weighted_sum: int64 = 0
    plain_sum: int64 = 0
    largest: int32 = 0
    for e in range(ELEMENT_LANES):
        element: int64 = rest
        rest = rest >> ELEMENT_BITS
        gain: Gain = element
        block: Block = element >> GAIN_BITS
        shifted: Vector = values[place, e] << left
        normal: Normal = shifted >> NORMAL_CUT
        top: Square = normal >> TOP_CUT
        plain_sum += top * top
        weighted: Square = (normal * block + BLOCK_HALF) >> BLOCK_SHIFT
        weighted_sum += weighted * weighted
        u: int32 = (normal * gain) >> GAIN_SHIFT
        scaled[i, e] = u
        size: int32 = -u if u < 0 else u
        largest = size if size > largest else largest
    squares[0] += weighted_sum
    squares[1] += plain_sum
    absmax[0] = largest if largest > absmax[0] else absmax[0]


def norm_scale(
    header: int32[8],
    lost: int32,
    squares: int64[2],
    absmax: int32[1],
    plain: int32[2],
    exponents: int32[2],
    work: int64[2],
):
    """max|u| / 127 / sqrt(ms(v * w1) + eps2 * (ms(v0) + eps1)) times the weight scale, begun."""
    factor: int32[2]
    eps_square: int32[2]
    eps: int32[2]
    mean: int32[2]
    product: int32[2]
    total: int32[2]
    factor[0] = header[0]
    factor[1] = header[1]
    eps_square[0] = header[3]
    eps_square[1] = header[4]
    eps[0] = header[5]
    eps[1] = header[6]
    exponent: int32 = header[2] + (lost << 1)
    normalise(squares[0], exponent, mean)
    multiply(eps_square, plain, product)
    add3(mean, product, eps, total)
    largest: int64 = absmax[0]
    normalise(largest, lost, mean)
    multiply(mean, factor, product)
    ratio_begin(product, total, exponents, work)


def quantise(
    scaled: int32[VECTOR_WORDS, ELEMENT_LANES],
    i: int32,
    left: int32,
    reciprocal: Magnitude,
    codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES],
    column: int32,
    token: int32,
    group: int32,
):
    """One word of the second pass: round(127 * u / max|u|), ties upwards."""
    half: int64 = 1
    half = half << CODE_ROUND_SHIFT
    for e in range(ELEMENT_LANES):
        u: int32 = scaled[i, e] << left
        cut: Magnitude = u >> CODE_CUT
        codes[column, token, group, e] = (cut * reciprocal + half) >> CODE_SHIFT


def code_shift(absmax: int32) -> int32:
    """The shift that lets the largest |u| fill 31 bits."""
    wide: int64 = absmax
    left: int32 = MANTISSA_BITS - bit_length(wide)
    return left


def code_reciprocal(absmax: int32, left: int32) -> Magnitude:
    """floor(127 * 2**CODE_SHIFT / a) of the largest |u|, shifted and cut to CODE_BITS."""
    largest: int64 = (absmax << left) >> CODE_CUT
    start: int64 = RECIPROCAL_START
    reciprocal: Magnitude = divide(start, largest, RECIPROCAL_BITS)
    return reciprocal


def codes_and_scale(
    scaled: int32[VECTOR_WORDS, ELEMENT_LANES],
    words: int32,
    token: int32,
    absmax: int32[1],
    work: int64[2],
    exponents: int32[2],
    codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES],
    scale: int32[2],
):
    """The second pass over a vector of ``words`` words, and its scale from `ratio_begin`'s work.

    No code needs the scale: root and quotient come beside, a bit a cycle.
    """
    left: int32 = code_shift(absmax[0])
    reciprocal: Magnitude = code_reciprocal(absmax[0], left)
    column: int32 = 0
    group: int32 = 0
    radicand: int64 = work[0]
    dividend: Rest = work[1]
    root: int64 = 0
    quotient: int64 = 0
    divisor: Rest = 0
    dividing: int32 = 0
    root_bit: int64 = 1
    root_bit = root_bit << 60
    steps: int32 = words if words > RATIO_STEPS else RATIO_STEPS
    for n in allo.grid(steps, pipeline=True):
        step: int32 = n
        if step < words:
            quantise(scaled, step, left, reciprocal, codes, column, token, group)
            group += 1
            if group == GROUPS:
                group = 0
                column += 1
        if step == ROOT_STEPS:
            divisor = root
        less: Rest = dividend - divisor
        if dividing > 0:
            quotient = quotient << 1
            if less >= 0:
                dividend = less
                quotient += 1
            dividend = dividend << 1
        # Behind its last bit the root goes on to something of no meaning.
        trial: int64 = root + root_bit
        root = root >> 1
        if radicand >= trial:
            radicand -= trial
            root += root_bit
        root_bit = root_bit >> 2
        dividing = 0
        if step >= ROOT_STEPS:  # noqa: SIM102
            if step < RATIO_STEPS - 1:
                dividing = 1
    ratio_end(quotient, exponents, SCALE_BITS, scale)


def gate_squares(total: int64, scale: int32[2], result: int32[2]):
    """The plain sum of squares of g, from the exact sum of squares of its sums and their scale."""
    unit: int32[2]
    unit_square: int32[2]
    sum_squares: int32[2]
    mantissa: int64 = scale[0]
    normalise(mantissa, scale[1], unit)
    multiply(unit, unit, unit_square)
    normalise(total, 0, sum_squares)
    multiply(sum_squares, unit_square, result)


def rmsnorm(
    values: Vector[VALUES, ELEMENT_LANES],
    parameters: ElementWord[VECTOR_WORDS],
    header: int32[8],
    plain_in: int32[4],
    codes: int8[COLUMN_WORDS, TOKENS, GROUPS, ELEMENT_LANES],
    scale: int32[2],
):
    """Codes and scale of a vector of HIDDEN elements.

    ``plain_in`` is [use, mantissa, exponent, 0]: where use is not zero, the sum of squares of v0 is
    given (the gate norm's, or zero), else the vector's own. It is the first of TOKENS vectors.
    """
    scaled: int32[VECTOR_WORDS, ELEMENT_LANES]
    squares: int64[2]
    absmax: int32[1]
    plain: int32[2]
    exponents: int32[2]
    work: int64[2]
    ones: Vector = 0
    for i in allo.grid(WORDS, pipeline=True):
        for e in range(ELEMENT_LANES):
            ones = ones | (values[TOKENS * i, e] ^ (values[TOKENS * i, e] >> 47))
    magnitude: int64 = ones
    length: int32 = bit_length(magnitude)
    left: int32 = 47 - length
    squares[0] = 0
    squares[1] = 0
    absmax[0] = 1
    for j in allo.grid(WORDS, pipeline=True):
        at: int32 = j
        place: int32 = TOKENS * at
        measure(values, place, at, parameters[j], left, scaled, squares, absmax)
    lost: int32 = length + 1
    plain_exponent: int32 = (lost - SQUARE_BITS) << 1
    normalise(squares[1], plain_exponent, plain)
    if plain_in[0] != 0:
        plain[0] = plain_in[1]
        plain[1] = plain_in[2]
    norm_scale(header, lost, squares, absmax, plain, exponents, work)
    words: int32 = WORDS
    first: int32 = 0
    codes_and_scale(scaled, words, first, absmax, work, exponents, codes, scale)


INLINE = ("measure", "quantise")
PARTITIONS = {
    name: tuple((array, 0) for array in arrays)
    for name, arrays in {
        "norm_scale": ("factor", "eps_square", "eps", "mean", "product", "total"),
        "gate_squares": ("unit", "unit_square", "sum_squares"),
    }.items()
}


def schedule():
    """A word of ELEMENT_LANES elements a cycle in both passes: a bank per lane."""
    s = allo.customize(rmsnorm)
    lanes = (("values", 2), ("scaled", 2), ("codes", 2), ("codes", 3), ("codes", 4))
    names = ("header", "squares", "plain", "scale", "exponents", "work")
    scalars = tuple((name, 0) for name in names)
    partition(s, {"norm_scale": PARTITIONS["norm_scale"], "rmsnorm": lanes + scalars})
    return s
