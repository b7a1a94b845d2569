/* The ternary mat-vec of one dispatch level, decoding packed trits in registers.
 *
 * A level defines, before it includes this file:
 *
 *   Bytes, Sums                vectors of bytes and of int32 sums; BYTES per vector (16, 32 or 64)
 *   load, load_part            a whole vector, or the first n bytes (n a multiple of 16) and zeros
 *   load_codes                 BYTES codes, aligned
 *   zero_sums, dot             dot(sums, weights, codes) adds products to sums
 *   reduce4                    four vectors of sums to four int32
 *   BASE3_FUNCTIONALS, base3_first, base3_functional, base3_next, base3_rows
 *   twobit_functional, twobit_rows
 *
 * A functional is what is taken from a byte and multiplied with the codes; `*_rows` makes the rows of a
 * byte out of the functionals' sums, exactly. Base 3: a byte b = ceil(256 * x / 243) gives its digits by
 *
 *   3 * b_k = 256 * digit_k + b_(k+1),   b_0 = b,   b_(k+1) = 3 * b_k mod 256
 *
 * so that a byte vector needs two 8-bit additions a digit. And because this is linear, so are the sums
 * over codes c: with S_k the sum of b_k * c,
 *
 *   sum(digit_k * c) = (3 * S_k - S_(k+1)) / 256
 *
 * without a remainder, and no digit is ever extracted: six functionals b_0 .. b_5 make five rows. The
 * largest sum is 255 * 127 * 8256 < 2**31, and the combination is made in 64 bits. */

#define BASE3_ROWS 5
#define TWO_BIT_ROWS 4
#define MAX_FUNCTIONALS 6
#define TOKENS_AT_ONCE 4
#define GROUPS_AT_ONCE 16
#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* How far ahead of its use a weight is asked for: hardware prefetchers stop at a page's end. */
#ifndef PREFETCH_AHEAD
#define PREFETCH_AHEAD 1024
#endif

ALWAYS_INLINE void group_step(Bytes weights, const int8_t *codes, int64_t stride, const int packing,
                              const int tokens, Sums sums[TOKENS_AT_ONCE][MAX_FUNCTIONALS]) {
    if (packing == BASE3) {
        Bytes b = base3_first(weights);
#pragma GCC unroll 6
        for (int k = 0; k < BASE3_FUNCTIONALS; k++) {
            Bytes f = base3_functional(b);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++) {
                sums[t][k] = dot(sums[t][k], f, load_codes(codes + t * stride));
            }
            if (k + 1 < BASE3_FUNCTIONALS) b = base3_next(b);
        }
    } else {
#pragma GCC unroll 4
        for (int k = 0; k < TWO_BIT_ROWS; k++) {
            Bytes f = twobit_functional(weights, k);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++) {
                sums[t][k] = dot(sums[t][k], f, load_codes(codes + t * stride));
            }
        }
    }
}

/* One row group against `tokens` vectors of codes; packing and tokens are constants after inlining. */
ALWAYS_INLINE void group_rows(const Matrix *m, const Codes *c, int64_t first_token, int64_t group,
                              const int packing, const int tokens, int32_t *sums, int64_t stride) {
    Sums acc[TOKENS_AT_ONCE][MAX_FUNCTIONALS];
    const int rows = packing == BASE3 ? BASE3_ROWS : TWO_BIT_ROWS;
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++) {
#pragma GCC unroll 6
        for (int k = 0; k < MAX_FUNCTIONALS; k++) acc[t][k] = zero_sums();
    }
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *weights = m->streams[port] + group * m->piece;
        const int8_t *codes = c->codes + first_token * c->stride + port * c->port_stride;
        int64_t at = 0;
        for (; at + BYTES <= m->piece; at += BYTES) {
            __builtin_prefetch(weights + at + PREFETCH_AHEAD);
            group_step(load(weights + at), codes + at, c->stride, packing, tokens, acc);
        }
        if (at < m->piece) {
            Bytes part = load_part(weights + at, (int)(m->piece - at));
            group_step(part, codes + at, c->stride, packing, tokens, acc);
        }
    }
    int64_t row = group * rows;
    int64_t count = m->rows - row < rows ? m->rows - row : rows;
    for (int t = 0; t < tokens; t++) {
        int32_t functionals[8], out[BASE3_ROWS];
        reduce4(acc[t], functionals);
        if (packing == BASE3) {
            Sums rest[4] = {acc[t][4], acc[t][5], zero_sums(), zero_sums()};
            reduce4(rest, functionals + 4);
            base3_rows(functionals, c->code_sums[first_token + t], out);
        } else {
            twobit_rows(functionals, c->code_sums[first_token + t], out);
        }
        int32_t *to = sums + (first_token + t) * stride + row;
        for (int64_t r = 0; r < count; r++) to[r] = out[r];
    }
}

ALWAYS_INLINE void groups(const Matrix *m, const Codes *c, int64_t tokens, int64_t first, int64_t last,
                          const int packing, int32_t *sums, int64_t stride) {
    /* A few groups of weights stay in the first cache while all tokens pass over them. */
    for (int64_t from = first; from < last; from += GROUPS_AT_ONCE) {
        int64_t to = from + GROUPS_AT_ONCE < last ? from + GROUPS_AT_ONCE : last;
        int64_t t = 0;
        for (; t + TOKENS_AT_ONCE <= tokens; t += TOKENS_AT_ONCE) {
            for (int64_t g = from; g < to; g++) {
                group_rows(m, c, t, g, packing, TOKENS_AT_ONCE, sums, stride);
            }
        }
        for (; t < tokens; t++) {
            for (int64_t g = from; g < to; g++) group_rows(m, c, t, g, packing, 1, sums, stride);
        }
    }
}

static void ternary_matvec(const Matrix *m, const Codes *c, int64_t tokens, int64_t first, int64_t last,
                           int32_t *sums, int64_t stride) {
    if (m->packing == BASE3) {
        groups(m, c, tokens, first, last, BASE3, sums, stride);
    } else {
        groups(m, c, tokens, first, last, TWO_BIT, sums, stride);
    }
}
