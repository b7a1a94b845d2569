/* x86-64 with AVX2 and the 256-bit VNNI of processors without AVX-512. */
#include "levels.h"

#if defined(HAVE_AVXVNNI)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi2,avxvnni"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi2,avxvnni")
#endif
#include <immintrin.h>
#include <string.h>

#include "level_avx2.h"
#include "operations.h"

#define BASE3_FUNCTIONALS 6

static inline Sums dot(Sums sums, Bytes weights, Bytes codes) {
    return _mm256_dpbusd_avx_epi32(sums, weights, codes);
}

static inline Bytes base3_first(Bytes weights) { return weights; }
static inline Bytes base3_functional(Bytes b) { return b; }

/* trit + 2 of row k, in place: see level_avx512.c. */
static inline Bytes twobit_functional(Bytes weights, int k) {
    __m256i flipped = _mm256_xor_si256(weights, _mm256_set1_epi8((char)0xAA));
    return _mm256_and_si256(flipped, _mm256_set1_epi8((char)(3 << (2 * k))));
}

#include "chain.h"
#include "pairs.h"
#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX_VNNI); }

LEVEL_TABLE(level_avxvnni, "avxvnni")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
