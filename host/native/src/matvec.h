/* The ternary mat-vec of one dispatch level, decoding packed trits in registers.
 *
 * A level defines, before it includes this file:
 *
 *   UNITS                      2 or 4: how many sets of sums the registers hold
 *   Bytes, Sums                vectors of bytes and of int32 sums; BYTES per vector (16, 32 or 64)
 *   load, load_part            a whole vector, or the first n bytes (n a multiple of 8) and zeros
 *   load_codes                 BYTES codes, aligned
 *   zero_sums, dot             dot(sums, weights, codes) adds products to sums
 *   reduce4                    four vectors of sums to four int32 in memory
 *   BASE3_FUNCTIONALS, base3_first, base3_functional, base3_next, base3_rows
 *   twobit_functional, twobit_rows
 *
 * A functional is what is taken from a byte and multiplied with the codes; `*_rows` makes the rows of a
 * byte out of the functionals' sums, exactly: value [r * UNITS + u] out of sums [k * UNITS + u]. Base 3: a byte b = ceil(256 * x / 243) gives its digits by
 *
 *   3 * b_k = 256 * digit_k + b_(k+1),   b_0 = b,   b_(k+1) = 3 * b_k mod 256
 *
 * so that a byte vector needs two 8-bit additions a digit. And because this is linear, so are the sums
 * over codes c: with S_k the sum of b_k * c,
 *
 *   sum(digit_k * c) = (3 * S_k - S_(k+1)) / 256
 *
 * without a remainder, and no digit is ever extracted: six functionals b_0 .. b_5 make five rows. The
 * largest sum is 255 * 127 * 8256 < 2**28, so that even 3 * S_k fits 32 bits. */

#define BASE3_ROWS 5
#define TWO_BIT_ROWS 4
#define MAX_SUMS (6 * UNITS + 3)
#define GROUPS_AT_ONCE 16
#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* How far ahead of its use a weight is asked for: hardware prefetchers stop at a page's end. */
#define PREFETCH_AHEAD 1024

/* What one pass of the inner loop works on: UNITS row groups against one token's codes, or one row group
 * against the codes of UNITS tokens, which is decoded once then. */
typedef struct {
    int64_t group[UNITS], token[UNITS];
} Units;

/* The sums of unit u and functional k are sums[k * UNITS + u]. */
ALWAYS_INLINE void add_products(Bytes weights, const int8_t *const *codes, const int first,
                                const int count, const int packing, Sums *sums) {
    Bytes b = packing == BASE3 ? base3_first(weights) : weights;
    const int functionals = packing == BASE3 ? BASE3_FUNCTIONALS : TWO_BIT_ROWS;
#pragma GCC unroll 6
    for (int k = 0; k < functionals; k++) {
        Bytes f = packing == BASE3 ? base3_functional(b) : twobit_functional(weights, k);
#pragma GCC unroll 4
        for (int u = first; u < first + count; u++) {
            sums[k * UNITS + u] = dot(sums[k * UNITS + u], f, load_codes(codes[u]));
        }
        if (packing == BASE3 && k + 1 < functionals) b = base3_next(b);
    }
}

/* What the compiler is to know when it compiles the inner loop: the packing, whether the units share
 * their weights (one group, several tokens), and whether a piece ends in a part of a vector. */
typedef struct {
    int packing, shared, tail;
} Variant;

ALWAYS_INLINE Bytes load_some(const uint8_t *weights, int64_t left, const Variant v) {
    return v.tail && left < BYTES ? load_part(weights, (int)left) : load(weights);
}

