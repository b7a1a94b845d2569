/* Plain C: any little-endian processor, and the arithmetic of the other levels in its barest form. */
#include <string.h>

#include "levels.h"
#include "operations.h"

typedef struct {
    uint8_t at[16];
} Bytes;
typedef int32_t Sums;
#define BYTES 16
#define BASE3_FUNCTIONALS 6

static inline Bytes load(const uint8_t *p) {
    Bytes bytes;
    memcpy(bytes.at, p, sizeof bytes.at);
    return bytes;
}
static inline Bytes load_part(const uint8_t *p, int n) {
    (void)n; /* a piece is a multiple of 16: there is never a part */
    return load(p);
}
static inline const int8_t *load_codes(const int8_t *p) { return p; }
static inline Sums zero_sums(void) { return 0; }
static inline Sums dot(Sums sums, Bytes weights, const int8_t *codes) {
    for (int i = 0; i < BYTES; i++) sums += (int32_t)weights.at[i] * codes[i];
    return sums;
}
static inline void reduce4(const Sums *s, int32_t *out) { memcpy(out, s, 4 * sizeof *out); }

static inline Bytes base3_first(Bytes weights) { return weights; }
static inline Bytes base3_functional(Bytes b) { return b; }
static inline Bytes base3_next(Bytes b) {
    for (int i = 0; i < BYTES; i++) b.at[i] = (uint8_t)(3 * b.at[i]);
    return b;
}

/* trit + 2: see level_avx512.c. */
static inline Bytes twobit_functional(Bytes weights, int k) {
    for (int i = 0; i < BYTES; i++) weights.at[i] = ((weights.at[i] ^ 0xAA) >> (2 * k)) & 3;
    return weights;
}
static inline void twobit_rows(const int32_t *functionals, int32_t code_sum, int32_t *rows) {
    for (int k = 0; k < 4; k++) rows[k] = functionals[k] - 2 * code_sum;
}

#include "chain.h"
#include "matvec.h"

static int supported(void) { return 1; }

LEVEL_TABLE(level_c, "c")
