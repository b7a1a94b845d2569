/* The ternary mat-vec of one dispatch level, over the blocks of weights.h.
 *
 * A level defines, before it includes this file:
 *
 *   Digits, Spread, Sums  vectors: BYTES weights or digits, four codes in every 32-bit lane, sums
 *   Rows                  int32 sums, one for each of BYTES / 4 rows
 *   load, spread          weights from memory; four codes into every lane
 *   field(w, k)           the digits of row set k, << field_shift(k)
 *   digits(w, k)          the digits themselves, 0 to 2
 *   multiply_add          sums + digits * codes, without a carry lost for
 *   FIELD_STEPS           steps of fields, or
 *   TILE_STEPS            steps of digits; then they are
 *   widened               to Rows
 *   load_rows, store_rows, add_rows, shifted (arithmetic, to the right)
 *   SETS                  sums side by side, so that one need not wait for the other
 *   AT_ONCE               vectors of a step that are worked on at once
 *   TILE_FIELDS, TILE_TOKENS   what a tile is multiplied with at once
 *
 * One token: digits are taken out of the weights in registers. Several: TILE_STEPS of a block are
 * unpacked once into a tile that stays in the first cache, and go over all tokens of the pass. */

#define ALWAYS_INLINE static inline __attribute__((always_inline))
/* A function of its own: inlined into one, all kernels together run out of registers. */
#define OWN static __attribute__((noinline)) void
#define VECTORS (STEP_BYTES / BYTES)
#define LANES (BYTES / 4)
/* How far ahead of its use a weight is asked for: hardware prefetchers stop at a page's end. */
#define PREFETCH_AHEAD 8192
#define TOKENS_AT_ONCE 64

