/* Plain C: any little-endian processor, and the arithmetic of the other levels in its barest form. */
#include <string.h>

#include "levels.h"
#include "operations.h"

typedef struct {
    uint8_t at[16];
} Bytes;
typedef int32_t Sums;
#define BYTES 16
#define UNITS 2
#define BASE3_FUNCTIONALS 6

static inline Bytes load(const uint8_t *p) {
    Bytes bytes;
    memcpy(bytes.at, p, sizeof bytes.at);
    return bytes;
}
static inline Bytes load_part(const uint8_t *p, int n) {
    Bytes bytes = {{0}};
    memcpy(bytes.at, p, (size_t)n);
    return bytes;
}
static inline const int8_t *load_codes(const int8_t *p) { return p; }
static inline Sums zero_sums(void) { return 0; }
static inline Sums dot(Sums sums, Bytes weights, const int8_t *codes) {
    for (int i = 0; i < BYTES; i++) sums += (int32_t)weights.at[i] * codes[i];
    return sums;
}
static inline void reduce4(Sums a, Sums b, Sums c, Sums d, int32_t *out) {
    out[0] = a, out[1] = b, out[2] = c, out[3] = d;
}

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
static inline void twobit_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    for (int i = 0; i < 4 * UNITS; i++) rows[i] = sums[i] - 2 * code_sums[i % UNITS];
}

#include "chain.h"
#include "matvec.h"

static int supported(void) { return 1; }

LEVEL_TABLE(level_c, "c")
