/* What the NEON levels share: 64-bit ARM with and without dot products, and 32-bit ARM.
 *
 * Signed bytes throughout: s = b ^ 0x80 is b - 128, and its chain is the same as that of b, because
 * 3 * (b - 128) = (3 * b mod 256) - 128 mod 256. The sum of b_k * c is then S_k + 128 * C, with C the
 * sum of the codes, and (3 * S_k + 384 * C - S_(k+1) - 128 * C) / 256 = (3 * S_k - S_(k+1)) / 256 + C:
 * the C that turns digits into trits is already there. */
typedef int8x16_t Bytes;
typedef int32x4_t Sums;
#define BYTES 16
#if defined(__aarch64__)
#define UNITS 4 /* of 32 registers */
#else
#define UNITS 2 /* of 16 */
#endif
#define BASE3_FUNCTIONALS 6

static inline Bytes load(const uint8_t *p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }
static inline Bytes load_part(const uint8_t *p, int n) {
    (void)n; /* 8 is the only multiple of 8 below a whole vector */
    return vreinterpretq_s8_u8(vcombine_u8(vld1_u8(p), vdup_n_u8(0)));
}
static inline Bytes load_codes(const int8_t *p) { return vld1q_s8(p); }
static inline Sums zero_sums(void) { return vdupq_n_s32(0); }

static inline void reduce4(Sums a, Sums b, Sums c, Sums d, int32_t *out) {
    int32x2_t a2 = vadd_s32(vget_low_s32(a), vget_high_s32(a));
    int32x2_t b2 = vadd_s32(vget_low_s32(b), vget_high_s32(b));
    int32x2_t c2 = vadd_s32(vget_low_s32(c), vget_high_s32(c));
    int32x2_t d2 = vadd_s32(vget_low_s32(d), vget_high_s32(d));
    vst1q_s32(out, vcombine_s32(vpadd_s32(a2, b2), vpadd_s32(c2, d2)));
}

static inline Bytes base3_first(Bytes weights) { return veorq_s8(weights, vdupq_n_s8(-128)); }
static inline Bytes base3_functional(Bytes s) { return s; }
static inline Bytes base3_next(Bytes s) { return vaddq_s8(vaddq_s8(s, s), s); }
static inline void base3_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    (void)code_sums;
    for (int i = 0; i < 5 * UNITS; i++) rows[i] = (3 * sums[i] - sums[i + UNITS]) >> 8;
}

/* The pair of bits of row k at the top of a byte is 64 times the trit; an arithmetic shift brings it
 * down. The shifts of NEON are by constants, hence the branches, which inlining removes. */
static inline Bytes twobit_functional(Bytes weights, int k) {
    Bytes top = k == 0   ? vshlq_n_s8(weights, 6)
                : k == 1 ? vshlq_n_s8(weights, 4)
                : k == 2 ? vshlq_n_s8(weights, 2)
                         : weights;
    return vshrq_n_s8(top, 6);
}
static inline void twobit_rows(const int32_t *sums, const int32_t *code_sums, int32_t *rows) {
    (void)code_sums;
    memcpy(rows, sums, 4 * UNITS * sizeof *rows);
}
