/* The specification's operations: tritstream/spec/operations.py, name for name.
 *
 * Included once per dispatch level, after the level has set its instruction set: the loops are plain,
 * free of branches and written so that a compiler vectorises them for that level. Products are spelt
 * as int32 * int32 -> int64 wherever the formats allow, because that is one instruction on most CPUs. */

static inline int64_t wide(int32_t a, int32_t b) { return (int64_t)a * b; }

/* value >> shift where that fits 32 bits. Many processors shift vectors of 64 bits logically only, and up
 * to 32 places the low half of the result is the same; `narrow_more` is for 32 places and more. */
static inline int32_t narrow(int64_t value, int shift) { return (int32_t)((uint64_t)value >> shift); }
static inline int32_t narrow_more(int64_t value, int shift) {
    return (int32_t)((uint64_t)value >> 32) >> (shift - 32);
}
static inline int64_t half(int shift) { return (int64_t)(1ull << shift >> 1); }

/* Bit length of the longest element, as one's complement. */
static int magnitude_length(const int64_t *vector, int64_t n) {
    uint64_t ones = 0;
    for (int64_t i = 0; i < n; i++) ones |= (uint64_t)(vector[i] ^ (vector[i] >> 63));
    return bit_length((int64_t)(ones & INT64_MAX));
}

/* vector * 2**(bits - 1 - length), floored: the longest element fills `bits` signed bits. */
static inline int32_t normalised(int64_t value, int left, int bits) {
    return narrow(value << left, VECTOR_BITS - bits);
}

static Scalar sum_of_squares(const int64_t *vector, int64_t n, const Profile *profile) {
    int length = magnitude_length(vector, n), bits = profile->square_bits;
    int left = VECTOR_BITS - 1 - length;
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t top = normalised(vector[i], left, bits);
        sum += wide(top, top);
    }
    return normalise(sum, 2 * (length + 1 - bits));
}

/* numerator / sqrt(square); the mantissa has `bits` bits, truncated. */
static Scalar over_root(Scalar numerator, Scalar square, int bits) {
    int odd = (int)(square.exponent & 1);
    int64_t widened = (square.mantissa > 0 ? square.mantissa << odd : (int64_t)1 << 30)
                      << (MANTISSA_BITS - 1);
    int64_t root = square_root(widened);
    int64_t root_exponent = (square.exponent - odd - (MANTISSA_BITS - 1)) / 2;
    int64_t quotient = (numerator.mantissa << 24) / root;
    int drop = (int)(quotient >> 24) + 24 - bits;
    return (Scalar){quotient >> drop, numerator.exponent - root_exponent - 24 + drop};
}

/* How a norm shifts, all from the profile and the vector's bit length. */
typedef struct {
    int left, cut, no_gain, no_block, gain_shift, square_shift, element_bits;
} NormShifts;

/* A level may name a file with loops of its own for the two functions below: they return how many
 * elements they have done. */
#ifdef NORM_LOOPS
#include NORM_LOOPS
#endif

/* What element i of a norm brings: gain in the low bits, the block weight above, both signed. */
#define UNPACK_ELEMENTS(type)                                                                    \
    for (; i < n; i++) {                                                                         \
        type word = ((const type *)elements)[i];                                                 \
        int32_t gain = (int32_t)((uint32_t)word << s.no_gain) >> s.no_gain;                      \
        int32_t block = (int32_t)((uint32_t)(word >> (32 - s.no_gain)) << s.no_block) >> s.no_block; \
        int32_t z = narrow(x[i] << s.left, s.cut);                                               \
        int32_t p = narrow(wide(z, block) + rounding, s.square_shift);                           \
        int32_t v = narrow(wide(z, gain), s.gain_shift);                                         \
        sum += wide(p, p);                                                                       \
        int32_t size = v < 0 ? -v : v;                                                           \
        most = size > most ? size : most;                                                        \
        u[i] = v;                                                                                \
    }

/* u = x * gain, the sum of the squares of x * block, and the largest |u|. */
static void norm_elements(const int64_t *x, const void *elements, int64_t n, NormShifts s, int32_t *u,
                          int64_t *squares, int32_t *absmax) {
    int64_t i = 0, sum = 0, rounding = half(s.square_shift);
    int32_t most = 1;
#ifdef NORM_LOOPS
    i = norm_vectors(x, elements, n, s, u, &sum, &most);
#endif
    if (s.element_bits == 64) {
        UNPACK_ELEMENTS(uint64_t)
    } else {
        UNPACK_ELEMENTS(uint32_t)
    }
    *squares = sum, *absmax = most;
}

