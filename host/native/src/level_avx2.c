/* x86-64 with AVX2.
 *
 * Its byte products are added in pairs to saturating 16 bits, so the functionals must be small: here
 * they are the digits themselves, and the pairs of bits at the bottom of a byte. */
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

#define BASE3_FUNCTIONALS 5

static inline Sums dot(Sums sums, Bytes weights, Bytes codes) {
    __m256i pairs = _mm256_maddubs_epi16(weights, codes); /* at most 2 * 3 * 127 */
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* AVX2 compares signed bytes only. s = b ^ 0x80 is b - 128 as a signed byte, and the chain is the same:
 * 3 * (b - 128) = 3 * b - 384 = (3 * b mod 256) - 128 mod 256. The digit of b is
 * (b >= 86) + (b >= 171), and a comparison that holds is -1. */
static inline Bytes base3_first(Bytes weights) {
    return _mm256_xor_si256(weights, _mm256_set1_epi8((char)0x80));
}
static inline Bytes base3_functional(Bytes s) {
    __m256i one_or_two = _mm256_cmpgt_epi8(s, _mm256_set1_epi8(85 - 128));
    __m256i two = _mm256_cmpgt_epi8(s, _mm256_set1_epi8(170 - 128));
    return _mm256_sub_epi8(_mm256_sub_epi8(_mm256_setzero_si256(), one_or_two), two);
}
static inline void base3_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    for (int i = 0; i < 5 * UNITS; i++) rows[i] = sums[i] - code_sums[i % UNITS];
}

/* trit + 2 of row k: see level_avx512.c. */
static inline Bytes twobit_functional(Bytes weights, int k) {
    __m256i flipped = _mm256_xor_si256(weights, _mm256_set1_epi8((char)0xAA));
    return _mm256_and_si256(_mm256_srli_epi16(flipped, 2 * k), _mm256_set1_epi8(3));
}
static inline void twobit_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    for (int i = 0; i < 4 * UNITS; i++) rows[i] = sums[i] - 2 * code_sums[i % UNITS];
}

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX2); }

LEVEL_TABLE(level_avx2, "avx2")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
