/* The loops of a norm for AVX2: a compiler sorts the halves of its 64-bit products back and forth, which
 * takes longer than the norm itself. Here every product stays in its own 64-bit lane. */

/* The halves of `v` and `w` that count, the low ones of each lane, as eight words in their order. */
static inline __m256i low_words(__m256i v, __m256i w) {
    __m256i both = _mm256_blend_epi32(v, _mm256_slli_epi64(w, 32), 0xAA); /* v0 w0 v1 w1 .. */
    return _mm256_permute4x64_epi64(_mm256_shuffle_epi32(both, 0xD8), 0xD8);
}

static inline int64_t norm_vectors(const int64_t *x, const void *elements, int64_t n, NormShifts s,
                                   int32_t *u, int64_t *squares, int32_t *absmax) {
    __m128i left = _mm_cvtsi32_si128(s.left), cut = _mm_cvtsi32_si128(s.cut);
    __m128i no_gain = _mm_cvtsi32_si128(s.no_gain), no_block = _mm_cvtsi32_si128(s.no_block);
    __m128i gain_bits = _mm_cvtsi32_si128(32 - s.no_gain);
    __m128i gain_shift = _mm_cvtsi32_si128(s.gain_shift);
    __m128i square_shift = _mm_cvtsi32_si128(s.square_shift);
    __m256i rounding = _mm256_set1_epi64x(half(s.square_shift));
    __m256i sum = _mm256_setzero_si256(), most = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i v[2];
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            __m256i word = s.element_bits == 64
                               ? _mm256_loadu_si256((const __m256i *)((const int64_t *)elements + i + 4 * k))
                               : _mm256_cvtepu32_epi64(_mm_loadu_si128(
                                     (const __m128i *)((const int32_t *)elements + i + 4 * k)));
            __m256i z = _mm256_loadu_si256((const __m256i *)(x + i + 4 * k));
            z = _mm256_srl_epi64(_mm256_sll_epi64(z, left), cut);
            __m256i gain = _mm256_sra_epi32(_mm256_sll_epi32(word, no_gain), no_gain);
            __m256i block = _mm256_sll_epi32(_mm256_srl_epi64(word, gain_bits), no_block);
            block = _mm256_sra_epi32(block, no_block);
            __m256i p = _mm256_add_epi64(_mm256_mul_epi32(z, block), rounding);
            p = _mm256_srl_epi64(p, square_shift);
            sum = _mm256_add_epi64(sum, _mm256_mul_epi32(p, p));
            v[k] = _mm256_srl_epi64(_mm256_mul_epi32(z, gain), gain_shift);
        }
        __m256i words = low_words(v[0], v[1]);
        most = _mm256_max_epi32(most, _mm256_abs_epi32(words));
        _mm256_storeu_si256((__m256i *)(u + i), words);
    }
    int64_t sums[4];
    int32_t largest_of[8];
    _mm256_storeu_si256((__m256i *)sums, sum);
    _mm256_storeu_si256((__m256i *)largest_of, most);
    *squares += sums[0] + sums[1] + sums[2] + sums[3];
    for (int k = 0; k < 8; k++) *absmax = largest_of[k] > *absmax ? largest_of[k] : *absmax;
    return i;
}

static inline int64_t code_vectors(const int32_t *u, int64_t n, int left, int cut, int32_t reciprocal,
                                   int shift, int8_t *codes, int32_t *sum) {
    __m128i up = _mm_cvtsi32_si128(left), down = _mm_cvtsi32_si128(cut);
    __m128i rest = _mm_cvtsi32_si128(shift - 32);
    __m256i factor = _mm256_set1_epi64x((uint32_t)reciprocal), rounding = _mm256_set1_epi64x(half(shift));
    __m256i all = _mm256_setzero_si256();
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m256i c[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            __m256i top = _mm256_loadu_si256((const __m256i *)(u + i + 8 * k));
            top = _mm256_sra_epi32(_mm256_sll_epi32(top, up), down);
            __m256i even = _mm256_add_epi64(_mm256_mul_epi32(top, factor), rounding);
            __m256i odd = _mm256_mul_epi32(_mm256_srli_epi64(top, 32), factor);
            odd = _mm256_add_epi64(odd, rounding);
            c[k] = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
            c[k] = _mm256_sra_epi32(c[k], rest);
            all = _mm256_add_epi32(all, c[k]);
        }
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(c[0], c[1]), _mm256_packs_epi32(c[2], c[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)(codes + i), bytes);
    }
    int32_t sums[8];
    _mm256_storeu_si256((__m256i *)sums, all);
    for (int k = 0; k < 8; k++) *sum += sums[k];
    return i;
}
