/* What the two 256-bit levels of x86-64 share. */
typedef __m256i Bytes;
typedef __m256i Sums;
#define BYTES 32

static inline Bytes load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline Bytes load_part(const uint8_t *p, int n) {
    (void)n; /* 16 is the only multiple of 16 below a whole vector */
    return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
}
static inline Bytes load_codes(const int8_t *p) { return _mm256_load_si256((const __m256i *)p); }
static inline Sums zero_sums(void) { return _mm256_setzero_si256(); }

static inline void reduce4(const Sums *s, int32_t *out) {
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
    __m128i all = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    _mm_storeu_si128((__m128i *)out, all);
}

static inline Bytes base3_next(Bytes b) { return _mm256_add_epi8(_mm256_add_epi8(b, b), b); }
