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

/* Sums of 32 bits, which no number of steps fills: a digit left at bit 6 adds 4 * 127 * 128 a step. */
#define FIELD_STEPS 32768
#define TILE_STEPS 64
#define SETS 1
#define AT_ONCE 2
#define TILE_FIELDS 2
#define TILE_TOKENS 4

typedef __m256i Sums;

static inline Sums no_sums(void) { return _mm256_setzero_si256(); }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    return _mm256_dpbusd_avx_epi32(sums, digits, codes);
}
static inline Rows widened(Sums sums) { return sums; }
static inline Digits field(Digits w, int k) {
    return _mm256_and_si256(w, _mm256_set1_epi8((char)(3 << (2 * k))));
}
static inline int field_shift(int k) { return 2 * k; }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX_VNNI); }

LEVEL_TABLE(level_avxvnni, "avxvnni")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