/* All rows of some units. Only the first `count` are stored: the others repeat one of them. */
ALWAYS_INLINE void unit_rows(const Matrix *m, const Codes *c, const Units *units, int count,
                             const Variant v, int32_t *out, int64_t stride) {
    const int packing = v.packing;
    const int rows = packing == BASE3 ? BASE3_ROWS : TWO_BIT_ROWS;
    const int functionals = packing == BASE3 ? BASE3_FUNCTIONALS : TWO_BIT_ROWS;
    Sums sums[MAX_SUMS];
#pragma GCC unroll 32
    for (int i = 0; i < MAX_SUMS; i++) sums[i] = zero_sums();
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *weights[UNITS];
        const int8_t *codes[UNITS];
        for (int u = 0; u < UNITS; u++) {
            weights[u] = m->streams[port] + units->group[u] * m->piece;
            codes[u] = c->codes + units->token[u] * c->stride + port * c->port_stride;
        }
        for (int64_t left = m->piece; left > 0; left -= BYTES) {
            if (v.shared) {
                add_products(load_some(weights[0], left, v), codes, 0, UNITS, packing, sums);
            } else {
#pragma GCC unroll 4
                for (int u = 0; u < UNITS; u++) {
                    __builtin_prefetch(weights[u] + PREFETCH_AHEAD);
                    add_products(load_some(weights[u], left, v), codes, u, 1, packing, sums);
                }
            }
            for (int u = 0; u < UNITS; u++) weights[u] += BYTES, codes[u] += BYTES;
        }
    }
    int32_t code_sums[UNITS], functional_sums[MAX_SUMS], values[BASE3_ROWS * UNITS] = {0};
    /* By value: an array of sums whose address is taken would live in memory, not in registers. */
#pragma GCC unroll 6
    for (int i = 0; i < functionals * UNITS; i += 4) {
        reduce4(sums[i], sums[i + 1], sums[i + 2], sums[i + 3], functional_sums + i);
    }
    for (int u = 0; u < UNITS; u++) code_sums[u] = c->code_sums[units->token[u]];
    if (packing == BASE3) {
        base3_rows(functional_sums, code_sums, values);
    } else {
        twobit_rows(functional_sums, code_sums, values);
    }
    for (int u = 0; u < count; u++) {
        int64_t row = units->group[u] * rows;
        int32_t *to = out + units->token[u] * stride + row;
        if (row + rows <= m->rows) {
            for (int r = 0; r < rows; r++) to[r] = values[r * UNITS + u];
        } else {
            for (int r = 0; r < m->rows - row; r++) to[r] = values[r * UNITS + u];
        }
    }
}

ALWAYS_INLINE void groups(const Matrix *m, const Codes *c, int64_t tokens, int64_t first, int64_t last,
                          const int packing, const int tail, int32_t *sums, int64_t stride) {
    /* A few groups of weights stay in the first cache while all tokens pass over them. */
    for (int64_t from = first; from < last; from += GROUPS_AT_ONCE) {
        int64_t to = from + GROUPS_AT_ONCE < last ? from + GROUPS_AT_ONCE : last;
        int64_t t = 0;
        Units units;
        for (; t + UNITS <= tokens; t += UNITS) {
            for (int64_t g = from; g < to; g++) {
                for (int u = 0; u < UNITS; u++) units.group[u] = g, units.token[u] = t + u;
                unit_rows(m, c, &units, UNITS, (Variant){packing, 1, tail}, sums, stride);
            }
        }
        for (; t < tokens; t++) {
            for (int64_t g = from; g < to; g += UNITS) {
                int count = to - g < UNITS ? (int)(to - g) : UNITS;
                for (int u = 0; u < UNITS; u++) {
                    units.group[u] = u < count ? g + u : g;
                    units.token[u] = t;
                }
                unit_rows(m, c, &units, count, (Variant){packing, 0, tail}, sums, stride);
            }
        }
    }
}

static void ternary_matvec(const Matrix *m, const Codes *c, int64_t tokens, int64_t first, int64_t last,
                           int32_t *sums, int64_t stride) {
    int tail = m->piece % BYTES != 0;
    if (m->packing == BASE3 && !tail) {
        groups(m, c, tokens, first, last, BASE3, 0, sums, stride);
    } else if (m->packing == BASE3) {
        groups(m, c, tokens, first, last, BASE3, 1, sums, stride);
    } else if (!tail) {
        groups(m, c, tokens, first, last, TWO_BIT, 0, sums, stride);
    } else {
        groups(m, c, tokens, first, last, TWO_BIT, 1, sums, stride);
    }
}