/* rows[...] += the sums of AT_ONCE vectors of some steps. */
ALWAYS_INLINE void field_sums(const uint8_t *weights, const int8_t *codes, int64_t steps, int32_t *rows) {
    Sums sums[SETS][AT_ONCE][FIELDS];
#pragma GCC unroll 16
    for (int i = 0; i < SETS * AT_ONCE * FIELDS; i++) {
        sums[i / (AT_ONCE * FIELDS)][i / FIELDS % AT_ONCE][i % FIELDS] = no_sums();
    }
    for (int64_t s = 0; s < steps; s += SETS) {
#pragma GCC unroll 4
        for (int set = 0; set < SETS; set++) {
            __builtin_prefetch(weights + PREFETCH_AHEAD);
            Spread c = spread(codes);
#pragma GCC unroll 4
            for (int v = 0; v < AT_ONCE; v++) {
                Digits w = load(weights + v * BYTES);
#pragma GCC unroll 4
                for (int k = 0; k < FIELDS; k++) {
                    sums[set][v][k] = multiply_add(sums[set][v][k], field(w, k), c);
                }
            }
            weights += STEP_BYTES, codes += STEP_COLUMNS;
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < AT_ONCE; v++) {
#pragma GCC unroll 4
        for (int k = 0; k < FIELDS; k++) {
            int32_t *to = rows + k * DWORDS + v * LANES;
            Rows all = load_rows(to);
#pragma GCC unroll 4
            for (int set = 0; set < SETS; set++) {
                all = add_rows(all, shifted(widened(sums[set][v][k]), field_shift(k)));
            }
            store_rows(to, all);
        }
    }
}

OWN block_rows(const uint8_t *weights, const int8_t *codes, int64_t steps, int32_t *rows) {
    for (int64_t s = 0; s < steps; s += FIELD_STEPS) {
        int64_t some = steps - s < FIELD_STEPS ? steps - s : FIELD_STEPS;
        for (int v = 0; v < VECTORS; v += AT_ONCE) {
            field_sums(weights + s * STEP_BYTES + v * BYTES, codes + s * STEP_COLUMNS, some,
                       rows + v * LANES);
        }
    }
}

/* The digits of one vector of some steps: tile[step][field]. */
OWN unpack(const uint8_t *weights, int64_t steps, uint8_t *tile) {
    for (int64_t s = 0; s < steps; s++, weights += STEP_BYTES, tile += FIELDS * BYTES) {
        Digits w = load(weights);
#pragma GCC unroll 4
        for (int k = 0; k < FIELDS; k++) store_digits(tile + k * BYTES, digits(w, k));
    }
}

ALWAYS_INLINE void tile_sums(const uint8_t *tile, const int8_t *codes, int64_t stride, int64_t steps,
                             const int tokens, int32_t *rows) {
    Sums sums[TILE_FIELDS][TILE_TOKENS];
#pragma GCC unroll 16
    for (int i = 0; i < TILE_FIELDS * TILE_TOKENS; i++) sums[i / TILE_TOKENS][i % TILE_TOKENS] = no_sums();
    for (int64_t s = 0; s < steps; s++, tile += FIELDS * BYTES, codes += STEP_COLUMNS) {
        Spread c[TILE_TOKENS];
#pragma GCC unroll 4
        for (int t = 0; t < tokens; t++) c[t] = spread(codes + t * stride);
#pragma GCC unroll 4
        for (int k = 0; k < TILE_FIELDS; k++) {
            Digits d = load(tile + k * BYTES);
#pragma GCC unroll 4
            for (int t = 0; t < tokens; t++) sums[k][t] = multiply_add(sums[k][t], d, c[t]);
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < tokens; t++) {
#pragma GCC unroll 4
        for (int k = 0; k < TILE_FIELDS; k++) {
            int32_t *to = rows + t * BLOCK_ROWS + k * DWORDS;
            store_rows(to, add_rows(load_rows(to), widened(sums[k][t])));
        }
    }
}

OWN tile_rows(const uint8_t *tile, const int8_t *codes, int64_t stride, int64_t steps, int32_t *rows) {
    tile_sums(tile, codes, stride, steps, TILE_TOKENS, rows);
}
OWN tile_row(const uint8_t *tile, const int8_t *codes, int64_t stride, int64_t steps, int32_t *rows) {
    tile_sums(tile, codes, stride, steps, 1, rows);
}

/* One block and several tokens: rows[token][row]. */
static void block_tile(const uint8_t *weights, const int8_t *codes, int64_t stride, int64_t steps,
                       int64_t tokens, int32_t *rows) {
    _Alignas(64) uint8_t tile[TILE_STEPS * FIELDS * BYTES];
    for (int v = 0; v < VECTORS; v++) {
        for (int64_t s = 0; s < steps; s += TILE_STEPS) {
            int64_t some = steps - s < TILE_STEPS ? steps - s : TILE_STEPS;
            unpack(weights + s * STEP_BYTES + v * BYTES, some, tile);
            const int8_t *c = codes + s * STEP_COLUMNS;
            for (int k = 0; k < FIELDS; k += TILE_FIELDS) {
                const uint8_t *part = tile + k * BYTES;
                int32_t *to = rows + k * DWORDS + v * LANES;
                int64_t t = 0;
                for (; t + TILE_TOKENS <= tokens; t += TILE_TOKENS) {
                    tile_rows(part, c + t * stride, stride, some, to + t * BLOCK_ROWS);
                }
                for (; t < tokens; t++) tile_row(part, c + t * stride, stride, some, to + t * BLOCK_ROWS);
            }
        }
    }
}

static void ternary_matvec(const Matrix *m, const Codes *c, int64_t tokens, int64_t first,
                           int64_t last, int32_t *sums, int64_t stride) {
    _Alignas(64) int32_t rows[TOKENS_AT_ONCE * BLOCK_ROWS];
    int64_t bytes = block_bytes(m), steps = padded_columns(m) / STEP_COLUMNS;
    for (int64_t block = first; block < last; block++) {
        const uint8_t *weights = m->blocks + block * bytes;
        int64_t row = block * BLOCK_ROWS;
        int64_t count = m->rows - row < BLOCK_ROWS ? m->rows - row : BLOCK_ROWS;
        for (int64_t from = 0; from < tokens; from += TOKENS_AT_ONCE) {
            int64_t some = tokens - from < TOKENS_AT_ONCE ? tokens - from : TOKENS_AT_ONCE;
            const int8_t *codes = c->codes + from * c->stride;
            memset(rows, 0, (size_t)(some * BLOCK_ROWS) * sizeof *rows);
            if (some < TILE_TOKENS) {
                for (int64_t t = 0; t < some; t++) {
                    block_rows(weights, codes + t * c->stride, steps, rows + t * BLOCK_ROWS);
                }
            } else {
                block_tile(weights, codes, c->stride, steps, some, rows);
            }
            for (int64_t t = 0; t < some; t++) {
                int32_t code_sum = c->code_sums[from + t]; /* trit = digit - 1 */
                const int32_t *of = rows + t * BLOCK_ROWS;
                int32_t *to = sums + (from + t) * stride + row;
                for (int64_t r = 0; r < count; r++) to[r] = of[r] - code_sum;
            }
        }
    }
}