/* round(127 * u / absmax), ties towards plus infinity; one reciprocal a vector. Returns their sum. */
static int32_t absmax_codes(const int32_t *u, int64_t n, int64_t absmax, const Profile *profile,
                            int8_t *codes) {
    int left = MANTISSA_BITS - bit_length(absmax), cut = MANTISSA_BITS - profile->code_bits;
    int shift = 2 * profile->code_bits - 8;
    int32_t reciprocal = (int32_t)(((int64_t)CODE_MAX << shift) / ((absmax << left) >> cut));
    int64_t i = 0, rounding = half(shift);
    int32_t sum = 0;
#ifdef NORM_LOOPS
    i = code_vectors(u, n, left, cut, reciprocal, shift, codes, &sum);
#endif
    for (; i < n; i++) {
        /* |u| <= absmax, so that u << left stays within 32 bits. */
        int32_t top = (int32_t)((uint32_t)u[i] << left) >> cut;
        int32_t code = narrow_more(wide(top, reciprocal) + rounding, shift);
        codes[i] = (int8_t)code;
        sum += code;
    }
    return sum;
}

static void norm_codes(const int64_t *vector, const Matrix *m, Scalar plain, const Profile *profile,
                       int32_t *scratch, Codes *out, int64_t t) {
    const NormParameters *norm = &m->norm;
    int64_t n = m->cols, squares;
    int32_t absmax;
    int bits = profile->vector_bits, length = magnitude_length(vector, n), lost = length + 1;
    NormShifts shifts = {
        .left = VECTOR_BITS - 1 - length,
        .cut = VECTOR_BITS - bits,
        .no_gain = 32 - profile->gain_bits,
        .no_block = 32 - profile->block_bits,
        .gain_shift = bits + profile->gain_bits - 1 - MANTISSA_BITS,
        .square_shift = bits + profile->block_bits - profile->square_bits - 1,
        .element_bits = profile->element_bits,
    };
    norm_elements(vector, norm->elements, n, shifts, scratch, &squares, &absmax);
    Scalar mean_square = add3(normalise(squares, norm->square_exponent + 2 * lost),
                              multiply(norm->eps_square, plain), norm->eps);
    int8_t *codes = out->codes + t * out->stride;
    out->code_sums[t] = absmax_codes(scratch, n, absmax, profile, codes);
    memset(codes + n, 0, (size_t)(out->stride - n));
    out->scales[t] = over_root(multiply(normalise(absmax, lost), norm->scale), mean_square,
                               profile->scale_bits);
}

/* The rounding shift of a scale: its exponent holds the format. */
static inline int scale_shift(Scalar scale) {
    return scale.exponent > 0 ? 0 : scale.exponent < -62 ? 62 : (int)-scale.exponent;
}

/* The largest magnitude, as a sum of code products has it: never -2**31. */
static inline int32_t largest(const int32_t *sums, int64_t n) {
    int32_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t size = sums[i] < 0 ? -sums[i] : sums[i];
        most = size > most ? size : most;
    }
    return most;
}

static int64_t dequantise(const int32_t *sums, Scalar scale, int32_t *out, int64_t n) {
    int32_t mantissa = (int32_t)scale.mantissa;
    int shift = scale_shift(scale);
    int64_t rounding = half(shift), saturated = 0;
    int fits = shift_round(wide(largest(sums, n), mantissa), shift) < GATE_MAX;
    if (fits && shift <= 32) {
        for (int64_t i = 0; i < n; i++) out[i] = narrow(wide(sums[i], mantissa) + rounding, shift);
    } else if (fits) {
        for (int64_t i = 0; i < n; i++) out[i] = narrow_more(wide(sums[i], mantissa) + rounding, shift);
    } else {
        for (int64_t i = 0; i < n; i++) {
            int64_t value = saturate(shift_round(wide(sums[i], mantissa), shift), GATE_MAX);
            saturated += (value == GATE_MAX) | (value == -GATE_MAX);
            out[i] = (int32_t)value;
        }
    }
    return saturated;
}

static int64_t add_projected(int64_t *x, const int32_t *sums, Scalar scale, int64_t n) {
    int32_t mantissa = (int32_t)scale.mantissa;
    int shift = scale_shift(scale);
    int64_t saturated = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t delta = saturate(shift_round(wide(sums[i], mantissa), shift), VECTOR_MAX);
        int64_t value = saturate(x[i] + delta, VECTOR_MAX);
        saturated += (value == VECTOR_MAX) | (value == -VECTOR_MAX);
        x[i] = value;
    }
    return saturated;
}

/* The sigmoid's table and constants: tritstream/numerics/sigmoid.py. */
typedef struct {
    const int32_t *table;
    int frac, shift;
    int32_t limit, one;
} Sigmoid;

static inline Sigmoid sigmoid_of(const Profile *p) {
    int64_t limit = ((int64_t)1 << (p->gate_frac + SIGMOID_RANGE_LOG2)) - 1;
    return (Sigmoid){p->sigmoid, p->gate_frac - p->sigmoid_cells_log2, p->sigmoid_frac, (int32_t)limit,
                     1 << p->sigmoid_frac};
}

