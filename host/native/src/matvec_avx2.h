/* The ternary mat-vec of AVX2, whose byte products come in pairs of 16 bits.
 *
 * Sums stay in 16 bits as long as that is exact, and are widened then: an addition instead of a widening
 * and an addition a product. A step multiplies two digits, none above `most`, with codes of at most 127,
 * so that `n` steps are exact while 2 * 127 * most * n <= 32767, partial sums included; nothing saturates
 * and nothing wraps.
 *
 * One token: a row group at a time, decoded in registers. Several: a few groups are unpacked to bytes that
 * stay in the first cache, and rows are multiplied with pairs of tokens; weights are decoded once a pass.
 * Both read the weights as they lie, and a code is at the same place in its vector as its weight. */

#define BASE3_ROWS 5
#define TWO_BIT_ROWS 4
#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* A function of its own: inlined into one, all kernels together run out of registers. */
#define OWN static __attribute__((noinline)) void
#define PREFETCH_AHEAD 2048
#define DIGIT_STEPS 64     /* 2 * 127 * 2 * 64 = 32512 */
#define IN_PLACE_STEPS 16  /* 2 * 127 * 8 * 16: pairs of bits left at bit 2 */
#define TILE_BYTES 16384    /* what a tile is to fill, of a first cache that holds codes as well */
#define LONGEST_TILE 49152  /* what one group of the widest geometry may fill */
#define TILE_TOKENS 2

typedef __m256i Vector;

/* Hides a constant: some compilers turn x > c into min(x, c + 1) == c + 1, which is slower. */
ALWAYS_INLINE Vector constant(int value) {
    Vector v = _mm256_set1_epi8((char)value);
    __asm__("" : "+x"(v));
    return v;
}
ALWAYS_INLINE Vector widened(Vector sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }
ALWAYS_INLINE Vector multiply_add(Vector sums, Vector digits, Vector codes) {
    return _mm256_add_epi16(sums, _mm256_maddubs_epi16(digits, codes));
}
/* What a piece ends in may be a part of a vector; the rest of it meets codes that are zero. */
ALWAYS_INLINE Vector load_left(const uint8_t *p, int64_t left) {
    return left < BYTES ? load_part(p, (int)left) : load(p);
}

/* Base 3. AVX2 compares signed bytes only. s = b ^ 0x80 is b - 128 as a signed byte, and the chain is the
 * same: 3 * (b - 128) = (3 * b mod 256) - 128 mod 256. The digit of b is (b >= 86) + (b >= 171), and a
 * comparison that holds is -1. */
ALWAYS_INLINE Vector base3_start(Vector weights) {
    return _mm256_xor_si256(weights, _mm256_set1_epi8((char)0x80));
}
ALWAYS_INLINE Vector base3_digit(Vector s, Vector one, Vector two) {
    Vector first = _mm256_sub_epi8(_mm256_setzero_si256(), _mm256_cmpgt_epi8(s, one));
    return _mm256_sub_epi8(first, _mm256_cmpgt_epi8(s, two));
}
ALWAYS_INLINE Vector base3_following(Vector s) { return _mm256_add_epi8(_mm256_add_epi8(s, s), s); }

/* 2 bit. w ^ 0x55 turns a two's complement pair of bits into 1 - trit, a digit of 0 to 2. */
ALWAYS_INLINE Vector two_bit_start(Vector weights) {
    return _mm256_xor_si256(weights, _mm256_set1_epi8(0x55));
}

ALWAYS_INLINE void store_rows(const Matrix *m, int64_t group, const int rows, const int32_t *values,
                              int32_t *to) {
    int64_t first = group * rows, count = m->rows - first < rows ? m->rows - first : rows;
    if (count == rows) {
        for (int r = 0; r < rows; r++) to[first + r] = values[r];
    } else {
        for (int64_t r = 0; r < count; r++) to[first + r] = values[r];
    }
}

ALWAYS_INLINE void base3_step(Vector weights, Vector codes, Vector one, Vector two, Vector *sums) {
    Vector s = base3_start(weights);
#pragma GCC unroll 5
    for (int k = 0; k < BASE3_ROWS; k++) {
        sums[k] = multiply_add(sums[k], base3_digit(s, one, two), codes);
        if (k + 1 < BASE3_ROWS) s = base3_following(s);
    }
}

/* Rows 1 and 3 come out four times too large: their digits stay at bit 2. */
ALWAYS_INLINE void two_bit_step(Vector weights, Vector codes, Vector low, Vector high, Vector *sums) {
    Vector w = two_bit_start(weights), above = _mm256_srli_epi16(w, 4);
    sums[0] = multiply_add(sums[0], _mm256_and_si256(w, low), codes);
    sums[1] = multiply_add(sums[1], _mm256_and_si256(w, high), codes);
    sums[2] = multiply_add(sums[2], _mm256_and_si256(above, low), codes);
    sums[3] = multiply_add(sums[3], _mm256_and_si256(above, high), codes);
}

