/* Integer primitives of the specification: tritstream/numerics/integers.py, name for name.
 *
 * Compiled with -fwrapv, and >> of a negative number is arithmetic (floor) on every compiler that the
 * package builds with, so each function has the value that NumPy gives it. */
#ifndef TRITSTREAM_INTEGERS_H
#define TRITSTREAM_INTEGERS_H

#include <math.h>
#include <stdint.h>

#define VECTOR_BITS 48
#define MANTISSA_BITS 31
#define PRODUCT_SHIFT 16
#define SIGMOID_RANGE_LOG2 4
#define CODE_MAX 127
#define GATE_MAX ((int64_t)INT32_MAX)
#define VECTOR_MAX (((int64_t)1 << (VECTOR_BITS - 1)) - 1)

/* value / 2**shift rounded to nearest, ties towards plus infinity; shift in [0, 62]. */
static inline int64_t shift_round(int64_t value, int shift) {
    return (value + (((int64_t)1 << shift) >> 1)) >> shift;
}

/* Clip to [-limit, limit]. */
static inline int64_t saturate(int64_t value, int64_t limit) {
    return value > limit ? limit : value < -limit ? -limit : value;
}

/* Bits of a non-negative integer: 0 for 0. A damaged parameter block may bring a negative one: 0. */
static inline int bit_length(int64_t value) {
    return value <= 0 ? 0 : 64 - __builtin_clzll((unsigned long long)value);
}

/* mantissa * 2**exponent; the mantissa is 0 or in [2**30, 2**31). */
typedef struct {
    int64_t mantissa, exponent;
} Scalar;

/* A non-negative value * 2**exponent as a Scalar; bits below 2**30 are dropped. */
static inline Scalar normalise(int64_t value, int64_t exponent) {
    if (value <= 0) return (Scalar){0, 0};
    int shift = bit_length(value) - MANTISSA_BITS;
    return (Scalar){shift > 0 ? value >> shift : value << -shift, exponent + shift};
}

/* The product; its mantissa is truncated. */
static inline Scalar multiply(Scalar a, Scalar b) {
    return normalise(a.mantissa * b.mantissa, a.exponent + b.exponent);
}

static inline int64_t aligned(Scalar term, int64_t top) {
    int64_t shift = top - term.exponent;
    return term.mantissa > 0 ? term.mantissa >> (shift < 62 ? shift : 62) : 0;
}

/* The sum of three, each aligned to the largest exponent of those that are not zero. */
static inline Scalar add3(Scalar a, Scalar b, Scalar c) {
    int64_t top = INT64_MIN;
    if (a.mantissa > 0) top = a.exponent;
    if (b.mantissa > 0 && b.exponent > top) top = b.exponent;
    if (c.mantissa > 0 && c.exponent > top) top = c.exponent;
    return normalise(aligned(a, top) + aligned(b, top) + aligned(c, top), top);
}

/* floor(sqrt(value)) for 0 <= value < 2**62: the double is off by one at most. */
static inline int64_t square_root(int64_t value) {
    int64_t root = (int64_t)sqrt((double)value);
    if (root * root > value) root--;
    if ((root + 1) * (root + 1) <= value) root++;
    return root;
}

#endif
