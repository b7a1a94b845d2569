/* What the two 256-bit levels of x86-64 share. */
#define BYTES 32

typedef __m256i Digits, Spread, Rows;

static inline Digits load(const uint8_t *p) { return _mm256_load_si256((const __m256i *)p); }
static inline void store_digits(uint8_t *p, Digits d) { _mm256_store_si256((__m256i *)p, d); }
static inline Spread spread(const int8_t *codes) {
    int32_t four;
    memcpy(&four, codes, sizeof four);
    return _mm256_set1_epi32(four);
}
static inline Digits digits(Digits w, int k) {
    return _mm256_and_si256(_mm256_srli_epi16(w, 2 * k), _mm256_set1_epi8(3));
}
static inline Rows load_rows(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline void store_rows(int32_t *p, Rows r) { _mm256_storeu_si256((__m256i *)p, r); }
static inline Rows add_rows(Rows a, Rows b) { return _mm256_add_epi32(a, b); }
static inline Rows shifted(Rows r, int bits) { return _mm256_srai_epi32(r, bits); }

#include "look_up_avx2.h"
#define NORM_LOOPS "norms_avx2.h"
