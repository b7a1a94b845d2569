/* What the levels of x86-64 share. Eight cells of the sigmoid: one load each, then their words are sorted. */
#define LOOK_UP 8
static inline void look_up_vector(const int32_t *table, const int32_t *cell, int32_t *a, int32_t *b,
                                  int32_t *c) {
    __m256i of[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        __m128i low = _mm_loadu_si128((const __m128i *)(table + SIGMOID_WORDS * cell[i]));
        __m128i high = _mm_loadu_si128((const __m128i *)(table + SIGMOID_WORDS * cell[i + 4]));
        of[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    __m256i ab01 = _mm256_unpacklo_epi32(of[0], of[1]), ab23 = _mm256_unpacklo_epi32(of[2], of[3]);
    __m256i c01 = _mm256_unpackhi_epi32(of[0], of[1]), c23 = _mm256_unpackhi_epi32(of[2], of[3]);
    _mm256_storeu_si256((__m256i *)a, _mm256_unpacklo_epi64(ab01, ab23));
    _mm256_storeu_si256((__m256i *)b, _mm256_unpackhi_epi64(ab01, ab23));
    _mm256_storeu_si256((__m256i *)c, _mm256_unpacklo_epi64(c01, c23));
}