/* The coefficients of some cells, which lie side by side: a processor's gathering of single words takes
 * longer than this. A level may define LOOK_UP and look_up_vector: that many cells at once. */
static inline void look_up(const int32_t *table, const int32_t *cell, int32_t *a, int32_t *b, int32_t *c,
                           int64_t n) {
    int64_t i = 0;
#ifdef LOOK_UP
    for (; i + LOOK_UP <= n; i += LOOK_UP) look_up_vector(table, cell + i, a + i, b + i, c + i);
#endif
    for (; i < n; i++) {
        const int32_t *of = table + SIGMOID_WORDS * cell[i];
        a[i] = of[0], b[i] = of[1], c[i] = of[2];
    }
}

#define BLOCK 128

/* sigma(x) in Q1.sigmoid_frac of up to BLOCK elements. Gate values are saturated: -2**31 does not occur.
 * Only the look-ups keep a compiler from using vectors, so they have a loop of their own. */
static inline void sigmoid(const int32_t *x, int32_t *out, int64_t n, int sign, Sigmoid s) {
    int32_t cell[BLOCK], d[BLOCK], a[BLOCK], b[BLOCK], c[BLOCK];
    for (int64_t i = 0; i < n; i++) {
        int32_t magnitude = x[i] < 0 ? -x[i] : x[i];
        int32_t t = magnitude < s.limit ? magnitude : s.limit;
        cell[i] = t >> s.frac;
        d[i] = t & ((1 << s.frac) - 1);
    }
    look_up(s.table, cell, a, b, c, n);
    int64_t rounding = half(s.frac);
    for (int64_t i = 0; i < n; i++) {
        int32_t bent = narrow(wide(c[i], d[i]), s.frac);
        int32_t small = a[i] - narrow(wide(b[i] - bent, d[i]) + rounding, s.frac);
        out[i] = sign * x[i] < 0 ? small : s.one - small;
    }
}

static void silu(const int32_t *x, int32_t *out, int64_t n, const Profile *profile) {
    Sigmoid s = sigmoid_of(profile);
    int64_t rounding = half(s.shift);
    int32_t sigma[BLOCK];
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t count = n - at < BLOCK ? n - at : BLOCK;
        sigmoid(x + at, sigma, count, 1, s);
        for (int64_t i = 0; i < count; i++) {
            out[at + i] = narrow(wide(x[at + i], sigma[i]) + rounding, s.shift);
        }
    }
}

static void forget(const int32_t *pre, const int32_t *room, int32_t *out, int64_t n,
                   const Profile *profile) {
    Sigmoid s = sigmoid_of(profile);
    int64_t rounding = half(s.shift);
    int32_t sigma[BLOCK];
    for (int64_t at = 0; at < n; at += BLOCK) {
        int64_t count = n - at < BLOCK ? n - at : BLOCK;
        sigmoid(pre + at, sigma, count, -1, s);
        for (int64_t i = 0; i < count; i++) {
            out[at + i] = narrow(wide(sigma[i], room[at + i]) + rounding, s.shift);
        }
    }
}

static void state_update(int32_t *state, const int32_t *candidate, const int32_t *fresh, int64_t n,
                         const Profile *profile) {
    int shift = profile->sigmoid_frac;
    int64_t rounding = half(shift);
    int32_t one = 1 << shift;
    for (int64_t i = 0; i < n; i++) {
        int64_t mixed = wide(state[i], one - fresh[i]) + wide(candidate[i], fresh[i]);
        state[i] = narrow(mixed + rounding, shift);
    }
}

static void gated_product(const int32_t *a, const int32_t *b, int64_t *out, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = shift_round(wide(a[i], b[i]), PRODUCT_SHIFT);
}

static int64_t sum_of_sum_squares(const int32_t *sums, int64_t n) {
    int64_t total = 0;
    for (int64_t i = 0; i < n; i++) total += wide(sums[i], sums[i]);
    return total;
}

/* Four streams at once, asked for ahead, as the mat-vec reads: the most that loads alone can reach. */
static uint64_t read_all(const uint64_t *words, int64_t n) {
    int64_t quarter = n / 32 * 8;
    uint64_t sum[8] = {0};
    for (int64_t i = 0; i < quarter; i += 8) {
        for (int stream = 0; stream < 4; stream++) {
            const uint64_t *at = words + stream * quarter + i;
            __builtin_prefetch(at + 128);
            for (int j = 0; j < 8; j++) sum[j] += at[j];
        }
    }
    for (int64_t i = 4 * quarter; i < n; i++) sum[0] += words[i];
    return sum[0] + sum[1] + sum[2] + sum[3] + sum[4] + sum[5] + sum[6] + sum[7];
}
