/* x86-64 with AVX2. */
#include "levels.h"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi2")
#endif
#include <immintrin.h>
#include <string.h>

#include "level_avx2.h"
#include "operations.h"

/* Byte products come in pairs of 16 bits, in which sums stay as long as that is exact: with digits of at
 * most d, a step adds 2 * 127 * d at most, so that n steps need 254 * d * n <= 32767. */
#define FIELD_STEPS 16 /* d = 8: a digit left at bit 2 */
#define TILE_STEPS 64  /* d = 2 */
#define SETS 1
#define AT_ONCE 2
#define TILE_FIELDS 2
#define TILE_TOKENS 4

typedef __m256i Sums;

static inline Sums no_sums(void) { return _mm256_setzero_si256(); }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    return _mm256_add_epi16(sums, _mm256_maddubs_epi16(digits, codes));
}
static inline Rows widened(Sums sums) { return _mm256_madd_epi16(sums, _mm256_set1_epi16(1)); }

/* One shift brings fields 2 and 3 down; 1 and 3 stay at bit 2. */
static inline Digits field(Digits w, int k) {
    Digits low = k < 2 ? w : _mm256_srli_epi16(w, 4);
    return _mm256_and_si256(low, _mm256_set1_epi8(k & 1 ? 12 : 3));
}
static inline int field_shift(int k) { return 2 * (k & 1); }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX2); }

LEVEL_TABLE(level_avx2, "avx2")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