OWN base3_group(const Matrix *m, const int8_t *codes, int64_t port_codes, int32_t code_sum, int64_t group,
                int32_t *out) {
    const Vector one = constant(85 - 128), two = constant(170 - 128);
    Vector wide[BASE3_ROWS] = {{0}}, sums[BASE3_ROWS] = {{0}};
    int room = DIGIT_STEPS;
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *weights = m->streams[port] + group * m->piece;
        const int8_t *c = codes + port * port_codes;
        for (int64_t left = m->piece; left > 0;) {
            if (!room) {
#pragma GCC unroll 5
                for (int k = 0; k < BASE3_ROWS; k++) {
                    wide[k] = _mm256_add_epi32(wide[k], widened(sums[k]));
                    sums[k] = _mm256_setzero_si256();
                }
                room = DIGIT_STEPS;
            }
            int64_t steps = (left + BYTES - 1) / BYTES;
            if (steps > room) steps = room;
            room -= (int)steps;
            for (; steps && left >= BYTES; steps--, left -= BYTES, weights += BYTES, c += BYTES) {
                __builtin_prefetch(weights + PREFETCH_AHEAD);
                base3_step(load(weights), load_codes(c), one, two, sums);
            }
            if (steps) {
                base3_step(load_left(weights, left), load_codes(c), one, two, sums);
                left = 0;
            }
        }
    }
    int32_t values[8];
#pragma GCC unroll 5
    for (int k = 0; k < BASE3_ROWS; k++) wide[k] = _mm256_add_epi32(wide[k], widened(sums[k]));
    reduce4(wide[0], wide[1], wide[2], wide[3], values);
    reduce4(wide[4], wide[4], wide[4], wide[4], values + 4);
    for (int k = 0; k < BASE3_ROWS; k++) values[k] -= code_sum; /* trit = digit - 1 */
    store_rows(m, group, BASE3_ROWS, values, out);
}

OWN two_bit_group(const Matrix *m, const int8_t *codes, int64_t port_codes, int32_t code_sum,
                  int64_t group, int32_t *out) {
    const Vector low = constant(3), high = constant(12);
    Vector wide[TWO_BIT_ROWS] = {{0}}, sums[TWO_BIT_ROWS] = {{0}};
    int room = IN_PLACE_STEPS;
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *weights = m->streams[port] + group * m->piece;
        const int8_t *c = codes + port * port_codes;
        for (int64_t left = m->piece; left > 0;) {
            if (!room) {
#pragma GCC unroll 4
                for (int k = 0; k < TWO_BIT_ROWS; k++) {
                    wide[k] = _mm256_add_epi32(wide[k], widened(sums[k]));
                    sums[k] = _mm256_setzero_si256();
                }
                room = IN_PLACE_STEPS;
            }
            int64_t steps = (left + BYTES - 1) / BYTES;
            if (steps > room) steps = room;
            room -= (int)steps;
            for (; steps >= 2 && left >= 2 * BYTES; steps -= 2, left -= 2 * BYTES) {
                __builtin_prefetch(weights + PREFETCH_AHEAD);
                two_bit_step(load(weights), load_codes(c), low, high, sums);
                two_bit_step(load(weights + BYTES), load_codes(c + BYTES), low, high, sums);
                weights += 2 * BYTES, c += 2 * BYTES;
            }
            for (; steps; steps--, left -= BYTES, weights += BYTES, c += BYTES) {
                two_bit_step(load_left(weights, left), load_codes(c), low, high, sums);
            }
        }
    }
    int32_t values[TWO_BIT_ROWS];
#pragma GCC unroll 4
    for (int k = 0; k < TWO_BIT_ROWS; k++) wide[k] = _mm256_add_epi32(wide[k], widened(sums[k]));
    reduce4(wide[0], wide[1], wide[2], wide[3], values);
    for (int k = 0; k < TWO_BIT_ROWS; k++) values[k] = code_sum - (values[k] >> (2 * (k & 1)));
    store_rows(m, group, TWO_BIT_ROWS, values, out);
}

/* A group's digits as bytes, row by row, `length` bytes each, in the order of the codes. */
OWN unpack_group(const Matrix *m, int64_t group, int64_t port_codes, int64_t length, uint8_t *tile) {
    const Vector one = constant(85 - 128), two = constant(170 - 128), low = constant(3);
    for (int port = 0; port < m->ports; port++) {
        const uint8_t *weights = m->streams[port] + group * m->piece;
        uint8_t *to = tile + port * port_codes;
        for (int64_t at = 0; at < port_codes; at += BYTES) {
            Vector w = at < m->piece ? load_left(weights + at, m->piece - at) : _mm256_setzero_si256();
            if (m->packing == BASE3) {
                Vector s = base3_start(w);
                for (int k = 0; k < BASE3_ROWS; k++, s = base3_following(s)) {
                    _mm256_store_si256((Vector *)(to + k * length + at), base3_digit(s, one, two));
                }
            } else {
                Vector s = two_bit_start(w);
                for (int k = 0; k < TWO_BIT_ROWS; k++) {
                    Vector digit = _mm256_and_si256(_mm256_srli_epi16(s, 2 * k), low);
                    _mm256_store_si256((Vector *)(to + k * length + at), digit);
                }
            }
        }
    }
}

