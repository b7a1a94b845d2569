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

#include "look_up_avx2.h"
#include "operations.h"

/* Sums of 32 bits, which no number of steps fills: a digit left at bit 6 adds 4 * 127 * 128 a step. */
#define BYTES 64
#define FIELD_STEPS 32768
#define TILE_STEPS 64
#define SETS 2
#define AT_ONCE 1
#define TILE_FIELDS 4
#define TILE_TOKENS 4

typedef __m512i Digits, Spread, Sums, Rows;

static inline Digits load(const uint8_t *p) { return _mm512_load_si512(p); }
static inline void store_digits(uint8_t *p, Digits d) { _mm512_store_si512(p, d); }
static inline Spread spread(const int8_t *codes) {
    int32_t four;
    memcpy(&four, codes, sizeof four);
    return _mm512_set1_epi32(four);
}
static inline Digits digits(Digits w, int k) {
    return _mm512_and_si512(_mm512_srli_epi16(w, 2 * (unsigned)k), _mm512_set1_epi8(3));
}
static inline Digits field(Digits w, int k) {
    return _mm512_and_si512(w, _mm512_set1_epi8((char)(3 << (2 * k))));
}
static inline int field_shift(int k) { return 2 * k; }
static inline Sums no_sums(void) { return _mm512_setzero_si512(); }
static inline Sums multiply_add(Sums sums, Digits digits, Spread codes) {
    return _mm512_dpbusd_epi32(sums, digits, codes);
}
static inline Rows widened(Sums sums) { return sums; }
static inline Rows load_rows(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void store_rows(int32_t *p, Rows r) { _mm512_storeu_si512(p, r); }
static inline Rows add_rows(Rows a, Rows b) { return _mm512_add_epi32(a, b); }
static inline Rows shifted(Rows r, int bits) { return _mm512_srai_epi32(r, (unsigned)bits); }

#include "matvec.h"

static int supported(void) { return cpu_has(CPU_AVX512_VNNI); }

LEVEL_TABLE(level_avx512, "avx512")
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
