/* x86-64 with AVX-512 (F, BW, VL, DQ) and VNNI. */
#include "levels.h"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,bmi2"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,bmi2")
#endif
#include <immintrin.h>
#include <string.h>

#define LOOK_UP 16
static inline void look_up_vector(const int32_t *table, const int32_t *index, int32_t *out) {
    _mm512_storeu_si512(out, _mm512_i32gather_epi32(_mm512_loadu_si512(index), table, 4));
}
#include "operations.h"

typedef __m512i Bytes;
typedef __m512i Sums;
#define BYTES 64
#define UNITS 4
#define BASE3_FUNCTIONALS 6

static inline Bytes load(const uint8_t *p) { return _mm512_loadu_si512(p); }
static inline Bytes load_part(const uint8_t *p, int n) {
    return _mm512_maskz_loadu_epi8(((uint64_t)1 << n) - 1, p);
}
static inline Bytes load_codes(const int8_t *p) { return _mm512_load_si512(p); }
static inline Sums zero_sums(void) { return _mm512_setzero_si512(); }
static inline Sums dot(Sums sums, Bytes weights, Bytes codes) {
    return _mm512_dpbusd_epi32(sums, weights, codes);
}

static inline void reduce4(Sums a, Sums b, Sums c, Sums d, int32_t *out) {
    __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i abcd = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(abcd), _mm512_extracti64x4_epi64(abcd, 1));
    __m128i all = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    _mm_storeu_si128((__m128i *)out, all);
}

static inline Bytes base3_first(Bytes weights) { return weights; }
static inline Bytes base3_functional(Bytes b) { return b; }
static inline Bytes base3_next(Bytes b) { return _mm512_add_epi8(_mm512_add_epi8(b, b), b); }

/* (w ^ 0xAA) turns a two's complement pair of bits into trit + 2; it stays where it is in the byte. */
static inline Bytes twobit_functional(Bytes weights, int k) {
    __m512i flip = _mm512_set1_epi8((char)0xAA), pair = _mm512_set1_epi8((char)(3 << (2 * k)));
    return _mm512_ternarylogic_epi32(weights, flip, pair, 0x28); /* (a ^ b) & c */
}

#include "chain.h"
#include "pairs.h"
#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX512_VNNI); }

LEVEL_TABLE(level_avx512, "avx512")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