/* rows x TILE_TOKENS sums of digit * code over `length` bytes: values[row * TILE_TOKENS + token]. */
ALWAYS_INLINE void tile_sums(const uint8_t *tile, const int8_t *const *codes, int64_t length, const int rows,
                             int32_t *values) {
    Vector wide[BASE3_ROWS * TILE_TOKENS + 2] = {{0}};
    for (int64_t at = 0; at < length;) {
        int64_t end = length - at > DIGIT_STEPS * BYTES ? at + DIGIT_STEPS * BYTES : length;
        Vector sums[BASE3_ROWS * TILE_TOKENS] = {{0}};
        for (; at < end; at += BYTES) {
            Vector x[TILE_TOKENS];
#pragma GCC unroll 2
            for (int t = 0; t < TILE_TOKENS; t++) x[t] = load_codes(codes[t] + at);
#pragma GCC unroll 5
            for (int r = 0; r < rows; r++) {
                Vector digits = _mm256_load_si256((const Vector *)(tile + r * length + at));
#pragma GCC unroll 2
                for (int t = 0; t < TILE_TOKENS; t++) {
                    int i = r * TILE_TOKENS + t;
                    sums[i] = multiply_add(sums[i], digits, x[t]);
                }
            }
        }
#pragma GCC unroll 10
        for (int i = 0; i < rows * TILE_TOKENS; i++) wide[i] = _mm256_add_epi32(wide[i], widened(sums[i]));
    }
#pragma GCC unroll 3
    for (int i = 0; i < rows * TILE_TOKENS; i += 4) {
        reduce4(wide[i], wide[i + 1], wide[i + 2], wide[i + 3], values + i);
    }
}
OWN base3_tile(const uint8_t *tile, const int8_t *const *codes, int64_t length, int32_t *values) {
    tile_sums(tile, codes, length, BASE3_ROWS, values);
}
OWN two_bit_tile(const uint8_t *tile, const int8_t *const *codes, int64_t length, int32_t *values) {
    tile_sums(tile, codes, length, TWO_BIT_ROWS, values);
}

static void group_rows(const Matrix *m, const Codes *c, int64_t group, int64_t t, int32_t *sums,
                       int64_t stride) {
    const int8_t *codes = c->codes + t * c->stride;
    if (m->packing == BASE3) {
        base3_group(m, codes, c->port_stride, c->code_sums[t], group, sums + t * stride);
    } else {
        two_bit_group(m, codes, c->port_stride, c->code_sums[t], group, sums + t * stride);
    }
}

static void ternary_matvec(const Matrix *m, const Codes *c, int64_t tokens, int64_t first, int64_t last,
                           int32_t *sums, int64_t stride) {
    int rows = m->packing == BASE3 ? BASE3_ROWS : TWO_BIT_ROWS;
    int64_t length = m->ports * c->port_stride, bytes = rows * length;
    int64_t at_once = bytes > TILE_BYTES ? 1 : TILE_BYTES / bytes;
    if (tokens < TILE_TOKENS || bytes > LONGEST_TILE) {
        for (int64_t t = 0; t < tokens; t++) {
            for (int64_t g = first; g < last; g++) group_rows(m, c, g, t, sums, stride);
        }
        return;
    }
    _Alignas(64) uint8_t tile[LONGEST_TILE];
    for (int64_t from = first; from < last; from += at_once) {
        int64_t to = from + at_once < last ? from + at_once : last;
        for (int64_t g = from; g < to; g++) {
            unpack_group(m, g, c->port_stride, length, tile + (g - from) * bytes);
        }
        int64_t t = 0;
        for (; t + TILE_TOKENS <= tokens; t += TILE_TOKENS) {
            const int8_t *codes[TILE_TOKENS];
            for (int u = 0; u < TILE_TOKENS; u++) codes[u] = c->codes + (t + u) * c->stride;
            for (int64_t g = from; g < to; g++) {
                const uint8_t *part = tile + (g - from) * bytes;
                int32_t found[BASE3_ROWS * TILE_TOKENS + 2], values[BASE3_ROWS];
                if (m->packing == BASE3) {
                    base3_tile(part, codes, length, found);
                } else {
                    two_bit_tile(part, codes, length, found);
                }
                for (int u = 0; u < TILE_TOKENS; u++) {
                    int32_t code_sum = c->code_sums[t + u];
                    for (int r = 0; r < rows; r++) {
                        int32_t digits = found[r * TILE_TOKENS + u];
                        values[r] = m->packing == BASE3 ? digits - code_sum : code_sum - digits;
                    }
                    store_rows(m, g, rows, values, sums + (t + u) * stride);
                }
            }
        }
        for (; t < tokens; t++) {
            for (int64_t g = from; g < to; g++) group_rows(m, c, g, t, sums, stride);
        }
    }
}
