/* What the two 256-bit levels of x86-64 share. */
typedef __m256i Bytes;
typedef __m256i Sums;
#define BYTES 32
#define UNITS 2

static inline Bytes load(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
static inline Bytes load_part(const uint8_t *p, int n) {
    if (n == 8) return _mm256_zextsi128_si256(_mm_loadl_epi64((const __m128i *)p));
    __m256i low = _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)p));
    if (n == 16) return low;
    return _mm256_inserti128_si256(low, _mm_loadl_epi64((const __m128i *)(p + 16)), 1);
}
static inline Bytes load_codes(const int8_t *p) { return _mm256_load_si256((const __m256i *)p); }
static inline Sums zero_sums(void) { return _mm256_setzero_si256(); }

static inline void reduce4(Sums a, Sums b, Sums c, Sums d, int32_t *out) {
    __m256i sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    __m128i all = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    _mm_storeu_si128((__m128i *)out, all);
}

#define LOOK_UP 8
static inline void look_up_vector(const int32_t *table, const int32_t *index, int32_t *out) {
    __m256i at = _mm256_loadu_si256((const __m256i *)index);
    _mm256_storeu_si256((__m256i *)out, _mm256_i32gather_epi32(table, at, 4));
}

static inline Bytes base3_next(Bytes b) { return _mm256_add_epi8(_mm256_add_epi8(b, b), b); }
